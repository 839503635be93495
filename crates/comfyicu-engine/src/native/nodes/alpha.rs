//! Opacity: joined to images, and split off.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Form, Input, Output};
use crate::native::image::{Image, Mask, Shape};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "mask/compositing",
    python_module: "comfy_extras.nodes_compositing",
    form: Form::Schema,
    ..Definition::BASE
};

pub(in crate::native) static JOIN_IMAGE_WITH_ALPHA: Definition = Definition {
    class_type: "JoinImageWithAlpha",
    display_name: Some("Join Image with Alpha"),
    description: "Makes images transparent where a mask is set.",
    inputs: &[
        Input::image("image", "The colours."),
        Input::mask("alpha", "What is transparent; it takes the images' size."),
    ],
    outputs: &[Output::IMAGE],
    run: join,
    ..BASE
};

pub(in crate::native) static SPLIT_IMAGE_WITH_ALPHA: Definition = Definition {
    class_type: "SplitImageWithAlpha",
    display_name: Some("Split Image with Alpha"),
    description: "Takes images apart into colours and what is transparent.",
    inputs: &[Input::image("image", "The images to take apart.")],
    outputs: &[Output::IMAGE, Output::MASK],
    effort: Effort::Little,
    run: split,
    ..BASE
};

fn join(mut call: Call) -> Result<Yield, Failure> {
    let (image, mask) = (call.image("image")?, call.mask("alpha")?);
    let shape = image.shape();
    let size = Size { width: shape.width, height: shape.height };
    let mask = resize_to(mask.as_image(), Method::Bilinear, size, Crop::Disabled, &call.context.work)?;
    let batch = shape.batch.min(mask.shape().batch);
    let joined =
        Image::by_rows(Shape { batch, channels: 4, ..shape }, &call.context.work, |frame, y, row| {
            let pixels = image.row(frame, y).chunks_exact(shape.channels).zip(mask.row(frame, y));
            for ([colours @ .., alpha], (pixel, transparent)) in
                row.as_chunks_mut::<4>().0.iter_mut().zip(pixels)
            {
                colours.iter_mut().zip(pixel).for_each(|(colour, value)| *colour = *value);
                *alpha = 1.0 - transparent;
            }
        })?;
    Ok(Yield::values([Value::Image(joined)]))
}

fn split(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let shape = image.shape();
    let transparent = Image::by_rows(Shape { channels: 1, ..shape }, &call.context.work, |frame, y, row| {
        for (value, pixel) in row.iter_mut().zip(image.row(frame, y).chunks_exact(shape.channels)) {
            *value = 1.0 - pixel.get(3).unwrap_or(&1.0);
        }
    })?;
    let colours = image.cut_to(3, &call.context.work)?;
    Ok(Yield::values([Value::Image(colours), Value::Mask(Mask::of(transparent))]))
}
