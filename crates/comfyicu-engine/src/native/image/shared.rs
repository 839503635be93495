//! Pixels that several images share, and what happens to them when one changes.

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{BuildError, Image, Part, Shape};
use crate::native::buffer::Buffer;
use crate::native::limit;
use crate::native::pages::MIN_BYTES;
use crate::native::work::Work;

impl Image {
    /// One batch of several, which have one size and as many channels. It shares their pixels, unless they are few.
    ///
    /// # Errors
    /// When it would have too many pixels, or none, or the run is cancelled.
    pub(in crate::native) fn joined(images: &[Self], work: &Work) -> Result<Self, BuildError> {
        let batch = images.iter().map(|image| image.shape.batch).sum();
        let shape = images.first().map_or(Shape { batch: 0, height: 0, width: 0, channels: 0 }, Self::shape);
        let shape = Shape { batch, ..shape };
        limit::check(shape)?;
        let mut parts = Vec::new();
        let mut before = 0;
        for image in images {
            parts.extend(image.parts.iter().map(|part| Part { first: before + part.first, ..part.clone() }));
            before += image.shape.batch;
        }
        let joined = Self { shape, parts };
        let are_large = joined.parts.iter().all(|part| part.data.len() * size_of::<f32>() >= MIN_BYTES);
        if are_large {
            return Ok(joined);
        }
        Self::by_rows(shape, work, |frame, y, row| row.copy_from_slice(joined.row(frame, y)))
    }

    /// One image of the batch, which shares its pixels, where these do not lie together with those of others.
    pub(in crate::native) fn alone(&self, frame: usize) -> Option<Self> {
        let at = self.parts.binary_search_by_key(&frame, |part| part.first).ok()?;
        let part = self.parts.get(at).filter(|part| part.data.len() == self.shape.frame())?;
        let shape = Shape { batch: 1, ..self.shape };
        Some(Self { shape, parts: vec![Part { first: 0, data: Arc::clone(&part.data) }] })
    }

