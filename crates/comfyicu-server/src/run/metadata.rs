//! `metadata` of a run: what is in its prompt.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Input, Prompt};

/// Lists the classes, checkpoints and texts of a prompt, as the hosted service does.
pub(super) fn of_prompt(prompt: &Prompt) -> Object {
    let mut classes = Vec::new();
    let mut checkpoints = Vec::new();
    let mut notes = Vec::new();
    for node in prompt.nodes() {
        push_once(&mut classes, node.class_type());
        for (name, input) in node.inputs() {
            let Input::Literal(Value::String(text)) = input else { continue };
            match name {
                "ckpt_name" => push_once(&mut checkpoints, Some(text)),
                "text" => push_once(&mut notes, Some(text)),
                _ => {}
            }
        }
    }
    let notes: Vec<Object> = notes.into_iter().map(|text| Object::from_iter([("text", text)])).collect();
    Object::from_iter([
        ("extensions", Value::Array(Vec::new())),
        ("nodes", classes.into()),
        ("checkpoints", checkpoints.into()),
        ("notes", notes.into()),
        ("groups", Value::Array(Vec::new())),
    ])
}

fn push_once<'a>(list: &mut Vec<&'a str>, item: Option<&'a str>) {
    list.extend(item.filter(|item| !list.contains(item)));
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
