//! `x` of a run: what it cost. An extension of the self-hosted server.

use std::time::Duration;

use crate::field;
use crate::json::{Object, Value};

/// What a run cost, in time and bytes. An extension of the self-hosted server.
///
/// ```
/// use comfyicu_model::Run;
///
/// let run = Run::parse(br#"{"id": "r", "x": {"queue_ms": 3, "download_ms": 250, "execution_ms": 900,
///     "files": {"/input/a.png": {"bytes": 4096, "cache_hit": true},
///               "/input/b.png": {"bytes": 1000, "cache_hit": false}}}}"#)?;
/// let costs = run.costs().expect("this server tells them");
/// assert_eq!(costs.download_time(), Some(std::time::Duration::from_millis(250)));
/// assert_eq!((costs.downloaded_bytes(), costs.cache_hits()), (1000, 1));
/// # Ok::<(), comfyicu_model::ParseRunError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCosts<'a>(&'a Object);

/// What one of a run's files cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCost<'a> {
    /// The destination path of the file.
    pub path: &'a str,
    /// How many bytes it has.
    pub bytes: Option<u64>,
    /// Whether it was there already, so that nothing was fetched.
    pub cache_hit: Option<bool>,
}

impl<'a> RunCosts<'a> {
    pub(super) const fn new(object: &'a Object) -> Self {
        Self(object)
    }

    /// How long the run waited.
    pub fn queue_time(self) -> Option<Duration> {
        self.millis("queue_ms")
    }

    /// How long its files took to fetch.
    pub fn download_time(self) -> Option<Duration> {
        self.millis("download_ms")
    }

    /// How long its nodes took to run.
    pub fn execution_time(self) -> Option<Duration> {
        self.millis("execution_ms")
    }

    fn millis(self, key: &str) -> Option<Duration> {
        field::count(self.0, key).map(Duration::from_millis)
    }

    /// What each of its files cost, in the order in which they were given.
    pub fn files(self) -> impl Iterator<Item = FileCost<'a>> {
        let cost = |(path, cost): (&'a str, &'a Value)| {
            let cost = cost.as_object()?;
            Some(FileCost {
                path,
                bytes: field::count(cost, "bytes"),
                cache_hit: field::flag(cost, "cache_hit"),
            })
        };
        field::object(self.0, "files").into_iter().flat_map(Object::iter).filter_map(cost)
    }

    /// How many bytes were fetched, files that were there already left out.
    pub fn downloaded_bytes(self) -> u64 {
        let fetched = self.files().filter(|file| file.cache_hit != Some(true));
        fetched.filter_map(|file| file.bytes).fold(0, u64::saturating_add)
    }

    /// How many files were there already.
    pub fn cache_hits(self) -> usize {
        self.files().filter(|file| file.cache_hit == Some(true)).count()
    }

    /// All that the server says.
    pub const fn as_object(self) -> &'a Object {
        self.0
    }
}
