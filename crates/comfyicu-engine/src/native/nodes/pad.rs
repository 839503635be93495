//! Room around images.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::image::{Image, Mask, Shape};
use crate::native::number::{floor, from_f64, to_f64};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;

const MARGIN: Int = Int::new(0, 0, 16_384).step(8);
const SIDE: Int = Int::new(512, 1, 16_384).step(1);

pub(in crate::native) static IMAGE_PAD_FOR_OUTPAINT: Definition = Definition {
    class_type: "ImagePadForOutpaint",
    display_name: Some("Pad Image for Outpainting"),
    description: "Adds grey margins to images, and gives a mask of what was added.",
    category: "image",
    inputs: &[
        Input::image("image", "The images to make larger."),
        Input::int("left", MARGIN, "The margin at the left, in pixels."),
        Input::int("top", MARGIN, "The margin at the top, in pixels."),
        Input::int("right", MARGIN, "The margin at the right, in pixels."),
        Input::int("bottom", MARGIN, "The margin at the bottom, in pixels."),
        Input::int(
            "feathering",
            Int::new(40, 0, 16_384).step(1),
            "How far the mask reaches softly into the image, in pixels; it must be less than half of each side.",
        ),
    ],
    outputs: &[Output::IMAGE, Output::MASK],
    size: |given| {
        let shape = given.image("image")?;
        let added = |a, b| Some(given.size(a)? + given.size(b)?);
        let (height, width) = (shape.height + added("top", "bottom")?, shape.width + added("left", "right")?);
        Some(Shape { height, width, ..shape })
    },
    run: pad_for_outpaint,
    ..Definition::BASE
};

pub(in crate::native) static RESIZE_AND_PAD_IMAGE: Definition = Definition {
    class_type: "ResizeAndPadImage",
    description: "Resizes images to fit into a size, and fills up what is missing.",
    category: "image/transform",
    python_module: "comfy_extras.nodes_images",
    inputs: &[
        Input::image("image", "The images to resize."),
        Input::int("target_width", SIDE, "The new width in pixels."),
        Input::int("target_height", SIDE, "The new height in pixels."),
        Input::choice("padding_color", &["white", "black"], "The colour of what is filled up."),
        Input::choice(
            "interpolation",
            &["area", "bicubic", "nearest-exact", "bilinear", "lanczos"],
            "How new pixels come from old ones. area suits making smaller, lanczos and bicubic larger.",
        ),
    ],
    outputs: &[Output::IMAGE],
    size: |given| {
        let (height, width) = (given.size("target_height")?, given.size("target_width")?);
        Some(Shape { height, width, ..given.image("image")? })
    },
    run: resize_and_pad,
    ..Definition::BASE
};

/// Pixels that are added at each side.
#[derive(Clone, Copy, Debug)]
struct Margins {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

fn pad_for_outpaint(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let shape = image.shape();
    let margins = Margins {
        left: call.size("left")?,
        top: call.size("top")?,
        right: call.size("right")?,
        bottom: call.size("bottom")?,
    };
    let feathering = call.size("feathering")?;
    let padded = Shape {
        height: shape.height + margins.top + margins.bottom,
        width: shape.width + margins.left + margins.right,
        ..shape
    };
    let mask = Image::by_rows(Shape { batch: 1, channels: 1, ..padded }, &call.context.work, |_, y, row| {
        row.fill(1.0);
        let Some(y) = y.checked_sub(margins.top).filter(|y| *y < shape.height) else { return };
        for (x, value) in row.iter_mut().skip(margins.left).take(shape.width).enumerate() {
            *value = softness(shape, margins, feathering, (x, y));
        }
    })?;
    let image = padded_with(&call, &image, padded, (margins.left, margins.top), 0.5)?;
    Ok(Yield::values([Value::Image(image), Value::Mask(Mask::of(mask))]))
}

/// How far the mask reaches into the image at a pixel; only sides with a margin count.
fn softness(shape: Shape, margins: Margins, feathering: usize, (x, y): (usize, usize)) -> f32 {
    if feathering * 2 >= shape.height || feathering * 2 >= shape.width {
        return 0.0;
    }
    let sides = [
        (margins.top, y),
        (margins.bottom, shape.height - y),
        (margins.left, x),
        (margins.right, shape.width - x),
    ];
    let distances = sides.into_iter().filter(|(margin, _)| *margin > 0).map(|(_, distance)| distance);
    match distances.min().and_then(|distance| feathering.checked_sub(distance)) {
        Some(depth) => {
            let share = to_f64(depth) / to_f64(feathering.max(1));
            from_f64(share * share)
        }
        None => 0.0,
    }
}

fn resize_and_pad(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let (width, height) = (call.size("target_width")?, call.size("target_height")?);
    let colour = if call.text("padding_color")? == "white" { 1.0 } else { 0.0 };
    let method = call.choice("interpolation", Method::parse)?;
    let shape = image.shape();
    let factor = (to_f64(width) / to_f64(shape.width)).min(to_f64(height) / to_f64(shape.height));
    let side = |side: usize| floor(to_f64(side) * factor);
    let size = Size { width: side(shape.width), height: side(shape.height) };
    let padded = Shape { height, width, ..shape };
    if method == Method::Area && (size.width == 0 || size.height == 0) {
        // PyTorch makes nothing of an image here, where the other methods fail.
        let empty = Image::by_rows(padded, &call.context.work, |_, _, row| row.fill(colour))?;
        return Ok(Yield::values([Value::Image(empty)]));
    }
    let resized = resize_to(&image, method, size, Crop::Disabled, &call.context.work)?;
    let place = (width.saturating_sub(size.width) / 2, height.saturating_sub(size.height) / 2);
    let padded = padded_with(&call, &resized, padded, place, colour)?;
    Ok(Yield::values([Value::Image(padded)]))
}

/// The image in a larger one of one colour, at a place.
fn padded_with(
    call: &Call,
    image: &Image,
    padded: Shape,
    (left, top): (usize, usize),
    colour: f32,
) -> Result<Image, Failure> {
    let padded = Image::by_rows(padded, &call.context.work, |frame, y, row| {
        row.fill(colour);
        let Some(y) = y.checked_sub(top).filter(|y| *y < image.shape().height) else { return };
        let target = row.iter_mut().skip(left * padded.channels);
        target.zip(image.row(frame, y)).for_each(|(target, value)| *target = *value);
    })?;
    Ok(padded)
}
