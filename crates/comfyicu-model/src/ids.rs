//! Ids as types of their own, so that a workflow's is never passed for a run's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most characters an id may have; the service's own have 21.
const MAX_LENGTH: usize = 64;

/// Why a text is not an id of the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: it has 1 to {MAX_LENGTH} of the characters A-Z, a-z, 0-9, `_` and `-`")]
pub struct InvalidId {
    what: &'static str,
    text: String,
}

/// The service makes nanoids: 21 characters of the URL-safe alphabet. Ours allow any 1 to 64 of them, and
/// nothing else, so that an id is safe in a URL, a path and a log line as it is.
fn check(what: &'static str, text: &str) -> Result<(), InvalidId> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(safe) {
        return Ok(());
    }
    Err(InvalidId { what, text: text.chars().take(MAX_LENGTH + 1).collect() })
}

macro_rules! service_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes a text as an id.
            ///
            /// # Errors
            /// When it is empty, longer than 64, or holds a character that a URL would not keep as it is.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check($what, text)?;
                Ok(Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

service_id! {
    /// The id of a workflow: on the service, the named thing that runs belong to.
    WorkflowId, "workflow id"
}

service_id! {
    /// The id of a run.
    RunId, "run id"
}

/// The id of a node in a prompt. Mostly digits, but any text is legal: `"12:3"` is a node in a subgraph.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Box<str>);

impl NodeId {
    /// Takes any text as a node id.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({})", self.0)
    }
}

impl std::borrow::Borrow<str> for NodeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for NodeId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<String> for NodeId {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for NodeId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_url_safe_and_bounded() {
        assert!(RunId::parse("sve-GBc89WPLPncm4laYG").is_ok());
        assert!(WorkflowId::parse(&"a".repeat(64)).is_ok());
        for bad in ["", "a/b", "a b", "..", "ü", &"a".repeat(65)] {
            assert!(WorkflowId::parse(bad).is_err(), "{bad:?}");
        }
        insta::assert_snapshot!(RunId::parse("a/b").unwrap_err(), @r#""a/b" is not a run id: it has 1 to 64 of the characters A-Z, a-z, 0-9, `_` and `-`"#);
    }
}
