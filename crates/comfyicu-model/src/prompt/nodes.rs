//! Adding, removing and replacing nodes.

use std::collections::HashSet;

use super::free_ids::FreeIds;
use super::{EditError, Input, NewNode, Place, Prompt};
use crate::ids::NodeId;
use crate::json::{Object, Value};

/// What [`Prompt::remove_nodes_and_links`] took away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The nodes, as they were, in the order of the file.
    pub nodes: Vec<(NodeId, Object)>,
    /// The inputs of other nodes that took their outputs; they are not there any more.
    pub inputs: Vec<Place>,
}

impl Prompt {
    /// Makes a prompt without nodes, to add some. It is not one that runs, and `{}` is not read as one.
    pub fn new() -> Self {
        Self(Object::new())
    }

    /// Adds a node at the end, and returns its id: the number after the highest one.
    ///
    /// ```
    /// # use comfyicu_model::{NewNode, Prompt};
    /// let mut prompt = Prompt::parse(br#"{"9": {"class_type": "VAEDecode", "inputs": {}}}"#)?;
    /// let id = prompt.add_node(NewNode::new("SaveImage").link("images", "9", 0));
    /// assert_eq!(id.as_str(), "10");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_node(&mut self, node: NewNode) -> NodeId {
        let id = FreeIds::of(&[self]).fresh();
        self.0.insert(id.as_str(), node.into_object());
        id
    }

    /// Adds a node at the end under an id of one's choice. Links that led nowhere and name it lead to it now.
    ///
    /// # Errors
    /// When an entry of the prompt has the id.
    pub fn insert_node(&mut self, id: impl Into<NodeId>, node: NewNode) -> Result<(), EditError> {
        let id = id.into();
        if self.0.contains_key(id.as_str()) {
            return Err(EditError::IdTaken { id });
        }
        self.0.insert(id.as_str(), node.into_object());
        Ok(())
    }

    /// Takes a node away that no other uses, and returns it. It is named as for [`find`](Self::find).
    ///
    /// # Errors
    /// When it cannot be found, or its outputs are used: [`rewire`](Self::rewire) gives its users another
    /// source, [`remove_nodes_and_links`](Self::remove_nodes_and_links) leaves them without.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "EmptyImage", "inputs": {}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?;
    /// let error = prompt.remove_node("1").unwrap_err().to_string();
    /// assert_eq!(error, "node 1 (EmptyImage) is in use: it feeds 2.images");
    /// prompt.remove_node("SaveImage")?;
    /// prompt.remove_node("1")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_node(&mut self, node: &str) -> Result<Object, EditError> {
        let id = self.find(node)?.id().to_owned();
        let uses = self.uses_from_outside(&HashSet::from([id.as_str()]));
        if !uses.is_empty() {
            return Err(EditError::InUse { node: Box::new(self.find_id(&id)?.into()), uses });
        }
        match self.0.remove(&id) {
            Some(Value::Object(entry)) => Ok(entry),
            _ => Err(self.no_node(super::NamedBy::Id, &id)),
        }
    }

    /// Takes nodes away, and with them the inputs of other nodes that took their outputs: both are returned.
    /// The nodes are named as for [`find`](Self::find).
    ///
    /// # Errors
    /// When one of them cannot be found; then none is taken away.
    pub fn remove_nodes_and_links(
        &mut self,
        nodes: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<Removed, EditError> {
        let ids = nodes.into_iter().map(|node| self.find(node.as_ref()).map(|node| node.id().to_owned()));
        let ids = ids.collect::<Result<HashSet<_>, _>>()?;
        let inputs = self.uses_from_outside(&ids.iter().map(String::as_str).collect());
        for place in &inputs {
            self.remove_input(place)?;
        }
        let (mut removed, mut kept) = (Vec::with_capacity(ids.len()), Vec::with_capacity(self.0.len()));
        for (id, entry) in std::mem::take(&mut self.0) {
            match entry {
                Value::Object(node) if ids.contains(&id) => removed.push((NodeId::new(id), node)),
                entry => kept.push((id, entry)),
            }
        }
        self.0 = kept.into_iter().collect();
        Ok(Removed { nodes: removed, inputs })
    }

    /// Puts another node in a node's place: its id, its place in the file, its links on both sides and its
    /// title stay, its literals go. An input or a title that the new node has wins. Returns the node as it
    /// was. The node is named as for [`find`](Self::find).
    ///
    /// # Errors
    /// When it cannot be found.
    ///
    /// ```
    /// # use comfyicu_model::{NewNode, Prompt};
    /// let mut prompt = Prompt::parse(br#"{
    ///     "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}}
    /// }"#)?;
    /// prompt.replace_node("8", NewNode::new("VAEDecodeTiled").input("tile_size", 512_u64))?;
    /// assert_eq!(
    ///     prompt.to_json(),
    ///     r#"{"8":{"class_type":"VAEDecodeTiled","inputs":{"samples":["3",0],"vae":["4",2],"tile_size":512}}}"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_node(&mut self, node: &str, new: NewNode) -> Result<Object, EditError> {
        let node = self.find(node)?;
        let (id, before) = (node.id().to_owned(), node.as_object().clone());
        let (class_type, title, new_inputs) = new.into_parts();
        let kept = node
            .inputs()
            .filter(|(name, input)| matches!(input, Input::Link(_)) && !new_inputs.contains_key(name));
        let mut inputs: Object =
            kept.filter_map(|(name, _)| Some((name.to_owned(), node.value(name)?.clone()))).collect();
        for (name, value) in new_inputs {
            inputs.insert(name, value);
        }
        if let Some(node) = self.node_mut(&id) {
            node.insert("class_type", class_type);
            node.insert("inputs", inputs);
        }
        match title {
            Some(title) => self.set_title(&id, title).map(|_| before),
            None => Ok(before),
        }
    }

    /// Gives a node, named as for [`find`](Self::find), the title that the editor shows, and returns the one
    /// that it had.
    ///
    /// # Errors
    /// When it cannot be found.
    pub fn set_title(&mut self, node: &str, title: impl Into<String>) -> Result<Option<String>, EditError> {
        let node = self.find(node)?;
        let (id, before) = (node.id().to_owned(), node.title().map(str::to_owned));
        if let Some(node) = self.node_mut(&id) {
            match node.get_mut("_meta").and_then(Value::as_object_mut) {
                Some(meta) => drop(meta.insert("title", title.into())),
                None => drop(node.insert("_meta", Object::from_iter([("title", title.into())]))),
            }
        }
        Ok(before)
    }

    /// The inputs of other nodes that take an output of one of these.
    fn uses_from_outside(&self, ids: &HashSet<&str>) -> Vec<Place> {
        let others = self.nodes().filter(|node| !ids.contains(node.id()));
        let links = others.flat_map(|node| node.links().map(move |(input, link)| (node, input, link)));
        let used = links.filter(|(_, _, link)| ids.contains(link.node_id));
        used.map(|(node, input, _)| Place::new(node.id(), input)).collect()
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self::new()
    }
}
