//! Whose something is: each key belongs to an owner, and so does everything that is made with it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use comfyicu_model::WorkflowId;

/// The most characters of a name.
const MAX_LENGTH: usize = 64;
/// The owner of what needs no key, and of what earlier versions kept.
const LOCAL: &str = "local";

/// An owner, by name: 1 to 64 letters, digits, `.`, `_` and `-`. What one owner has is not there for another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(Arc<str>);

/// A name that no owner can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner's name has 1 to {MAX_LENGTH} letters, digits, `.`, `_` and `-`")]
pub(crate) struct InvalidOwner;

impl Owner {
    /// The owner of a server without keys.
    pub(crate) fn local() -> Self {
        Self(LOCAL.into())
    }

    /// Takes a text as a name.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidOwner> {
        let fits = (1..=MAX_LENGTH).contains(&text.len());
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fits && is_plain { Ok(Self(text.into())) } else { Err(InvalidOwner) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Owner {
    type Err = InvalidOwner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a workflow is found: two owners can each have one of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WorkflowKey {
    pub(crate) owner: Owner,
    pub(crate) id: WorkflowId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        for good in ["local", "team-a", "A.b_9", &"x".repeat(64)] {
            assert_eq!(Owner::parse(good).map(|owner| owner.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a/b", "ü", "a\n", &"x".repeat(65)] {
            assert_eq!(Owner::parse(bad), Err(InvalidOwner), "{bad:?}");
        }
    }
}
