//! PNG, read as Pillow does for ComfyUI's loader.

use std::borrow::Cow;
use std::io::Cursor;

use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Info, InterlaceInfo, Limits, Reader,
    expand_interlaced_row,
};

use super::animation::Canvas;
use super::exif::Orientation;
use super::frame::{each_pixel, grey_to_rgb};
use super::png_rows::{Rows, rows_together, unpack};
use super::{DecodeError, Frame, png_mend};
use crate::native::image::Shape;
use crate::native::limit::Extent;
use crate::native::work::{Cancelled, Work};

/// What the decoder may take for rows and chunks beside the pixels, which are checked apart.
const CHUNK_LIMIT: usize = 64 << 20;

pub(super) type PngReader<'a> = Reader<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    // A damaged header is an error, damaged pixels are not.
    open(bytes, Checksums::All)?;
    let mut reader = open(bytes, Checksums::OfPixels)?;
    let shape = shape(reader.info(), 1);
    extent.check(shape)?;
    let count = extent.pictures(frame_count(reader.info()));
    extent.check(Shape { batch: count, ..shape })?;

    let mended;
    // Of an animation, `reader` has to read the first image itself, to come to the next one.
    let whole = Some(bytes).filter(|_| count == 1);
    let first = match first_frame(&mut reader, whole, work)? {
        Ok(first) => first,
        Err(error) => {
            tracing::debug!(%error, "the pixels of a PNG file were read in part");
            mended = png_mend::mended(bytes, reader.info(), work)?;
            reader = open(&mended, Checksums::OfPixels)?;
            first_frame(&mut reader, None, work)?.map_err(|error| broken(&error))?
        }
    };
    let mut frames = if count > 1 { animation(&mut reader, first, count, work)? } else { vec![first] };
    let orientation = orientation(&mut reader);
    if orientation != Orientation::Upright {
        let upright = frames.into_iter().map(|frame| frame.upright(orientation, work));
        frames = upright.collect::<Result<_, _>>()?;
    }
    Ok(frames)
}

/// Which checksums of a file must be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksums {
    All,
    OfPixels,
}

pub(super) fn open(bytes: &[u8], checksums: Checksums) -> Result<PngReader<'_>, DecodeError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_crc(checksums != Checksums::All);
    options.set_ignore_adler32(false);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: CHUNK_LIMIT });
    decoder.read_info().map_err(|error| broken(&error))
}

fn broken(error: &DecodingError) -> DecodeError {
    DecodeError::Broken { format: "PNG", reason: error.to_string() }
}

pub(super) fn shape(info: &Info<'_>, batch: usize) -> Shape {
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    Shape { batch, height: side(info.height), width: side(info.width), channels: 3 }
}

/// Reads the first image, if all its rows are there; that of a file that is nothing else, sooner.
fn first_frame(
    reader: &mut PngReader<'_>,
    file: Option<&[u8]>,
    work: &Work,
) -> Result<Result<Frame, DecodingError>, DecodeError> {
    let Shape { width, height, .. } = shape(reader.info(), 1);
    let line = reader.info().raw_row_length().saturating_sub(1);
    let mut rows = vec![0; line * height];
    if reader.info().interlaced {
        // Pillow makes nothing of half a one either.
        interlaced(reader, &mut rows, line, work)?.map_err(|error| broken(&error))?;
    } else if !whole_rows(file, reader.info(), &mut rows, work)?
        && let Err(error) = in_order(reader, &mut rows, line, work)?
    {
        return Ok(Err(error));
    }
    Ok(Ok(to_frame(reader.info(), (width, height), Cow::Owned(rows), work)?))
}

/// Reads the rows of a file that is whole, and says whether it is.
fn whole_rows(file: Option<&[u8]>, info: &Info<'_>, rows: &mut [u8], work: &Work) -> Result<bool, Cancelled> {
    let Some(file) = file else { return Ok(false) };
    let length = info.raw_row_length();
    let mut strips = rows.chunks_mut((length.saturating_sub(1) * rows_together(length)).max(1));
    let take = |strip: &mut [u8], rows: Rows<'_>| {
        let targets = strip.chunks_exact_mut(length.saturating_sub(1).max(1));
        targets.zip(rows.iter()).for_each(|(target, row)| target.copy_from_slice(row));
    };
    unpack(file, info, &mut strips, take, work)
}

