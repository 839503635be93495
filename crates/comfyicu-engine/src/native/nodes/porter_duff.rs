//! Joining two images that are partly transparent, by the rules of Porter and Duff.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Output};
use crate::native::image::{BuildError, Image, Mask, Shape};
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
    let layers = Layers { source: source?, above: above?, destination, below: below?, shape };
    let (image, transparent) = mode(&layers, &call.context.work)?;
    Ok(Yield::values([Value::Image(image), Value::Mask(Mask::of(transparent))]))
}

/// Gives an image or a mask the size of the destination, without what does not fit its proportions.
fn fit(image: &Image, to: Shape, work: &Work) -> Result<Image, Failure> {
    let size = Size { width: to.width, height: to.height };
    Ok(resize_to(image, Method::Bicubic, size, Crop::Center, work)?)
}

/// Two images of one size, and what is transparent in each.
struct Layers {
    source: Image,
    above: Image,
    destination: Image,
    below: Image,
    /// That of the result.
    shape: Shape,
}

/// The image, and what is transparent in it.
type Joined = Result<(Image, Image), BuildError>;

impl Layers {
    /// Joins them value by value. Each mode has loops of its own, so that several values are computed at once.
    fn by(&self, mode: impl Fn(Layer, Layer) -> Layer + Sync, work: &Work) -> Joined {
        let Self { source, above, destination, below, shape } = self;
        let image = Image::by_rows(*shape, work, |frame, y, row| {
            let [source_opacity, opacity] =
                [above, below].map(|image| spread(image.row(frame, y), shape.channels));
            let sources = source.row(frame, y).iter().zip(&source_opacity);
            let pairs = sources.zip(destination.row(frame, y).iter().zip(&opacity));
            for (target, ((source, above), (destination, below))) in row.iter_mut().zip(pairs) {
                let joined = mode(
                    Layer { value: source * above, opacity: *above },
                    Layer { value: destination * below, opacity: *below },
                );
                let value = if joined.opacity > 1e-5 { joined.value / joined.opacity } else { 0.0 };
                *target = value.clamp(0.0, 1.0);
            }
        })?;
        let transparent = Image::by_rows(Shape { channels: 1, ..*shape }, work, |frame, y, row| {
            let pairs = above.row(frame, y).iter().zip(below.row(frame, y));
            for (target, (above, below)) in row.iter_mut().zip(pairs) {
                let layer = |transparent: f32| Layer { value: 0.0, opacity: 1.0 - transparent };
                *target = 1.0 - mode(layer(*above), layer(*below)).opacity;
            }
        })?;
        Ok((image, transparent))
    }
}

/// How opaque pixels are, once for each of their channels.
fn spread(transparent: &[f32], channels: usize) -> Vec<f32> {
    let mut opacity = vec![0.0; transparent.len() * channels];
    let pixels = opacity.chunks_exact_mut(channels.max(1)).zip(transparent);
    pixels.for_each(|(pixel, transparent)| pixel.fill(1.0 - transparent));
    opacity
}

/// The operations in the order of additions that ComfyUI's results show.
fn mode(name: &str) -> Option<fn(&Layers, &Work) -> Joined> {
    Some(match name {
        "ADD" => |layers, work| layers.by(add, work),
        "CLEAR" => |layers, work| layers.by(|_, _| Layer { value: 0.0, opacity: 0.0 }, work),
        "DARKEN" => {
            |layers, work| layers.by(|s, d| covering(outside(s, d) + s.value.min(d.value), s, d), work)
        }
        "DST" => |layers, work| layers.by(|_, d| d, work),
        "DST_ATOP" => |layers, work| layers.by(|s, d| atop(d, s), work),
        "DST_IN" => |layers, work| layers.by(|s, d| inside(d, s), work),
        "DST_OUT" => |layers, work| layers.by(|s, d| without(d, s), work),
        "DST_OVER" => |layers, work| layers.by(|s, d| over(d, s), work),
        "LIGHTEN" => {
            |layers, work| layers.by(|s, d| covering(outside(s, d) + s.value.max(d.value), s, d), work)
        }
        "MULTIPLY" => |layers, work| layers.by(multiply, work),
        "OVERLAY" => |layers, work| layers.by(|s, d| covering(overlay(s, d), s, d), work),
        "SCREEN" => {
            |layers, work| layers.by(|s, d| covering(s.value + d.value - s.value * d.value, s, d), work)
        }
        "SRC" => |layers, work| layers.by(|s, _| s, work),
        "SRC_ATOP" => |layers, work| layers.by(atop, work),
        "SRC_IN" => |layers, work| layers.by(inside, work),
        "SRC_OUT" => |layers, work| layers.by(without, work),
        "SRC_OVER" => |layers, work| layers.by(over, work),
        "XOR" => |layers, work| layers.by(either_alone, work),
        _ => return None,
    })
}

fn add(s: Layer, d: Layer) -> Layer {
    Layer { value: (s.value + d.value).clamp(0.0, 1.0), opacity: (s.opacity + d.opacity).clamp(0.0, 1.0) }
}

fn multiply(s: Layer, d: Layer) -> Layer {
    Layer { value: s.value * d.value, opacity: s.opacity * d.opacity }
}

fn either_alone(s: Layer, d: Layer) -> Layer {
    Layer { value: outside(s, d), opacity: (1.0 - d.opacity) * s.opacity + (1.0 - s.opacity) * d.opacity }
}

/// What shows of each where the other is not.
fn outside(s: Layer, d: Layer) -> f32 {
    (1.0 - d.opacity) * s.value + (1.0 - s.opacity) * d.value
}

/// A value that is as opaque as both together.
fn covering(value: f32, s: Layer, d: Layer) -> Layer {
    Layer { value, opacity: s.opacity + d.opacity - s.opacity * d.opacity }
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
