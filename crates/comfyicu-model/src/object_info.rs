//! Node definitions, as ComfyUI's `/object_info` gives them.

mod combo;
mod dynamic;
mod input;
mod node;
mod slot_type;

pub use combo::Combo;
pub use dynamic::{Autogrow, DynamicCombo, DynamicOption};
pub use input::{InputDefinition, InputKind, Section};
pub use node::{NodeDefinition, OutputDefinition};
pub use slot_type::SlotType;

use crate::json::{self, JsonError, Kind, Limits, Object, Value};
use crate::nearest::nearest;

/// The node definitions of an executor: class → definition, in ComfyUI's own form, without loss.
///
/// The definitions are read once and looked at in place: [`NodeDefinition`], [`InputDefinition`] and the
/// types below them are views that cost nothing to make.
///
/// ```
/// use comfyicu_model::object_info::{InputKind, ObjectInfo};
///
/// let object_info = ObjectInfo::parse(br#"{"EmptyLatentImage": {
///     "input": {"required": {"width": ["INT", {"default": 512, "min": 16, "max": 16384, "step": 8}]}},
///     "output": ["LATENT"], "output_name": ["LATENT"], "output_node": false
/// }}"#)?;
/// let latent = object_info.definition("EmptyLatentImage").expect("it is there");
/// let width = latent.input("width").expect("it has a width");
/// assert!(matches!(width.kind(), InputKind::Int));
/// assert_eq!(width.max().and_then(|max| max.as_u64()), Some(16384));
/// assert_eq!(latent.output(0).map(|output| output.slot_type().to_string()), Some("LATENT".into()));
/// # Ok::<(), comfyicu_model::object_info::ParseObjectInfoError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectInfo(Object);

/// Why a document has no node definitions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseObjectInfoError {
    /// It is not JSON. The source names the place.
    #[error("the node definitions are not valid JSON")]
    Json(#[source] JsonError),
    /// The document is not an object.
    #[error("node definitions are an object of class → definition, but this is {found}")]
    NotAnObject {
        /// What it is.
        found: Kind,
    },
    /// No entry of a document that has some is a definition.
    #[error("no entry is a node definition: a definition is an object with `input` and `output`")]
    NoDefinitions,
}

impl ObjectInfo {
    /// Takes definitions in ComfyUI's form.
    pub const fn new(definitions: Object) -> Self {
        Self(definitions)
    }

    /// Reads what ComfyUI answers at `/object_info`, or at `/object_info/CLASS`.
    ///
    /// An entry that is no definition is kept, but is not one for [`definition`](Self::definition).
    ///
    /// # Errors
    /// When the bytes are not JSON, not an object, or hold entries of which none is a definition.
    pub fn parse(json: &[u8]) -> Result<Self, ParseObjectInfoError> {
        match json::read(json, Limits::default()).map_err(ParseObjectInfoError::Json)? {
            Value::Object(object) => Self::try_from(object),
            other => Err(ParseObjectInfoError::NotAnObject { found: other.kind() }),
        }
    }

    /// The definition of a class, as it was read.
    pub fn get(&self, class_type: &str) -> Option<&Object> {
        self.0.get(class_type).and_then(|definition| definition.as_object())
    }

    /// The definition of a class.
    pub fn definition(&self, class_type: &str) -> Option<NodeDefinition<'_>> {
        let (class_type, definition) = self.0.get_key_value(class_type)?;
        NodeDefinition::of_entry(class_type, definition)
    }

    /// The definitions, in their order.
    pub fn definitions(&self) -> impl DoubleEndedIterator<Item = NodeDefinition<'_>> {
        self.0.iter().filter_map(|(class_type, definition)| NodeDefinition::of_entry(class_type, definition))
    }

    /// The classes, in the order of the definitions.
    pub fn class_types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys()
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no class is defined.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class whose name is most like `name`, when one is near enough to be a slip of the pen.
    ///
    /// ```
    /// use comfyicu_model::{ObjectInfo, json::{Object, Value}};
    ///
    /// let known: Object = [("LoadImage", Value::Null), ("SaveImage", Value::Null)].into_iter().collect();
    /// let object_info = ObjectInfo::new(known);
    /// assert_eq!(object_info.nearest("LoadImagr"), Some("LoadImage"));
    /// assert_eq!(object_info.nearest("KSampler"), None);
    /// ```
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.class_types())
    }

    /// The definitions, as ComfyUI would answer them.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }

    /// Gives the definitions back as JSON data.
    pub fn into_object(self) -> Object {
        self.0
    }
}

impl TryFrom<Object> for ObjectInfo {
    type Error = ParseObjectInfoError;

    fn try_from(object: Object) -> Result<Self, Self::Error> {
        let object_info = Self(object);
        if !object_info.is_empty() && object_info.definitions().next().is_none() {
            return Err(ParseObjectInfoError::NoDefinitions);
        }
        Ok(object_info)
    }
}

#[cfg(test)]
mod tests;
