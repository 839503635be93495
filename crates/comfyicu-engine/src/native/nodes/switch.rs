//! Choosing one of two values; the other one is not made.

use comfyicu_model::json::Value as Json;

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Output, Switch};
use crate::native::value::{Argument, Literal, Value};

const SWITCH: Switch = Switch { input: "switch", on_false: "on_false", on_true: "on_true" };

pub(in crate::native) static COMFY_SWITCH_NODE: Definition = Definition {
    class_type: "ComfySwitchNode",
    display_name: Some("Switch"),
    description: "Gives one of two values. What leads only to the other one does not run.",
    category: "logic",
    python_module: "comfy_extras.nodes_logic",
    form: Form::Schema,
    experimental: true,
    inputs: &[
        Input::any_boolean(SWITCH.input, "Which of the two."),
        Input::matched(SWITCH.on_false, "The value when the switch is off."),
        Input::matched(SWITCH.on_true, "The value when the switch is on."),
    ],
    outputs: &[Output::MATCHED.named("output")],
    switch: Some(SWITCH),
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let chosen = if call.boolean(SWITCH.input)? { SWITCH.on_true } else { SWITCH.on_false };
    let value = match call.any(chosen)? {
        Argument::Value(value) => value,
        Argument::Literal(literal) => Value::Scalar(typed(literal)),
    };
    Ok(Yield::values([value]))
}

/// What stands in the prompt, as the kind of value that other nodes give.
fn typed(literal: Literal) -> Literal {
    match literal {
        Literal::Json(Json::Bool(value)) => Literal::Bool(value),
        Literal::Json(Json::String(text)) => Literal::Text(text),
        Literal::Json(Json::Number(number)) if !number.is_integer() => Literal::Float(number.as_f64()),
        Literal::Json(Json::Number(number)) => {
            number.as_i64().map_or_else(|| Literal::Json(number.into()), Literal::Int)
        }
        other => other,
    }
}
