//! Texts as Python writes them for people.

use comfyicu_model::json::Value;

/// Writes a value as `json.dumps` does with an indent of 4.
pub(super) fn json_dumps_indented(value: &Value) -> String {
    let mut out = String::new();
    write_indented(&mut out, value, 0);
    out
}

fn write_indented(out: &mut String, value: &Value, depth: usize) {
    let mut block = |open: char, items: Vec<(Option<&str>, &Value)>, close: char| {
        out.push(open);
        for (position, (key, item)) in items.into_iter().enumerate() {
            out.push_str(if position > 0 { ",\n" } else { "\n" });
            out.push_str(&"    ".repeat(depth + 1));
            if let Some(key) = key {
                out.push_str(&Value::from(key).to_python_json());
                out.push_str(": ");
            }
            write_indented(out, item, depth + 1);
        }
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
        out.push(close);
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            block('[', items.iter().map(|item| (None, item)).collect(), ']');
        }
        Value::Object(object) if !object.is_empty() => {
            block('{', object.iter().map(|(key, item)| (Some(key), item)).collect(), '}');
        }
        value => out.push_str(&value.to_python_json()),
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::{Limits, read};

    use super::*;

    #[test]
    fn indented_texts_are_what_json_dumps_gives() {
        let value = read(br#"{"a":[1,2.0,null],"b":"\u00fc","c":[],"d":{}}"#, Limits::default()).unwrap();
        let python = "{\n    \"a\": [\n        1,\n        2.0,\n        null\n    ],\n    \"b\": \"\\u00fc\",\n    \"c\": [],\n    \"d\": {}\n}";
        assert_eq!(json_dumps_indented(&value), python);
    }
}
