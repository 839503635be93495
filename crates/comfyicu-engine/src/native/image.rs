//! Images and masks as nodes pass them on.

mod shared;

use std::sync::Arc;

use super::buffer::{Blank, Buffer, Strip};
use super::limit::{self, TooLarge};
use super::memory::{Lease, OutOfMemory};
use super::number::to_byte;
use super::work::{Cancelled, STRETCH, Work};

/// Why an image was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BuildError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How an image lies in memory: images of a batch one after the other, each row by row, the channels of a
/// pixel side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many images.
    pub(crate) batch: usize,
    /// Rows of each.
    pub(crate) height: usize,
    /// Columns of each.
    pub(crate) width: usize,
    /// Values a pixel: 3 for RGB, 4 with an alpha channel.
    pub(crate) channels: usize,
}

impl Shape {
    /// Values in a row.
    pub(crate) const fn row(self) -> usize {
        self.width * self.channels
    }

    /// Values in one image of the batch.
    pub(crate) const fn frame(self) -> usize {
        self.height * self.row()
    }

    /// Values in all of it.
    pub(crate) const fn values(self) -> usize {
        self.batch * self.frame()
    }

    /// The bytes that it takes in memory.
    pub(crate) const fn bytes(self) -> usize {
        self.values() * size_of::<f32>()
    }
}

/// Memory for an image of this shape.
fn blank(shape: Shape, work: &Work) -> Result<Blank, BuildError> {
    limit::check(shape)?;
    Ok(work.memory().buffer(shape.values())?)
}

/// One image or a batch of them: ComfyUI's `IMAGE`.
///
/// Values are 0 to 1 from black to white; a node may leave some outside of that, and the next one sees
/// them. Clones share the pixels, and so do batches with the images that they were joined of.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    shape: Shape,
    /// At least one, in the order of the batch.
    parts: Vec<Part>,
}

/// Some images of a batch.
#[derive(Clone, Debug)]
struct Part {
    /// How many images stand before these.
    first: usize,
    data: Arc<Buffer>,
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.frames().eq(other.frames())
    }
}

