//! Long work: on all processors, row by row, broken off when the run is cancelled, within the run's memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::memory::Memory;

/// How many values one processor takes at least, so that sharing them out pays.
const MIN_VALUES: usize = 1 << 14;

/// Work on so many values takes long enough for people to ask how it goes.
const LONG: usize = 1 << 20;

/// How many times the progress of long work is told at most.
const REPORTS: usize = 50;

/// The run was cancelled, so its results are not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub(super) struct Cancelled;

/// How far long work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) done: usize,
    pub(super) total: usize,
}

/// What long work has to know of its run.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    cancel: CancellationToken,
    progress: watch::Sender<Progress>,
    memory: Memory,
}

impl Work {
    pub(super) const fn new(
        cancel: CancellationToken,
        progress: watch::Sender<Progress>,
        memory: Memory,
    ) -> Self {
        Self { cancel, progress, memory }
    }

    /// The memory that the run may hold.
    pub(super) const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Breaks off where the run was cancelled. Loops over rows ask for each of them.
    pub(super) fn go_on(&self) -> Result<(), Cancelled> {
        if self.cancel.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Fills the rows of a buffer, several at once; `fill` gets the number of a row, and the row.
    ///
    /// A row must follow from its number alone, so that the result is the same on any number of processors.
    pub(super) fn fill_rows<T: Send>(
        &self,
        values: &mut [T],
        row: usize,
        fill: impl Fn(usize, &mut [T]) + Sync,
    ) -> Result<(), Cancelled> {
        self.fill_bands(values, row, 1, fill)
    }

    /// Fills a buffer in bands of some rows each; `fill` gets the number of a band's first row, and the band.
    pub(super) fn fill_bands<T: Send>(
        &self,
        values: &mut [T],
        row: usize,
        rows: usize,
        fill: impl Fn(usize, &mut [T]) + Sync,
    ) -> Result<(), Cancelled> {
        let (rows, band) = (rows.max(1), row.max(1) * rows.max(1));
        let report = Report::new(self, values.len(), band);
        let bands = values.par_chunks_mut(band).with_min_len((MIN_VALUES / band).max(1)).enumerate();
        bands.try_for_each(|(at, band)| {
            self.go_on()?;
            fill(at * rows, band);
            report.add_one();
            Ok(())
        })
    }
}

/// Tells how far work is, when it is long.
struct Report<'a> {
    progress: Option<&'a watch::Sender<Progress>>,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Report<'a> {
    fn new(work: &'a Work, values: usize, band: usize) -> Self {
        let progress = (values >= LONG).then_some(&work.progress);
        Self { progress, done: AtomicUsize::new(0), total: values.div_ceil(band) }
    }

    fn add_one(&self) {
        let Some(progress) = self.progress else { return };
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(self.total.div_ceil(REPORTS)) || done == self.total {
            progress.send_replace(Progress { done, total: self.total });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_by_their_number() {
        let mut values = vec![0; 35];
        Work::default().fill_rows(&mut values, 10, |at, row| row.fill(at)).unwrap();
        assert_eq!((values[9], values[10], values[34]), (0, 1, 3));
        Work::default().fill_bands(&mut values, 5, 3, |at, band| band.fill(at)).unwrap();
        assert_eq!((values[14], values[15], values[34]), (0, 3, 6));
    }

    #[test]
    fn nothing_is_done_for_a_cancelled_run() {
        let token = CancellationToken::new();
        token.cancel();
        let mut values = vec![0; 30];
        let work = Work { cancel: token, ..Work::default() };
        let result = work.fill_rows(&mut values, 10, |_, row| row.fill(1));
        assert_eq!((result, values.iter().sum::<i32>()), (Err(Cancelled), 0));
    }

    #[test]
    fn long_work_tells_how_far_it_is() {
        let work = Work::default();
        let mut progress = work.progress.subscribe();
        work.fill_rows(&mut vec![0_u8; LONG - 1], 1 << 10, |_, _| {}).unwrap();
        assert!(!progress.has_changed().unwrap(), "short work does not");
        work.fill_rows(&mut vec![0_u8; LONG], 1 << 10, |_, _| {}).unwrap();
        assert!(progress.has_changed().unwrap());
        assert_eq!(progress.borrow_and_update().total, 1 << 10);
    }
}
