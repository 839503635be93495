//! How ComfyUI and its extensions put more than one text where a format has no keywords.

use super::ImageText;
use super::text::{PROMPT, WORKFLOW, decode};
use crate::json::{self, Limits, Value};
use crate::prompt::Prompt;
use crate::ui_workflow::is_ui_workflow;

/// The longest name in front of a text.
const MAX_NAME_BYTES: usize = 79;
/// The longest text in which a prompt is looked for that has no name.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;

/// Takes a text apart that names what it is, as ComfyUI writes them: `prompt:{…}`, `workflow:{…}`.
pub(super) fn named(bytes: &[u8]) -> Option<ImageText> {
    let end = bytes.iter().take(MAX_NAME_BYTES + 1).position(|byte| *byte == b':')?;
    let name = bytes.get(..end).filter(|name| is_name(name))?;
    let text = bytes.get(end + 1..)?.trim_ascii_start();
    // A sentence may hold a colon; what ComfyUI writes behind it is JSON.
    matches!(text.first(), Some(b'{' | b'[')).then(|| ImageText::new(decode(name), text))
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Finds the prompt and the UI workflow in a JSON text without a name: both in one object, or one of them
/// as it is.
pub(super) fn in_json(bytes: &[u8]) -> Vec<ImageText> {
    if !bytes.trim_ascii_start().starts_with(b"{") || bytes.len() > MAX_JSON_BYTES {
        return Vec::new();
    }
    let Ok(Value::Object(object)) = json::read(decode(bytes).as_bytes(), Limits::default()) else {
        return Vec::new();
    };
    if is_ui_workflow(&object) {
        return vec![ImageText::new(WORKFLOW, bytes)];
    }
    let member = |keyword: &str| {
        let text = match object.get(keyword)? {
            Value::String(text) => text.clone(),
            member @ Value::Object(_) => member.to_json(),
            _ => return None,
        };
        Some(ImageText::new(keyword, text))
    };
    let members: Vec<ImageText> = [PROMPT, WORKFLOW].into_iter().filter_map(member).collect();
    if members.is_empty() && Prompt::try_from(object).is_ok() {
        return vec![ImageText::new(PROMPT, bytes)];
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: impl IntoIterator<Item = ImageText>) -> Vec<String> {
        texts.into_iter().map(|text| format!("{} = {}", text.keyword(), text.text())).collect()
    }

    #[test]
    fn a_named_text_goes_by_its_name() {
        assert_eq!(shown(named(br#"prompt:{"1": 2}"#)), [r#"prompt = {"1": 2}"#]);
        assert_eq!(shown(named(br#"Workflow: {"nodes": []}"#)), [r#"Workflow = {"nodes": []}"#]);
        for other in [&b"NOTE: a sentence"[..], b"at 12:30 {x}", b":{}", b"{\"a\":{}}", b"", b"prompt:"] {
            assert_eq!(named(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_json_text_is_looked_into() {
        let both = br#"{"prompt": {"1": {"class_type": "A", "seed": 1.0}}, "workflow": "{\"nodes\": []}"}"#;
        assert_eq!(
            shown(in_json(both)),
            [r#"prompt = {"1":{"class_type":"A","seed":1.0}}"#, r#"workflow = {"nodes": []}"#]
        );
        let prompt = br#" {"1": {"class_type": "A", "x": NaN}}"#;
        assert_eq!(in_json(prompt), [ImageText::new("prompt", prompt)]);
        let workflow = br#"{"nodes": [], "links": []}"#;
        assert_eq!(in_json(workflow), [ImageText::new("workflow", workflow)]);
        for other in [&br#"{"title": "a fox"}"#[..], b"[1]", b"{", b"a fox", b"{\"prompt\": 3}"] {
            assert_eq!(in_json(other), [], "{other:?}");
        }
    }
}
