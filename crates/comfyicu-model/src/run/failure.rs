//! Why a run failed.

use crate::json::{Object, Value};

/// Why a run failed, as it stands in `output.error`: ComfyUI's own account of the exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure(Object);

impl RunFailure {
    /// Finds the account of the failure in an `output` or `error`: under the key `error`, or the object itself.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let inner = object.get("error").and_then(Value::as_object).unwrap_or(object);
        let is_account = ["exception_message", "exception_type", "message", "details"];
        is_account.iter().any(|key| inner.contains_key(key)).then(|| Self(inner.clone()))
    }

    /// What went wrong, in the words of whoever noticed.
    pub fn message(&self) -> &str {
        let nested = || self.0.get("details")?.as_object()?.get("error")?.as_object()?.get_str("message");
        self.0
            .get_str("exception_message")
            .or_else(|| self.0.get_str("message"))
            .or_else(nested)
            .map_or("the service gave no reason", str::trim)
    }

    /// The kind of error, such as `invalid_prompt` or a Python exception's class.
    pub fn exception_type(&self) -> Option<&str> {
        self.0.get_str("exception_type")
    }

    /// The node that failed.
    pub fn node_id(&self) -> Option<&str> {
        self.0.get_str("node_id")
    }

    /// The class of the node that failed.
    pub fn node_type(&self) -> Option<&str> {
        self.0.get_str("node_type")
    }

    /// The lines of the traceback.
    pub fn traceback(&self) -> impl Iterator<Item = &str> {
        self.0.get("traceback").and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str)
    }

    /// The whole account as it was answered.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}
