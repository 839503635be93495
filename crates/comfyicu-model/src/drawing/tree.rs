//! As text: below each node what it needs.

use std::collections::HashSet;

use super::Drawing;
use super::parts::NodeBox;

/// Deeper than this nobody reads, and each line is longer than the one before.
const MAX_DEPTH: usize = 100;

pub(super) fn write(drawing: &Drawing<'_>) -> String {
    let mut links = vec![Vec::new(); drawing.nodes.len()];
    for (link, edge) in drawing.edges.iter().enumerate() {
        if let Some(links) = links.get_mut(edge.to.0) {
            Vec::push(links, link);
        }
    }
    let mut tree = Tree { drawing, links, shown: HashSet::new(), out: String::new() };
    let ends = drawing.graph.ends().filter_map(|node| drawing.graph.index_of(node.id()));
    // What is in a circle comes to no end: it is shown from its first node.
    for root in ends.chain(0..drawing.nodes.len()).collect::<Vec<_>>() {
        if !tree.shown.contains(&root) {
            tree.root(root);
        }
    }
    tree.out
}

struct Tree<'d, 'a> {
    drawing: &'d Drawing<'a>,
    /// For each node the links at its inputs.
    links: Vec<Vec<usize>>,
    shown: HashSet<usize>,
    out: String,
}

/// What is still to be written of a node: the places of its links.
struct Open {
    links: std::vec::IntoIter<usize>,
}

impl Tree<'_, '_> {
    fn root(&mut self, root: usize) {
        let mut open = vec![self.line(root)];
        // What stands before the lines of each level.
        let mut indents = vec![String::new()];
        while let Some(level) = open.last_mut() {
            let Some(link) = level.links.next() else {
                open.pop();
                indents.pop();
                continue;
            };
            let is_last = level.links.as_slice().is_empty();
            let indent = indents.last().cloned().unwrap_or_default();
            let Some(edge) = self.drawing.edges.get(link) else { continue };
            let (from, to) = (edge.from.0, edge.to);
            let input = self.drawing.nodes.get(to.0).and_then(|node| node.inputs.get(to.1));
            let branch = if is_last { "└─" } else { "├─" };
            self.out.extend([indent.as_str(), branch, " ", input.map_or("", String::as_str), " ← "]);
            let next = self.line(from);
            if open.len() < MAX_DEPTH {
                open.push(next);
                indents.push(format!("{indent}{}", if is_last { "   " } else { "│  " }));
            } else if !next.links.as_slice().is_empty() {
                self.out.extend([indent.as_str(), "   … deeper\n"]);
            }
        }
    }

    /// Writes a node, and says which of its links are to be written below it.
    fn line(&mut self, at: usize) -> Open {
        let is_new = self.shown.insert(at);
        let links = self.links.get(at).filter(|_| is_new).cloned().unwrap_or_default();
        if let Some(node) = self.drawing.nodes.get(at) {
            self.out.push_str(&head(node, is_new));
        }
        Open { links: links.into_iter() }
    }
}

fn head(node: &NodeBox, is_new: bool) -> String {
    let class = node.class.as_ref().map(|class| format!(" [{class}]")).unwrap_or_default();
    let values = node.value_rows().collect::<Vec<_>>().join(", ");
    match (is_new, values.is_empty()) {
        (false, _) => format!("{} {} (*)\n", node.id, node.title),
        (true, true) => format!("{} {}{class}\n", node.id, node.title),
        (true, false) => format!("{} {}{class} ({values})\n", node.id, node.title),
    }
}
