//! As an SVG image.

use super::layout::{Corner, Size, places};
use super::parts::{Edge, NodeBox};
use super::{Drawing, color};

const ROW: f64 = 18.0;
const TITLE: f64 = 26.0;
const PADDING: f64 = 10.0;
/// The width of a letter in pixels: what a wide font needs for digits, so that texts stay in their boxes.
const LETTER: f64 = 7.3;
/// How much wider titles are, which are bold.
const BOLD: f64 = 1.15;
/// A link longer than this passes other boxes, and is drawn fainter.
const LONG: f64 = 400.0;
const WIDTHS: (f64, f64) = (140.0, 360.0);

const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;fill:#d6d6da}\
.t{font-weight:600;fill:#fff}.i{fill:#9a9aa4}.n{fill:#a8a8b3}.e{text-anchor:end}\
.b{fill:#2c2c33;stroke:#4a4a55}.h{fill:#3a3a44}.l{fill:none;stroke-width:2.2;stroke-opacity:.9}\
.f{stroke-width:1.6;stroke-opacity:.45}";

pub(super) fn write(drawing: &Drawing<'_>) -> String {
    let sizes: Vec<_> = drawing.nodes.iter().map(size).collect();
    let places = places(drawing, &sizes);
    let ends = places.iter().zip(&sizes);
    let right = ends.clone().map(|(corner, size)| corner.x + size.width).fold(0.0, f64::max);
    let bottom = ends.map(|(corner, size)| corner.y + size.height).fold(0.0, f64::max);
    let (width, height) = (right + 50.0, bottom + 50.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
        <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#1f1f24\"/>\n"
    );
    for edge in &drawing.edges {
        let ends = places.get(edge.from.0).zip(sizes.get(edge.from.0)).zip(places.get(edge.to.0));
        if let Some(((from, size), to)) = ends {
            out.push_str(&link(edge, *from, *size, *to));
        }
    }
    let types = PortTypes::of(drawing);
    for (at, ((node, corner), size)) in drawing.nodes.iter().zip(&places).zip(&sizes).enumerate() {
        out.push_str(&node_group(node, *corner, *size, &types, at));
    }
    out.push_str("</svg>\n");
    out
}

/// The size that a box needs for its texts.
fn size(node: &NodeBox) -> Size {
    let head = letters(&node.title) * BOLD + letters(&node.id) + 2.0;
    let class = node.class.as_deref().map_or(0.0, letters);
    let port = |(at, (_, output)): (usize, &(usize, String))| {
        letters(output) + node.inputs.get(at).map_or(0.0, |input| letters(input)) + 4.0
    };
    let ports = node.outputs.iter().enumerate().map(port).fold(0.0, f64::max);
    let inputs = node.inputs.iter().map(|input| letters(input) + 2.0).fold(0.0, f64::max);
    let values = node.value_rows().map(|row| letters(&row)).fold(0.0, f64::max);
    let widest = [head, class, ports, inputs, values].into_iter().fold(0.0, f64::max);
    let width = (widest * LETTER + 2.0 * PADDING).clamp(WIDTHS.0, WIDTHS.1);
    let rows = node.inputs.len().max(node.outputs.len())
        + node.value_rows().count()
        + usize::from(node.class.is_some());
    Size { width, height: TITLE + row_offset(rows) + PADDING }
}

fn row_offset(rows: usize) -> f64 {
    ROW * f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// How far below the top of its box a port is.
pub(super) fn port_offset(place: usize) -> f64 {
    TITLE + row_offset(place) + ROW / 2.0 + 4.0
}

/// A curve that leaves a box to the right, and comes to another from the left.
fn link(edge: &Edge, from: Corner, size: Size, to: Corner) -> String {
    let (x1, y1) = (from.x + size.width, from.y + port_offset(edge.from.1));
    let (x2, y2) = (to.x, to.y + port_offset(edge.to.1));
    let reach = ((x2 - x1).abs() / 2.0).clamp(30.0, 160.0);
    let class = if x2 - x1 > LONG { "l f" } else { "l" };
    format!(
        "<path class=\"{class}\" stroke=\"{}\" d=\"M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}\"/>\n",
        color::of(&edge.type_name),
        x1 + reach,
        x2 - reach
    )
}

/// The types of the links at ports.
struct PortTypes<'a> {
    inputs: Vec<Vec<&'a str>>,
    outputs: Vec<Vec<&'a str>>,
}

impl<'a> PortTypes<'a> {
    fn of(drawing: &'a Drawing<'_>) -> Self {
        let empty = |count: usize| vec![""; count];
        let mut types = Self {
            inputs: drawing.nodes.iter().map(|node| empty(node.inputs.len())).collect(),
            outputs: drawing.nodes.iter().map(|node| empty(node.outputs.len())).collect(),
        };
        for edge in &drawing.edges {
            let ends = [(&mut types.inputs, edge.to), (&mut types.outputs, edge.from)];
            for (ports, (node, place)) in ends {
                if let Some(port) = ports.get_mut(node).and_then(|ports| ports.get_mut(place)) {
                    *port = &edge.type_name;
                }
            }
        }
        types
    }
}

fn node_group(node: &NodeBox, corner: Corner, size: Size, types: &PortTypes<'_>, at: usize) -> String {
    let Size { width, height } = size;
    let mut out = format!(
        "<g transform=\"translate({:.1} {:.1})\"><title>{}</title>\
        <rect class=\"b\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>\
        <path class=\"h\" d=\"M.5 {TITLE}V6.5a6 6 0 0 1 6 -6H{:.1}a6 6 0 0 1 6 6V{TITLE}z\"/>",
        corner.x,
        corner.y,
        escaped(&format!("{} {}", node.id, node.class.as_deref().unwrap_or(&node.title))),
        width - 6.5
    );
    let fits = |text: &str| cut(text, (width - 2.0 * PADDING) / LETTER);
    let id = cut(&node.id, 12.0);
    let beside_id = width - 2.0 * PADDING - LETTER * (letters(&id) + 1.0);
    out.push_str(&text("t", PADDING, 17.5, &cut(&node.title, beside_id / LETTER / BOLD)));
    out.push_str(&text("i e", width - PADDING, 17.5, &id));
    for (place, name) in node.inputs.iter().enumerate() {
        let type_name = types.inputs.get(at).and_then(|ports| ports.get(place)).copied().unwrap_or("");
        out.push_str(&port(0.0, place, type_name));
        out.push_str(&text("n", PADDING, port_offset(place) + 4.0, &fits(name)));
    }
    for (place, (_, name)) in node.outputs.iter().enumerate() {
        let type_name = types.outputs.get(at).and_then(|ports| ports.get(place)).copied().unwrap_or("");
        out.push_str(&port(width, place, type_name));
        out.push_str(&text("n e", width - PADDING, port_offset(place) + 4.0, &fits(name)));
    }
    let class = node.class.as_ref().map(|class| ("i", class.clone()));
    let lines = class.into_iter().chain(node.value_rows().map(|row| ("", row)));
    for (row, (style, line)) in (node.inputs.len().max(node.outputs.len())..).zip(lines) {
        out.push_str(&text(style, PADDING, port_offset(row) + 4.0, &fits(&line)));
    }
    out.push_str("</g>\n");
    out
}

fn port(x: f64, place: usize, type_name: &str) -> String {
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{}\"/>",
        port_offset(place),
        color::of(type_name)
    )
}

fn text(style: &str, x: f64, y: f64, text: &str) -> String {
    let class = if style.is_empty() { String::new() } else { format!(" class=\"{style}\"") };
    format!("<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text))
}

/// How many letters wide a text is. What is beyond ASCII may be twice as wide.
fn letters(text: &str) -> f64 {
    text.chars().map(width_of).sum()
}

const fn width_of(char: char) -> f64 {
    if char.is_ascii() { 1.0 } else { 1.7 }
}

/// As much of a text as so many letters take.
fn cut(text: &str, letters: f64) -> String {
    let mut left = letters;
    let mut out = String::new();
    for char in text.chars() {
        left -= width_of(char);
        if left < 0.0 {
            out.pop();
            out.push('…');
            break;
        }
        out.push(char);
    }
    out
}

/// A text as it stands in XML; what XML cannot hold becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            other => out.push(other),
        }
    }
    out
}
