//! What a node's results follow from, as a hash: its class, what stands at its inputs, and the same of all
//! nodes before it. Of files their bytes count, and not their names.

use std::collections::HashMap;

use comfyicu_model::NodeId;
use sha2::{Digest as _, Sha256};

use super::context::destination;
use super::nodes::LOADERS;
use super::steps::{Source, Step};
use super::value::Literal;
use crate::InputFiles;

/// Two nodes of one signature give the same results.
pub(super) type Signature = [u8; 32];

/// The signatures of steps, each of which stands behind what it needs.
pub(super) fn signatures(steps: &[Step], inputs: &InputFiles) -> HashMap<NodeId, Signature> {
    let mut known = HashMap::new();
    for step in steps {
        let signature = signature(step, &known, inputs);
        known.insert(step.node_id.clone(), signature);
    }
    known
}

fn signature(step: &Step, known: &HashMap<NodeId, Signature>, inputs: &InputFiles) -> Signature {
    let mut hasher = Sha256::new();
    // Lengths first, so that no two lists of parts are the same bytes.
    let mut add = |part: &[u8]| {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    };
    add(step.definition.class_type.as_bytes());
    for (name, source) in step.sources.iter().chain(&step.lazy) {
        add(name.as_bytes());
        match source {
            Source::Literal(Literal::Int(value)) => add(&value.to_le_bytes()),
            Source::Literal(Literal::Float(value)) => add(&value.to_bits().to_le_bytes()),
            Source::Literal(Literal::Bool(value)) => add(&[u8::from(*value)]),
            Source::Literal(Literal::Text(text)) => add(file_hash(step, name, text, inputs).as_bytes()),
            Source::Literal(Literal::Json(value)) => add(value.to_json().as_bytes()),
            Source::Link { node_id, slot } => {
                add(known.get(node_id).map(<[u8; 32]>::as_slice).unwrap_or_default());
                add(&slot.to_le_bytes());
            }
        }
    }
    hasher.finalize().into()
}

/// The hash of the file that a loader's text names; any other text is itself.
fn file_hash<'a>(step: &Step, input: &str, text: &'a str, inputs: &'a InputFiles) -> &'a str {
    if input != "image" || !LOADERS.contains(&step.definition.class_type) {
        return text;
    }
    let file = destination(text).ok().and_then(|destination| inputs.get(destination.as_str()));
    file.map_or(text, |file| &file.sha256)
}
