//! Nodes that hand a value on to where a setting would stand.

use super::Graph;
use super::kind::{self, SettingKind};

/// The inputs of which a node hands the value on: those of primitives, of texts put together, of switches and
/// of reroutes.
const HANDED_ON: [&str; 16] = [
    "value", "string", "string_a", "string_b", "text", "text_a", "text_b", "text_c", "text_d", "int",
    "number", "on_true", "on_false", "input", "any", "",
];

/// For each node what its output is to those who take it, if a setting would stand there. Values are followed
/// back through nodes that hand them on; each node is visited once.
pub(super) fn kinds(graph: &Graph<'_>) -> Vec<Option<SettingKind>> {
    let mut kinds = vec![None; graph.len()];
    let mut fresh = Vec::new();
    for (at, node) in graph.nodes().enumerate() {
        for edge in graph.links_of(at) {
            if let Some(kind) = kind::of_input(node, edge.input) {
                fresh.extend(edge.other.map(|source| (source, kind)));
            }
        }
    }
    fresh.reverse();
    while let Some((at, kind)) = fresh.pop() {
        if let Some(place @ None) = kinds.get_mut(at) {
            *place = Some(kind);
            let handed_on = graph.links_of(at).iter().filter(|edge| is_handed_on(edge.input));
            fresh.extend(handed_on.filter_map(|edge| Some((edge.other?, kind))));
        }
    }
    kinds
}

/// Whether a node hands on what stands at an input of this name.
pub(super) fn is_handed_on(input: &str) -> bool {
    HANDED_ON.contains(&input.to_ascii_lowercase().as_str())
}
