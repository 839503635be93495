//! Prompts as text, for people.

use std::borrow::Cow;
use std::fmt::Write as _;

use comfyicu_model::json::Value;
use comfyicu_model::{Input, Node, Prompt};

/// How much of a value an overview shows, in characters; `prompt get` has the whole of it.
const LONGEST_VALUE: usize = 100;

/// Shows the nodes with what stands at their inputs.
pub(crate) fn overview(prompt: &Prompt) -> String {
    let mut text = String::new();
    for node in prompt.nodes() {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "{}", heading(node));
        let width = node.inputs().map(|(name, _)| printable(name).chars().count()).max().unwrap_or(0);
        for (name, input) in node.inputs() {
            let (sign, value) = match input {
                Input::Link(link) => ('←', source(prompt, link.node_id, link.slot)),
                Input::Literal(value) => ('=', shortened(&value.to_json())),
            };
            let _infallible = writeln!(text, "  {:<width$} {sign} {value}", printable(name));
        }
    }
    text
}

/// Lists the nodes, one a line: id, class, title. In columns for people, between tabs for programs.
pub(crate) fn list(prompt: &Prompt, in_columns: bool) -> String {
    let cells = |node: Node<'_>| {
        [node.id(), node.class_type().unwrap_or_default(), node.title().unwrap_or_default()]
            .map(|cell| printable(cell).into_owned())
    };
    let rows: Vec<[String; 3]> = prompt.nodes().map(cells).collect();
    let width = |column: fn(&[String; 3]) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
    };
    let (ids, classes) = (width(|[id, ..]| id), width(|[_, class, _]| class));
    let line = |[id, class, title]: &[String; 3]| {
        let line = if in_columns {
            format!("{id:<ids$}  {class:<classes$}  {title}")
        } else {
            format!("{id}\t{class}\t{title}")
        };
        if in_columns { line.trim_end().to_owned() } else { line }
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn heading(node: Node<'_>) -> String {
    let class = node.class_type().unwrap_or("(no class)");
    let title = node.title().filter(|title| *title != class);
    let title = title.map(|title| format!(" “{}”", printable(title))).unwrap_or_default();
    format!("{} {}{title}", printable(node.id()), printable(class))
}

/// The other end of a link.
fn source(prompt: &Prompt, node_id: &str, slot: Option<usize>) -> String {
    let class = match prompt.node(node_id) {
        Some(node) => node.class_type().map(printable).unwrap_or_default(),
        None => "missing".into(),
    };
    let slot = slot.map_or_else(|| "?".to_owned(), |slot| slot.to_string());
    format!("{} {class} [{slot}]", printable(node_id))
}

fn shortened(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// A text from a file as it can be shown: a terminal must not obey what stands in it.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return text.into();
    }
    let escaped = |letter: char| {
        if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() }
    };
    text.chars().map(escaped).collect::<String>().into()
}

/// The nodes as JSON: `{"nodes": [{"id", "class_type", "title"}, …]}`.
pub(crate) fn nodes(prompt: &Prompt) -> Value {
    let entry = |node: Node<'_>| {
        let texts = [("class_type", node.class_type()), ("title", node.title())];
        let mut object: comfyicu_model::json::Object = [("id", node.id())].into_iter().collect();
        for (key, text) in texts {
            object.insert(key, text.map(Value::from));
        }
        Value::from(object)
    };
    prompt.nodes().map(entry).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt() -> Prompt {
        let long = "x".repeat(200);
        let json = format!(
            r#"{{"3": {{"class_type": "KSampler", "_meta": {{"title": "Sam\tpler"}},
                 "inputs": {{"seed": 18446744073709551616, "cfg": 8.0, "model": ["4", 0], "negative": ["gone", 1.5]}}}},
                "4": {{"class_type": "CLIPTextEncode", "_meta": {{"title": "CLIPTextEncode"}},
                 "inputs": {{"text": "a \u001b[31mred\nfox {long}"}}}},
                "x": {{"inputs": {{}}}}}}"#
        );
        Prompt::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn nodes_are_shown_with_their_inputs() {
        insta::assert_snapshot!(overview(&prompt()));
    }

    #[test]
    fn nodes_are_listed_for_people_and_for_programs() {
        insta::assert_snapshot!(list(&prompt(), true));
        assert_eq!(list(&prompt(), false).lines().last(), Some("x\t\t"));
        insta::assert_snapshot!(nodes(&prompt()).to_json());
    }
}
