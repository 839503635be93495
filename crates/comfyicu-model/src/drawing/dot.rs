//! For Graphviz: a directed graph.

use super::parts::NodeBox;
use super::{Drawing, color};

pub(super) fn write(drawing: &Drawing<'_>) -> String {
    let mut out = vec![String::from(
        "digraph prompt {\n    rankdir=LR;\n    node [shape=box, style=rounded, fontname=\"sans-serif\"];\n",
    )];
    for (at, node) in drawing.nodes.iter().enumerate() {
        out.push(format!("    n{at} [label=\"{}\"];\n", label(node)));
    }
    for edge in &drawing.edges {
        let input = drawing.nodes.get(edge.to.0).and_then(|node| node.inputs.get(edge.to.1));
        out.push(format!(
            "    n{} -> n{} [label=\"{}\", color=\"{}\"];\n",
            edge.from.0,
            edge.to.0,
            escaped(input.map_or("", String::as_str)),
            color::of(&edge.type_name)
        ));
    }
    out.push("}\n".to_owned());
    out.concat()
}

/// The rows, each ended by `\l`, which sets it to the left.
fn label(node: &NodeBox) -> String {
    let class = node.class.iter().map(|class| escaped(class));
    let values = node.value_rows().map(|row| escaped(&row));
    let rows = class.chain(values).map(|row| format!("{row}\\l")).collect::<Vec<_>>().concat();
    format!("{} {}\\n{rows}", escaped(&node.id), escaped(&node.title))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
