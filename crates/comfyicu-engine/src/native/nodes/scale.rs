//! Resizing.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Kind, Role};
use crate::native::resize::{Crop, Method, ResizeError, Target, resize};
use crate::native::value::{Value, ValueType};

const SIDE: Kind = Kind::Int(Int { default: 512, min: 0, max: 16_384, step: Some(1), display: None });

pub(in crate::native) static IMAGE_SCALE: Definition = Definition {
    class_type: "ImageScale",
    display_name: "Upscale Image",
    description: "Resizes images to a width and a height.",
    category: "image/upscaling",
    python_module: "nodes",
    inputs: &[
        Input { name: "image", kind: Kind::Value(ValueType::Image), tooltip: "The images to resize." },
        Input {
            name: "upscale_method",
            kind: Kind::Choice(&Method::NAMES),
            tooltip: "How new pixels come from old ones. area suits making smaller, lanczos and bicubic larger.",
        },
        Input {
            name: "width",
            kind: SIDE,
            tooltip: "The new width in pixels; 0 keeps the proportions to the height.",
        },
        Input {
            name: "height",
            kind: SIDE,
            tooltip: "The new height in pixels; 0 keeps the proportions to the width.",
        },
        Input {
            name: "crop",
            kind: Kind::Choice(&Crop::NAMES),
            tooltip: "center cuts off what does not fit the new proportions, disabled stretches.",
        },
    ],
    outputs: &[ValueType::Image],
    role: Role::Inner,
    run,
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let target = Target { width: call.size("width")?, height: call.size("height")? };
    let (method, crop) = (call.text("upscale_method")?, call.text("crop")?);
    let unknown = |name: &str| Failure::new("ValueError", format!("`{name}` is not known"));
    let method = Method::parse(&method).ok_or_else(|| unknown(&method))?;
    let crop = Crop::parse(&crop).ok_or_else(|| unknown(&crop))?;
    let resized = resize(&image, method, target, crop)?;
    Ok(Yield::values([Value::Image(resized)]))
}

impl From<ResizeError> for Failure {
    fn from(error: ResizeError) -> Self {
        match error {
            ResizeError::TooLarge(error) => error.into(),
            ResizeError::NothingLeft { .. } => Self::new("RuntimeError", error.to_string()),
        }
    }
}
