//! What the benchmarks work on.

use std::path::Path;

use comfyicu_model::Prompt;
use comfyicu_model::json::{Object, Value};

const NODES: usize = 250;

/// A prompt of 250 nodes as an editor writes it: a real one of 26, several times side by side.
pub(crate) fn large_prompt() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/prompts/punctuated_classes.json");
    let json = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let prompt = Prompt::parse(&json).expect("a prompt");
    let copies = (0..).flat_map(|copy| prompt.as_object().iter().map(move |(id, node)| (copy, id, node)));
    let nodes = copies.take(NODES).map(|(copy, id, node)| (format!("{copy}:{id}"), relinked(copy, node)));
    Value::from(nodes.collect::<Object>()).to_json_pretty()
}

/// The node with its links to those of the same copy.
fn relinked(copy: usize, node: &Value) -> Value {
    let mut node = node.clone();
    let inputs = node.as_object_mut().and_then(|node| node.get_mut("inputs")?.as_object_mut());
    let Some(inputs) = inputs else { return node };
    for (name, value) in inputs.clone() {
        if let Some([Value::String(id), slot]) = value.as_array() {
            inputs.insert(name, vec![Value::from(format!("{copy}:{id}")), slot.clone()]);
        }
    }
    node
}
