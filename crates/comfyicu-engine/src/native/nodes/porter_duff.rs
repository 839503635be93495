//! Joining two images that are partly transparent, by the rules of Porter and Duff.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Output};
use crate::native::image::{Image, Mask, Shape};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;
use crate::native::work::Work;

const MODES: [&str; 18] = [
    "ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT", "DST_OVER", "LIGHTEN", "MULTIPLY",
    "OVERLAY", "SCREEN", "SRC", "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR",
];

pub(in crate::native) static PORTER_DUFF_IMAGE_COMPOSITE: Definition = Definition {
    class_type: "PorterDuffImageComposite",
    display_name: Some("Porter-Duff Image Composite"),
    description: "Joins two images that are partly transparent.",
    category: "mask/compositing",
    python_module: "comfy_extras.nodes_compositing",
    form: Form::Schema,
    inputs: &[
        Input::image("source", "The image above; it takes the size of the one below."),
        Input::mask("source_alpha", "What is transparent in the image above."),
        Input::image("destination", "The image below."),
        Input::mask("destination_alpha", "What is transparent in the image below."),
        Input::choice_from(
            "mode",
            &MODES,
            "DST",
            "Which parts of each show: SRC_OVER lays the image above on the one below.",
        ),
    ],
    outputs: &[Output::IMAGE, Output::MASK],
    run,
    ..Definition::BASE
};

/// A value of one channel, multiplied by its opacity, and the opacity.
#[derive(Clone, Copy, Debug)]
struct Layer {
    value: f32,
    opacity: f32,
}

fn run(mut call: Call) -> Result<Yield, Failure> {
    let [source, destination] = [call.image("source")?, call.image("destination")?];
    let [above, below] = [call.mask("source_alpha")?, call.mask("destination_alpha")?];
    let mode = call.choice("mode", mode)?;
    if source.shape().channels != destination.shape().channels {
        let message = "both images must have an alpha channel, or none";
        return Err(Failure::new("AssertionError", message));
    }
    let shape = destination.shape();
    let batches = [source.shape().batch, above.shape().batch, below.shape().batch];
    let shape = Shape { batch: batches.into_iter().fold(shape.batch, usize::min), ..shape };
    let [source, above, below] =
        [&source, above.as_image(), below.as_image()].map(|image| fit(image, shape, &call.context.work));
    let (source, above, below) = (source?, above?, below?);
    // How opaque both are, pixel by pixel.
    let layers = |frame: usize, y: usize| {
        let pairs = above.row(frame, y).iter().zip(below.row(frame, y));
        pairs.map(|(above, below)| (1.0 - above, 1.0 - below))
    };
    let image = Image::by_rows(shape, &call.context.work, |frame, y, row| {
        let sources = source.row(frame, y).chunks_exact(shape.channels);
        let pixels = sources.zip(destination.row(frame, y).chunks_exact(shape.channels));
        let targets = row.chunks_exact_mut(shape.channels).zip(pixels);
        for ((target, (source, destination)), (above, below)) in targets.zip(layers(frame, y)) {
            let values = source.iter().zip(destination);
            for (target, (source, destination)) in target.iter_mut().zip(values) {
                let joined = mode(
                    Layer { value: source * above, opacity: above },
                    Layer { value: destination * below, opacity: below },
                );
                let value = if joined.opacity > 1e-5 { joined.value / joined.opacity } else { 0.0 };
                *target = value.clamp(0.0, 1.0);
            }
        }
    })?;
    let transparent = Image::by_rows(Shape { channels: 1, ..shape }, &call.context.work, |frame, y, row| {
        for (target, (above, below)) in row.iter_mut().zip(layers(frame, y)) {
            let layer = |opacity| Layer { value: 0.0, opacity };
            *target = 1.0 - mode(layer(above), layer(below)).opacity;
        }
    })?;
    Ok(Yield::values([Value::Image(image), Value::Mask(Mask::of(transparent))]))
}

/// Gives an image or a mask the size of the destination, without what does not fit its proportions.
fn fit(image: &Image, to: Shape, work: &Work) -> Result<Image, Failure> {
    let size = Size { width: to.width, height: to.height };
    Ok(resize_to(image, Method::Bicubic, size, Crop::Center, work)?)
}

/// The operations in the order of additions that ComfyUI's results show.
fn mode(name: &str) -> Option<fn(Layer, Layer) -> Layer> {
    Some(match name {
        "ADD" => |s, d| Layer {
            value: (s.value + d.value).clamp(0.0, 1.0),
            opacity: (s.opacity + d.opacity).clamp(0.0, 1.0),
        },
        "CLEAR" => |_, _| Layer { value: 0.0, opacity: 0.0 },
        "DARKEN" => |s, d| Layer { value: outside(s, d) + s.value.min(d.value), opacity: either(s, d) },
        "DST" => |_, d| d,
        "DST_ATOP" => |s, d| atop(d, s),
        "DST_IN" => |s, d| inside(d, s),
        "DST_OUT" => |s, d| without(d, s),
        "DST_OVER" => |s, d| over(d, s),
        "LIGHTEN" => |s, d| Layer { value: outside(s, d) + s.value.max(d.value), opacity: either(s, d) },
        "MULTIPLY" => |s, d| Layer { value: s.value * d.value, opacity: s.opacity * d.opacity },
        "OVERLAY" => |s, d| Layer { value: overlay(s, d), opacity: either(s, d) },
        "SCREEN" => |s, d| Layer { value: s.value + d.value - s.value * d.value, opacity: either(s, d) },
        "SRC" => |s, _| s,
        "SRC_ATOP" => atop,
        "SRC_IN" => inside,
        "SRC_OUT" => without,
        "SRC_OVER" => over,
        "XOR" => |s, d| Layer {
            value: outside(s, d),
            opacity: (1.0 - d.opacity) * s.opacity + (1.0 - s.opacity) * d.opacity,
        },
        _ => return None,
    })
}

/// What shows of each where the other is not.
fn outside(s: Layer, d: Layer) -> f32 {
    (1.0 - d.opacity) * s.value + (1.0 - s.opacity) * d.value
}

fn either(s: Layer, d: Layer) -> f32 {
    s.opacity + d.opacity - s.opacity * d.opacity
}

fn atop(a: Layer, b: Layer) -> Layer {
    Layer { value: b.opacity * a.value + (1.0 - a.opacity) * b.value, opacity: b.opacity }
}

fn inside(a: Layer, b: Layer) -> Layer {
    Layer { value: a.value * b.opacity, opacity: a.opacity * b.opacity }
}

fn without(a: Layer, b: Layer) -> Layer {
    Layer { value: (1.0 - b.opacity) * a.value, opacity: (1.0 - b.opacity) * a.opacity }
}

fn over(a: Layer, b: Layer) -> Layer {
    Layer { value: a.value + (1.0 - a.opacity) * b.value, opacity: a.opacity + (1.0 - a.opacity) * b.opacity }
}

fn overlay(s: Layer, d: Layer) -> f32 {
    if 2.0 * d.value < d.opacity {
        2.0 * s.value * d.value
    } else {
        s.opacity * d.opacity - 2.0 * (d.opacity - s.value) * (s.opacity - d.value)
    }
}
