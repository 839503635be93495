//! Places for nodes on the editor's canvas: each right of what it needs, one below the other.

use std::collections::HashMap;

use crate::prompt::{Node, Prompt};

const COLUMN_WIDTH: u64 = 420;
const NODE_WIDTH: u64 = 315;
const GAP: u64 = 60;
const TITLE_HEIGHT: u64 = 40;
const ROW_HEIGHT: u64 = 24;

/// Where a node goes, and how large it is, in the editor's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pos: [u64; 2],
    pub(super) size: [u64; 2],
    /// Its place in the order of execution.
    pub(super) order: u64,
}

/// Places the nodes of a prompt; `rows` says how many slots and widgets a node shows.
pub(super) fn places(prompt: &Prompt, rows: impl Fn(&str) -> u64) -> HashMap<&str, Place> {
    let mut columns: Vec<u64> = Vec::new();
    let mut places = HashMap::new();
    for (order, (node, column)) in (0..).zip(columns_of(prompt)) {
        if columns.len() <= column {
            columns.resize(column + 1, 0);
        }
        let Some(below) = columns.get_mut(column) else { continue };
        let height = TITLE_HEIGHT + ROW_HEIGHT * rows(node.id());
        let x = COLUMN_WIDTH * u64::try_from(column).unwrap_or(0);
        places.insert(node.id(), Place { pos: [x, *below], size: [NODE_WIDTH, height], order });
        *below += height + GAP;
    }
    places
}

/// The nodes in an order in which each comes after what it needs, with the length of the longest way to it.
/// Nodes that need each other come last, in the first column.
fn columns_of(prompt: &Prompt) -> Vec<(Node<'_>, usize)> {
    let nodes: Vec<_> = prompt.nodes().collect();
    let at: HashMap<_, _> = nodes.iter().enumerate().map(|(at, node)| (node.id(), at)).collect();
    let needs = |node: &Node<'_>| {
        node.links().filter_map(|(_, link)| at.get(link.node_id).copied()).collect::<Vec<_>>()
    };
    let mut open: Vec<usize> = nodes.iter().map(|node| needs(node).len()).collect();
    let mut needed_by = vec![Vec::new(); nodes.len()];
    for (consumer, node) in nodes.iter().enumerate() {
        for source in needs(node) {
            if let Some(consumers) = needed_by.get_mut(source) {
                consumers.push(consumer);
            }
        }
    }
    let mut columns = vec![0; nodes.len()];
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|at| open.get(*at) == Some(&0)).collect();
    let mut next = 0;
    while let Some(source) = ready.get(next).copied() {
        next += 1;
        let column = columns.get(source).copied().unwrap_or(0);
        for consumer in needed_by.get(source).into_iter().flatten() {
            let (Some(open), Some(own)) = (open.get_mut(*consumer), columns.get_mut(*consumer)) else {
                continue;
            };
            *own = (*own).max(column + 1);
            *open -= 1;
            if *open == 0 {
                ready.push(*consumer);
            }
        }
    }
    let in_circle =
        (0..nodes.len()).filter(|at| open.get(*at).is_some_and(|open| *open > 0)).map(|at| (at, 0));
    let placed = ready.iter().map(|at| (*at, columns.get(*at).copied().unwrap_or(0)));
    placed.chain(in_circle).filter_map(|(at, column)| Some((*nodes.get(at)?, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_is_right_of_what_it_needs() {
        let prompt = Prompt::parse(
            br#"{"c": {"class_type": "C", "inputs": {"x": ["b", 0], "y": ["a", 0]}}, "b": {"class_type": "B", "inputs": {"x": ["a", 0]}},
            "a": {"class_type": "A", "inputs": {}}, "d": {"class_type": "A", "inputs": {}},
            "x": {"class_type": "X", "inputs": {"x": ["y", 0]}}, "y": {"class_type": "Y", "inputs": {"x": ["x", 0]}}}"#,
        )
        .unwrap();
        let places = places(&prompt, |_| 2);
        let pos = |id: &str| places[id].pos;
        assert_eq!([pos("a"), pos("b"), pos("c")], [[0, 0], [420, 0], [840, 0]]);
        assert_eq!(pos("d"), [0, 40 + 2 * 24 + 60]);
        assert_eq!(places.len(), 6, "those in a circle have places too");
        assert!(places["a"].order < places["b"].order && places["b"].order < places["c"].order);
    }
}
