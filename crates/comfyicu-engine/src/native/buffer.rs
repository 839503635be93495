//! The memory of an image's values: leased, and filled before anybody reads it.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSliceMut as _;

use super::memory::Lease;
use super::pages::Pages;
use super::pool::Pool;
use super::work::{Cancelled, STRETCH, Work};

/// Values, and the memory that is leased for them. It goes to the pool when it is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    values: Pages,
    lease: Option<Lease>,
    pool: Option<Arc<Pool>>,
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // First it is not held any more, so that it can be kept within the same bounds.
        drop(self.lease.take());
        if let Some(pool) = &self.pool {
            pool.put(mem::replace(&mut self.values, Pages::Allocated(Vec::new())));
        }
    }
}

/// A buffer that nobody has filled yet. Another image may have left its values there, of another run even: nobody
/// gets to see them, because each part is zeroed before it is handed out. So is fresh memory: where it is read before
/// it is written, the system makes each page twice.
#[derive(Debug)]
pub(super) struct Blank(Buffer);

impl Blank {
    /// Takes a buffer that was used, or a fresh one.
    pub(super) fn new(values: usize, used: Option<Pages>, lease: Lease, pool: Option<Arc<Pool>>) -> Self {
        let values = used.unwrap_or_else(|| Pages::zero(values));
        Self(Buffer { values, lease: Some(lease), pool })
    }

    /// The buffer, all of it zero, which takes a while.
    pub(super) fn zeroed(self, work: &Work) -> Result<Buffer, Cancelled> {
        let Self(mut buffer) = self;
        buffer.par_chunks_mut(STRETCH).try_for_each(|values| {
            work.go_on()?;
            values.fill(0.0);
            Ok(())
        })?;
        Ok(buffer)
    }

    /// Fills the buffer in strips of so many values, from the first to the last; there is none where `fill` says that it
    /// has not filled them all.
    pub(super) fn filled_in_order<E>(
        self,
        strip: usize,
        fill: impl FnOnce(&mut dyn Iterator<Item = Strip<'_>>) -> Result<bool, E>,
    ) -> Result<Option<Buffer>, E> {
        let Self(mut buffer) = self;
        let mut strips = buffer.chunks_mut(strip.max(1)).map(Strip);
        let is_filled = fill(&mut strips)?;
        strips.for_each(drop);
        Ok(is_filled.then_some(buffer))
    }

    /// Fills the buffer in parts, each of some bands of rows; see [`Work::fill_bands`]. A band is zeroed just before
    /// `fill` gets it, with the number of its part and of its first row there: while it is in the processor's cache,
    /// that takes no time.
    pub(super) fn filled(
        self,
        work: &Work,
        (part, row, rows): (usize, usize, usize),
        fill: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Result<Buffer, Cancelled> {
        let Self(mut buffer) = self;
        for (at, part) in buffer.chunks_mut(part.max(1)).enumerate() {
            work.fill_bands(part, row, rows, |first, band| {
                for (piece, values) in band.chunks_mut(STRETCH).enumerate() {
                    // Before the first one it was just looked at.
                    if piece > 0 && work.is_cancelled() {
                        return;
                    }
                    values.fill(0.0);
                }
                fill(at, first, band);
            })?;
        }
        Ok(buffer)
    }
}

/// Some of a buffer's values, as others left them: they are zeroed before anybody sees them, at the latest when this is
/// dropped.
#[derive(Debug)]
pub(super) struct Strip<'b>(&'b mut [f32]);

impl Strip<'_> {
    /// Makes the values of bytes, row by row; those that have none are zero.
    pub(super) fn filled_by_rows<R: AsRef<[u8]>>(
        mut self,
        rows: impl Iterator<Item = R>,
        value: impl Fn(u8) -> f32,
    ) {
        let mut rest = mem::take(&mut self.0);
        for bytes in rows {
            let bytes = bytes.as_ref();
            let length = bytes.len().min(rest.len());
            let (row, behind) = mem::take(&mut rest).split_at_mut(length);
            row.iter_mut().zip(bytes).for_each(|(target, byte)| *target = value(*byte));
            rest = behind;
        }
        rest.fill(0.0);
    }
}

impl Drop for Strip<'_> {
    fn drop(&mut self) {
        self.0.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::native::cache::Cache;
    use crate::native::image::{BuildError, Image, Shape};
    use crate::native::memory::{Kept, Ledger, Memory};
    use crate::native::number::to_f32;
    use crate::native::pool::IDLE;

    /// Work of two runs of one executor.
    fn work() -> [Work; 2] {
        let ledger = Ledger::of_executor(usize::MAX);
        let pool = Arc::new(Pool::new(usize::MAX, IDLE, Arc::clone(&ledger)));
        let kept = Kept { cache: Arc::new(Cache::new(0)), pool };
        [(); 2].map(|()| {
            let memory = Memory::new(usize::MAX, Arc::clone(&ledger), kept.clone());
            Work::new(CancellationToken::new(), watch::Sender::default(), memory)
        })
    }

    #[test]
    fn no_image_shows_what_was_there_before_it() {
        let shape = Shape { batch: 2, height: 400, width: 200, channels: 3 };
        let [first, second] = work();
        let first = Image::by_rows(shape, &first, |_, _, row| row.fill(7.0)).unwrap();
        let mut before = first.values().as_ptr();
        drop(first);
        for way in 0..5 {
            let image = match way {
                0 => Image::build(shape, &second, |_| {}),
                1 => Image::by_rows(shape, &second, |_, _, _| {}),
                2 => Image::in_order(shape, 1000, &second, |_| Ok(true)).map(Option::unwrap),
                3 => {
                    let all = Image::in_order(shape, 1000, &second, |strips| {
                        strips.for_each(drop);
                        Ok(true)
                    });
                    all.map(Option::unwrap)
                }
                _ => Image::by_bands(shape, 7, &second, |_, _, _| {}),
            };
            let image = image.unwrap();
            assert_eq!(image.values().as_ptr(), before, "the same memory");
            assert!(image.values().iter().all(|value| *value == 0.0));
            let used = image.map(&second, |_| 7.0).unwrap();
            before = used.values().as_ptr();
        }
    }

    #[test]
    fn a_long_band_breaks_off_while_it_is_zeroed() {
        let shape = Shape { batch: 1, height: 4, width: STRETCH, channels: 1 };
        let (work, filled) = (Work::until_look(3), AtomicBool::new(false));
        let image = Image::by_bands(shape, 4, &work, |_, _, _| filled.store(true, Ordering::Relaxed));
        assert!(matches!(image, Err(BuildError::Cancelled(_))), "{image:?}");
        assert!(!filled.into_inner());
    }

    #[test]
    fn bands_do_not_reach_into_the_next_image() {
        let shape = Shape { batch: 2, height: 5, width: 1, channels: 1 };
        let image = Image::by_bands(shape, 3, &Work::default(), |frame, first, band| {
            for (at, value) in band.iter_mut().enumerate() {
                *value = to_f32(100 * frame + 10 * first + at);
            }
        });
        let expected = [0.0, 1.0, 2.0, 30.0, 31.0, 100.0, 101.0, 102.0, 130.0, 131.0];
        assert_eq!(image.unwrap().values(), expected);
    }
}
