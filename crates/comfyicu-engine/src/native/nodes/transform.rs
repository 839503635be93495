//! Cutting, mirroring and turning.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Input, Int, Output};
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
    effort: Effort::Little,
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
    size: |given| given.image("image"),
    effort: Effort::Little,
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
    effort: Effort::Little,
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
    let bottom = shape.height - 1;
    let new_shape = match turn {
        Turn::Right | Turn::Left => Shape { width: shape.height, height: shape.width, ..shape },
        Turn::None | Turn::UpsideDown | Turn::Mirrored | Turn::Half => shape,
    };
    let work = &call.context.work;
    let turned = match turn {
        Turn::Right | Turn::Left => {
            Image::by_bands(new_shape, TURNED_TOGETHER, work, |frame, first, band| match shape.channels {
                3 => quarter::<3>(image, turn, (frame, first), band),
                4 => quarter::<4>(image, turn, (frame, first), band),
                _ => quarter::<1>(image, turn, (frame, first), band),
            })?
        }
        _ => Image::by_rows(new_shape, work, |frame, y, row| {
            let source = if turn == Turn::Mirrored { y } else { bottom - y };
            let source = image.row(frame, source);
            match (turn, shape.channels) {
                (Turn::UpsideDown, _) => row.copy_from_slice(source),
                (_, 3) => backwards::<3>(source, row),
                (_, 4) => backwards::<4>(source, row),
                _ => backwards::<1>(source, row),
            }
        })?,
    };
    Ok(Yield::values([Value::Image(turned)]))
}

/// How many lines of a turned image are made together: they take pixels that lie side by side.
const TURNED_TOGETHER: usize = 16;

/// Fills the lines from `first` on of an image that is turned by a quarter.
fn quarter<const CHANNELS: usize>(
    image: &Image,
    turn: Turn,
    (frame, first): (usize, usize),
    band: &mut [f32],
) {
    let Shape { height, width, .. } = image.shape();
    let mut lines: Vec<_> = band.as_chunks_mut::<CHANNELS>().0.chunks_exact_mut(height).collect();
    for x in 0..height {
        let from_y = if turn == Turn::Right { height - 1 - x } else { x };
        let source = image.row(frame, from_y).as_chunks::<CHANNELS>().0;
        for (y, line) in (first..).zip(&mut lines) {
            let from_x = if turn == Turn::Right { y } else { width - 1 - y };
            if let (Some(target), Some(source)) = (line.get_mut(x), source.get(from_x)) {
                *target = *source;
            }
        }
    }
}

/// Copies pixels from the last to the first.
fn backwards<const CHANNELS: usize>(source: &[f32], target: &mut [f32]) {
    let pixels = source.as_chunks::<CHANNELS>().0.iter().rev();
    target.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(pixels).for_each(|(target, pixel)| *target = *pixel);
}
