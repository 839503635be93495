//! What images are like, and values as texts.

use comfyicu_model::json::Value as Json;

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Output, Role};
use crate::native::image::Shape;
use crate::native::python::json_dumps_indented;
use crate::native::value::{Argument, Literal, Value};

pub(in crate::native) static GET_IMAGE_SIZE: Definition = Definition {
    class_type: "GetImageSize",
    display_name: Some("Get Image Size"),
    description: "Tells how large images are, and how many.",
    category: "image",
    python_module: "comfy_extras.nodes_images",
    inputs: &[Input::image("image", "The images to measure.")],
    outputs: &[Output::INT.named("width"), Output::INT.named("height"), Output::INT.named("batch_size")],
    hidden: &[("unique_id", "UNIQUE_ID")],
    run: size,
    ..Definition::BASE
};

pub(in crate::native) static PREVIEW_ANY: Definition = Definition {
    class_type: "PreviewAny",
    display_name: Some("Preview as Text"),
    description: "Shows a value as a text.",
    category: "utils",
    python_module: "comfy_extras.nodes_preview_any",
    inputs: &[Input::any("source", "The value to show.")],
    role: Role::Output,
    run: preview,
    ..Definition::BASE
};

fn size(mut call: Call) -> Result<Yield, Failure> {
    let Shape { batch, height, width, .. } = call.image("image")?.shape();
    let int = |size: usize| Value::Scalar(Literal::Int(i64::try_from(size).unwrap_or(i64::MAX)));
    Ok(Yield::values([width, height, batch].map(int)))
}

fn preview(mut call: Call) -> Result<Yield, Failure> {
    let sized = |kind: &str, Shape { batch, height, width, channels }: Shape| {
        format!("{kind}: {batch} × {width}×{height} pixels of {channels} channels")
    };
    Ok(Yield::text(match call.any("source")? {
        Argument::Literal(literal) => of_json(&literal.into()),
        Argument::Value(Value::Image(image)) => sized("IMAGE", image.shape()),
        Argument::Value(Value::Mask(mask)) => sized("MASK", mask.shape()),
        Argument::Value(Value::Scalar(_)) => String::new(),
    }))
}

fn of_json(value: &Json) -> String {
    match value {
        Json::Array(_) | Json::Object(_) => json_dumps_indented(value),
        value => value.to_python_str(),
    }
}
