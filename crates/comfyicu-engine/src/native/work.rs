//! Long work: on all processors, row by row, and broken off when the run is cancelled.

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;
use tokio_util::sync::CancellationToken;

/// How many values one processor takes at least, so that sharing them out pays.
const MIN_VALUES: usize = 1 << 14;

/// The run was cancelled, so its results are not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub(super) struct Cancelled;

/// Hears whether the run was cancelled.
#[derive(Clone, Debug, Default)]
pub(super) struct Work(CancellationToken);

impl Work {
    pub(super) const fn new(cancel: CancellationToken) -> Self {
        Self(cancel)
    }

    /// Breaks off where the run was cancelled. Loops over rows ask for each of them.
    pub(super) fn go_on(&self) -> Result<(), Cancelled> {
        if self.0.is_cancelled() { Err(Cancelled) } else { Ok(()) }
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
        let row = row.max(1);
        let rows = values.par_chunks_mut(row).with_min_len((MIN_VALUES / row).max(1)).enumerate();
        rows.try_for_each(|(at, row)| {
            self.go_on()?;
            fill(at, row);
            Ok(())
        })
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
    }

    #[test]
    fn nothing_is_done_for_a_cancelled_run() {
        let token = CancellationToken::new();
        token.cancel();
        let mut values = vec![0; 30];
        let result = Work::new(token).fill_rows(&mut values, 10, |_, row| row.fill(1));
        assert_eq!((result, values.iter().sum::<i32>()), (Err(Cancelled), 0));
    }
}
