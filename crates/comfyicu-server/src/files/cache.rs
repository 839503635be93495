//! What was fetched, by its digest: shared by all runs, within a bound.
//!
//! What was not used for longest goes first. What a run uses, and what somebody pinned, stays, even where that is
//! more than the bound. When a file was used last is the time of its last change, so that nothing about the cache has
//! to be written down: what lies in the folder is the cache, whatever ended the process.

mod part;
mod removal;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::blobs::Blob;
use crate::hash::Sha256Hex;
use removal::Removals;

pub(super) use part::{Meta, Part, Resume};

/// Where parts of files are, in the folder of the cache.
const PARTS: &str = "parts";
/// Where an empty file stands for each digest that is pinned.
const PINS: &str = "pins";
/// For how long a part waits to be gone on with.
const PART_AGE: std::time::Duration = std::time::Duration::from_hours(24);

/// The cache. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    max_bytes: u64,
    state: Mutex<State>,
    /// A part is nobody's any more.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Sha256Hex, Entry>,
    /// Parts that nobody writes.
    idle_parts: HashMap<String, IdlePart>,
    /// Parts that somebody writes.
    busy_parts: HashSet<String>,
    /// What all of it has on disk, and what was set apart for files on their way.
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    bytes: u64,
    used: SystemTime,
    users: usize,
}

#[derive(Clone, Copy, Debug)]
struct IdlePart {
    bytes: u64,
    since: SystemTime,
}

/// A file of the cache that somebody uses. It stays until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    cache: Cache,
    sha256: Sha256Hex,
    bytes: u64,
}

/// Room that was set apart for a file on its way.
#[derive(Debug)]
pub(super) struct Reservation {
    cache: Cache,
    bytes: u64,
}

impl Cache {
    /// Opens the cache in a folder, and makes it when it is not there. What was evicted half-way goes, and what is
    /// more than the bound.
    pub(crate) fn open(folder: PathBuf, max_bytes: u64) -> io::Result<Self> {
        for sub in [folder.join(PARTS), folder.join(PINS)] {
            fs::create_dir_all(sub)?;
        }
        removal::finish_earlier(&folder)?;
        let mut state = State::default();
        read_entries(&folder, &mut state)?;
        part::read_idle(&folder.join(PARTS), &mut state)?;
        let inner = Inner { folder, max_bytes, state: Mutex::new(state), freed: Notify::new() };
        let cache = Self(Arc::new(inner));
        let mut removals = Removals::default();
        cache.evict(&mut cache.lock(), &mut removals);
        removals.finish();
        Ok(cache)
    }

    /// The file of a digest, when it is here: it stays for as long as what comes back is kept.
    pub(crate) fn hold(&self, sha256: &Sha256Hex) -> Option<Held> {
        let mut state = self.lock();
        let path = self.path(sha256);
        let there = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        let Some(there) = there else {
            // Somebody cleared the folder by hand.
            if let Some(entry) = state.entries.remove(sha256) {
                state.bytes = state.bytes.saturating_sub(entry.bytes);
            }
            return None;
        };
        let bytes = there.len();
        let now = SystemTime::now();
        if !state.entries.contains_key(sha256) {
            state.bytes = state.bytes.saturating_add(bytes);
        }
        let entry = state.entries.entry(sha256.clone()).or_insert(Entry { bytes, used: now, users: 0 });
        entry.users += 1;
        entry.used = now;
        drop(state);
        // Another program may hold the file in a way that forbids it; then its order is that of this process only.
        let _marked = File::options().append(true).open(&path).and_then(|file| file.set_modified(now));
        Some(Held { cache: self.clone(), sha256: sha256.clone(), bytes })
    }

    /// Takes in a file that is whole and on disk. It is moved.
    fn admit(&self, file: &Path, blob: &Blob) -> io::Result<Held> {
        let path = self.path(&blob.sha256);
        fs::create_dir_all(path.parent().unwrap_or(&self.0.folder))?;
        let mut removals = Removals::default();
        let mut state = self.lock();
        let now = SystemTime::now();
        fs::rename(file, &path)?;
        let fresh = Entry { bytes: blob.bytes, used: now, users: 0 };
        if !state.entries.contains_key(&blob.sha256) {
            state.bytes = state.bytes.saturating_add(blob.bytes);
        }
        let entry = state.entries.entry(blob.sha256.clone()).or_insert(fresh);
        entry.users += 1;
        entry.used = now;
        self.evict(&mut state, &mut removals);
        drop(state);
        removals.finish();
        Ok(Held { cache: self.clone(), sha256: blob.sha256.clone(), bytes: blob.bytes })
    }

    /// Sets room apart for a file of so many bytes; older files make way.
    pub(super) fn reserve(&self, bytes: u64) -> Reservation {
        let mut reservation = Reservation { cache: self.clone(), bytes: 0 };
        reservation.grow(bytes);
        reservation
    }

    /// Removes files that nobody uses, though they are within the bound, because the disk is full. Gives how many
    /// bytes that frees.
    pub(super) fn make_room(&self, bytes: u64) -> u64 {
        let mut removals = Removals::default();
        let mut state = self.lock();
        let mut freed = 0_u64;
        while freed < bytes
            && let Some(more) = self.evict_one(&mut state, &mut removals)
        {
            freed = freed.saturating_add(more);
        }
        drop(state);
        removals.finish();
        freed
    }

