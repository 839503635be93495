//! Long work: on all processors, row by row, broken off when the run is cancelled, within the run's memory.

use std::io::{self, Read, Seek, SeekFrom};
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

/// After so many values at most, work looks again whether the run was cancelled, where its rows are longer or it
/// has none: that takes a few milliseconds.
pub(super) const STRETCH: usize = 1 << 18;

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
    #[cfg(test)]
    looks: looks::Looks,
}

impl Work {
    pub(super) const fn new(
        cancel: CancellationToken,
        progress: watch::Sender<Progress>,
        memory: Memory,
    ) -> Self {
        Self {
            cancel,
            progress,
            memory,
            #[cfg(test)]
            looks: looks::Looks::NONE,
        }
    }

    /// The memory that the run may hold.
    pub(super) const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Breaks off where the run was cancelled. Loops over rows ask for each of them.
    pub(super) fn go_on(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Whether the run was cancelled. What fills a long row may then leave it as it is: nobody will read it.
    pub(super) fn is_cancelled(&self) -> bool {
        #[cfg(test)]
        self.looks.count(&self.cancel);
        self.cancel.is_cancelled()
    }

    /// Makes a buffer of so many values, row by row, as [`Self::fill_rows`] does.
    pub(super) fn rows<T: Clone + Default + Send>(
        &self,
        length: usize,
        row: usize,
        fill: impl Fn(usize, &mut [T]) + Sync,
    ) -> Result<Vec<T>, Cancelled> {
        let mut values = vec![T::default(); length];
        self.fill_rows(&mut values, row, fill)?;
        Ok(values)
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
        })?;
        // The last ones may have been left as they were.
        self.go_on()
    }
}

/// Reads from a source until the run is cancelled; from then on that fails. So decoders of other crates break off,
/// as far as they read while they decode.
#[derive(Debug)]
pub(super) struct Interruptible<'w, R> {
    source: R,
    work: &'w Work,
}

impl<'w, R> Interruptible<'w, R> {
    pub(super) const fn new(source: R, work: &'w Work) -> Self {
        Self { source, work }
    }
}

impl<R: Read> Read for Interruptible<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.work.go_on().map_err(io::Error::other)?;
        let piece = buffer.len().min(STRETCH);
        self.source.read(buffer.get_mut(..piece).unwrap_or_default())
    }
}

impl<R: Seek> Seek for Interruptible<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
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

/// Counts how often work looks whether it was cancelled: tests cancel at one of these looks.
#[cfg(test)]
pub(super) mod looks {
    use std::sync::Arc;

    use super::{AtomicUsize, CancellationToken, Ordering, Work};

    #[derive(Clone, Debug, Default)]
    pub(super) struct Looks(Option<(Arc<AtomicUsize>, usize)>);

    impl Looks {
        pub(super) const NONE: Self = Self(None);

        pub(super) fn count(&self, cancel: &CancellationToken) {
            if let Some((count, last)) = &self.0
                && count.fetch_add(1, Ordering::Relaxed) + 1 == *last
            {
                cancel.cancel();
            }
        }
    }

    impl Work {
        /// Work that is cancelled when it looks for the `last` time.
        pub(in crate::native) fn until_look(last: usize) -> Self {
            Self { looks: Looks(Some((Arc::default(), last))), ..Self::default() }
        }

        /// How often it has looked.
        pub(in crate::native) fn looks(&self) -> usize {
            self.looks.0.as_ref().map_or(0, |(count, _)| count.load(Ordering::Relaxed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_fails_once_the_run_is_cancelled() {
        let work = Work::until_look(3);
        let mut source = Interruptible::new(io::Cursor::new(vec![7; 3 * STRETCH]), &work);
        let mut buffer = vec![0; 3 * STRETCH];
        assert!(source.read_exact(&mut buffer).is_err());
        assert_eq!(buffer.iter().rposition(|byte| *byte == 7), Some(2 * STRETCH - 1));
    }

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
