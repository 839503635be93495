//! Cutting, mirroring and turning.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "image/transform",
    python_module: "comfy_extras.nodes_images",
    outputs: &[Output::IMAGE],
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_CROP: Definition = Definition {
    class_type: "ImageCrop",
    display_name: Some("Image Crop"),
    description: "Cuts a part out of images. A part that begins outside is moved to the last pixel.",
    inputs: &[
        Input::image("image", "The images to cut from."),
        Input::int("width", Int::new(512, 1, 16_384).step(1), "The part's width in pixels."),
        Input::int("height", Int::new(512, 1, 16_384).step(1), "The part's height in pixels."),
        Input::int("x", Int::new(0, 0, 16_384).step(1), "The part's left edge in pixels."),
        Input::int("y", Int::new(0, 0, 16_384).step(1), "The part's upper edge in pixels."),
    ],
    run: crop,
    ..BASE
};

pub(in crate::native) static IMAGE_FLIP: Definition = Definition {
    class_type: "ImageFlip",
    description: "Mirrors images.",
    inputs: &[
        Input::image("image", "The images to mirror."),
        Input::choice(
            "flip_method",
            &["x-axis: vertically", "y-axis: horizontally"],
            "Whether top and bottom change places, or left and right.",
        ),
    ],
    run: flip,
    ..BASE
};

pub(in crate::native) static IMAGE_ROTATE: Definition = Definition {
    class_type: "ImageRotate",
    description: "Turns images to the right.",
    inputs: &[
        Input::image("image", "The images to turn."),
        Input::choice("rotation", &["none", "90 degrees", "180 degrees", "270 degrees"], "How far."),
    ],
    run: rotate,
    ..BASE
};

fn crop(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let shape = image.shape();
    let (x, y) = (call.size("x")?.min(shape.width - 1), call.size("y")?.min(shape.height - 1));
    let width = call.size("width")?.min(shape.width - x);
    let height = call.size("height")?.min(shape.height - y);
    let columns = x * shape.channels..(x + width) * shape.channels;
    let part = Image::by_rows(Shape { height, width, ..shape }, &call.context.work, |frame, row, target| {
        target.copy_from_slice(image.row(frame, y + row).get(columns.clone()).unwrap_or_default());
    })?;
    Ok(Yield::values([Value::Image(part)]))
}

fn flip(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    // Names are told apart by their beginning, and what is neither leaves the image as it is.
    let turn = call.choice("flip_method", |name| match name.get(..1)? {
        "x" => Some(Turn::UpsideDown),
        "y" => Some(Turn::Mirrored),
        _ => None,
    })?;
    turned(&call, &image, turn)
}

fn rotate(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let turn = call.choice("rotation", |name| {
        Some(match name {
            "none" => Turn::None,
            "90 degrees" => Turn::Right,
            "180 degrees" => Turn::Half,
            "270 degrees" => Turn::Left,
            _ => return None,
        })
    })?;
    turned(&call, &image, turn)
}

/// Where the pixels of an image go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    UpsideDown,
    Mirrored,
    Right,
    Half,
    Left,
}

fn turned(call: &Call, image: &Image, turn: Turn) -> Result<Yield, Failure> {
    if turn == Turn::None {
        return Ok(Yield::values([Value::Image(image.clone())]));
    }
    let shape = image.shape();
    let (right, bottom) = (shape.width - 1, shape.height - 1);
    let new_shape = match turn {
        Turn::Right | Turn::Left => Shape { width: shape.height, height: shape.width, ..shape },
        Turn::None | Turn::UpsideDown | Turn::Mirrored | Turn::Half => shape,
    };
    let turned = Image::by_rows(new_shape, &call.context.work, |frame, y, row| {
        for (x, pixel) in row.chunks_exact_mut(shape.channels).enumerate() {
            let (from_x, from_y) = match turn {
                Turn::None => (x, y),
                Turn::UpsideDown => (x, bottom - y),
                Turn::Mirrored => (right - x, y),
                Turn::Half => (right - x, bottom - y),
                Turn::Right => (y, bottom - x),
                Turn::Left => (right - y, x),
            };
            pixel.copy_from_slice(image.pixel(frame, from_y, from_x));
        }
    })?;
    Ok(Yield::values([Value::Image(turned)]))
}
