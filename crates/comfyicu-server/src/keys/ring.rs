//! The keys in memory, so that no request waits for the store.
//!
//! Another process may change them: `keys revoke` does. It leaves a new stamp beside the store then, and the stamp is
//! looked at for each request; a key that was revoked opens nothing from that moment on.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use comfyicu_model::Timestamp;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use super::rate::{Rate, RateLeft, TooFast};
use super::{KeyDigest, KeyRecord};
use crate::hash::Sha256Hex;
use crate::report::with_causes;
use crate::shutdown::Shutdown;
use crate::store::{KeyStore, StoreError};

/// How often it is written down when keys were used.
const NOTE_INTERVAL: Duration = Duration::from_secs(30);

/// The keys of a server. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn KeyStore>,
    stamp: PathBuf,
    keys: RwLock<Arc<Keys>>,
    reading: Mutex<()>,
}

/// The keys as they were at a stamp.
#[derive(Debug)]
struct Keys {
    stamp: Option<Stamp>,
    /// By the first bytes of their digests, which tell nothing of their text.
    by_digest: HashMap<[u8; 8], Vec<Entry>>,
    by_id: HashMap<String, Arc<Key>>,
}

#[derive(Debug)]
struct Entry {
    sha256: Sha256Hex,
    until: Option<Timestamp>,
    key: Arc<Key>,
}

/// A key that is good, and when it was used.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) record: KeyRecord,
    used_at: AtomicI64,
    rate: Option<Arc<Rate>>,
}

/// A file that another process replaced is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    file: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let file = metadata.len();
        Some(Self { modified: metadata.modified().ok(), file })
    }
}

/// Tells a running server that the keys have changed.
pub(crate) fn leave_stamp(path: &Path) -> std::io::Result<()> {
    let fresh = path.with_extension(crate::random::nanoid());
    std::fs::write(&fresh, crate::random::nanoid())?;
    std::fs::rename(&fresh, path)
}

impl KeyRing {
    /// Reads the keys; `stamp` is where a change of them is told.
    pub(crate) async fn open(store: Arc<dyn KeyStore>, stamp: PathBuf) -> Result<Self, StoreError> {
        let keys = RwLock::new(Arc::new(Keys::read(&*store, &stamp, None).await?));
        Ok(Self(Arc::new(Shared { store, stamp, keys, reading: Mutex::new(()) })))
    }

    /// The key with this text, when it is good now.
    pub(crate) async fn find(&self, text: &str, now: Timestamp) -> Result<Option<Arc<Key>>, StoreError> {
        let key = self.current().await?.find(&Sha256Hex::of(text.as_bytes()), now);
        if let Some(key) = &key {
            key.used_at.fetch_max(now.as_unix_millis(), Ordering::Relaxed);
        }
        Ok(key)
    }

    /// Reads the keys again.
    pub(crate) async fn reload(&self) -> Result<(), StoreError> {
        let _alone = self.0.reading.lock().await;
        self.read().await.map(drop)
    }

    /// Writes down now and then which keys were used, until the server stops.
    pub(crate) async fn note_uses(self, shutdown: Shutdown) {
        let mut noted = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.stopping() => {}
                () = tokio::time::sleep(NOTE_INTERVAL) => {}
            }
            let keys = self.held();
            let used = keys.by_id.iter().map(|(id, key)| (id, key.used_at.load(Ordering::Relaxed)));
            let fresh: Vec<_> = used
                .filter(|(id, at)| *at > 0 && noted.get(*id) != Some(at))
                .map(|(id, at)| (id.clone(), Timestamp::from_unix_millis(at)))
                .collect();
            noted.extend(fresh.iter().map(|(id, at)| (id.clone(), at.as_unix_millis())));
            if !fresh.is_empty()
                && let Err(error) = self.0.store.note_used(fresh).await
            {
                tracing::warn!(error = with_causes(&error), "the last use of keys cannot be written down");
            }
            if shutdown.is_stopping() {
                return;
            }
        }
    }

    fn held(&self) -> Arc<Keys> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as they are now, read again when another process changed them. Where that fails, no key is
    /// good: one that was revoked might be among them.
    async fn current(&self) -> Result<Arc<Keys>, StoreError> {
        let held = self.held();
        if held.stamp == Stamp::of(&self.0.stamp) {
            return Ok(held);
        }
        let _alone = self.0.reading.lock().await;
        let held = self.held();
        if held.stamp == Stamp::of(&self.0.stamp) {
            return Ok(held);
        }
        self.read().await
    }

    async fn read(&self) -> Result<Arc<Keys>, StoreError> {
        let keys = Arc::new(Keys::read(&*self.0.store, &self.0.stamp, Some(&*self.held())).await?);
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(keys)
    }
}

impl Keys {
    /// The keys in the store; what was known of them before stays known.
    async fn read(store: &dyn KeyStore, stamp: &Path, before: Option<&Self>) -> Result<Self, StoreError> {
        // First the stamp: a change in between is read twice, and not missed.
        let stamp = Stamp::of(stamp);
        let mut keys = Self { stamp, by_digest: HashMap::new(), by_id: HashMap::new() };
        for KeyDigest { sha256, until, key } in store.digests().await? {
            let id = key.id.clone();
            let key = Arc::clone(keys.by_id.entry(id).or_insert_with_key(|id| {
                let known = before.and_then(|before| before.by_id.get(id));
                Arc::new(Key::new(key, known.map(|known| &**known)))
            }));
            keys.by_digest.entry(prefix(&sha256)).or_default().push(Entry { sha256, until, key });
        }
        Ok(keys)
    }

    fn find(&self, sha256: &Sha256Hex, now: Timestamp) -> Option<Arc<Key>> {
        let entries = self.by_digest.get(&prefix(sha256))?;
        let is_it = |entry: &&Entry| bool::from(entry.sha256.as_bytes().ct_eq(sha256.as_bytes()));
        let entry = entries.iter().find(is_it)?;
        let ends = [entry.until, entry.key.record.expires_at];
        let is_good = ends.into_iter().flatten().all(|end| now < end);
        is_good.then(|| Arc::clone(&entry.key))
    }
}

impl Key {
    fn new(record: KeyRecord, before: Option<&Self>) -> Self {
        let used_at = before.map_or(0, |before| before.used_at.load(Ordering::Relaxed));
        let limit = record.limits.requests_per_minute.and_then(NonZeroU32::new);
        let rate = limit.map(|limit| {
            let same =
                before.and_then(|before| before.rate.clone()).filter(|rate| rate.limit() == limit.get());
            same.unwrap_or_else(|| Arc::new(Rate::per_minute(limit)))
        });
        Self { record, used_at: AtomicI64::new(used_at), rate }
    }

    /// Counts a request. `None` where there is no limit.
    pub(crate) fn take_request(&self) -> Result<Option<RateLeft>, TooFast> {
        self.rate.as_ref().map(|rate| rate.take()).transpose()
    }
}

fn prefix(sha256: &Sha256Hex) -> [u8; 8] {
    sha256.as_bytes().first_chunk().copied().unwrap_or_default()
}
