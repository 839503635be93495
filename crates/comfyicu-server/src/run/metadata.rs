//! `metadata` of a run: what is in its prompt.

use std::collections::HashSet;

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Input, Prompt};

/// Lists the classes, checkpoints and texts of a prompt, as the hosted service does.
pub(super) fn of_prompt(prompt: &Prompt) -> Object {
    let mut classes = Once::default();
    let mut checkpoints = Once::default();
    let mut notes = Once::default();
    for node in prompt.nodes() {
        classes.extend(node.class_type());
        for (name, input) in node.inputs() {
            let Input::Literal(Value::String(text)) = input else { continue };
            match name {
                "ckpt_name" => checkpoints.extend(Some(text.as_str())),
                "text" => notes.extend(Some(text.as_str())),
                _ => {}
            }
        }
    }
    let notes: Vec<Object> = notes.list.into_iter().map(|text| Object::from_iter([("text", text)])).collect();
    Object::from_iter([
        ("extensions", Value::Array(Vec::new())),
        ("nodes", classes.list.into()),
        ("checkpoints", checkpoints.list.into()),
        ("notes", notes.into()),
        ("groups", Value::Array(Vec::new())),
    ])
}

/// Texts in the order in which they came, each once.
#[derive(Default)]
struct Once<'a> {
    list: Vec<&'a str>,
    seen: HashSet<&'a str>,
}

impl<'a> Extend<&'a str> for Once<'a> {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, texts: I) {
        let Self { list, seen } = self;
        list.extend(texts.into_iter().filter(|text| seen.insert(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_prompt_is_listed_once() {
        let prompt = Prompt::parse(
            br#"{"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
                 "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["4", 1]}},
                 "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0]}}}"#,
        );
        insta::assert_snapshot!(Value::from(of_prompt(&prompt.unwrap())).to_json(), @r#"{"extensions":[],"nodes":["CheckpointLoaderSimple","CLIPTextEncode"],"checkpoints":["a.safetensors"],"notes":[{"text":"a fox"}],"groups":[]}"#);
    }
}
