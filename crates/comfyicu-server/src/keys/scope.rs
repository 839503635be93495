//! What a key may be used for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyScope {
    /// It changes something: it submits, cancels, uploads, sends again.
    Run,
    /// It looks at something of the key's owner.
    Read,
    /// It looks at the server as a whole.
    Admin,
}

impl KeyScope {
    const ALL: [Self; 3] = [Self::Run, Self::Read, Self::Admin];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// What a key may be used for; written as names with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyScopes(BTreeSet<KeyScope>);

/// A text that is no list of scopes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("scopes are `run`, `read` and `admin`, with commas between them")]
pub(crate) struct InvalidScopes;

impl KeyScopes {
    pub(crate) fn all() -> Self {
        Self(KeyScope::ALL.into_iter().collect())
    }

    pub(crate) fn contains(&self, scope: KeyScope) -> bool {
        self.0.contains(&scope)
    }
}

impl FromStr for KeyScopes {
    type Err = InvalidScopes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |name: &str| KeyScope::ALL.into_iter().find(|scope| scope.as_str() == name.trim());
        let scopes = text.split(',').map(known).collect::<Option<_>>();
        scopes.map(Self).ok_or(InvalidScopes)
    }
}

impl fmt::Display for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_are_written() {
        assert_eq!(KeyScopes::all().to_string(), "run,read,admin");
        let some: KeyScopes = "read, run".parse().unwrap();
        assert_eq!(some.to_string(), "run,read");
        assert!(some.contains(KeyScope::Read) && !some.contains(KeyScope::Admin));
        for bad in ["", "write", "run,,read"] {
            assert_eq!(bad.parse::<KeyScopes>(), Err(InvalidScopes), "{bad:?}");
        }
    }
}
