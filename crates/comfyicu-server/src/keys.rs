//! API keys: who may use the server, for which owner, for what, and how much.

mod first;
mod rate;
mod ring;
mod scope;

pub(crate) use first::{FirstKeyError, make_first_key};
pub(crate) use rate::{RateLeft, TooFast};
pub(crate) use ring::{Key, KeyRing, leave_stamp};
pub(crate) use scope::{KeyScope, KeyScopes};

use comfyicu_model::Timestamp;

use crate::hash::Sha256Hex;
use crate::owner::Owner;

/// A key, without the text that it is known by: of that only digests are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRecord {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    /// For people; keys can have the same name.
    pub(crate) name: String,
    pub(crate) scopes: KeyScopes,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    /// To within half a minute while a server runs.
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) limits: KeyLimits,
}

/// How much may be done with a key; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyLimits {
    pub(crate) requests_per_minute: Option<u32>,
    /// Runs that wait or are executed at once.
    pub(crate) active_runs: Option<u32>,
    /// Seconds that runs may be executed for in a calendar month (UTC).
    pub(crate) gpu_seconds: Option<u64>,
}

/// One of the texts by which a key is known; it has two for a while after it was rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyDigest {
    pub(crate) sha256: Sha256Hex,
    /// When this text ends to be good.
    pub(crate) until: Option<Timestamp>,
    pub(crate) key: KeyRecord,
}

impl KeyRecord {
    /// A new key without an end or limits.
    pub(crate) fn new(id: String, owner: Owner, name: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            name: name.into(),
            scopes: KeyScopes::all(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            limits: KeyLimits::default(),
        }
    }
}
