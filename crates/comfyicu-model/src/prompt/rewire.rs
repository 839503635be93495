//! Giving the users of an output another source.

use std::collections::HashSet;

use super::{EditError, Link, Node, Place, Prompt};

impl Prompt {
    /// Lets all that take one output of a node take another, and returns the inputs that changed. Nodes are
    /// named as for [`find`](Self::find); `from` may also be an id that only links name, so that links which
    /// lead nowhere can be mended.
    ///
    /// Links that `to` itself needs, directly or not, stay as they are: they would close a cycle. So a node is
    /// put between an output and its users by adding it, linked to that output, and then rewiring.
    ///
    /// # Errors
    /// When one of the nodes cannot be found.
    ///
    /// ```
    /// use comfyicu_model::{NewNode, Prompt};
    ///
    /// let mut prompt = Prompt::parse(br#"{
    ///     "3": {"class_type": "KSampler", "inputs": {"model": ["4", 0]}},
    ///     "4": {"class_type": "CheckpointLoaderSimple", "inputs": {}}
    /// }"#)?;
    /// let lora = NewNode::new("LoraLoaderModelOnly").link("model", "4", 0).input("lora_name", "ink.safetensors");
    /// let lora = prompt.add_node(lora);
    /// let changed = prompt.rewire(("4", 0), (lora.as_str(), 0))?;
    /// assert_eq!(changed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["3.model"]);
    /// assert_eq!(prompt.get("5.model")?.to_json(), r#"["4",0]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rewire(&mut self, from: (&str, usize), to: (&str, usize)) -> Result<Vec<Place>, EditError> {
        let target = self.find(to.0)?.id();
        let changed = {
            let graph = self.graph();
            let source = match self.find(from.0) {
                Ok(node) => node.id(),
                Err(_) if graph.dangling().any(|used| used.link.node_id == from.0) => from.0,
                Err(error) => return Err(error),
            };
            let mut staying: HashSet<_> = graph.ancestors([target]).iter().map(Node::id).collect();
            staying.insert(target);
            let nodes = self.nodes().filter(|node| !staying.contains(node.id()));
            let links = nodes.flat_map(|node| node.links().map(move |(input, link)| (node, input, link)));
            let users = links.filter(|(.., link)| link.node_id == source && link.slot == Some(from.1));
            users.map(|(node, input, _)| Place::new(node.id(), input)).collect::<Vec<_>>()
        };
        let link = Link::value(target, to.1);
        for place in &changed {
            self.set(place, link.clone())?;
        }
        Ok(changed)
    }
}
