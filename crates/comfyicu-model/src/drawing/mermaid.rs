//! For Mermaid: a flowchart.

use super::parts::NodeBox;
use super::{Drawing, color};

pub(super) fn write(drawing: &Drawing<'_>) -> String {
    let mut out = vec!["flowchart LR\n".to_owned()];
    for (at, node) in drawing.nodes.iter().enumerate() {
        out.push(format!("    n{at}[\"{}\"]\n", label(node)));
    }
    for edge in &drawing.edges {
        let input = drawing.nodes.get(edge.to.0).and_then(|node| node.inputs.get(edge.to.1));
        let input = escaped(input.map_or("", String::as_str));
        out.push(format!("    n{} -->|\"{input}\"| n{}\n", edge.from.0, edge.to.0));
    }
    for (at, edge) in drawing.edges.iter().enumerate() {
        out.push(format!("    linkStyle {at} stroke:{}\n", color::of(&edge.type_name)));
    }
    out.concat()
}

fn label(node: &NodeBox) -> String {
    let class = node.class.as_ref().map(|class| format!("<br/>{}", escaped(class))).unwrap_or_default();
    let values = node.value_rows().map(|row| format!("<br/>{}", escaped(&row))).collect::<Vec<_>>().concat();
    format!("<b>{}</b> {}{class}{values}", escaped(&node.id), escaped(&node.title))
}

/// A text in which nothing means anything to Mermaid: all but letters, digits and a few marks stand as codes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_alphanumeric() || matches!(char, ' ' | '.' | ',' | ':' | '-' | '_' | '/' | '…' | '←') {
            out.push(char);
        } else {
            out.extend(["#", &u32::from(char).to_string(), ";"]);
        }
    }
    out
}
