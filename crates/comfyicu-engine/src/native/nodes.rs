//! The nodes, one file a family. A node is its definition and its code, and one line in the registry.

pub(super) mod empty;
pub(super) mod invert;
pub(super) mod load;
pub(super) mod mask;
pub(super) mod save;
pub(super) mod scale;

/// The class that loads files; images that a run saves carry the hashes of what it loaded.
pub(super) const LOAD_IMAGE: &str = "LoadImage";
