//! `metadata` of a run: what the service found in its prompt.

use crate::field;
use crate::json::{Object, Value};

/// What the service found in the prompt of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunMetadata<'a>(&'a Object);

impl<'a> RunMetadata<'a> {
    pub(super) const fn new(object: &'a Object) -> Self {
        Self(object)
    }

    /// The extensions whose nodes are used, such as `comfyanonymous__ComfyUI`.
    pub fn extensions(self) -> impl Iterator<Item = &'a str> {
        field::texts(self.0, "extensions")
    }

    /// The classes of the nodes.
    pub fn nodes(self) -> impl Iterator<Item = &'a str> {
        field::texts(self.0, "nodes")
    }

    /// The checkpoints that are loaded.
    pub fn checkpoints(self) -> impl Iterator<Item = &'a str> {
        field::texts(self.0, "checkpoints")
    }

    /// The texts of the notes; on the hosted service the texts that are encoded are among them.
    pub fn notes(self) -> impl Iterator<Item = &'a str> {
        let text = |note: &'a Value| note.as_str().or_else(|| note.as_object()?.get_str("text"));
        field::items(self.0, "notes").iter().filter_map(text)
    }

    /// The groups, in a shape that is not known.
    pub fn groups(self) -> &'a [Value] {
        field::items(self.0, "groups")
    }

    /// All that the service says.
    pub const fn as_object(self) -> &'a Object {
        self.0
    }
}
