//! One image laid on another.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;
use crate::native::work::Work;

const PLACE: Int = Int::new(0, 0, 16_384).step(1);

pub(in crate::native) static IMAGE_COMPOSITE_MASKED: Definition = Definition {
    class_type: "ImageCompositeMasked",
    description: "Lays an image on another one, where a mask is given as far as that is set.",
    category: "image",
    python_module: "comfy_extras.nodes_mask",
    inputs: &[
        Input::image("destination", "The image below; the result has its size."),
        Input::image("source", "The image that is laid on it."),
        Input::int("x", PLACE, "Where the source's left edge lies, in pixels."),
        Input::int("y", PLACE, "Where the source's upper edge lies, in pixels."),
        Input::boolean("resize_source", false, "Whether the source takes the destination's size first."),
        Input::mask("mask", "How much of the source shows; it takes the source's size.").optional(),
    ],
    outputs: &[Output::IMAGE],
    size: |given| given.image("destination"),
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("destination")?;
    let source = matched(&image, call.image("source")?, &call.context.work)?;
    let below = image.shape();
    let (x, y) = (call.size("x")?.min(below.width), call.size("y")?.min(below.height));
    let source =
        if call.boolean("resize_source")? { stretched(&source, below, &call.context.work)? } else { source };
    let above = source.shape();
    let mask = call.optional_mask("mask")?.map(|mask| stretched(mask.as_image(), above, &call.context.work));
    let mask = mask.transpose()?;
    let channels = below.channels;
    let work = &call.context.work;
    let composite = |frame: usize, line: usize, row: &mut [f32]| {
        let Some(line) = line.checked_sub(y).filter(|line| *line < above.height) else { return };
        let Some(row) = row.get_mut(x * channels..) else { return };
        let source = source.row(frame % above.batch, line);
        match mask.as_ref().map(|mask| mask.row(frame % mask.shape().batch, line)) {
            // What is below counts nothing, but for what is no number in it.
            None => row.iter_mut().zip(source).for_each(|(target, value)| *target = value + 0.0 * *target),
            Some(opacities) => match channels {
                3 => lay::<3>(source, opacities, row),
                4 => lay::<4>(source, opacities, row),
                _ => lay::<1>(source, opacities, row),
            },
        }
    };
    let image = image.change(work, composite)?;
    Ok(Yield::values([Value::Image(image)]))
}

/// Lays pixels on others, each as far as its opacity says.
fn lay<const CHANNELS: usize>(source: &[f32], opacities: &[f32], target: &mut [f32]) {
    let pixels = target.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(source.as_chunks::<CHANNELS>().0);
    for ((target, pixel), opacity) in pixels.zip(opacities) {
        for (target, value) in target.iter_mut().zip(pixel) {
            *target = opacity * value + (1.0 - opacity) * *target;
        }
    }
}

/// A source loses the alpha that its destination lacks; the other way round there is no result in ComfyUI.
pub(super) fn matched(destination: &Image, source: Image, work: &Work) -> Result<Image, Failure> {
    let (below, above) = (destination.shape().channels, source.shape().channels);
    if below > above {
        let message = format!(
            "the first image has {below} channels, the second {above}: join an alpha to the second, or take \
             the first's away"
        );
        return Err(Failure::new("RuntimeError", message));
    }
    Ok(source.cut_to(below, work)?)
}

fn stretched(image: &Image, to: Shape, work: &Work) -> Result<Image, Failure> {
    let size = Size { width: to.width, height: to.height };
    Ok(resize_to(image, Method::Bilinear, size, Crop::Disabled, work)?)
}
