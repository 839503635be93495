//! What a picture shows of a prompt: boxes with rows, and links between rows.

use std::collections::BTreeSet;

use crate::json::Value;
use crate::object_info::{NodeDefinition, ObjectInfo};
use crate::prompt::{Graph, Input, LinkedInput, Node};

/// How many values a box shows.
const MAX_VALUES: usize = 6;

/// How much of a text is shown, in characters.
const MAX_CHARS: usize = 40;

/// Outputs beyond this are no outputs: no class has more than a few dozen.
const MAX_SLOT: usize = 1_000;

/// A node as it is shown.
#[derive(Clone, Debug)]
pub(super) struct NodeBox {
    pub(super) id: String,
    /// The title that its user gave it, or the class.
    pub(super) title: String,
    /// The class, where the title is another one.
    pub(super) class: Option<String>,
    /// Names and values of inputs that are not linked, and of links to nodes that are not there.
    pub(super) values: Vec<(String, String)>,
    /// How many more there are.
    pub(super) more_values: usize,
    /// The names of the inputs that are linked.
    pub(super) inputs: Vec<String>,
    /// The outputs that are used: their slots, and what they are called.
    pub(super) outputs: Vec<(usize, String)>,
}

/// A link between two nodes that are there.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// The node that it comes from, and the place among its outputs.
    pub(super) from: (usize, usize),
    /// The node that it goes to, and the place among its inputs.
    pub(super) to: (usize, usize),
    pub(super) type_name: String,
}

/// The boxes, in the order of the file, and the links between them.
pub(super) fn of(graph: &Graph<'_>, object_info: Option<&ObjectInfo>) -> (Vec<NodeBox>, Vec<Edge>) {
    let definition = |node: &Node<'_>| object_info?.definition(node.class_type()?);
    let mut boxes: Vec<_> = graph.nodes().map(|node| node_box(graph, node, definition(&node))).collect();
    let mut edges = Vec::new();
    for (to, node) in graph.nodes().enumerate() {
        for (input, link) in node.links() {
            let (Some(from), Some(slot)) =
                (graph.index_of(link.node_id), link.slot.filter(|slot| *slot < MAX_SLOT))
            else {
                continue;
            };
            let origin = graph.at(from);
            let declared = origin.as_ref().and_then(definition).and_then(|origin| origin.output(slot));
            let wanted = || definition(&node)?.input(input);
            let type_name = match (declared, wanted()) {
                (Some(output), _) => output.slot_type().name(),
                (None, Some(input)) => input.slot_type().name(),
                (None, None) => by_name(input),
            };
            let place =
                boxes.get(from).and_then(|from| from.outputs.iter().position(|(own, _)| *own == slot));
            if declared.is_none() && !type_name.is_empty() {
                // A type says more than a number.
                let output = boxes.get_mut(from).zip(place).and_then(|(from, at)| from.outputs.get_mut(at));
                if let Some((_, name)) = output {
                    type_name.clone_into(name);
                }
            }
            let Some(target) = boxes.get_mut(to) else { continue };
            if let Some(place) = place {
                edges.push(Edge {
                    from: (from, place),
                    to: (to, target.inputs.len()),
                    type_name: type_name.to_owned(),
                });
                target.inputs.push(one_line(input));
            }
        }
    }
    (boxes, edges)
}

fn node_box(graph: &Graph<'_>, node: Node<'_>, definition: Option<NodeDefinition<'_>>) -> NodeBox {
    let class = node.class_type().unwrap_or("?");
    let title = node.title().filter(|title| !title.trim().is_empty()).unwrap_or(class);
    let is_shown = |slot: &Option<usize>| slot.is_some_and(|slot| slot < MAX_SLOT);
    let leads_nowhere = |id: &str, slot: Option<usize>| graph.index_of(id).is_none() || !is_shown(&slot);
    let values = node.inputs().filter_map(|(name, input)| match input {
        Input::Literal(value) => Some((one_line(name), shown(value))),
        Input::Link(link) => leads_nowhere(link.node_id, link.slot)
            .then(|| (one_line(name), format!("← {}, which is not there", one_line(link.node_id)))),
    });
    let mut values: Vec<_> = values.collect();
    let more_values = values.len().saturating_sub(MAX_VALUES);
    values.truncate(MAX_VALUES);
    let used = |used: LinkedInput<'_>| used.link.slot.filter(|slot| *slot < MAX_SLOT);
    let slots: BTreeSet<_> = graph.consumers(node.id()).filter_map(used).collect();
    let name = |slot: usize| {
        let output = definition.and_then(|definition| definition.output(slot));
        output.map_or_else(|| slot.to_string(), |output| one_line(output.name()))
    };
    NodeBox {
        id: one_line(node.id()),
        title: one_line(title),
        class: (title != class).then(|| one_line(class)),
        values,
        more_values,
        inputs: Vec::new(),
        outputs: slots.into_iter().map(|slot| (slot, name(slot))).collect(),
    }
}

/// The type that an input of that name takes in ComfyUI's own nodes.
fn by_name(input: &str) -> &'static str {
    let name = input
        .rsplit('.')
        .next()
        .unwrap_or(input)
        .trim_end_matches(|char: char| char.is_ascii_digit() || char == '_');
    match name {
        "model" => "MODEL",
        "clip" => "CLIP",
        "vae" => "VAE",
        "positive" | "negative" | "conditioning" | "conditioning_to" | "conditioning_from" | "cond" => {
            "CONDITIONING"
        }
        "latent" | "latent_image" | "samples" | "samples_to" | "samples_from" => "LATENT",
        "image" | "images" | "pixels" | "destination" | "source" => "IMAGE",
        "mask" | "masks" => "MASK",
        "control_net" => "CONTROL_NET",
        "clip_vision" => "CLIP_VISION",
        "clip_vision_output" => "CLIP_VISION_OUTPUT",
        "style_model" => "STYLE_MODEL",
        "upscale_model" => "UPSCALE_MODEL",
        "noise" => "NOISE",
        "guider" => "GUIDER",
        "sampler" => "SAMPLER",
        "sigmas" => "SIGMAS",
        "audio" => "AUDIO",
        "video" => "VIDEO",
        _ => "",
    }
}

/// A value as one short line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        other => one_line(&other.to_json()),
    }
}

/// A text as one short line, without what no picture can hold.
fn one_line(text: &str) -> String {
    let words = text.chars().take(MAX_CHARS * 4).map(|char| if char.is_control() { ' ' } else { char });
    let words = words.collect::<String>();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MAX_CHARS && text.chars().nth(MAX_CHARS * 4).is_none() {
        return words;
    }
    words.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

impl NodeBox {
    /// The rows of values, as text.
    pub(super) fn value_rows(&self) -> impl Iterator<Item = String> {
        let more = (self.more_values > 0).then(|| format!("… {} more", self.more_values));
        self.values.iter().map(|(name, value)| format!("{name}: {value}")).chain(more)
    }
}
