//! A part of a picture, such as a frame of an animation covers.

/// Where a part lies, and how large it is, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Part {
    /// The lines of the part in the data of a picture, as far as it lies in it; a pixel takes `items` of the data.
    pub(super) fn lines<T>(
        self,
        data: &mut [T],
        picture_width: usize,
        items: usize,
    ) -> impl Iterator<Item = &mut [T]> {
        let columns = self.x * items..self.x.saturating_add(self.width).min(picture_width) * items;
        let lines = data.chunks_exact_mut((picture_width * items).max(1));
        lines.skip(self.y).take(self.height).filter_map(move |line| line.get_mut(columns.clone()))
    }
}
