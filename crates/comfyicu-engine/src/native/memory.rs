//! Who holds how much memory: a buffer is leased before it is allocated, and given back when it is dropped.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::buffer::Blank;
use super::cache::Cache;
use super::limit::EASY_BYTES;
use super::pages::{MIN_BYTES, Pages};
use super::pool::Pool;

/// A buffer would be more than may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} more bytes cannot be held: {scope} may hold {limit} at once, and holds {held}")]
pub(super) struct OutOfMemory {
    wanted: usize,
    held: usize,
    limit: usize,
    scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Run,
    Executor,
}

impl Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run => "a run",
            Self::Executor => "all runs together",
        })
    }
}

/// Counts what is held.
#[derive(Debug)]
pub(super) struct Ledger {
    held: AtomicUsize,
    limit: usize,
    scope: Scope,
}

impl Ledger {
    /// Counts for all runs of an executor.
    pub(super) fn of_executor(limit: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), limit, scope: Scope::Executor })
    }

    fn of_run(limit: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), limit, scope: Scope::Run })
    }

    pub(super) fn take(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let add = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.limit);
        match self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, add) {
            Ok(_) => Ok(()),
            Err(held) => Err(OutOfMemory { wanted: bytes, held, limit: self.limit, scope: self.scope }),
        }
    }

    pub(super) fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// How much is held.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }
}

/// Lets runs begin only when what they are known to need can be held beside what others need.
#[derive(Debug)]
pub(super) struct Admissions {
    room: Arc<Semaphore>,
    units: u32,
}

/// The right of a run to what it needs; it is given back when this is dropped.
pub(super) type Admission = OwnedSemaphorePermit;

/// The bytes that are counted as one.
const UNIT: usize = 1 << 20;

impl Admissions {
    /// For runs that may hold so many bytes together.
    pub(super) fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        Self { room: Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(1))), units }
    }

    /// Waits until so many bytes are left; runs come in the order in which they ask. What needs more than there
    /// is comes alone.
    pub(super) async fn admit(&self, bytes: usize) -> Option<Admission> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        // The semaphore is never closed.
        Arc::clone(&self.room).acquire_many_owned(units).await.ok()
    }
}

/// What one run may hold, and all of them.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    run: Arc<Ledger>,
    executor: Arc<Ledger>,
    /// What is kept for later makes room when it is needed now.
    kept: Option<Kept>,
}

/// What an executor keeps for later.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Results of nodes.
    pub(super) cache: Arc<Cache>,
    /// Buffers without an image.
    pub(super) pool: Arc<Pool>,
}

impl Kept {
    /// How many bytes may be held together before what is kept makes room for the images of runs.
    fn easy_bytes(&self) -> usize {
        self.cache.limit().saturating_mul(2).max(EASY_BYTES)
    }

    /// A buffer that was used, where one is of so many values. Where none is, what is kept makes room for a fresh one:
    /// idle buffers as much as it takes, and results as far as the run's own will drive them out, or as all together
    /// would be more than is easily had. What the system got back just now is also what it has soonest at hand.
    fn used(&self, values: usize, held: &Ledger) -> Option<Pages> {
        let bytes = values.saturating_mul(size_of::<f32>());
        if bytes < MIN_BYTES {
            return None;
        }
        self.pool.take(values).or_else(|| {
            let (held, easy) = (held.held(), self.easy_bytes());
            let in_use = held.saturating_sub(self.pool.bytes() + self.cache.bytes());
            self.cache.make_room(bytes, easy.saturating_sub(in_use.saturating_add(bytes)));
            let used = self.pool.take(values);
            if used.is_none() {
                let others = held.saturating_sub(self.pool.bytes());
                self.pool.make_room(bytes, easy.saturating_sub(others.saturating_add(bytes)));
            }
            used
        })
    }
}

impl Memory {
    pub(super) fn new(run_limit: usize, executor: Arc<Ledger>, kept: Kept) -> Self {
        Self { run: Ledger::of_run(run_limit), executor, kept: Some(kept) }
    }

    /// Whether a buffer could be held beside so many bytes if there were nothing else.
    pub(super) fn could_hold(&self, wanted: usize, held: usize) -> Result<(), OutOfMemory> {
        for Ledger { limit, scope, .. } in [&*self.run, &*self.executor] {
            if held.saturating_add(wanted) > *limit {
                return Err(OutOfMemory { wanted, held, limit: *limit, scope: *scope });
            }
        }
        Ok(())
    }

    /// A buffer for so many values. Nothing is allocated where it may not be held.
    pub(super) fn buffer(&self, values: usize) -> Result<Blank, OutOfMemory> {
        let used = self.kept.as_ref().and_then(|kept| kept.used(values, &self.executor));
        let lease = self.lease(values.saturating_mul(size_of::<f32>()))?;
        let pool = self.kept.as_ref().map(|kept| Arc::clone(&kept.pool));
        Ok(Blank::new(values, used, lease, pool))
    }

    /// Leases memory.
    pub(super) fn lease(&self, bytes: usize) -> Result<Lease, OutOfMemory> {
        let full = match self.try_lease(bytes) {
            Ok(lease) => return Ok(lease),
            Err(full) => full,
        };
        let Some(Kept { cache, pool }) = &self.kept else { return Err(full) };
        pool.clear();
        if let Ok(lease) = self.try_lease(bytes) {
            return Ok(lease);
        }
        cache.clear();
        loop {
            // Of what was in the cache, the buffers are there now, and of what others drop at this moment.
            let has_given_back = pool.clear();
            match self.try_lease(bytes) {
                Err(_) if has_given_back => {}
                leased => return leased,
            }
        }
    }

