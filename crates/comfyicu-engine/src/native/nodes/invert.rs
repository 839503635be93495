//! Inverting colours.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Input, Output};
use crate::native::value::Value;

pub(in crate::native) static IMAGE_INVERT: Definition = Definition {
    class_type: "ImageInvert",
    display_name: Some("Invert Image"),
    description: "Turns each colour into its opposite.",
    category: "image",
    inputs: &[Input::image("image", "The images to invert.")],
    outputs: &[Output::IMAGE],
    size: |given| given.image("image"),
    effort: Effort::Little,
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let inverted = call.image("image")?.map(&call.context.work, |value| 1.0 - value)?;
    Ok(Yield::values([Value::Image(inverted)]))
}