    /// Whether what runs use leaves room for more.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        let held = state.entries.values().filter(|entry| entry.users > 0).map(|entry| entry.bytes);
        held.fold(0, u64::saturating_add) < self.0.max_bytes
    }

    /// Removes what there is too much of, as far as nobody uses it.
    fn evict(&self, state: &mut State, removals: &mut Removals) {
        while state.bytes > self.0.max_bytes {
            if self.evict_one(state, removals).is_none() {
                return;
            }
        }
    }

    /// Removes one file: a part that nobody writes, or the file that was not used for longest.
    fn evict_one(&self, state: &mut State, removals: &mut Removals) -> Option<u64> {
        let oldest = state.idle_parts.iter().min_by_key(|(_, part)| part.since).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            let part = state.idle_parts.remove(&key)?;
            part::remove(&self.parts(), &key);
            state.bytes = state.bytes.saturating_sub(part.bytes);
            return Some(part.bytes);
        }
        let free = state.entries.iter().filter(|(_, entry)| entry.users == 0);
        let mut free: Vec<_> = free.map(|(sha256, entry)| (entry.used, sha256.clone())).collect();
        free.sort_unstable_by_key(|(used, _)| *used);
        let (_, sha256) = free.into_iter().find(|(_, sha256)| !self.is_pinned(sha256))?;
        let entry = state.entries.remove(&sha256)?;
        removals.take(&self.0.folder, &self.path(&sha256));
        state.bytes = state.bytes.saturating_sub(entry.bytes);
        tracing::info!(sha256 = sha256.as_str(), bytes = entry.bytes, "a cached file makes way");
        Some(entry.bytes)
    }

    fn is_pinned(&self, sha256: &Sha256Hex) -> bool {
        self.0.folder.join(PINS).join(sha256.as_str()).exists()
    }

    fn parts(&self) -> PathBuf {
        self.0.folder.join(PARTS)
    }

    fn path(&self, sha256: &Sha256Hex) -> PathBuf {
        path_in(&self.0.folder, sha256)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here panics half-way through a change.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two letters make a folder, so that none grows without bound.
fn path_in(folder: &Path, sha256: &Sha256Hex) -> PathBuf {
    let text = sha256.as_str();
    folder.join(text.get(..2).unwrap_or(text)).join(text)
}

fn read_entries(folder: &Path, state: &mut State) -> io::Result<()> {
    for file in list(folder)? {
        let entry = Entry { bytes: file.bytes, used: file.used, users: 0 };
        state.bytes = state.bytes.saturating_add(file.bytes);
        state.entries.insert(file.sha256, entry);
    }
    Ok(())
}

/// A file of the cache, as it is seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedFile {
    pub(crate) sha256: Sha256Hex,
    pub(crate) bytes: u64,
    pub(crate) used: SystemTime,
    pub(crate) pinned: bool,
}

/// What is in the cache of a folder, whether a server uses it or not.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<CachedFile>> {
    let mut files = Vec::new();
    for sub in fs::read_dir(folder)? {
        let sub = sub?;
        if sub.file_name().len() != 2 || !sub.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(sub.path())? {
            let file = file?;
            let Some(sha256) = file.file_name().to_str().and_then(Sha256Hex::parse) else { continue };
            // It may have been evicted meanwhile.
            let Ok(metadata) = file.metadata() else { continue };
            let pinned = folder.join(PINS).join(sha256.as_str()).exists();
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push(CachedFile { sha256, bytes: metadata.len(), used, pinned });
        }
    }
    Ok(files)
}

/// Keeps a file from being evicted, or lets it go again. A server that runs follows.
pub(crate) fn set_pinned(folder: &Path, sha256: &Sha256Hex, pinned: bool) -> io::Result<()> {
    let marker = folder.join(PINS).join(sha256.as_str());
    if pinned {
        fs::create_dir_all(folder.join(PINS))?;
        return File::create(marker)?.sync_all();
    }
    match fs::remove_file(marker) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Held {
    pub(crate) const fn sha256(&self) -> &Sha256Hex {
        &self.sha256
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where its bytes are.
    pub(crate) fn path(&self) -> PathBuf {
        self.cache.path(&self.sha256)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut removals = Removals::default();
        let mut state = self.cache.lock();
        if let Some(entry) = state.entries.get_mut(&self.sha256) {
            entry.users = entry.users.saturating_sub(1);
        }
        self.cache.evict(&mut state, &mut removals);
        drop(state);
        removals.finish();
    }
}

impl Reservation {
    /// Sets at least so much apart.
    pub(super) fn grow(&mut self, bytes: u64) {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return;
        }
        self.bytes = bytes;
        let mut removals = Removals::default();
        let mut state = self.cache.lock();
        state.bytes = state.bytes.saturating_add(more);
        self.cache.evict(&mut state, &mut removals);
        drop(state);
        removals.finish();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        state.bytes = state.bytes.saturating_sub(self.bytes);
    }
}
