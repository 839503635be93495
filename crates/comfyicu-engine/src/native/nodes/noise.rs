//! Noise.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Float, Input, Output};
use crate::native::image::Image;
use crate::native::number::from_f64;
use crate::native::random::normal;
use crate::native::value::Value;

pub(in crate::native) static IMAGE_ADD_NOISE: Definition = Definition {
    class_type: "ImageAddNoise",
    description: "Adds normal random noise to images, the same for the same seed.",
    category: "image",
    python_module: "comfy_extras.nodes_images",
    inputs: &[
        Input::image("image", "The images to change."),
        Input::seed("seed", "Which noise is drawn; its lower 32 bits count."),
        Input::float("strength", Float::new(0.5, 0.0, 1.0, 0.01), "How strong the noise is."),
    ],
    outputs: &[Output::IMAGE],
    size: |given| given.image("image"),
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let (seed, strength) = (call.seed("seed")?, from_f64(call.float("strength")?));
    let work = &call.context.work;
    let noise = Image::try_build(image.shape(), work, |values| normal(seed, values, work))?;
    let noisy = noise.change(work, |frame, y, row| {
        for (noise, value) in row.iter_mut().zip(image.row(frame, y)) {
            *noise = (value + strength * *noise).clamp(0.0, 1.0);
        }
    })?;
    Ok(Yield::values([Value::Image(noisy)]))
}