impl Image {
    /// Makes an image whose values are computed by `fill`, which gets a zeroed buffer of the right length.
    ///
    /// # Errors
    /// When the image would have more pixels than [`limit::MAX_PIXELS`], or more than the run may hold;
    /// nothing is allocated then.
    pub(super) fn build(
        shape: Shape,
        work: &Work,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Self, BuildError> {
        Self::try_build(shape, work, |values| {
            fill(values);
            Ok(())
        })
    }

    /// Makes an image whose values are computed by `fill`, which gets a zeroed buffer of the right length.
    ///
    /// # Errors
    /// When the image may not be made, or `fill` fails.
    pub(super) fn try_build(
        shape: Shape,
        work: &Work,
        fill: impl FnOnce(&mut [f32]) -> Result<(), Cancelled>,
    ) -> Result<Self, BuildError> {
        let mut buffer = blank(shape, work)?.zeroed(work)?;
        fill(&mut buffer)?;
        Ok(Self::of(shape, buffer))
    }

    /// Makes an image row by row, on all processors; `fill` gets which image of the batch and which row of it
    /// it makes, and the row, which is zero.
    ///
    /// # Errors
    /// When the image would have too many pixels, or the run is cancelled meanwhile.
    pub(super) fn by_rows(
        shape: Shape,
        work: &Work,
        fill: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Result<Self, BuildError> {
        let height = shape.height;
        let rows = (shape.values(), shape.row(), 1);
        let fill = |_, at: usize, row: &mut [f32]| fill(at / height, at % height, row);
        Ok(Self::of(shape, blank(shape, work)?.filled(work, rows, fill)?))
    }

    /// Makes an image some rows at a time, on all processors; `fill` gets which image of the batch and from which row
    /// of it on it makes, and these rows, which are zero.
    ///
    /// # Errors
    /// When the image would have too many pixels, or the run is cancelled meanwhile.
    pub(super) fn by_bands(
        shape: Shape,
        rows: usize,
        work: &Work,
        fill: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) -> Result<Self, BuildError> {
        let bands = (shape.frame(), shape.row(), rows);
        Ok(Self::of(shape, blank(shape, work)?.filled(work, bands, fill)?))
    }

    /// Makes an image of strips of so many values, from the first to the last; none where `fill` says that it has not
    /// filled them all.
    ///
    /// # Errors
    /// When the image may not be made, or `fill` fails.
    pub(super) fn in_order(
        shape: Shape,
        strip: usize,
        work: &Work,
        fill: impl FnOnce(&mut dyn Iterator<Item = Strip<'_>>) -> Result<bool, Cancelled>,
    ) -> Result<Option<Self>, BuildError> {
        let buffer = blank(shape, work)?.filled_in_order(strip, fill)?;
        Ok(buffer.map(|buffer| Self::of(shape, buffer)))
    }

    /// Takes values that lie as `shape` says.
    #[cfg(test)]
    pub(super) fn from_values(
        shape: Shape,
        work: &Work,
        values: impl IntoIterator<Item = f32>,
    ) -> Result<Self, BuildError> {
        Self::build(shape, work, |all| all.iter_mut().zip(values).for_each(|(own, value)| *own = value))
    }

    fn of(shape: Shape, buffer: Buffer) -> Self {
        Self { shape, parts: vec![Part { first: 0, data: Arc::new(buffer) }] }
    }

    /// How the image lies in memory.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// All values of an image that was not joined of others.
    #[cfg(test)]
    pub(crate) fn values(&self) -> &[f32] {
        let [only] = &*self.parts else { panic!("it has parts") };
        &only.data
    }

    /// Whether another image is the same, value by value.
    ///
    /// # Errors
    /// When the run is cancelled.
    pub(super) fn equals(&self, other: &Self, work: &Work) -> Result<bool, Cancelled> {
        if self.shape != other.shape {
            return Ok(false);
        }
        for (own, others) in self.frames().zip(other.frames()) {
            for (own, others) in own.chunks(STRETCH).zip(others.chunks(STRETCH)) {
                work.go_on()?;
                if own != others {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// A row of one image of the batch; empty where there is none.
    pub(super) fn row(&self, frame: usize, y: usize) -> &[f32] {
        let start = y * self.shape.row();
        self.frame(frame).get(start..start + self.shape.row()).unwrap_or_default()
    }

    /// One image of the batch; empty where there is none.
    fn frame(&self, frame: usize) -> &[f32] {
        let part = match &*self.parts {
            [only] => Some(only),
            parts => parts.iter().take(parts.partition_point(|part| part.first <= frame)).next_back(),
        };
        let values = part.and_then(|Part { first, data }| {
            let start = (frame - first) * self.shape.frame();
            data.get(start..start + self.shape.frame())
        });
        values.unwrap_or_default()
    }

    /// A pixel of one image of the batch; empty where there is none.
    pub(super) fn pixel(&self, frame: usize, y: usize, x: usize) -> &[f32] {
        let channels = self.shape.channels;
        self.row(frame, y).get(x * channels..(x + 1) * channels).unwrap_or_default()
    }

    /// The values as bytes, as ComfyUI stores them, and the memory that is leased for these.
    ///
    /// # Errors
    /// When the run may not hold them, or is cancelled.
    pub(super) fn to_bytes(&self, work: &Work) -> Result<(Vec<u8>, Lease), BuildError> {
        let shape = self.shape;
        let lease = work.memory().lease(shape.values())?;
        let bytes = work.rows(shape.values(), shape.row(), |at, target| {
            let values = self.row(at / shape.height, at % shape.height);
            target.iter_mut().zip(values).for_each(|(byte, value)| *byte = to_byte(*value));
        })?;
        Ok((bytes, lease))
    }

    /// The image with so many channels: those that it lacks are 1, which is opaque.
    pub(super) fn opaque(self, channels: usize, work: &Work) -> Result<Self, BuildError> {
        let own = self.shape.channels;
        if own >= channels {
            return Ok(self);
        }
        Self::by_rows(Shape { channels, ..self.shape }, work, |frame, y, row| {
            for (target, pixel) in row.chunks_exact_mut(channels).zip(self.row(frame, y).chunks_exact(own)) {
                let (colours, rest) = target.split_at_mut(own);
                colours.copy_from_slice(pixel);
                rest.fill(1.0);
            }
        })
    }

    /// The image without the channels behind the first so many.
    pub(super) fn cut_to(self, channels: usize, work: &Work) -> Result<Self, BuildError> {
        let own = self.shape.channels;
        if own <= channels {
            return Ok(self);
        }
        Self::by_rows(Shape { channels, ..self.shape }, work, |frame, y, row| {
            for (target, pixel) in row.chunks_exact_mut(channels).zip(self.row(frame, y).chunks_exact(own)) {
                target.iter_mut().zip(pixel).for_each(|(target, value)| *target = *value);
            }
        })
    }

    /// The images of the batch, each as its values.
    pub(crate) fn frames(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        (0..self.shape.batch).map(|frame| self.frame(frame))
    }
}

/// One mask or a batch of them: ComfyUI's `MASK`, an image of one channel. Clones share the values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask(Image);

impl Mask {
    /// Takes an image of one channel.
    pub(super) fn of(image: Image) -> Self {
        debug_assert_eq!(image.shape.channels, 1, "a mask has one channel");
        Self(image)
    }

    /// The mask as an image of one channel.
    pub(super) const fn as_image(&self) -> &Image {
        &self.0
    }

    /// The mask as an image of one channel.
    pub(super) fn into_image(self) -> Image {
        self.0
    }

    /// How the mask lies in memory: always one channel.
    pub(crate) const fn shape(&self) -> Shape {
        self.0.shape()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { batch: 2, height: 1, width: 2, channels: 3 };

    #[test]
    fn clones_share_until_one_changes() {
        let work = Work::default();
        let image = Image::build(SHAPE, &work, |_| {}).unwrap();
        let shared = image.clone();
        assert!(std::ptr::eq(image.values(), shared.values()));
        let changed = shared.map(&work, |value| 1.0 - value).unwrap();
        assert_eq!((image.values()[0], changed.values()[0]), (0.0, 1.0));

        let before = changed.values().as_ptr();
        let halved = changed.map(&work, |value| value / 2.0).unwrap();
        assert_eq!(halved.values().as_ptr(), before, "one owner: in place");
    }

    #[test]
    fn frames_are_the_images_of_the_batch() {
        let image = Image::from_values(SHAPE, &Work::default(), (0_u8..12).map(f32::from)).unwrap();
        assert_eq!(image.frames().map(|frame| frame[0]).collect::<Vec<_>>(), [0.0, 6.0]);
    }
}
