//! Memory of images that are gone, kept for a while for the next ones.
//!
//! Fresh memory comes from the system page by page, each zeroed when it is first touched, and that takes longer than
//! most nodes compute. What is kept counts as held, makes room for what is needed, and goes back to the system when
//! no image took it for some seconds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::memory::Ledger;
use super::pages::{MIN_BYTES, Pages};

/// How long what is kept waits for an image.
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// So many bytes make no room for fresh memory: they are what the next run of small images takes again, in which order
/// of sizes it may be.
const AT_HAND: usize = 16 << 20;

/// What nobody took while images took over so many times all that there is goes back before its time, but no sooner than
/// behind [`TURN`].
const TURNS: usize = 2;
/// So long a run may take until it comes to a buffer, while it takes others again and again.
const TURN: Duration = Duration::from_secs(1);

/// Buffers without an image.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    idle: Duration,
    turn: Duration,
    /// What is kept counts here, beside all that is in use.
    ledger: Arc<Ledger>,
    spare: Mutex<Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    /// The one that is there for longest comes first.
    buffers: VecDeque<Idle>,
    bytes: usize,
    /// How many bytes images have taken over, all together.
    taken: usize,
    /// How many bytes there are, those included that images have taken over and will leave behind again.
    most: usize,
    /// How much fresh memory was taken that no buffer was given back for yet, because each is larger.
    owed: usize,
    /// Whether a thread waits until it is time to give something back.
    is_watched: bool,
}

/// A buffer that waits for an image.
#[derive(Debug)]
struct Idle {
    since: Instant,
    /// How much had been taken over when it came.
    taken: usize,
    pages: Pages,
}

impl Pool {
    /// A pool that keeps so many bytes at most, and for so long; they count in `ledger`.
    pub(super) fn new(limit: usize, idle: Duration, ledger: Arc<Ledger>) -> Self {
        Self { limit, idle, turn: TURN, ledger, spare: Mutex::default() }
    }

    /// A buffer of so many values, of any kind, where one is kept.
    pub(super) fn take(&self, values: usize) -> Option<Pages> {
        let (buffer, given_back) = self.lock().take(values, self.turn)?;
        self.ledger.give(buffer.bytes());
        self.forget(given_back);
        Some(buffer)
    }

    /// Makes room for so many bytes of fresh memory, and keeps at most `most`. The oldest go back first, but only as much
    /// as was taken fresh, so that many small ones do not drive all those out that the next run takes again.
    pub(super) fn make_room(&self, bytes: usize, most: usize) {
        let given_back = self.lock().make_room(bytes, most);
        self.forget(given_back);
    }

    /// How many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Keeps a buffer whose image is gone, where there is room.
    pub(super) fn put(self: &Arc<Self>, buffer: Pages) {
        let size = buffer.bytes();
        if !(MIN_BYTES..=self.limit).contains(&size) || self.ledger.take(size).is_err() {
            return;
        }
        let mut spare = self.lock();
        let too_much = (spare.bytes + size).saturating_sub(self.limit);
        let mut given_back = spare.oldest(too_much);
        spare.push(buffer);
        spare.is_watched = spare.is_watched || self.watch();
        if !spare.is_watched {
            given_back.extend(spare.oldest(usize::MAX));
        }
        drop(spare);
        self.forget(given_back);
    }

    /// Gives everything back, and says whether there was anything.
    pub(super) fn clear(&self) -> bool {
        let all = self.lock().oldest(usize::MAX);
        let had_any = !all.is_empty();
        self.forget(all);
        had_any
    }

    /// Drops buffers, which is not done under the lock because it takes about as long as to fill them.
    fn forget(&self, buffers: Vec<Pages>) {
        for buffer in buffers {
            self.ledger.give(buffer.bytes());
        }
    }

    /// Starts a thread that gives back what nobody takes; without one nothing may be kept.
    fn watch(self: &Arc<Self>) -> bool {
        let (pool, idle) = (Arc::downgrade(self), self.idle);
        let thread = thread::Builder::new().name("comfyicu-pool".to_owned());
        thread.spawn(move || give_back_in_time(&pool, idle)).is_ok()
    }

