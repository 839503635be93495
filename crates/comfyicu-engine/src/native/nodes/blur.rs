//! Making images softer or sharper.

use crate::native::call::{Call, Failure, Yield};
use crate::native::convolve::{Kernel, convolve};
use crate::native::definition::{Definition, Float, Form, Input, Int, Output};
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "image/postprocessing",
    python_module: "comfy_extras.nodes_post_processing",
    form: Form::Schema,
    outputs: &[Output::IMAGE],
    ..Definition::BASE
};

const RADIUS: Int = Int::new(1, 1, 31).step(1);

pub(in crate::native) static IMAGE_BLUR: Definition = Definition {
    class_type: "ImageBlur",
    description: "Makes images softer.",
    inputs: &[
        Input::image("image", "The images to soften."),
        Input::int("blur_radius", RADIUS, "How far pixels reach, in pixels; it must be less than each side."),
        Input::float(
            "sigma",
            Float::new(1.0, 0.1, 10.0, 0.1),
            "How slowly neighbours count less with their distance, in units of the radius.",
        ),
    ],
    allocates: true,
    size: |given| given.image("image"),
    run: blur,
    ..BASE
};

pub(in crate::native) static IMAGE_SHARPEN: Definition = Definition {
    class_type: "ImageSharpen",
    description: "Makes images sharper.",
    inputs: &[
        Input::image("image", "The images to sharpen."),
        Input::int(
            "sharpen_radius",
            RADIUS,
            "How far pixels reach, in pixels; it must be less than each side.",
        ),
        Input::float(
            "sigma",
            Float::new(1.0, 0.1, 10.0, 0.01),
            "How slowly neighbours count less with their distance, in units of the radius.",
        ),
        Input::float("alpha", Float::new(1.0, 0.0, 5.0, 0.01), "How strongly."),
    ],
    allocates: true,
    size: |given| given.image("image"),
    run: sharpen,
    ..BASE
};

fn blur(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let kernel = Kernel::bell(call.within("blur_radius", 1..=31)?, call.float("sigma")?);
    let blurred = convolve(&image, &kernel, &call.context.work, |value| value)?;
    Ok(Yield::values([Value::Image(blurred)]))
}

fn sharpen(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let (radius, sigma) = (call.within("sharpen_radius", 1..=31)?, call.float("sigma")?);
    let kernel = Kernel::sharpening(radius, sigma, call.float("alpha")? * 10.0);
    let sharpened = convolve(&image, &kernel, &call.context.work, |value| value.clamp(0.0, 1.0))?;
    Ok(Yield::values([Value::Image(sharpened)]))
}
