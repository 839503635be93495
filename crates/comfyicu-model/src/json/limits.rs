//! The bounds within which a document is read.

/// The most arrays and objects that may be open at once, whatever is asked for: reading, writing and
/// dropping go down with the document, and this still fits a thread's stack of 2 MiB without optimisation.
const DEEPEST: usize = 1024;

/// The bounds within which a document is read: what is beyond one of them is refused, and the error says
/// which.
///
/// ```
/// use comfyicu_model::json::{Limits, read};
///
/// let limits = Limits::default().max_bytes(1024);
/// let error = read(&[b' '; 2048], limits).expect_err("it is too long");
/// assert_eq!(error.to_string(), "the document has 2048 bytes; at most 1024 are read");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes a document may have. The default, 64 MiB, is ten times the largest workflow seen.
    pub max_bytes: usize,
    /// The most arrays and objects that may be open at once. The default is 512, and no more than 1024 are
    /// ever read.
    pub max_depth: usize,
    /// The most values a document may have, arrays and objects included. The default, 4 million, is ten
    /// times what the definitions of a large installation have, and bounds the memory to some hundred MiB.
    pub max_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024, max_depth: 512, max_values: 4_000_000 }
    }
}

impl Limits {
    /// Sets the most bytes a document may have.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the most arrays and objects that may be open at once; above 1024 it counts as 1024.
    #[must_use]
    pub const fn max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }

    /// Sets the most values a document may have.
    #[must_use]
    pub const fn max_values(mut self, values: usize) -> Self {
        self.max_values = values;
        self
    }

    /// The depth that is kept to.
    pub(super) fn depth(&self) -> usize {
        self.max_depth.min(DEEPEST)
    }
}
