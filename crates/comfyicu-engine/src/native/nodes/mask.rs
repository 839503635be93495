//! Masks: from images and to images, solid ones, inverted ones, parts of them.

mod composite;
mod edit;

pub(in crate::native) use composite::MASK_COMPOSITE;
pub(in crate::native) use edit::{CROP_MASK, FEATHER_MASK, GROW_MASK};

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Float, Input, Int, Output};
use crate::native::image::{Image, Mask, Shape};
use crate::native::number::{from_f64, to_byte_rounded};
use crate::native::value::Value;

const PYTHON_MODULE: &str = "comfy_extras.nodes_mask";

/// The base of definitions of this family.
const BASE: Definition = Definition { category: "mask", python_module: PYTHON_MODULE, ..Definition::BASE };

pub(in crate::native) static MASK_TO_IMAGE: Definition = Definition {
    class_type: "MaskToImage",
    display_name: Some("Convert Mask to Image"),
    description: "Shows a mask as a grey image.",
    inputs: &[Input::mask("mask", "The mask to show.")],
    outputs: &[Output::IMAGE],
    size: |given| Some(Shape { channels: 3, ..given.image("mask")? }),
    effort: Effort::Little,
    run: mask_to_image,
    ..BASE
};

pub(in crate::native) static IMAGE_TO_MASK: Definition = Definition {
    class_type: "ImageToMask",
    display_name: Some("Convert Image to Mask"),
    description: "Takes one channel of an image as a mask.",
    inputs: &[
        Input::image("image", "The image that has the channel."),
        Input::choice("channel", &CHANNELS, "The channel; only images of four channels have alpha."),
    ],
    outputs: &[Output::MASK],
    effort: Effort::Little,
    run: image_to_mask,
    ..BASE
};

pub(in crate::native) static IMAGE_COLOR_TO_MASK: Definition = Definition {
    class_type: "ImageColorToMask",
    description: "Makes a mask that is 1 where an image has one exact colour, and 0 elsewhere.",
    inputs: &[
        Input::image("image", "The image to look at."),
        Input::int(
            "color",
            Int::new(0, 0, 0xff_ffff).step(1).shown_as("color"),
            "The colour as one number: 65536 × red + 256 × green + blue, each 0 to 255.",
        ),
    ],
    outputs: &[Output::MASK],
    run: color_to_mask,
    ..BASE
};

pub(in crate::native) static SOLID_MASK: Definition = Definition {
    class_type: "SolidMask",
    description: "Makes a mask of one value.",
    inputs: &[
        Input::float("value", Float::new(1.0, 0.0, 1.0, 0.01), "The value everywhere."),
        Input::int("width", Int::new(512, 1, 16_384).step(1), "The width in pixels."),
        Input::int("height", Int::new(512, 1, 16_384).step(1), "The height in pixels."),
    ],
    outputs: &[Output::MASK],
    size: |given| {
        Some(Shape { batch: 1, height: given.size("height")?, width: given.size("width")?, channels: 1 })
    },
    effort: Effort::Little,
    run: solid,
    ..BASE
};

pub(in crate::native) static INVERT_MASK: Definition = Definition {
    class_type: "InvertMask",
    description: "Swaps what a mask covers and what it leaves.",
    inputs: &[Input::mask("mask", "The mask to invert.")],
    outputs: &[Output::MASK],
    size: |given| given.image("mask"),
    effort: Effort::Little,
    run: invert,
    ..BASE
};

pub(in crate::native) static THRESHOLD_MASK: Definition = Definition {
    class_type: "ThresholdMask",
    description: "Makes a mask hard: 1 above a value, 0 elsewhere.",
    inputs: &[
        Input::mask("mask", "The mask to make hard."),
        Input::float("value", Float::new(0.5, 0.0, 1.0, 0.01), "What is above this becomes 1."),
    ],
    outputs: &[Output::MASK],
    size: |given| given.image("mask"),
    effort: Effort::Little,
    run: threshold,
    ..BASE
};

/// The names of channels, in their order.
const CHANNELS: [&str; 4] = ["red", "green", "blue", "alpha"];

fn mask_to_image(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?;
    let shape = Shape { channels: 3, ..mask.shape() };
    let image = Image::by_rows(shape, &call.context.work, |frame, y, row| {
        for (pixel, value) in row.as_chunks_mut::<3>().0.iter_mut().zip(mask.as_image().row(frame, y)) {
            pixel.fill(*value);
        }
    })?;
    Ok(Yield::values([Value::Image(image)]))
}

fn image_to_mask(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let channel = call.choice("channel", |name| CHANNELS.iter().position(|channel| *channel == name))?;
    let channels = image.shape().channels;
    if channel >= channels {
        let message = format!("the image has {channels} channels, so it has no alpha: join one to it first");
        return Err(Failure::new("IndexError", message));
    }
    let mask = of_pixels(&call, &image, |pixel| pixel.get(channel).copied().unwrap_or_default())?;
    Ok(Yield::values([Value::Mask(mask)]))
}

fn color_to_mask(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let [.., red, green, blue] = call.size("color")?.to_be_bytes();
    let colour = [red, green, blue];
    let has_colour =
        |pixel: &[f32]| pixel.iter().zip(colour).all(|(value, byte)| to_byte_rounded(*value) == byte);
    let mask = of_pixels(&call, &image, |pixel| f32::from(u8::from(has_colour(pixel))))?;
    Ok(Yield::values([Value::Mask(mask)]))
}

/// The mask that has one value for each pixel of an image.
fn of_pixels(call: &Call, image: &Image, value: impl Fn(&[f32]) -> f32 + Sync) -> Result<Mask, Failure> {
    let shape = image.shape();
    let mask = Image::by_rows(Shape { channels: 1, ..shape }, &call.context.work, |frame, y, row| {
        for (target, pixel) in row.iter_mut().zip(image.row(frame, y).chunks_exact(shape.channels)) {
            *target = value(pixel);
        }
    })?;
    Ok(Mask::of(mask))
}

fn solid(mut call: Call) -> Result<Yield, Failure> {
    let shape = Shape { batch: 1, height: call.size("height")?, width: call.size("width")?, channels: 1 };
    let value = from_f64(call.float("value")?);
    let mask = Image::by_rows(shape, &call.context.work, |_, _, row| row.fill(value))?;
    Ok(Yield::values([Value::Mask(Mask::of(mask))]))
}

fn invert(mut call: Call) -> Result<Yield, Failure> {
    let inverted = call.mask("mask")?.into_image().map(&call.context.work, |value| 1.0 - value)?;
    Ok(Yield::values([Value::Mask(Mask::of(inverted))]))
}

fn threshold(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?.into_image();
    let bound = from_f64(call.float("value")?);
    let hard = mask.map(&call.context.work, |value| f32::from(u8::from(value > bound)))?;
    Ok(Yield::values([Value::Mask(Mask::of(hard))]))
}
