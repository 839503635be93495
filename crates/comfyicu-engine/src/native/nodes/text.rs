//! Texts: joined, cut, compared.

mod case;
mod regex;

pub(in crate::native) use regex::{REGEX_EXTRACT, REGEX_MATCH, REGEX_REPLACE};

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Int, Output};
use crate::native::value::{Literal, Value};
use case::Case;

const BASE: Definition = Definition {
    category: "utils/string",
    python_module: "comfy_extras.nodes_string",
    form: Form::Schema,
    outputs: &[Output::TEXT],
    ..Definition::BASE
};

const STRING: Input = Input::any_text("string", true, "The text.");

pub(in crate::native) static CASE_CONVERTER: Definition = Definition {
    class_type: "CaseConverter",
    display_name: Some("Case Converter"),
    description: "Writes a text in large or small letters.",
    inputs: &[STRING, Input::choice("mode", &Case::NAMES, "Which letters are large.")],
    run: convert_case,
    ..BASE
};

pub(in crate::native) static STRING_COMPARE: Definition = Definition {
    class_type: "StringCompare",
    display_name: Some("Compare"),
    description: "Tells whether a text is another one, or begins or ends with it.",
    inputs: &[
        Input::any_text("string_a", true, "The text."),
        Input::any_text("string_b", true, "What it is compared with."),
        Input::choice("mode", &["Starts With", "Ends With", "Equal"], "Which part is compared."),
        CASE_SENSITIVE,
    ],
    outputs: &[Output::BOOL],
    run: compare,
    ..BASE
};

pub(in crate::native) static STRING_CONCATENATE: Definition = Definition {
    class_type: "StringConcatenate",
    display_name: Some("Concatenate"),
    description: "Joins two texts.",
    inputs: &[
        Input::any_text("string_a", true, "The text that comes first."),
        Input::any_text("string_b", true, "The text behind it."),
        Input::line("delimiter", "", "What stands between them."),
    ],
    run: concatenate,
    ..BASE
};

pub(in crate::native) static STRING_CONTAINS: Definition = Definition {
    class_type: "StringContains",
    display_name: Some("Contains"),
    description: "Tells whether a text holds another one.",
    inputs: &[STRING, Input::any_text("substring", true, "What is looked for."), CASE_SENSITIVE],
    outputs: &[Output::BOOL.named("contains")],
    run: contains,
    ..BASE
};

pub(in crate::native) static STRING_LENGTH: Definition = Definition {
    class_type: "StringLength",
    display_name: Some("Length"),
    description: "Counts the characters of a text.",
    inputs: &[STRING],
    outputs: &[Output::INT.named("length")],
    run: length,
    ..BASE
};

pub(in crate::native) static STRING_REPLACE: Definition = Definition {
    class_type: "StringReplace",
    display_name: Some("Replace"),
    description: "Puts a text in the place of another one, wherever that stands.",
    inputs: &[
        STRING,
        Input::any_text("find", true, "What is replaced."),
        Input::any_text("replace", true, "What takes its place."),
    ],
    run: replace,
    ..BASE
};

pub(in crate::native) static STRING_SUBSTRING: Definition = Definition {
    class_type: "StringSubstring",
    display_name: Some("Substring"),
    description: "Cuts a part out of a text.",
    inputs: &[
        STRING,
        Input::int("start", Int::ANY, "The first character of the part; below 0 it counts from the end."),
        Input::int("end", Int::ANY, "The first character behind the part; below 0 it counts from the end."),
    ],
    run: substring,
    ..BASE
};

pub(in crate::native) static STRING_TRIM: Definition = Definition {
    class_type: "StringTrim",
    display_name: Some("Trim"),
    description: "Takes spaces and line ends away from the ends of a text.",
    inputs: &[STRING, Input::choice("mode", &["Both", "Left", "Right"], "From which end.")],
    run: trim,
    ..BASE
};

const CASE_SENSITIVE: Input =
    Input::boolean("case_sensitive", true, "Whether large and small letters are told apart.");

fn text(text: impl Into<String>) -> Yield {
    Yield::values([Value::Scalar(Literal::Text(text.into()))])
}

fn boolean(value: bool) -> Yield {
    Yield::values([Value::Scalar(Literal::Bool(value))])
}

fn convert_case(mut call: Call) -> Result<Yield, Failure> {
    let case = call.choice("mode", Case::parse)?;
    Ok(text(case.of(&call.text("string")?)))
}

/// Two texts as they are compared.
fn comparable(call: &mut Call, names: [&str; 2]) -> Result<[String; 2], Failure> {
    let [a, b] = names.map(|name| call.text(name));
    let (a, b) = (a?, b?);
    Ok(if call.boolean("case_sensitive")? { [a, b] } else { [a.to_lowercase(), b.to_lowercase()] })
}

fn compare(mut call: Call) -> Result<Yield, Failure> {
    let [a, b] = comparable(&mut call, ["string_a", "string_b"])?;
    let holds = match call.text("mode")?.as_str() {
        "Starts With" => a.starts_with(&b),
        "Ends With" => a.ends_with(&b),
        _ => a == b,
    };
    Ok(boolean(holds))
}

fn contains(mut call: Call) -> Result<Yield, Failure> {
    let [a, b] = comparable(&mut call, ["string", "substring"])?;
    Ok(boolean(a.contains(&b)))
}

fn concatenate(mut call: Call) -> Result<Yield, Failure> {
    let [a, b] = [call.text("string_a")?, call.text("string_b")?];
    let delimiter = call.text("delimiter")?;
    check_length(a.len().saturating_add(delimiter.len()).saturating_add(b.len()))?;
    Ok(text([a, b].join(&delimiter)))
}

fn length(mut call: Call) -> Result<Yield, Failure> {
    let count = call.text("string")?.chars().count();
    Ok(Yield::values([Value::Scalar(Literal::Int(i64::try_from(count).unwrap_or(i64::MAX)))]))
}

fn replace(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    let (find, replace) = (call.text("find")?, call.text("replace")?);
    let places = string.matches(&find).count();
    // A short text can become a very long one.
    check_length(string.len().saturating_add(places.saturating_mul(replace.len())))?;
    Ok(text(string.replace(&find, &replace)))
}

/// Checks that a text may be made: a few nodes can double one again and again.
fn check_length(bytes: usize) -> Result<(), Failure> {
    if bytes <= MAX_TEXT {
        return Ok(());
    }
    let message = format!("the text would have {bytes} bytes; at most {MAX_TEXT} are made");
    Err(Failure::new("MemoryError", message))
}

/// The longest text that is made of others, in bytes.
const MAX_TEXT: usize = 64 << 20;

fn substring(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    let count = string.chars().count();
    let [start, end] = [call.int("start")?, call.int("end")?].map(|at| {
        let from_end = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
        if at < 0 { count.saturating_sub(from_end) } else { from_end.min(count) }
    });
    let part: String = string.chars().skip(start).take(end.saturating_sub(start)).collect();
    Ok(text(part))
}

fn trim(mut call: Call) -> Result<Yield, Failure> {
    let string = call.text("string")?;
    // Python takes four control characters for spaces that Unicode does not.
    let is_space = |character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character);
    Ok(text(match call.text("mode")?.as_str() {
        "Left" => string.trim_start_matches(is_space),
        "Right" => string.trim_end_matches(is_space),
        _ => string.trim_matches(is_space),
    }))
}
