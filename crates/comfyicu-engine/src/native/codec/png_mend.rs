//! PNG files that end early or are damaged within their pixels: what Pillow makes of them for ComfyUI's loader.
//!
//! Which rows Pillow gives of such a file hangs on how far zlib has read, not on what could be unpacked: it asks for a
//! row only while there is data that zlib has not looked at, so rows are lost that zlib still holds back. These files,
//! and no others, are therefore unpacked with a port of zlib.

use std::io::{self, Write as _};

use flate2::{Compression, Crc, write::ZlibEncoder};
use png::Info;
use zlib_rs::{Inflate, Status};

use super::DecodeError;
use super::png_chunks::{Chunks, END, PIXELS, pixels};
use super::png_rows::inflate;
use crate::native::work::Work;

/// Filters have the numbers up to this one.
const LAST_FILTER: u8 = 4;

/// Makes a file that is whole: with the rows that Pillow gives of one that is not, zeros in place of the others, and the
/// chunks that stand before and behind them. Not for interlaced files.
///
/// # Errors
/// When what follows the pixels is damaged so that ComfyUI refuses the file, or the run is cancelled.
pub(super) fn mended(bytes: &[u8], info: &Info<'_>, work: &Work) -> Result<Vec<u8>, DecodeError> {
    let (rows, stop) = rows(bytes, info, work)?;
    let mut behind = pixels(bytes).skip_while(|chunk| chunk.id == PIXELS).take_while(|chunk| chunk.id != END);
    let reason = match stop {
        Stop::NoChunk => Some("what follows its pixels is not a chunk"),
        Stop::OtherChunk if behind.any(|chunk| chunk.is_cut && chunk.id != PIXELS) => {
            Some("it lacks pixels, and is cut short behind them")
        }
        _ => None,
    };
    if let Some(reason) = reason {
        return Err(DecodeError::Broken { format: "PNG", reason: reason.to_owned() });
    }
    let mut file = bytes.get(..Chunks::START).unwrap_or_default().to_vec();
    let mut rows = Some(rows);
    for chunk in Chunks::of(bytes) {
        work.go_on()?;
        if chunk.id != PIXELS {
            file.extend_from_slice(chunk.whole.unwrap_or_default());
        } else if let Some(rows) = rows.take() {
            push_chunk(&mut file, PIXELS, &rows);
        }
    }
    push_chunk(&mut file, END, &[]);
    Ok(file)
}

fn broken(error: &io::Error) -> DecodeError {
    DecodeError::Broken { format: "PNG", reason: error.to_string() }
}

fn push_chunk(file: &mut Vec<u8>, id: &[u8], data: &[u8]) {
    let mut checksum = Crc::new();
    checksum.update(id);
    checksum.update(data);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    for part in [&length.to_be_bytes(), id, data, &checksum.sum().to_be_bytes()] {
        file.extend_from_slice(part);
    }
}

/// What the reading of rows stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The last row, or a damaged one.
    Row,
    FileEnd,
    OtherChunk,
    /// Something that is not a chunk.
    NoChunk,
}

/// The rows of chunks, with their filters, packed again.
fn rows(bytes: &[u8], info: &Info<'_>, work: &Work) -> Result<(Vec<u8>, Stop), DecodeError> {
    let mut unpacker = Unpacker::new(info);
    let mut stop = Stop::FileEnd;
    for chunk in pixels(bytes) {
        work.go_on()?;
        if chunk.id != PIXELS {
            let is_id = chunk.id.len() == 4
                && chunk.id.iter().all(|byte| *byte == b'_' || byte.is_ascii_alphanumeric());
            stop = if is_id { Stop::OtherChunk } else { Stop::NoChunk };
            break;
        }
        if unpacker.take(chunk.data, work)? == Next::Nothing {
            stop = Stop::Row;
            break;
        }
    }
    Ok((unpacker.finish(work)?, stop))
}

/// Unpacks the data of pixels as Pillow does, and packs the rows that it gets again.
struct Unpacker {
    inflate: Inflate,
    /// The filter and the bytes of one row.
    row: Vec<u8>,
    /// How much of it is there.
    filled: usize,
    /// How many rows have not come.
    missing: u32,
    rows: ZlibEncoder<Vec<u8>>,
}

/// What is done after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Row,
    Nothing,
}

impl Unpacker {
    fn new(info: &Info<'_>) -> Self {
        Self {
            inflate: Inflate::new(true, 15),
            row: vec![0; info.raw_row_length()],
            filled: 0,
            missing: info.height,
            rows: ZlibEncoder::new(Vec::new(), Compression::fast()),
        }
    }

    /// Takes the data of one chunk, and says whether more may follow.
    fn take(&mut self, mut data: &[u8], work: &Work) -> Result<Next, DecodeError> {
        while !data.is_empty() {
            work.go_on()?;
            let target = self.row.get_mut(self.filled..).unwrap_or_default();
            let Some((filled, status)) = inflate(&mut self.inflate, &mut data, target) else {
                return Ok(Next::Nothing);
            };
            self.filled += filled;
            if self.filled < self.row.len() {
                break;
            }
            if self.row.first().is_some_and(|filter| *filter > LAST_FILTER) {
                return Ok(Next::Nothing);
            }
            self.push_row()?;
            if self.missing == 0 || status == Status::StreamEnd {
                return Ok(Next::Nothing);
            }
        }
        Ok(Next::Row)
    }

    fn push_row(&mut self) -> Result<(), DecodeError> {
        self.rows.write_all(&self.row).map_err(|error| broken(&error))?;
        self.missing = self.missing.saturating_sub(1);
        self.filled = 0;
        Ok(())
    }

    /// The packed rows; those that did not come are zero.
    fn finish(mut self, work: &Work) -> Result<Vec<u8>, DecodeError> {
        self.row.fill(0);
        while self.missing > 0 {
            work.go_on()?;
            self.push_row()?;
        }
        self.rows.finish().map_err(|error| broken(&error))
    }
}
