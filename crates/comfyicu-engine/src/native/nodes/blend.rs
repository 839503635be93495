//! Blending two images.

use super::composite::matched;
use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Float, Form, Input, Output};
use crate::native::image::{BuildError, Image, Shape};
use crate::native::number::from_f64;
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;
use crate::native::work::Work;

const MODES: [&str; 6] = ["normal", "multiply", "screen", "overlay", "soft_light", "difference"];

pub(in crate::native) static IMAGE_BLEND: Definition = Definition {
    class_type: "ImageBlend",
    description: "Blends a second image into a first one.",
    category: "image/postprocessing",
    python_module: "comfy_extras.nodes_post_processing",
    form: Form::Schema,
    inputs: &[
        Input::image("image1", "The image that the result comes from; it has its size."),
        Input::image("image2", "The image to blend in, cut and resized where its size is another."),
        Input::float("blend_factor", Float::new(0.5, 0.0, 1.0, 0.01), "How much of the blend shows."),
        Input::choice("blend_mode", &MODES, "How two values become one."),
    ],
    outputs: &[Output::IMAGE],
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let first = call.image("image1")?;
    let second = matched(&first, call.image("image2")?, &call.context.work)?;
    let factor = call.float("blend_factor")?;
    let mode = call.choice("blend_mode", Mode::parse)?;
    let Shape { width, height, .. } = first.shape();
    let size = Size { width, height };
    let second = resize_to(&second, Method::Bicubic, size, Crop::Center, &call.context.work)?;
    let batches = [first.shape().batch, second.shape().batch];
    let batch = match batches {
        [1, other] | [other, 1] => other,
        [first, second] if first == second => first,
        [first, second] => {
            let message = format!("{first} images cannot be blended with {second}: give one, or as many");
            return Err(Failure::new("RuntimeError", message));
        }
    };
    let blend = Blend { first, second, batch, kept: from_f64(1.0 - factor), blended: from_f64(factor) };
    let image = blend.with(mode, &call.context.work)?;
    Ok(Yield::values([Value::Image(image)]))
}

/// How two values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Normal,
    Multiply,
    Screen,
    Overlay,
    SoftLight,
    Difference,
}

impl Mode {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "normal" => Self::Normal,
            "multiply" => Self::Multiply,
            "screen" => Self::Screen,
            "overlay" => Self::Overlay,
            "soft_light" => Self::SoftLight,
            "difference" => Self::Difference,
            _ => return None,
        })
    }
}

/// Two images, and how much of each shows.
struct Blend {
    first: Image,
    second: Image,
    batch: usize,
    kept: f32,
    blended: f32,
}

impl Blend {
    fn with(&self, mode: Mode, work: &Work) -> Result<Image, BuildError> {
        match mode {
            Mode::Normal => self.by(|_, b| b, work),
            Mode::Multiply => self.by(|a, b| a * b, work),
            Mode::Screen => self.by(|a, b| 1.0 - (1.0 - a) * (1.0 - b), work),
            Mode::Overlay => self.by(overlay, work),
            Mode::SoftLight => self.by(soft_light, work),
            Mode::Difference => self.by(|a, b| a - b, work),
        }
    }

    fn by(&self, mode: impl Fn(f32, f32) -> f32 + Sync, work: &Work) -> Result<Image, BuildError> {
        let (kept, blended) = (self.kept, self.blended);
        Image::by_rows(Shape { batch: self.batch, ..self.first.shape() }, work, |frame, y, row| {
            let of = |image: &Image| frame.min(image.shape().batch - 1);
            let pairs = self.first.row(of(&self.first), y).iter().zip(self.second.row(of(&self.second), y));
            for (target, (a, b)) in row.iter_mut().zip(pairs) {
                *target = (a * kept + mode(*a, *b) * blended).clamp(0.0, 1.0);
            }
        })
    }
}

fn overlay(a: f32, b: f32) -> f32 {
    if a <= 0.5 { 2.0 * a * b } else { 1.0 - 2.0 * (1.0 - a) * (1.0 - b) }
}

fn soft_light(a: f32, b: f32) -> f32 {
    if b <= 0.5 {
        return a - (1.0 - 2.0 * b) * a * (1.0 - a);
    }
    let lighter = if a <= 0.25 { ((16.0 * a - 12.0) * a + 4.0) * a } else { a.sqrt() };
    a + (2.0 * b - 1.0) * (lighter - a)
}
