//! Writing PNG as ComfyUI's save nodes do.

use std::io::Write as _;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, chunk};

use crate::native::work::{Cancelled, Work};

/// Pixels to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pixels<'a> {
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Bytes a pixel: 1 for grey, 3 for RGB, 4 for RGBA.
    pub(crate) channels: usize,
    /// The bytes, row by row.
    pub(crate) bytes: &'a [u8],
}

/// An image whose rows become bytes one after the other, so that it never lies there whole as bytes.
pub(in crate::native) trait Rows {
    /// Columns, rows, and bytes a pixel.
    fn size(&self) -> [usize; 3];

    /// Fills a row, which is as long as the size says.
    fn fill(&self, y: usize, row: &mut [u8]);
}

/// Nodes save images; tests have bytes.
#[cfg(test)]
impl Rows for Pixels<'_> {
    fn size(&self) -> [usize; 3] {
        [self.width, self.height, self.channels]
    }

    fn fill(&self, y: usize, row: &mut [u8]) {
        let bytes = self.bytes.chunks(row.len().max(1)).nth(y).unwrap_or_default();
        row.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte);
    }
}

/// A text that a PNG file carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextChunk {
    /// What the text is, such as `prompt`.
    pub(crate) keyword: String,
    /// The text.
    pub(crate) text: String,
}

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum EncodeError {
    /// The format has no pixels of that many bytes.
    #[error("an image of {channels} channels cannot be written")]
    Channels {
        /// How many there are.
        channels: usize,
    },
    /// A text cannot be stored: a PNG's simple texts are Latin-1.
    #[error("the metadata `{keyword}` holds characters that a PNG text cannot")]
    Text {
        /// The text's keyword.
        keyword: String,
    },
    /// A frame is shown longer than PNG can say.
    #[error("a frame cannot be shown for {duration_ms} ms: PNG has 16 bits for each part of the fraction")]
    Delay {
        /// How long.
        duration_ms: u64,
    },
    /// The run was cancelled meanwhile.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The WebP encoder refused the pixels.
    #[error("a WebP file cannot be written: {0}")]
    Webp(String),
    /// The encoder failed.
    #[error("the PNG encoder failed")]
    Encoder(#[source] EncodingError),
}

/// Writes a PNG file with texts in it, in their order.
///
/// # Errors
/// When the channels are none that PNG has, a text is not Latin-1, or the run is cancelled.
pub(in crate::native) fn encode_png(
    image: &impl Rows,
    texts: &[TextChunk],
    work: &Work,
) -> Result<Vec<u8>, EncodeError> {
    let [width, height, channels] = image.size();
    let color = color_type(channels)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side(width), side(height));
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    // A fast way to pack what the filters leave: many times as fast as what ComfyUI does, for files that are a
    // little larger with photographs, and more so with patterns that repeat.
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().map_err(EncodeError::Encoder)?;
    for text in texts {
        writer.write_chunk(chunk::tEXt, &latin1_chunk(text)?).map_err(EncodeError::Encoder)?;
    }
    let mut rows = writer.stream_writer().map_err(EncodeError::Encoder)?;
    let mut row = vec![0; width * channels];
    for y in 0..height {
        work.go_on()?;
        image.fill(y, &mut row);
        rows.write_all(&row).map_err(|error| EncodeError::Encoder(error.into()))?;
    }
    rows.finish().map_err(EncodeError::Encoder)?;
    writer.finish().map_err(EncodeError::Encoder)?;
    Ok(file)
}

pub(super) const fn color_type(channels: usize) -> Result<ColorType, EncodeError> {
    match channels {
        1 => Ok(ColorType::Grayscale),
        3 => Ok(ColorType::Rgb),
        4 => Ok(ColorType::Rgba),
        channels => Err(EncodeError::Channels { channels }),
    }
}

pub(super) fn side(side: usize) -> u32 {
    u32::try_from(side).unwrap_or(u32::MAX)
}

pub(super) fn latin1_chunk(chunk: &TextChunk) -> Result<Vec<u8>, EncodeError> {
    let failed = |_| EncodeError::Text { keyword: chunk.keyword.clone() };
    let characters = chunk.keyword.chars().chain(['\0']).chain(chunk.text.chars());
    characters.map(u8::try_from).collect::<Result<_, _>>().map_err(failed)
}
