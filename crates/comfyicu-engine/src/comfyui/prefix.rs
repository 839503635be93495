//! A `filename_prefix` that comes over a link: what it leads to is put into the folder of the run all the same.
//!
//! A `SaveImage` whose prompt is the same as that of an earlier run is not executed: ComfyUI tells the files of the
//! earlier run once more. So each run has to save into a folder of its own, whatever its prefix is made of.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Link, ObjectInfo};

use super::names::{AddedNode, Names};

/// What nodes call where they save to.
pub(super) const PREFIX: &str = "filename_prefix";
/// ComfyUI's own node that joins two texts, and its inputs.
const JOIN: &str = "StringConcatenate";
const JOIN_INPUTS: [&str; 3] = ["string_a", "string_b", "delimiter"];

/// Puts the run's folder before each prefix that comes over a link: with a node that joins texts, where this ComfyUI
/// has it; else in the text at the link's source, where it is one and nothing but prefixes is made of it.
pub(super) fn relink(nodes: &mut Object, names: &mut Names, definitions: Option<&ObjectInfo>) {
    let linked: Vec<(String, Value)> = nodes.iter().filter_map(linked_prefix).collect();
    let can_join = definitions
        .and_then(|all| all.definition(JOIN))
        .is_some_and(|definition| JOIN_INPUTS.into_iter().all(|name| definition.input(name).is_some()));
    let mut changed = Vec::new();
    for (id, link) in linked {
        if can_join {
            join(nodes, names, id, link);
            continue;
        }
        let Some(source) = Link::of(&link).map(|link| link.node_id.to_owned()) else { continue };
        if !changed.contains(&source) && makes_only_prefixes(nodes, &source) {
            if let Some(Value::String(text)) = only_text(nodes, &source) {
                *text = names.prefix(text);
            }
            changed.push(source);
        }
    }
}

fn linked_prefix((id, node): (&str, &Value)) -> Option<(String, Value)> {
    let prefix = node.as_object()?.get("inputs")?.as_object()?.get(PREFIX)?;
    Link::of(prefix)?;
    Some((id.to_owned(), prefix.clone()))
}

/// Puts a node between the link and the input.
fn join(nodes: &mut Object, names: &mut Names, of: String, link: Value) {
    // ComfyUI's own expansions have such ids, and what is told of it counts as told of the node that saves.
    let mut id = format!("{of}.{PREFIX}");
    while nodes.contains_key(&id) {
        id.push('_');
    }
    let [first, second, between] = JOIN_INPUTS;
    let inputs = Object::from_iter([
        (first, Value::from(names.prefix(""))),
        (second, link.clone()),
        (between, Value::from("")),
    ]);
    nodes.insert(
        id.clone(),
        Object::from_iter([("class_type", Value::from(JOIN)), ("inputs", Value::from(inputs))]),
    );
    let inputs = nodes.get_mut(&of).and_then(Value::as_object_mut);
    if let Some(prefix) = inputs
        .and_then(|node| node.get_mut("inputs")?.as_object_mut())
        .and_then(|inputs| inputs.get_mut(PREFIX))
    {
        *prefix = Value::Array(vec![Value::from(id.as_str()), Value::from(0_u64)]);
    }
    names.add_node(AddedNode { id, of: of.into(), link });
}

/// Whether every link to a node is that of a prefix.
fn makes_only_prefixes(nodes: &Object, source: &str) -> bool {
    let inputs = nodes.iter().filter_map(|(_, node)| node.as_object()?.get("inputs")?.as_object());
    let leads_there = |value: &Value| Link::of(value).is_some_and(|link| link.node_id == source);
    inputs.flat_map(Object::iter).filter(|(_, value)| leads_there(value)).all(|(name, _)| name == PREFIX)
}

/// The text of a node that has this input and no other.
fn only_text<'a>(nodes: &'a mut Object, id: &str) -> Option<&'a mut Value> {
    let inputs = nodes.get_mut(id)?.as_object_mut()?.get_mut("inputs")?.as_object_mut()?;
    if inputs.len() != 1 {
        return None;
    }
    inputs.values_mut().next().filter(|value| value.as_str().is_some())
}

#[cfg(test)]
mod tests {
    use comfyicu_model::Prompt;

    use super::*;

    const PROMPT: &str = r#"{
        "1": {"class_type": "PrimitiveString", "inputs": {"value": "rec/x"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": ["1", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": ["1", 0]}}
    }"#;
    const JOINS: &[u8] = br#"{"StringConcatenate": {"input": {"required": {
        "string_a": ["STRING", {}], "string_b": ["STRING", {}], "delimiter": ["STRING", {}]}}, "output": ["STRING"]}}"#;

    fn relinked(prompt: &str, definitions: Option<&[u8]>) -> (Prompt, Names) {
        let mut nodes = Prompt::parse(prompt.as_bytes()).unwrap().into_object();
        let mut names = Names::new("r1.00".to_owned());
        let definitions = definitions.map(|json| ObjectInfo::parse(json).unwrap());
        relink(&mut nodes, &mut names, definitions.as_ref());
        (Prompt::from_value(nodes.into()).unwrap(), names)
    }

    #[test]
    fn texts_are_joined_where_a_node_can_and_the_user_does_not_see_it() {
        let (prompt, names) = relinked(PROMPT, Some(JOINS));
        insta::assert_snapshot!(prompt.to_json(), @r#"{"1":{"class_type":"PrimitiveString","inputs":{"value":"rec/x"}},"2":{"class_type":"SaveImage","inputs":{"images":["3",0],"filename_prefix":["2.filename_prefix",0]}},"4":{"class_type":"SaveImage","inputs":{"images":["3",0],"filename_prefix":["4.filename_prefix",0]}},"2.filename_prefix":{"class_type":"StringConcatenate","inputs":{"string_a":"r1.00/","string_b":["1",0],"delimiter":""}},"4.filename_prefix":{"class_type":"StringConcatenate","inputs":{"string_a":"r1.00/","string_b":["1",0],"delimiter":""}}}"#);
        assert!(names.is_added(&"2.filename_prefix".into()) && !names.is_added(&"2".into()));
        let restored = names.restored_prompt(prompt).unwrap();
        assert_eq!(restored, Prompt::parse(PROMPT.as_bytes()).unwrap());
    }

    #[test]
    fn elsewhere_the_text_at_the_source_is_changed_once_and_the_user_does_not_see_it() {
        let (prompt, names) = relinked(PROMPT, None);
        assert_eq!(prompt.node("1").unwrap().literal("value").unwrap().as_str(), Some("r1.00/rec/x"));
        assert_eq!(names.restored_prompt(prompt).unwrap(), Prompt::parse(PROMPT.as_bytes()).unwrap());
    }

    #[test]
    fn a_text_that_is_used_otherwise_is_left_alone() {
        let prompt = PROMPT
            .replace(r#""4": {"#, r#""5": {"class_type": "Show", "inputs": {"text": ["1", 0]}}, "4": {"#);
        assert_eq!(relinked(&prompt, None).0, Prompt::parse(prompt.as_bytes()).unwrap());
    }
}
