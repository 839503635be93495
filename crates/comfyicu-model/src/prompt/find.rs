//! Finding a node by what people call it.

use super::edit_error::NamedBy;
use super::selector::read_quoted;
use super::{EditError, Node, Prompt};
use crate::nearest::nearest;

/// The longest name that is compared with others; a longer one is no slip of the pen.
const MAX_COMPARED: usize = 200;

impl Prompt {
    /// The node that a name means: the id, or `@` and the title, or the class where only one node has it.
    /// An id wins over all else. A name in quotes, as JSON writes them, is the same name.
    ///
    /// # Errors
    /// When there is no such node, or several have the title or the class; the error lists them.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "3": {"class_type": "KSampler", "inputs": {}},
    ///     "6": {"class_type": "CLIPTextEncode", "inputs": {}, "_meta": {"title": "Positive"}},
    ///     "7": {"class_type": "CLIPTextEncode", "inputs": {}, "_meta": {"title": "Negative"}}
    /// }"#)?;
    /// assert_eq!(prompt.find("3")?.id(), "3");
    /// assert_eq!(prompt.find("@Positive")?.id(), "6");
    /// assert_eq!(prompt.find("KSampler")?.id(), "3");
    /// assert!(prompt.find("CLIPTextEncode").is_err(), "there are two");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(&self, name: &str) -> Result<Node<'_>, EditError> {
        if let Some(node) = self.node(name) {
            return Ok(node);
        }
        if let Some(title) = name.strip_prefix('@') {
            let title = read_quoted(title).unwrap_or_else(|| title.to_owned());
            return self.only(
                NamedBy::Title,
                &title,
                self.nodes().filter(|node| node.title() == Some(&title)),
            );
        }
        let name = read_quoted(name).unwrap_or_else(|| name.to_owned());
        match self.node(&name) {
            Some(node) => Ok(node),
            None => {
                self.only(NamedBy::Class, &name, self.nodes().filter(|node| node.class_type() == Some(&name)))
            }
        }
    }

    /// The node of an id.
    pub(super) fn find_id(&self, id: &str) -> Result<Node<'_>, EditError> {
        self.node(id).ok_or_else(|| self.no_node(NamedBy::Id, id))
    }

    /// The only one of the nodes that have a name.
    pub(super) fn only<'a>(
        &self,
        by: NamedBy,
        name: &str,
        nodes: impl IntoIterator<Item = Node<'a>>,
    ) -> Result<Node<'a>, EditError> {
        let nodes: Vec<_> = nodes.into_iter().collect();
        match nodes.as_slice() {
            [node] => Ok(*node),
            [] => Err(self.no_node(by, name)),
            _ => Err(EditError::Ambiguous { by, name: name.to_owned(), nodes: nodes.into_iter().collect() }),
        }
    }

    pub(super) fn no_node(&self, by: NamedBy, name: &str) -> EditError {
        let by = match by {
            NamedBy::Title => by,
            _ if name.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') => NamedBy::Id,
            _ => NamedBy::IdOrClass,
        };
        let nearest = match by {
            NamedBy::Title => nearest_name(name, self.nodes().filter_map(|node| node.title())),
            _ => nearest_name(name, self.nodes().filter_map(|node| node.class_type())),
        };
        EditError::NoNode {
            by,
            name: name.to_owned(),
            nearest: nearest.map(str::to_owned),
            nodes: self.nodes().collect(),
        }
    }
}

pub(super) fn nearest_name<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    (wanted.len() <= MAX_COMPARED).then(|| nearest(wanted, names)).flatten()
}
