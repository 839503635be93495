//! How much of an image's texts is kept in memory.

/// The bounds within which an image's texts are read. The pixels are passed over and never kept, so they
/// have none.
///
/// ```
/// use comfyicu_model::ImageLimits;
///
/// let limits = ImageLimits::default().max_text_bytes(1024 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ImageLimits {
    pub(super) text_bytes: u64,
    pub(super) texts: u32,
    pub(super) chunks: u32,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self { text_bytes: 64 * 1024 * 1024, texts: 1024, chunks: 1024 * 1024 }
    }
}

impl ImageLimits {
    /// Sets the most bytes that all texts together may have, after they were decompressed. The default,
    /// 64 MiB, is what a prompt may have in other files too.
    pub const fn max_text_bytes(mut self, bytes: u64) -> Self {
        self.text_bytes = bytes;
        self
    }

    /// Sets the most texts that a file may have. The default is 1024; ComfyUI writes two.
    pub const fn max_texts(mut self, texts: u32) -> Self {
        self.texts = texts;
        self
    }

    /// Sets the most chunks or segments that a file may have. The default, 1048576, is enough for an
    /// animation of 8 GiB in the chunks that are usual.
    pub const fn max_chunks(mut self, chunks: u32) -> Self {
        self.chunks = chunks;
        self
    }
}