    /// Changes each row, where it is when nobody else holds it, else in a copy. `change` gets which image of the batch
    /// and which row of it that is.
    ///
    /// # Errors
    /// When the run may not hold a copy, or is cancelled.
    pub(in crate::native) fn change(
        mut self,
        work: &Work,
        change: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Result<Self, BuildError> {
        let (height, row) = (self.shape.height, self.shape.row());
        // One after the other: of pixels that stand in it several times, the last need no copy.
        for Part { first, data } in &mut self.parts {
            let change = |at: usize, row: &mut [f32]| change(*first + at / height, at % height, row);
            if let Some(values) = Arc::get_mut(data) {
                work.fill_bands(values, row, 1, change)?;
                continue;
            }
            *data = Arc::new(copied(data, row, work, change)?);
        }
        Ok(self)
    }

    /// Changes each image of the batch as a whole, as [`Self::change`] does rows.
    ///
    /// # Errors
    /// When the run may not hold a copy, or is cancelled, or `change` fails.
    pub(in crate::native) fn change_frames(
        self,
        work: &Work,
        change: impl Fn(&mut [f32]) -> Result<(), BuildError> + Sync,
    ) -> Result<Self, BuildError> {
        let frame = self.shape.frame().max(1);
        let mut own = self.unshared(work)?;
        let parts = own.parts.iter_mut().filter_map(|part| Arc::get_mut(&mut part.data));
        // Of all parts together: a batch that was joined of single images has one for each.
        let frames: Vec<&mut [f32]> = parts.flat_map(|values| values.chunks_mut(frame)).collect();
        frames.into_par_iter().try_for_each(|frame| {
            work.go_on()?;
            change(frame)
        })?;
        Ok(own)
    }

    /// The image with pixels that nobody else holds: what others hold is copied.
    fn unshared(mut self, work: &Work) -> Result<Self, BuildError> {
        let row = self.shape.row();
        for Part { data, .. } in &mut self.parts {
            if Arc::get_mut(data).is_none() {
                *data = Arc::new(copied(data, row, work, |_, _| ())?);
            }
        }
        Ok(self)
    }

    /// Changes each value; in place where nobody else holds the image.
    ///
    /// # Errors
    /// When the run may not hold a copy, or is cancelled.
    pub(in crate::native) fn map(
        self,
        work: &Work,
        change: impl Fn(f32) -> f32 + Sync,
    ) -> Result<Self, BuildError> {
        self.change(work, |_, _, row| row.iter_mut().for_each(|value| *value = change(*value)))
    }
}

/// A copy, each row of which is changed while it is in the processor's cache.
fn copied(
    data: &[f32],
    row: usize,
    work: &Work,
    change: impl Fn(usize, &mut [f32]) + Sync,
) -> Result<Buffer, BuildError> {
    let rows = (data.len(), row, 1);
    Ok(work.memory().buffer(data.len())?.filled(work, rows, |_, at, copy| {
        copy.copy_from_slice(data.get(at * row..(at + 1) * row).unwrap_or_default());
        change(at, copy);
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 1 MiB, so large that it is shared, each of its pixels of one value.
    fn image(batch: usize, value: f32) -> Image {
        let shape = Shape { batch, height: 256 / batch, width: 1024, channels: 1 };
        Image::by_rows(shape, &Work::default(), |_, _, row| row.fill(value)).unwrap()
    }

    fn starts(image: &Image) -> Vec<(f32, *const f32)> {
        image.frames().map(|frame| (frame[0], frame.as_ptr())).collect()
    }

    #[test]
    fn a_batch_shares_the_pixels_of_its_images() {
        let work = Work::default();
        let (both, one) = (image(2, 1.0), image(2, 3.0));
        let joined = Image::joined(&[both.clone(), one.clone(), both.clone()], &work).unwrap();
        assert_eq!(joined.shape().batch, 6);
        assert_eq!(starts(&joined), [starts(&both), starts(&one), starts(&both)].concat());
        assert_eq!((joined.row(3, 127)[0], joined.row(4, 127)[0], joined.row(6, 0)), (3.0, 1.0, &[][..]));
        let copy =
            Image::by_rows(joined.shape(), &work, |frame, y, row| row.copy_from_slice(joined.row(frame, y)));
        assert!(joined == copy.clone().unwrap() && joined.equals(&copy.unwrap(), &work).unwrap());
    }

    #[test]
    fn an_image_is_alone_where_it_is_no_part_of_a_larger_one() {
        let (both, work) = (image(2, 1.0), Work::default());
        let half =
            Image::by_rows(Shape { batch: 1, ..both.shape }, &work, |_, _, row| row.fill(3.0)).unwrap();
        let joined = Image::joined(&[both, half.clone()], &work).unwrap();
        assert_eq!([0, 1, 3].map(|frame| joined.alone(frame)), [None, None, None]);
        let alone = joined.alone(2).unwrap();
        assert_eq!((alone.shape(), starts(&alone)), (half.shape(), starts(&half)));
    }

    #[test]
    fn of_a_batch_that_changes_only_what_others_hold_is_copied() {
        let work = Work::default();
        let (held, own, twice) = (image(1, 1.0), image(1, 3.0), image(1, 5.0));
        let places = [&own, &twice].map(|image| starts(image)[0].1);
        let joined = Image::joined(&[held.clone(), own, twice.clone(), twice], &work).unwrap();
        let changed = joined.map(&work, |value| value + 1.0).unwrap();
        let [first, second, third, last] = starts(&changed).try_into().unwrap();
        assert_eq!(vec![first.0, second.0, third.0, last.0], [2.0, 4.0, 6.0, 6.0]);
        assert!(held.frames().flatten().all(|value| value.to_bits() == 1.0_f32.to_bits()));
        assert_eq!([second.1, last.1], places, "what nobody else holds is where it was");
        assert!(first.1 != starts(&held)[0].1 && third.1 != last.1);
    }

    #[test]
    fn images_are_changed_as_a_whole_in_whatever_part_they_lie() {
        let work = Work::default();
        let (two, twice) = (image(2, 1.0), image(2, 5.0));
        let joined = Image::joined(&[two, twice.clone(), twice], &work).unwrap();
        let changed = joined.change_frames(&work, |frame| {
            frame.fill(frame[0] + 1.0);
            Ok(())
        });
        let changed = changed.unwrap();
        let starts = starts(&changed);
        assert_eq!(starts.iter().map(|start| start.0).collect::<Vec<_>>(), [2.0, 2.0, 6.0, 6.0, 6.0, 6.0]);
        assert!(starts[2].1 != starts[4].1, "each has pixels of its own now");
    }

    #[test]
    fn few_pixels_are_copied() {
        let work = Work::default();
        let shape = Shape { batch: 1, height: 1, width: 2, channels: 1 };
        let small = Image::from_values(shape, &work, [1.0, 2.0]).unwrap();
        let joined = Image::joined(&[small.clone(), small], &work).unwrap();
        assert_eq!(joined.values(), [1.0, 2.0, 1.0, 2.0]);
        assert!(Image::joined(&[], &work).is_err());
    }
}
