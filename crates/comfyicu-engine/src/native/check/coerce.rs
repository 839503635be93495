//! Bringing values of a prompt to the type of their input, as ComfyUI does.

use std::fmt::Display;
use std::ops::RangeInclusive;

use comfyicu_model::json::{Kind as JsonKind, Number, Value as Json};

use super::Fault;
use crate::native::context::destination;
use crate::native::definition::{Float, Int, Kind};
use crate::native::python;
use crate::native::value::{Literal, ValueType};

/// Brings a value to the type of an input.
pub(super) fn coerce(value: &Json, kind: Kind) -> Result<Literal, Fault> {
    let value = unwrapped(value);
    if matches!(kind, Kind::Value(ValueType::Any)) {
        return Ok(Literal::Json(value.clone()));
    }
    if value.kind() == JsonKind::Array {
        let message = "a list here must be a link: [node id as a string, slot as a number]";
        return Err(Fault::new("bad_linked_input", message));
    }
    match kind {
        Kind::Value(wanted) => {
            let message = format!("it takes {} from another node, not {}", wanted.name(), value.kind());
            let fault = Fault::new("invalid_input_type", message);
            Err(Fault { suggestion: Some("link it: [node id, slot]"), ..fault })
        }
        Kind::Int(bounds) => int(value, bounds).map(Literal::Int),
        Kind::Float(bounds) => float(value, bounds).map(Literal::Float),
        Kind::Bool { .. } => Ok(Literal::Bool(python::is_true(value))),
        Kind::Text(_) => text(value).map(Literal::Text),
        Kind::Choice(choices) => choice(value, choices.names).map(Literal::Text),
        Kind::InputImage => file(value).map(Literal::Text),
    }
}

/// Editors wrap a list that is meant as a value in an object.
fn unwrapped(value: &Json) -> &Json {
    value.as_object().and_then(|object| object.get("__value__")).unwrap_or(value)
}

fn int(value: &Json, bounds: Int) -> Result<i64, Fault> {
    let not_a_number = || {
        let message = format!("{} is not an INT: it takes a whole number", value.to_json());
        Fault::new("invalid_input_type", message)
    };
    let number = match value {
        Json::Bool(value) => Some(i64::from(*value)),
        Json::Number(number) => whole(number),
        Json::String(text) => python::int_of_text(text),
        Json::Null | Json::IllFormed(_) | Json::Array(_) | Json::Object(_) => None,
    };
    let number = number.ok_or_else(not_a_number)?;
    in_bounds(value, number, bounds.min..=bounds.max)
}

fn float(value: &Json, bounds: Float) -> Result<f64, Fault> {
    let number = match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Number(number) => Some(number.as_f64()),
        Json::String(text) => python::float_of_text(text),
        Json::Null | Json::IllFormed(_) | Json::Array(_) | Json::Object(_) => None,
    };
    let not_a_number = || {
        let message = format!("{} is not a FLOAT: it takes a number", value.to_json());
        Fault::new("invalid_input_type", message)
    };
    in_bounds(value, number.ok_or_else(not_a_number)?, bounds.min..=bounds.max)
}

/// Not-a-number is neither smaller nor bigger than a bound, so it passes, as in Python.
fn in_bounds<N: PartialOrd + Display>(
    value: &Json,
    number: N,
    bounds: RangeInclusive<N>,
) -> Result<N, Fault> {
    let (min, max) = bounds.into_inner();
    if number < min {
        let message = format!("{} is smaller than the minimum of {min}", value.to_json());
        return Err(Fault::new("value_smaller_than_min", message));
    }
    if number > max {
        let message = format!("{} is bigger than the maximum of {max}", value.to_json());
        return Err(Fault::new("value_bigger_than_max", message));
    }
    Ok(number)
}

/// A float is cut, not rounded. What 64 bits cannot hold becomes the nearest that they can.
fn whole(number: &Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "cutting is what int() does; the rest saturates")]
    let cut = || number.as_f64() as i64;
    number.as_i64().or_else(|| (!number.is_non_finite()).then(cut))
}

/// What `str` makes of a value.
fn text(value: &Json) -> Result<String, Fault> {
    Ok(match value {
        Json::String(text) => text.clone(),
        // No file name or text here can hold half of a surrogate pair.
        Json::IllFormed(text) => text.to_string_lossy(),
        Json::Number(number) => python::number_str(number),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Null => "None".to_owned(),
        Json::Array(_) | Json::Object(_) => {
            let message = format!("it takes a STRING, not {}", value.kind());
            return Err(Fault::new("invalid_input_type", message));
        }
    })
}

fn choice(value: &Json, names: &[&str]) -> Result<String, Fault> {
    if let Some(name) = value.as_str().filter(|name| names.contains(name)) {
        return Ok(name.to_owned());
    }
    let message = format!("{} is not in the list: {}", value.to_json(), names.join(", "));
    Err(Fault::new("value_not_in_list", message))
}

/// Whether the file is there is known only when the run starts; that the name can be one, now.
fn file(value: &Json) -> Result<String, Fault> {
    let invalid = |reason: String| {
        Fault::new("custom_validation_failed", format!("not the name of an input file: {reason}"))
    };
    let name = value.as_str().ok_or_else(|| invalid(format!("it is {}", value.kind())))?;
    destination(name).map_err(invalid)?;
    Ok(name.to_owned())
}
