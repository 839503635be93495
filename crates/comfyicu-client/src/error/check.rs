//! What a check found before anything was sent.

use std::fmt;

use comfyicu_model::Finding;

/// A request that a check found wanting: the source of an error whose kind is
/// [`Rejected`](crate::ErrorKind::Rejected). Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckFailed {
    /// All that was found, warnings included.
    pub findings: Vec<Finding>,
}

impl fmt::Display for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.findings.iter().filter(|finding| finding.is_error());
        let Some(first) = errors.next() else { return f.write_str("nothing is wrong") };
        write!(f, "{first}")?;
        match errors.count() {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl std::error::Error for CheckFailed {}
