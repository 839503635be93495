//! Looking at the images that came out.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A decoded PNG: 8-bit RGB, and its text chunks.
#[derive(Clone, Debug)]
pub struct Image {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The colours, row by row.
    pub pixels: Vec<[u8; 3]>,
    /// The text chunks: keyword and text.
    pub texts: Vec<(String, String)>,
}

impl Image {
    /// Reads a PNG.
    ///
    /// # Panics
    /// When the file is none, or not 8-bit RGB.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size that fits")];
        let info = reader.next_frame(&mut bytes).expect("a whole PNG");
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        bytes.truncate(info.buffer_size());
        let texts = &reader.info().uncompressed_latin1_text;
        let texts = texts.iter().map(|chunk| (chunk.keyword.clone(), chunk.text.clone())).collect();
        let pixels = bytes.as_chunks::<3>().0.to_vec();
        Self { width: info.width, height: info.height, pixels, texts }
    }

    /// How many different colours it has.
    pub fn colours(&self) -> usize {
        self.pixels.iter().collect::<HashSet<_>>().len()
    }

    /// The text under a keyword.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        self.texts.iter().find(|(key, _)| key == keyword).map(|(_, text)| text.as_str())
    }

    /// Whether each channel of each pixel is what inversion makes of the other image: its complement, or one
    /// less, because what is saved is cut and not rounded.
    pub fn is_negative_of(&self, other: &Self) -> bool {
        let inverted =
            |(ours, theirs): (&u8, &u8)| matches!(u16::from(*ours) + u16::from(*theirs), 254 | 255);
        (self.width, self.height) == (other.width, other.height)
            && self.pixels.iter().flatten().zip(other.pixels.iter().flatten()).all(inverted)
    }
}
