//! Inverting colours.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Kind, Role};
use crate::native::value::{Value, ValueType};

pub(in crate::native) static IMAGE_INVERT: Definition = Definition {
    class_type: "ImageInvert",
    display_name: "Invert Image",
    description: "Turns each colour into its opposite.",
    category: "image",
    python_module: "nodes",
    inputs: &[Input { name: "image", kind: Kind::Value(ValueType::Image), tooltip: "The images to invert." }],
    outputs: &[ValueType::Image],
    role: Role::Inner,
    run,
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let inverted = call.image("image")?.map(|value| 1.0 - value);
    Ok(Yield::values([Value::Image(inverted)]))
}