    /// Gives back what nobody took in time, and says how long the next one still has.
    fn give_back_old(&self) -> Option<Duration> {
        let mut spare = self.lock();
        let given_back = spare.oldest_while(|oldest, _| oldest.since.elapsed() >= self.idle);
        let rest = spare.buffers.front().map(|oldest| self.idle.saturating_sub(oldest.since.elapsed()));
        spare.is_watched = rest.is_some();
        drop(spare);
        self.forget(given_back);
        rest
    }

    fn lock(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes on as long as there is a pool that keeps something.
fn give_back_in_time(pool: &Weak<Pool>, idle: Duration) {
    let mut rest = Some(idle);
    while let Some(time) = rest {
        thread::sleep(time);
        rest = pool.upgrade().and_then(|pool| pool.give_back_old());
    }
}

impl Spare {
    fn push(&mut self, pages: Pages) {
        self.bytes += pages.bytes();
        self.most = self.most.max(self.bytes);
        self.buffers.push_back(Idle { since: Instant::now(), taken: self.taken, pages });
    }

    /// Takes the newest buffer of so many values out: some of it may still lie in the processor's cache. With it come
    /// those that nobody took while all the others could have been, several times.
    fn take(&mut self, values: usize, turn: Duration) -> Option<(Pages, Vec<Pages>)> {
        let at = self.buffers.iter().rposition(|idle| idle.pages.len() == values)?;
        if at == 0 {
            // It was for this one, which is of use.
            self.owed = 0;
        }
        let Idle { pages, .. } = self.buffers.remove(at)?;
        self.bytes -= pages.bytes();
        self.taken = self.taken.wrapping_add(pages.bytes());
        let useless = self.oldest_while(|oldest, spare| {
            spare.taken.wrapping_sub(oldest.taken) > spare.most.saturating_mul(TURNS)
                && oldest.since.elapsed() >= turn
        });
        Some((pages, useless))
    }

    /// Takes the oldest buffers out that all together are no larger than what was taken fresh since others were, and those
    /// that `most` bytes have no room for.
    fn make_room(&mut self, bytes: usize, most: usize) -> Vec<Pages> {
        let mut taken = self.oldest(self.bytes.saturating_sub(most));
        let mut owed = self.owed.saturating_add(bytes).saturating_sub(taken.iter().map(Pages::bytes).sum());
        taken.extend(self.oldest_while(|oldest, spare| {
            let goes = spare.bytes > AT_HAND && oldest.pages.bytes() <= owed;
            owed -= if goes { oldest.pages.bytes() } else { 0 };
            goes
        }));
        self.owed = if self.bytes > AT_HAND { owed } else { 0 };
        taken
    }

    /// Takes the oldest buffers out that have so many bytes together, or all.
    fn oldest(&mut self, wanted: usize) -> Vec<Pages> {
        let mut sum = 0;
        self.oldest_while(|oldest, _| {
            let goes = sum < wanted;
            sum += oldest.pages.bytes();
            goes
        })
    }

    /// Takes the oldest buffers out, one after the other, for as long as each of them goes.
    fn oldest_while(&mut self, mut goes: impl FnMut(&Idle, &Self) -> bool) -> Vec<Pages> {
        let mut taken = Vec::new();
        while self.buffers.front().is_some_and(|oldest| goes(oldest, self))
            && let Some(Idle { pages, .. }) = self.buffers.pop_front()
        {
            self.bytes -= pages.bytes();
            self.most = self.most.saturating_sub(pages.bytes());
            taken.push(pages);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of the smallest buffers that are kept.
    const LENGTH: usize = MIN_BYTES / size_of::<f32>();

    fn pool(limit: usize, idle: Duration) -> (Arc<Pool>, Arc<Ledger>) {
        let ledger = Ledger::of_executor(usize::MAX);
        (Arc::new(Pool::new(limit, idle, Arc::clone(&ledger))), ledger)
    }

    #[test]
    fn a_buffer_is_taken_where_it_fits() {
        let (pool, ledger) = pool(usize::MAX, IDLE);
        for length in [4 * LENGTH, 5 * LENGTH, 4 * LENGTH, LENGTH - 1] {
            pool.put(Pages::zero(length));
        }
        assert_eq!(ledger.held(), 13 * MIN_BYTES, "the smallest is not kept");
        for left in [9, 5] {
            assert_eq!(pool.take(4 * LENGTH).unwrap().len(), 4 * LENGTH);
            assert_eq!(ledger.held(), left * MIN_BYTES);
        }
        assert!(pool.take(4 * LENGTH).is_none(), "the third is too large");
        assert_eq!(ledger.held(), 5 * MIN_BYTES);
    }

    #[test]
    fn the_oldest_are_given_back_first() {
        let (pool, ledger) = pool(usize::MAX, IDLE);
        for length in [2 * LENGTH, 3 * LENGTH, 4 * LENGTH] {
            pool.put(Pages::zero(length));
        }
        pool.make_room(0, 8 * MIN_BYTES);
        assert_eq!((pool.bytes(), ledger.held()), (7 * MIN_BYTES, 7 * MIN_BYTES));
        assert!(pool.take(2 * LENGTH).is_none());
        pool.make_room(0, 0);
        assert_eq!((pool.bytes(), ledger.held()), (0, 0));
    }

    #[test]
    fn no_more_goes_back_than_is_taken_fresh() {
        let (pool, ledger) = pool(usize::MAX, IDLE);
        let put = |parts: usize| pool.put(Pages::zero(parts * AT_HAND / size_of::<f32>()));
        let left = |fresh: usize| {
            pool.make_room(fresh, usize::MAX);
            ledger.held() / AT_HAND
        };
        [3, 1, 1].into_iter().for_each(put);
        assert_eq!([AT_HAND; 3].map(left), [5, 5, 2], "what was taken fresh adds up");
        assert_eq!(left(5 * AT_HAND), 1, "some are always at hand");
        put(1);
        assert_eq!(left(AT_HAND - 1), 2, "nothing was owed when there was no more than that");
        assert_eq!(left(1), 1);
    }

    /// How much is held behind each of some runs that take two buffers and leave them behind, beside one of another size.
    fn held_behind_runs(turn: Duration) -> [usize; 7] {
        let ledger = Ledger::of_executor(usize::MAX);
        let pool = Arc::new(Pool { turn, ..Pool::new(usize::MAX, IDLE, Arc::clone(&ledger)) });
        for parts in [5, 2, 1] {
            pool.put(Pages::zero(parts * LENGTH));
        }
        [(); 7].map(|()| {
            for pages in [2, 1].map(|parts| pool.take(parts * LENGTH).unwrap()) {
                pool.put(pages);
            }
            ledger.held() / MIN_BYTES
        })
    }

    #[test]
    fn what_nobody_takes_goes_back_while_others_are_taken() {
        let expected = [8, 8, 8, 8, 8, 3, 3];
        assert_eq!(held_behind_runs(Duration::ZERO), expected, "behind twice their 8 parts");
        assert_eq!(held_behind_runs(IDLE), [8; 7], "a run may still come to it");
    }

    #[test]
    fn what_was_owed_for_a_buffer_is_not_for_those_behind_it() {
        let (pool, ledger) = pool(usize::MAX, IDLE);
        for parts in [9, 1, 1, 1] {
            pool.put(Pages::zero(parts * AT_HAND / size_of::<f32>()));
        }
        pool.make_room(8 * AT_HAND, usize::MAX);
        pool.put(pool.take(9 * AT_HAND / size_of::<f32>()).unwrap());
        pool.make_room(1, usize::MAX);
        assert_eq!(ledger.held(), 12 * AT_HAND);
    }

    #[test]
    fn the_oldest_goes_first_where_there_are_too_many() {
        let (pool, ledger) = pool(3 * MIN_BYTES, IDLE);
        pool.put(Pages::zero(2 * LENGTH));
        pool.put(Pages::zero(LENGTH));
        pool.put(Pages::zero(LENGTH));
        assert_eq!(ledger.held(), 2 * MIN_BYTES);
        pool.put(Pages::zero(4 * LENGTH));
        assert_eq!(ledger.held(), 2 * MIN_BYTES, "one that is too large drives no other out");
        pool.clear();
        assert_eq!(ledger.held(), 0);
    }

    #[test]
    fn all_of_it_goes_back_after_a_while() {
        let (pool, ledger) = pool(usize::MAX, Duration::from_millis(20));
        for _ in 0..2 {
            pool.put(Pages::zero(LENGTH));
            let started = Instant::now();
            while ledger.held() > 0 {
                assert!(started.elapsed() < Duration::from_secs(30), "it is still there");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