    fn try_lease(&self, bytes: usize) -> Result<Lease, OutOfMemory> {
        self.run.take(bytes)?;
        if let Err(full) = self.executor.take(bytes) {
            self.run.give(bytes);
            return Err(full);
        }
        Ok(Lease { bytes, run: Arc::clone(&self.run), executor: Arc::clone(&self.executor) })
    }
}

/// Bounds nothing: for tests of what needs no bounds.
impl Default for Memory {
    fn default() -> Self {
        Self { run: Ledger::of_run(usize::MAX), executor: Ledger::of_executor(usize::MAX), kept: None }
    }
}

/// A part of the memory; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    bytes: usize,
    run: Arc<Ledger>,
    executor: Arc<Ledger>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.run.give(self.bytes);
        self.executor.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::native::image::{Image, Shape};
    use crate::native::pool::IDLE;
    use crate::native::value::Value;
    use crate::native::work::Work;

    #[tokio::test]
    async fn a_run_waits_until_there_is_room_for_what_it_needs() {
        let admissions = Admissions::new(10 * UNIT);
        let (first, small) = (admissions.admit(7 * UNIT).await, admissions.admit(3 * UNIT).await);
        let mut waiting = Box::pin(admissions.admit(4 * UNIT));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(small);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        assert!(waiting.await.is_some());
        assert!(admissions.admit(usize::MAX).await.is_some(), "alone, when nobody else is there");
    }

    #[test]
    fn what_is_dropped_can_be_leased_again() {
        let executor = Ledger::of_executor(100);
        let kept = Kept {
            cache: Arc::new(Cache::new(0)),
            pool: Arc::new(Pool::new(0, IDLE, Arc::clone(&executor))),
        };
        let [first, second] = [60, 60].map(|limit| Memory::new(limit, Arc::clone(&executor), kept.clone()));
        let lease = first.lease(50).unwrap();
        insta::assert_snapshot!(first.lease(20).unwrap_err(), @"20 more bytes cannot be held: a run may hold 60 at once, and holds 50");
        insta::assert_snapshot!(second.lease(60).unwrap_err(), @"60 more bytes cannot be held: all runs together may hold 100 at once, and holds 50");
        drop(lease);
        let _both = (first.lease(60).unwrap(), second.lease(40).unwrap());
        assert_eq!(executor.held(), 100);
    }

    #[test]
    fn results_leave_room_for_the_images_of_runs() {
        /// A quarter of what is kept, and an eighth of what is easily had.
        const PART: usize = EASY_BYTES / 8;
        const LENGTH: usize = PART / size_of::<f32>();
        let executor = Ledger::of_executor(usize::MAX);
        let pool = Arc::new(Pool::new(usize::MAX, IDLE, Arc::clone(&executor)));
        let kept = Kept { cache: Arc::new(Cache::new(4 * PART)), pool };
        let memory = Memory::new(usize::MAX, Arc::clone(&executor), kept.clone());
        let work = Work::new(CancellationToken::new(), watch::Sender::default(), memory);
        for name in 0..4 {
            let shape = Shape { batch: 1, height: LENGTH / 1024, width: 1024, channels: 1 };
            let result = Value::Image(Image::build(shape, &work, |_| {}).unwrap());
            kept.cache.put([name; 32], &vec![vec![result]], PART);
        }
        let kept_of_all = || (kept.cache.bytes() / PART, executor.held() / PART);
        let take = |length: usize| {
            let used = kept.used(length, &executor);
            executor.take(length * size_of::<f32>()).unwrap();
            used.is_some()
        };
        assert_eq!(kept_of_all(), (4, 4));
        assert!(take(LENGTH), "it lies where the oldest was, which its own result would drive out");
        assert_eq!(kept_of_all(), (3, 4));
        assert!(!take(3 * LENGTH));
        assert_eq!(kept_of_all(), (3, 7), "there is room beside the others");
        assert!(!take(4 * LENGTH));
        assert_eq!(kept_of_all(), (0, 8));
    }

    #[test]
    fn what_is_kept_makes_room() {
        const BYTES: usize = 1 << 20;
        let executor = Ledger::of_executor(2 * BYTES);
        let pool = Arc::new(Pool::new(2 * BYTES, IDLE, Arc::clone(&executor)));
        let kept = Kept { cache: Arc::new(Cache::new(0)), pool: Arc::clone(&pool) };
        let memory = Memory::new(2 * BYTES, Arc::clone(&executor), kept);
        let buffer = |bytes: usize| memory.buffer(bytes / size_of::<f32>());
        drop((buffer(BYTES).unwrap(), buffer(BYTES).unwrap()));
        assert_eq!(executor.held(), 2 * BYTES, "both are kept");
        let both = (buffer(BYTES).unwrap(), buffer(BYTES).unwrap());
        assert_eq!(executor.held(), 2 * BYTES, "they are the same");
        insta::assert_snapshot!(memory.lease(1).unwrap_err(), @"1 more bytes cannot be held: a run may hold 2097152 at once, and holds 2097152");
        drop(both);
        let _lease = memory.lease(2 * BYTES).unwrap();
        assert_eq!(executor.held(), 2 * BYTES, "what was kept is gone");
    }
}
