//! What a server offers beyond the hosted service.

use comfyicu_model::json::{Object, Value};

/// What a server says of itself. The hosted service says nothing, and offers none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(Object);

impl Capabilities {
    pub(crate) fn none() -> Self {
        Self(Object::new())
    }

    pub(crate) const fn read(object: Object) -> Self {
        Self(object)
    }

    /// The server's name, such as `comfyicu-server`; none for the hosted service.
    pub fn server(&self) -> Option<&str> {
        self.0.get_str("server")
    }

    /// The server's version.
    pub fn version(&self) -> Option<&str> {
        self.0.get_str("version")
    }

    /// Whether it takes files as uploads.
    pub fn uploads(&self) -> bool {
        self.0.get("uploads").and_then(Value::as_bool).unwrap_or(false)
    }

    /// All that it says, what this version does not know included.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}
