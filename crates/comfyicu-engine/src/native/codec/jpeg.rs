//! JPEG, through libjpeg as Pillow does.

mod header;

use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{ColorSpace, Decompress};

use super::frame::{each_pixel, grey_to_rgb};
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::{self, Extent};
use crate::native::work::{Cancelled, Work};
use header::Header;

const FORMAT: &str = "JPEG";

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let header = Header::read(bytes, work)?;
    extent.check(header.shape())?;
    let Header { width, height, channels, .. } = header;
    let (colours, blank) = match channels {
        1 => (ColorSpace::JCS_GRAYSCALE, 0),
        // The inks are inverted, and there are none of them where nothing was read.
        4 => (ColorSpace::JCS_CMYK, u8::MAX),
        _ => (ColorSpace::JCS_RGB, 0),
    };
    let mut pixels = vec![blank; width * height * channels];
    match open(bytes.chain(End(&[0xff, 0xd9]))) {
        Ok(opened) if opened.size() == (width, height) => read_into(&mut pixels, opened, colours, work)?,
        // Pillow has let the file pass, and makes nothing of its pixels.
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, "the pixels of a JPEG file were not read"),
    }
    let rgb = match colours {
        ColorSpace::JCS_GRAYSCALE => each_pixel(&pixels, width, work, grey_to_rgb)?,
        ColorSpace::JCS_CMYK => each_pixel(&pixels, width, work, inverted_cmyk_to_rgb)?,
        _ => pixels,
    };
    Ok(vec![Frame { width, height, rgb, alpha: None, key: None }.upright(header.orientation(), work)?])
}

/// What Pillow lets follow a file: a marker of its end, in case that is missing. Whoever wants more gets nothing, as
/// one who waits for more gets nothing from Pillow.
struct End(&'static [u8]);

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for End {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.0.is_empty() { Err(io::Error::other("the file ends early")) } else { Ok(self.0) }
    }

    fn consume(&mut self, amount: usize) {
        self.0 = self.0.get(amount..).unwrap_or_default();
    }
}

/// Reads what stands before the pixels, and checks the size.
pub(super) fn open<R: BufRead>(file: R) -> Result<Decompress<R>, DecodeError> {
    let header = caught(|| Ok(Decompress::builder().from_reader(file)?))?;
    let (width, height) = header.size();
    limit::check(Shape { batch: 1, height, width, channels: 3 })?;
    Ok(header)
}

/// How many rows libjpeg reads between two looks at whether the run was cancelled.
const ROWS: usize = 16;

/// Reads the pixels. Damage in them is no error: what was read before it stays, as in ComfyUI; the rest is 0.
pub(super) fn read<R: BufRead>(
    header: Decompress<R>,
    colours: ColorSpace,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let (width, height) = header.size();
    let channels = match colours {
        ColorSpace::JCS_GRAYSCALE => 1,
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => 4,
        _ => 3,
    };
    let mut pixels = vec![0; width * height * channels];
    read_into(&mut pixels, header, colours, work)?;
    Ok(pixels)
}

/// Reads as many rows as there are.
///
/// Of a progressive file libjpeg gathers all scans before the first row, which nothing interrupts: about a second
/// for the largest image.
fn read_into<R: BufRead>(
    pixels: &mut [u8],
    header: Decompress<R>,
    colours: ColorSpace,
    work: &Work,
) -> Result<(), Cancelled> {
    work.go_on()?;
    let band = (ROWS * pixels.len() / header.height().max(1)).max(1);
    let read = caught(|| {
        let mut started = header.to_colorspace(colours)?;
        for rows in pixels.chunks_mut(band) {
            work.go_on()?;
            started.read_scanlines_into(rows)?;
        }
        Ok(())
    });
    work.go_on()?;
    if let Err(error) = read {
        tracing::debug!(%error, "the pixels of a JPEG file were read in part");
    }
    Ok(())
}

fn broken(reason: impl Into<String>) -> DecodeError {
    DecodeError::Broken { format: FORMAT, reason: reason.into() }
}

/// Calls the library; its fatal errors, which unwind, become errors.
fn caught<T>(call: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>) -> Result<T, DecodeError> {
    let reason = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(unwound) => unwound.downcast::<String>().map_or_else(|_| "no reason given".into(), |text| *text),
    };
    Err(broken(reason))
}

/// Pillow's way from CMYK to RGB; such files hold the inks inverted.
fn inverted_cmyk_to_rgb([inks @ .., key]: [u8; 4]) -> [u8; 3] {
    let key = u32::from(key);
    inks.map(|ink| {
        let product = u32::from(u8::MAX - ink) * key + 128;
        let covered = ((product >> 8) + product) >> 8;
        u8::try_from(key.saturating_sub(covered)).unwrap_or(u8::MAX)
    })
}
