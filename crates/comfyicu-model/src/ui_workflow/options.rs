//! What a conversion may decide that the file leaves open.

/// How a UI workflow becomes a prompt.
///
/// The editor does two things when it sends a prompt that depend on more than the file: it chooses between the
/// alternatives in texts like `a {red|blue} car`, and it replaces `%date:…%` and `%Node.widget%` in names of
/// files. By default both are kept as they are, and a finding says so.
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    pub(super) choice_seed: Option<u64>,
    pub(super) now: Option<LocalTime>,
}

impl ConvertOptions {
    /// Keeps what depends on more than the file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses between alternatives in texts, by a seed: the same seed chooses the same. Comments, which the
    /// editor takes out of such texts, are taken out too.
    #[must_use]
    pub const fn choose_alternatives(mut self, seed: u64) -> Self {
        self.choice_seed = Some(seed);
        self
    }

    /// Fills in `%date:…%` with the given time, and `%Node.widget%` with the widget's value.
    #[must_use]
    pub const fn fill_in_names(mut self, now: LocalTime) -> Self {
        self.now = Some(now);
        self
    }
}

/// A time on the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct LocalTime {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}
