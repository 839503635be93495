//! Single values, for inputs of several nodes at once.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Float, Form, Input, Int, Output};
use crate::native::value::{Argument, Value};

const BASE: Definition = Definition {
    category: "utils/primitive",
    python_module: "comfy_extras.nodes_primitive",
    form: Form::Schema,
    run,
    ..Definition::BASE
};

pub(in crate::native) static PRIMITIVE_BOOLEAN: Definition = Definition {
    class_type: "PrimitiveBoolean",
    display_name: Some("Boolean"),
    description: "Gives yes or no.",
    inputs: &[Input::any_boolean("value", "Yes or no.")],
    outputs: &[Output::BOOL],
    ..BASE
};

pub(in crate::native) static PRIMITIVE_FLOAT: Definition = Definition {
    class_type: "PrimitiveFloat",
    display_name: Some("Float"),
    description: "Gives a number.",
    inputs: &[Input::float("value", Float::ANY, "The number.")],
    outputs: &[Output::FLOAT],
    ..BASE
};

pub(in crate::native) static PRIMITIVE_INT: Definition = Definition {
    class_type: "PrimitiveInt",
    display_name: Some("Int"),
    description: "Gives a whole number.",
    inputs: &[Input::int("value", Int::CHANGING, "The number.")],
    outputs: &[Output::INT],
    ..BASE
};

pub(in crate::native) static PRIMITIVE_STRING: Definition = Definition {
    class_type: "PrimitiveString",
    display_name: Some("String"),
    description: "Gives a text of one line.",
    inputs: &[Input::any_text("value", false, "The text.")],
    outputs: &[Output::TEXT],
    ..BASE
};

pub(in crate::native) static PRIMITIVE_STRING_MULTILINE: Definition = Definition {
    class_type: "PrimitiveStringMultiline",
    display_name: Some("String (Multiline)"),
    description: "Gives a text of several lines.",
    inputs: &[Input::any_text("value", true, "The text.")],
    outputs: &[Output::TEXT],
    ..BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let value = match call.any("value")? {
        Argument::Literal(literal) => Value::Scalar(literal),
        Argument::Value(value) => value,
    };
    Ok(Yield::values([value]))
}
