//! Results of nodes that are kept for later runs, as long as there is room.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::signature::Signature;
use super::value::Value;

/// What a node gave: for each of its outputs a list of values.
pub(super) type Results = Vec<Vec<Value>>;

/// The most results that are kept, however small they are: looking for the oldest takes as long.
const MAX_ENTRIES: usize = 1024;

/// A result that takes more than this part of the room is not kept: it would drive too many others out, and
/// the next node can work in its memory when nobody keeps it.
const LARGEST_PART: usize = 4;

/// Results by what they follow from.
#[derive(Debug)]
pub(super) struct Cache {
    limit: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_signature: HashMap<Signature, Entry>,
    bytes: usize,
    /// Counts uses, to know which entry was used last.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    results: Results,
    bytes: usize,
    used: u64,
}

impl Cache {
    /// A cache that holds so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, entries: Mutex::default() }
    }

    /// What a node gave that followed from the same.
    pub(super) fn get(&self, signature: &Signature) -> Option<Results> {
        let mut entries = self.lock();
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_signature.get_mut(signature)?;
        entry.used = now;
        Some(entry.results.clone())
    }

    /// Keeps what a node gave, so many bytes; what was not used for the longest time makes room.
    pub(super) fn put(&self, signature: Signature, results: &Results, bytes: usize) {
        if bytes > self.limit / LARGEST_PART {
            return;
        }
        let mut entries = self.lock();
        let mut gone = Vec::new();
        while entries.bytes + bytes > self.limit || entries.by_signature.len() >= MAX_ENTRIES {
            gone.push(entries.take_oldest());
        }
        entries.clock += 1;
        let entry = Entry { results: results.clone(), bytes, used: entries.clock };
        entries.bytes += bytes;
        let before = entries.by_signature.insert(signature, entry);
        entries.bytes -= before.as_ref().map_or(0, |before| before.bytes);
        // Memory goes back when nobody waits for the lock.
        drop(entries);
        drop((gone, before));
    }

    /// Makes room for a result of so many bytes before it is there, as [`Self::put`] would behind it, and keeps at most
    /// `most` bytes.
    pub(super) fn make_room(&self, bytes: usize, most: usize) {
        let coming = if bytes > self.limit / LARGEST_PART { 0 } else { bytes };
        let most = most.min(self.limit.saturating_sub(coming));
        let mut entries = self.lock();
        let mut gone = Vec::new();
        while entries.bytes > most {
            gone.push(entries.take_oldest());
        }
        drop(entries);
        drop(gone);
    }

    /// How many bytes it holds at most.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn take_oldest(&mut self) -> Option<Entry> {
        let oldest = self.by_signature.iter().min_by_key(|(_, entry)| entry.used).map(|(at, _)| *at)?;
        let entry = self.by_signature.remove(&oldest)?;
        self.bytes -= entry.bytes;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::image::{Image, Shape};
    use crate::native::work::Work;

    fn image(pixels: usize) -> Results {
        let shape = Shape { batch: 1, height: 1, width: pixels, channels: 1 };
        vec![vec![Value::Image(Image::build(shape, &Work::default(), |_| {}).unwrap())]]
    }

    #[test]
    fn the_longest_unused_makes_room() {
        let cache = Cache::new(4 * 100);
        for name in 0..4 {
            cache.put([name; 32], &image(25), 100);
        }
        assert!(cache.get(&[0; 32]).is_some(), "used again, so it stays");
        cache.put([9; 32], &image(20), 80);
        let kept = [0, 1, 2, 3, 9].map(|name| cache.get(&[name; 32]).is_some());
        assert_eq!(kept, [true, false, true, true, true]);
        cache.put([7; 32], &image(26), 104);
        assert!(cache.get(&[7; 32]).is_none(), "too large a part of the room");
        cache.clear();
        assert!(cache.get(&[0; 32]).is_none());
    }

    #[test]
    fn room_is_made_for_what_will_be_kept() {
        let cache = Cache::new(4 * 100);
        for name in 0..4 {
            cache.put([name; 32], &image(25), 100);
        }
        cache.make_room(101, usize::MAX);
        assert_eq!(cache.bytes(), 400, "what is too large to be kept needs no room there");
        cache.make_room(100, usize::MAX);
        assert_eq!((cache.bytes(), cache.get(&[0; 32]).is_none()), (300, true));
        cache.make_room(50, 210);
        assert_eq!((cache.bytes(), cache.get(&[3; 32]).is_some()), (200, true));
    }
}
