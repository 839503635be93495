//! Batches: joined, repeated, taken apart.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Form, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "image/batch",
    python_module: "comfy_extras.nodes_images",
    outputs: &[Output::IMAGE],
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_BATCH: Definition = Definition {
    class_type: "ImageBatch",
    display_name: Some("Batch Images"),
    description: "Makes one batch of two. The images of the second take the size of the first.",
    category: "image",
    python_module: "nodes",
    inputs: &[
        Input::image("image1", "The images that come first."),
        Input::image("image2", "The images behind them, cut and resized where their size is another."),
    ],
    size: |given| {
        let (first, second) = (given.image("image1")?, given.image("image2")?);
        let channels = first.channels.max(second.channels);
        Some(Shape { batch: first.batch.saturating_add(second.batch), channels, ..first })
    },
    effort: Effort::Little,
    run: join,
    ..BASE
};

pub(in crate::native) static REPEAT_IMAGE_BATCH: Definition = Definition {
    class_type: "RepeatImageBatch",
    description: "Repeats a batch of images as a whole.",
    inputs: &[
        Input::image("image", "The images to repeat."),
        Input::int("amount", Int::new(1, 1, 4096), "How many times they are there in the end."),
    ],
    size: |given| {
        let shape = given.image("image")?;
        Some(Shape { batch: shape.batch.saturating_mul(given.size("amount")?), ..shape })
    },
    effort: Effort::Little,
    run: repeat,
    ..BASE
};

pub(in crate::native) static IMAGE_FROM_BATCH: Definition = Definition {
    class_type: "ImageFromBatch",
    description: "Takes images out of a batch, as far as there are that many.",
    inputs: &[
        Input::image("image", "The batch."),
        Input::int("batch_index", Int::new(0, 0, 4095), "The first image; 0 is the batch's first."),
        Input::int("length", Int::new(1, 1, 4096), "How many images."),
    ],
    effort: Effort::Little,
    run: take,
    ..BASE
};

pub(in crate::native) static REBATCH_IMAGES: Definition = Definition {
    class_type: "RebatchImages",
    display_name: Some("Rebatch Images"),
    description: "Makes a list of batches of one size out of all images. What follows runs for each batch.",
    python_module: "comfy_extras.nodes_rebatch",
    form: Form::Schema,
    inputs: &[
        Input::image("images", "The images, all lists and batches of them."),
        Input::int(
            "batch_size",
            Int::new(1, 1, 4096),
            "How many images make a batch; the last has the rest.",
        ),
    ],
    outputs: &[Output::IMAGE.list()],
    takes_lists: true,
    effort: Effort::Little,
    run: rebatch,
    ..BASE
};

fn join(mut call: Call) -> Result<Yield, Failure> {
    let (first, second) = (call.image("image1")?, call.image("image2")?);
    let work = &call.context.work;
    // Alpha comes first, because PyTorch resizes four channels in another way than three.
    let channels = first.shape().channels.max(second.shape().channels);
    let (first, second) = (first.opaque(channels, work)?, second.opaque(channels, work)?);
    let Shape { width, height, .. } = first.shape();
    let second = resize_to(&second, Method::Bilinear, Size { width, height }, Crop::Center, work)?;
    let joined = Image::joined(&[first, second], work)?;
    Ok(Yield::values([Value::Image(joined)]))
}

fn repeat(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let amount = call.within("amount", 1..=4096)?;
    let repeated = Image::joined(&vec![image; amount], &call.context.work)?;
    Ok(Yield::values([Value::Image(repeated)]))
}

fn take(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let shape = image.shape();
    let first = call.size("batch_index")?.min(shape.batch - 1);
    let batch = call.size("length")?.min(shape.batch - first);
    let frames: Vec<(&Image, usize)> = (first..first + batch).map(|frame| (&image, frame)).collect();
    Ok(Yield::values([Value::Image(join_frames(&call, &frames)?)]))
}

fn rebatch(mut call: Call) -> Result<Yield, Failure> {
    let images = call.images("images")?;
    let batch_size = call.size("batch_size")?;
    let frames: Vec<(&Image, usize)> =
        images.iter().flat_map(|image| (0..image.shape().batch).map(move |frame| (image, frame))).collect();
    let batches = frames.chunks(batch_size.max(1)).map(|frames| join_frames(&call, frames).map(Value::Image));
    Ok(Yield::list(batches.collect::<Result<_, _>>()?))
}

/// Makes one batch of single images, which must have one size. It shares their pixels where these lie alone.
fn join_frames(call: &Call, frames: &[(&Image, usize)]) -> Result<Image, Failure> {
    let shape = frames.first().map(|(image, _)| Shape { batch: frames.len(), ..image.shape() });
    let Some(shape) = shape else { return Err(Failure::new("RuntimeError", "there is no image to join")) };
    let other = frames.iter().find(|(image, _)| Shape { batch: shape.batch, ..image.shape() } != shape);
    if let Some((image, _)) = other {
        let Shape { width, height, channels, .. } = image.shape();
        let message = format!(
            "images of {}×{} pixels and {} channels, and of {width}×{height} pixels and {channels} channels, \
             cannot be in one batch: resize them first",
            shape.width, shape.height, shape.channels
        );
        return Err(Failure::new("RuntimeError", message));
    }
    let work = &call.context.work;
    let alone: Option<Vec<Image>> = frames.iter().map(|(image, frame)| image.alone(*frame)).collect();
    if let Some(images) = alone {
        return Ok(Image::joined(&images, work)?);
    }
    let joined = Image::by_rows(shape, work, |frame, y, row| {
        if let Some((image, frame)) = frames.get(frame) {
            row.copy_from_slice(image.row(*frame, y));
        }
    })?;
    Ok(joined)
}
