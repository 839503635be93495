//! Images and masks as nodes pass them on.

use std::sync::Arc;

use super::limit::{self, TooLarge};
use super::work::{Cancelled, Work};

/// Why an image was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BuildError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
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
}

/// One image or a batch of them: ComfyUI's `IMAGE`.
///
/// Values are 0 to 1 from black to white; a node may leave some outside of that, and the next one sees
/// them. Clones share the pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Image {
    shape: Shape,
    data: Arc<Vec<f32>>,
}

impl Image {
    /// Makes an image whose values are computed by `fill`, which gets a zeroed buffer of the right length.
    ///
    /// # Errors
    /// When the image would have more pixels than [`limit::MAX_PIXELS`]; nothing is allocated then.
    pub(super) fn build(shape: Shape, fill: impl FnOnce(&mut [f32])) -> Result<Self, TooLarge> {
        limit::check(shape)?;
        let mut data = vec![0.0; shape.batch * shape.frame()];
        fill(&mut data);
        Ok(Self { shape, data: Arc::new(data) })
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
        limit::check(shape)?;
        let mut data = vec![0.0; shape.batch * shape.frame()];
        let height = shape.height;
        work.fill_rows(&mut data, shape.row(), |at, row| fill(at / height, at % height, row))?;
        Ok(Self { shape, data: Arc::new(data) })
    }

    /// Takes values that lie as `shape` says. What is missing is black, what is too much is dropped.
    ///
    /// # Errors
    /// When the image has more pixels than [`limit::MAX_PIXELS`].
    pub(crate) fn from_values(shape: Shape, mut data: Vec<f32>) -> Result<Self, TooLarge> {
        limit::check(shape)?;
        data.resize(shape.batch * shape.frame(), 0.0);
        Ok(Self { shape, data: Arc::new(data) })
    }

    /// How the image lies in memory.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// All values.
    #[cfg(test)]
    pub(crate) fn values(&self) -> &[f32] {
        &self.data
    }

    /// All values, to be changed: in place where nobody else holds the image, else in a copy.
    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        let values: &mut Vec<f32> = Arc::make_mut(&mut self.data);
        values
    }

    /// A row of one image of the batch; empty where there is none.
    pub(super) fn row(&self, frame: usize, y: usize) -> &[f32] {
        let start = frame * self.shape.frame() + y * self.shape.row();
        self.data.get(start..start + self.shape.row()).unwrap_or_default()
    }

    /// A pixel of one image of the batch; empty where there is none.
    pub(super) fn pixel(&self, frame: usize, y: usize, x: usize) -> &[f32] {
        let channels = self.shape.channels;
        self.row(frame, y).get(x * channels..(x + 1) * channels).unwrap_or_default()
    }

    /// The image with so many channels: those that it lacks are 1, which is opaque.
    pub(super) fn opaque(self, channels: usize) -> Result<Self, TooLarge> {
        let own = self.shape.channels;
        if own >= channels {
            return Ok(self);
        }
        Self::build(Shape { channels, ..self.shape }, |values| {
            for (target, pixel) in values.chunks_exact_mut(channels).zip(self.data.chunks_exact(own)) {
                let (colours, rest) = target.split_at_mut(own);
                colours.copy_from_slice(pixel);
                rest.fill(1.0);
            }
        })
    }

    /// The image without the channels behind the first so many.
    pub(super) fn cut_to(self, channels: usize) -> Result<Self, TooLarge> {
        let own = self.shape.channels;
        if own <= channels {
            return Ok(self);
        }
        Self::build(Shape { channels, ..self.shape }, |values| {
            for (target, pixel) in values.chunks_exact_mut(channels).zip(self.data.chunks_exact(own)) {
                target.iter_mut().zip(pixel).for_each(|(target, value)| *target = *value);
            }
        })
    }

    /// The images of the batch, each as its values.
    pub(crate) fn frames(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        // A length of 0 cannot be: the limit check refuses an image without pixels.
        self.data.chunks_exact(self.shape.frame().max(1))
    }

    /// Changes each value; in place where nobody else holds the image.
    #[must_use]
    pub(super) fn map(mut self, change: impl Fn(f32) -> f32) -> Self {
        for value in self.values_mut() {
            *value = change(*value);
        }
        self
    }
}

/// One mask or a batch of them: ComfyUI's `MASK`, an image of one channel. Clones share the values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask(Image);

impl Mask {
    /// Takes values that lie row by row, mask after mask.
    ///
    /// # Errors
    /// When the mask has more pixels than [`limit::MAX_PIXELS`].
    pub(crate) fn from_values(
        batch: usize,
        height: usize,
        width: usize,
        data: Vec<f32>,
    ) -> Result<Self, TooLarge> {
        Image::from_values(Shape { batch, height, width, channels: 1 }, data).map(Self)
    }

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
        let image = Image::build(SHAPE, |_| {}).unwrap();
        let shared = image.clone();
        assert!(std::ptr::eq(image.values(), shared.values()));
        let changed = shared.map(|value| 1.0 - value);
        assert_eq!((image.values()[0], changed.values()[0]), (0.0, 1.0));

        let before = changed.values().as_ptr();
        assert_eq!(changed.map(|value| value / 2.0).values().as_ptr(), before, "one owner: in place");
    }

    #[test]
    fn frames_are_the_images_of_the_batch() {
        let image = Image::from_values(SHAPE, (0_u8..12).map(f32::from).collect()).unwrap();
        assert_eq!(image.frames().map(|frame| frame[0]).collect::<Vec<_>>(), [0.0, 6.0]);
    }
}
