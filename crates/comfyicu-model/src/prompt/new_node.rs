//! A node to put into a prompt.

use super::Link;
use crate::json::{Object, Value};

/// A node to put into a prompt: its class, its inputs, its title.
///
/// ```
/// use comfyicu_model::{NewNode, Prompt};
///
/// let mut prompt = Prompt::new();
/// let image = prompt.add_node(NewNode::new("EmptyImage").input("width", 64_u64).input("height", 64_u64));
/// prompt.add_node(NewNode::new("SaveImage").link("images", image.as_str(), 0).title("Save it"));
/// assert_eq!(prompt.get("@Save it.images")?.to_json(), r#"["1",0]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is in no prompt before it is added to one"]
pub struct NewNode {
    class_type: String,
    title: Option<String>,
    inputs: Object,
}

impl NewNode {
    /// Makes a node of a class, without inputs.
    pub fn new(class_type: impl Into<String>) -> Self {
        Self { class_type: class_type.into(), title: None, inputs: Object::new() }
    }

    /// Sets an input. A list of two, a string and a number, is a link (see [`Link::of`]).
    pub fn input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(name, value);
        self
    }

    /// Links an input to an output of a node.
    pub fn link(self, name: impl Into<String>, node_id: &str, slot: usize) -> Self {
        self.input(name, Link::value(node_id, slot))
    }

    /// Gives it the title that the editor shows.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    pub(super) fn into_parts(self) -> (String, Option<String>, Object) {
        (self.class_type, self.title, self.inputs)
    }

    /// The node as ComfyUI writes it.
    pub(super) fn into_object(self) -> Object {
        let mut object = Object::new();
        object.insert("inputs", self.inputs);
        object.insert("class_type", self.class_type);
        if let Some(title) = self.title {
            object.insert("_meta", Object::from_iter([("title", title)]));
        }
        object
    }
}

impl Link<'_> {
    /// The value that links to an output of a node: `["4", 0]`.
    ///
    /// ```
    /// # use comfyicu_model::{Link, Prompt};
    /// let mut prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"model": ["4", 0]}}}"#)?;
    /// prompt.set("3.model", Link::value("10", 0))?;
    /// assert_eq!(prompt.get("3.model")?.to_json(), r#"["10",0]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value(node_id: &str, slot: usize) -> Value {
        Value::Array(vec![node_id.into(), u64::try_from(slot).unwrap_or(u64::MAX).into()])
    }
}
