//! Pictures of prompts: as text, for Mermaid, for Graphviz, and as SVG.

mod color;
#[cfg(feature = "svg")]
mod columns;
mod data;
mod dot;
#[cfg(feature = "svg")]
mod layout;
mod mermaid;
mod parts;
#[cfg(feature = "svg")]
mod svg;
mod tree;

use crate::json::Object;
use crate::object_info::ObjectInfo;
use crate::prompt::{Graph, Prompt};
use parts::{Edge, NodeBox};

/// A picture of a prompt that can be written in several ways: its nodes with title and values, and the links
/// between them with their types.
///
/// ```
/// use comfyicu_model::Prompt;
///
/// let prompt = Prompt::parse(br#"{
///     "8": {"class_type": "VAEDecode", "inputs": {"vae": ["4", 2]}},
///     "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "fox"}},
///     "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}}
/// }"#)?;
/// assert_eq!(prompt.drawing(None).to_text(), "\
/// 9 SaveImage (filename_prefix: fox)
/// └─ images ← 8 VAEDecode
///    └─ vae ← 4 CheckpointLoaderSimple (ckpt_name: v1-5.safetensors)
/// ");
/// # Ok::<(), comfyicu_model::ParsePromptError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    graph: Graph<'a>,
    nodes: Vec<NodeBox>,
    edges: Vec<Edge>,
}

impl Prompt {
    /// Prepares a picture of the prompt. With node definitions the types of links are exact, else they are told
    /// from the names of inputs as far as these are ComfyUI's own.
    pub fn drawing(&self, object_info: Option<&ObjectInfo>) -> Drawing<'_> {
        let graph = self.graph();
        let (nodes, edges) = parts::of(&graph, object_info);
        Drawing { graph, nodes, edges }
    }
}

impl Drawing<'_> {
    /// Writes it as text: below each node where the graph ends, what it needs. What was shown before stands again
    /// without what it needs, and with an asterisk.
    pub fn to_text(&self) -> String {
        tree::write(self)
    }

    /// Writes a flowchart for Mermaid, from left to right.
    pub fn to_mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// Writes a graph for Graphviz, from left to right.
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// Gives what it shows as data: `{"nodes": [{"id", "class_type", "title"}, …], "links": [{"from", "slot", "to",
    /// "input", "type"}, …]}`. The type of a link is null where it is not known; links that lead nowhere are left out.
    pub fn to_object(&self) -> Object {
        data::write(self)
    }

    /// Writes an SVG image, laid out from left to right: a box for each node, coloured links.
    #[cfg(feature = "svg")]
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }
}

#[cfg(test)]
mod tests;
