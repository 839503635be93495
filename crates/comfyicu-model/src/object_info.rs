//! Node definitions, as ComfyUI's `/object_info` gives them.

use crate::json::Object;
use crate::nearest::nearest;

/// The node definitions of an executor: class → definition, in ComfyUI's own form, without loss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectInfo(Object);

impl ObjectInfo {
    /// Takes definitions in ComfyUI's form.
    pub const fn new(definitions: Object) -> Self {
        Self(definitions)
    }

    /// The definition of a class.
    pub fn get(&self, class_type: &str) -> Option<&Object> {
        self.0.get(class_type).and_then(|definition| definition.as_object())
    }

    /// The classes, in the order of the definitions.
    pub fn class_types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys()
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
}