/// Reads rows from the first to the last, until that fails.
fn in_order(
    reader: &mut PngReader<'_>,
    rows: &mut [u8],
    line: usize,
    work: &Work,
) -> Result<Result<(), DecodingError>, Cancelled> {
    for row in rows.chunks_exact_mut(line.max(1)) {
        work.go_on()?;
        if let Err(error) = reader.read_row(row) {
            return Ok(Err(error));
        }
    }
    // Asked once more, it looks at what stands behind the last row.
    Ok(reader.read_row(&mut []).map(drop))
}

/// Reads rows that come in several passes, each finer than the one before.
fn interlaced(
    reader: &mut PngReader<'_>,
    rows: &mut [u8],
    line: usize,
    work: &Work,
) -> Result<Result<(), DecodingError>, Cancelled> {
    let info = reader.info();
    let bits = info.bits_per_pixel();
    loop {
        work.go_on()?;
        match reader.next_interlaced_row() {
            Ok(Some(row)) => {
                if let InterlaceInfo::Adam7(place) = row.interlace() {
                    expand_interlaced_row(
                        rows,
                        line,
                        row.data(),
                        place,
                        u8::try_from(bits).unwrap_or(u8::MAX),
                    );
                }
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// How many images the file holds: the first may stand beside an animation, for programs that show none.
pub(super) fn frame_count(info: &Info<'_>) -> usize {
    let frames = info.animation_control.map_or(1, |animation| animation.num_frames);
    let apart = info.animation_control.is_some() && info.frame_control.is_none();
    usize::try_from(frames).unwrap_or(usize::MAX).saturating_add(usize::from(apart)).max(1)
}

/// Reads the other frames of an animation, which must be whole. ComfyUI makes something of some that are not.
fn animation(
    reader: &mut PngReader<'_>,
    first: Frame,
    count: usize,
    work: &Work,
) -> Result<Vec<Frame>, DecodeError> {
    let mut canvas = Canvas::new(&first, reader.info().frame_control.as_ref());
    let mut frames = vec![first];
    let mut rows = vec![0; reader.output_buffer_size().unwrap_or_default()];
    while frames.len() < count {
        let control = *reader.next_frame_info().map_err(|error| broken(&error))?;
        let side = |side: u32| usize::try_from(side).unwrap_or_default();
        let (width, height) = (side(control.width), side(control.height));
        let line = reader.output_line_size(control.width).unwrap_or_default();
        let used = rows.get_mut(..line.saturating_mul(height)).unwrap_or_default();
        let read = if reader.info().interlaced {
            work.go_on()?;
            reader.next_frame(&mut rows).map(drop)
        } else {
            in_order(reader, used, line, work)?
        };
        read.map_err(|error| broken(&error))?;
        let used = Cow::Borrowed(rows.get(..line.saturating_mul(height)).unwrap_or_default());
        let part = to_frame(reader.info(), (width, height), used, work)?;
        frames.push(canvas.draw(&part, &control));
    }
    Ok(frames)
}

pub(super) fn orientation(reader: &mut PngReader<'_>) -> Orientation {
    // The chunk may stand behind the pixels. A file that ends early has none there.
    let _damaged = reader.finish();
    let info = reader.info();
    let is_xmp = |text: &&png::text_metadata::ITXtChunk| text.keyword == "XML:com.adobe.xmp";
    let xmp = info.utf8_text.iter().find(is_xmp).filter(|text| !text.compressed);
    let xmp = xmp.and_then(|text| text.get_text().ok());
    Orientation::find(info.exif_metadata.as_deref(), xmp.as_deref().map(str::as_bytes))
}

/// Turns rows as the file holds them into colours and opacity.
fn to_frame(
    info: &Info<'_>,
    (width, height): (usize, usize),
    rows: Cow<'_, [u8]>,
    work: &Work,
) -> Result<Frame, Cancelled> {
    let samples = to_bytes(info, (width, height), rows, work)?;
    let mut alpha = None;
    let rgb = match info.color_type {
        ColorType::Rgb => samples.into_owned(),
        ColorType::Grayscale => each_pixel(&samples, width, work, grey_to_rgb)?,
        ColorType::GrayscaleAlpha => {
            alpha = Some(each_pixel(&samples, width, work, |[_, alpha]: [u8; 2]| [alpha])?);
            each_pixel(&samples, width, work, |[grey, _]| [grey; 3])?
        }
        ColorType::Rgba => {
            alpha = Some(each_pixel(&samples, width, work, |[.., alpha]: [u8; 4]| [alpha])?);
            each_pixel(&samples, width, work, |[rgb @ .., _]: [u8; 4]| rgb)?
        }
        ColorType::Indexed => {
            let palette = info.palette.as_deref().unwrap_or_default().as_chunks::<3>().0;
            if let Some(opacity) = info.trns.as_deref() {
                let of_index =
                    |[index]: [u8; 1]| [opacity.get(usize::from(index)).copied().unwrap_or(u8::MAX)];
                alpha = Some(each_pixel(&samples, width, work, of_index)?);
            }
            // An index beyond the palette is black.
            let colour = |[index]: [u8; 1]| palette.get(usize::from(index)).copied().unwrap_or_default();
            each_pixel(&samples, width, work, colour)?
        }
    };
    Ok(Frame { width, height, rgb, alpha, key: key(info) })
}

/// The colour that stands for transparency, as Pillow compares it with bytes: of each number the lower one, and
/// nothing for a 16-bit grey.
fn key(info: &Info<'_>) -> Option<[u8; 3]> {
    // The decoder has dropped upper bytes where the pixels have none.
    match (info.color_type, info.bit_depth, info.trns.as_deref()?) {
        (ColorType::Rgb, _, [red, green, blue] | [_, red, _, green, _, blue]) => Some([*red, *green, *blue]),
        (ColorType::Grayscale, BitDepth::One, [grey]) => Some([if *grey == 0 { 0 } else { u8::MAX }; 3]),
        (ColorType::Grayscale, BitDepth::Two | BitDepth::Four | BitDepth::Eight, [grey]) => Some([*grey; 3]),
        _ => None,
    }
}

/// Brings samples of any depth to bytes: a palette's index as it is, a grey scaled to 255, of two bytes the
/// upper one. Only a 16-bit grey is clipped at 255 and not scaled, which is what Pillow's `I;16` becomes.
fn to_bytes<'r>(
    info: &Info<'_>,
    (width, height): (usize, usize),
    rows: Cow<'r, [u8]>,
    work: &Work,
) -> Result<Cow<'r, [u8]>, Cancelled> {
    let indexed = info.color_type == ColorType::Indexed;
    let spread = |bits: usize, factor: u8| {
        let mask = u8::MAX >> (8 - bits);
        let factor = if indexed { 1 } else { factor };
        let line = (width * bits).div_ceil(8).max(1);
        let spread = work.rows(width * height, width, |y, target| {
            let bytes = rows.get(y * line..).unwrap_or_default();
            for (samples, byte) in target.chunks_mut(8 / bits).zip(bytes) {
                for (sample, at) in samples.iter_mut().zip((0..8 / bits).rev()) {
                    *sample = ((byte >> (at * bits)) & mask) * factor;
                }
            }
        });
        spread.map(Cow::Owned)
    };
    match info.bit_depth {
        BitDepth::One => spread(1, 255),
        BitDepth::Two => spread(2, 85),
        BitDepth::Four => spread(4, 17),
        BitDepth::Eight => Ok(rows),
        BitDepth::Sixteen => {
            let clipped = info.color_type == ColorType::Grayscale;
            let byte = |[upper, lower]: [u8; 2]| match (clipped, upper) {
                (true, 1..) => [u8::MAX],
                (true, 0) => [lower],
                (false, upper) => [upper],
            };
            each_pixel(&rows, width, work, byte).map(Cow::Owned)
        }
    }
}
