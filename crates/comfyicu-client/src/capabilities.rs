//! What a server offers beyond the hosted service.

use std::fmt;

use comfyicu_model::json::{Object, Value};

/// What a server says of itself. The hosted service says nothing, and offers none of it.
///
/// A client asks once, and remembers. [`ClientBuilder::capabilities`](crate::ClientBuilder::capabilities) sets
/// it by hand, for a server that is known, so that nothing is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(Object);

/// Something that a server may offer beyond the hosted service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// Local files can be handed over.
    Uploads,
    /// Node definitions are told.
    ObjectInfo,
    /// A run can be cancelled.
    Cancel,
    /// Changes of a run are told as they happen.
    Events,
    /// A submit that is repeated with its key makes no second run.
    IdempotencyKey,
    /// Lists come in pages, and can be filtered.
    Pages,
}

impl Extension {
    const ALL: [Self; 6] =
        [Self::Uploads, Self::ObjectInfo, Self::Cancel, Self::Events, Self::IdempotencyKey, Self::Pages];

    /// Its name among the capabilities.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::ObjectInfo => "object_info",
            Self::Cancel => "cancel",
            Self::Events => "events",
            Self::IdempotencyKey => "idempotency_keys",
            Self::Pages => "paging",
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Capabilities {
    /// Those of the hosted service: no extension at all.
    pub fn none() -> Self {
        Self(Object::new())
    }

    /// These extensions and no others.
    pub fn of(extensions: impl IntoIterator<Item = Extension>) -> Self {
        Self(extensions.into_iter().map(|extension| (extension.as_str(), true)).collect())
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

    /// Whether it offers an extension.
    pub fn has(&self, extension: Extension) -> bool {
        self.0.get(extension.as_str()).and_then(Value::as_bool).unwrap_or(false)
    }

    /// All extensions that it offers and this version knows.
    pub fn extensions(&self) -> impl Iterator<Item = Extension> {
        Extension::ALL.into_iter().filter(|extension| self.has(*extension))
    }

    /// Whether it takes files as uploads.
    pub fn uploads(&self) -> bool {
        self.has(Extension::Uploads)
    }

    /// All that it says, what this version does not know included.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_by_their_names() {
        let said = Object::from_iter([
            ("uploads", Value::from(true)),
            ("events", false.into()),
            ("x", 1_u64.into()),
        ]);
        let capabilities = Capabilities::read(said);
        assert_eq!(capabilities.extensions().collect::<Vec<_>>(), [Extension::Uploads]);
        assert_eq!(Capabilities::of(Extension::ALL).extensions().count(), Extension::ALL.len());
        assert_eq!(Capabilities::none().extensions().count(), 0);
    }
}
