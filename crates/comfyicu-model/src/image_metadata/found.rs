//! What a walk through a file finds, within the limits.

use super::exif::{self, Exif};
use super::{ImageError, ImageFormat, ImageLimits, ImageText};

/// The texts of a file, where each stands, and how much more there may be.
#[derive(Debug)]
pub(super) struct Found {
    format: ImageFormat,
    limits: ImageLimits,
    text_bytes: u64,
    texts: u32,
    chunks: u32,
    pub(super) parts: Vec<Part>,
}

/// A chunk or segment that holds texts.
#[derive(Debug)]
pub(super) struct Part {
    /// Where it begins in the file, header included.
    pub(super) at: u64,
    /// How many bytes it has in the file, header, padding and checksum included.
    pub(super) length: u64,
    pub(super) content: Content,
}

/// What a chunk or segment holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(ImageText),
    Exif {
        exif: Exif,
        /// Where the data themselves begin in the file.
        start: u64,
    },
}

impl Found {
    pub(super) const fn new(format: ImageFormat, limits: ImageLimits) -> Self {
        Self { format, limits, text_bytes: 0, texts: 0, chunks: 0, parts: Vec::new() }
    }

    /// Counts a chunk.
    pub(super) fn chunk(&mut self) -> Result<(), ImageError> {
        self.chunks += 1;
        self.check("chunks", self.chunks.into(), self.limits.chunks.into())
    }

    /// Counts bytes that are about to be kept.
    pub(super) fn bytes(&mut self, length: u64) -> Result<(), ImageError> {
        self.text_bytes = self.text_bytes.saturating_add(length);
        self.check("bytes of text", self.text_bytes, self.limits.text_bytes)
    }

    /// How many more bytes may be kept.
    pub(super) const fn bytes_left(&self) -> u64 {
        self.limits.text_bytes.saturating_sub(self.text_bytes)
    }

    /// Keeps a text, which stands at a place of the file.
    pub(super) fn text(&mut self, at: u64, length: u64, text: ImageText) -> Result<(), ImageError> {
        self.count_texts(1)?;
        self.parts.push(Part { at, length, content: Content::Text(text) });
        Ok(())
    }

    /// Keeps EXIF data, which stand at a place of the file and begin `header` bytes after it.
    pub(super) fn exif(
        &mut self,
        at: u64,
        length: u64,
        header: u64,
        data: Vec<u8>,
    ) -> Result<(), ImageError> {
        let start = at.saturating_add(header);
        let exif = exif::read(data).map_err(|damage| damage.in_file(self.format, start))?;
        self.count_texts(exif.texts().count())?;
        self.parts.push(Part { at, length, content: Content::Exif { exif, start } });
        Ok(())
    }

    fn count_texts(&mut self, more: usize) -> Result<(), ImageError> {
        self.texts = self.texts.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.check("texts", self.texts.into(), self.limits.texts.into())
    }

    fn check(&self, what: &'static str, count: u64, limit: u64) -> Result<(), ImageError> {
        let format = self.format;
        if count > limit { Err(ImageError::TooLarge { format, what, limit }) } else { Ok(()) }
    }

    /// The texts, in the order of the file.
    pub(super) fn into_texts(self) -> Vec<ImageText> {
        let mut texts = Vec::new();
        for part in self.parts {
            match part.content {
                Content::Text(text) => texts.push(text),
                Content::Exif { exif, .. } => texts.extend(exif.into_texts()),
            }
        }
        texts
    }
}
