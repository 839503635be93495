//! Changes to a file as data, and the copy that makes them.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use super::ImageError;

/// Bytes of the input that are replaced by others in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    range: Range<u64>,
    bytes: Vec<u8>,
}

impl Edit {
    /// Puts bytes in the place of `length` others.
    pub(super) fn replace(at: u64, length: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self { range: at..at.saturating_add(length), bytes: bytes.into() }
    }

    /// Takes bytes out.
    pub(super) fn remove(at: u64, length: u64) -> Self {
        Self::replace(at, length, [])
    }

    /// Whether nothing comes in the place of the bytes.
    pub(super) const fn is_removal(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes the output has more, and how many less.
    pub(super) fn change(&self) -> (u64, u64) {
        (self.bytes.len() as u64, self.range.end - self.range.start)
    }
}

/// Copies an input, from `start` to its end, with the edits made. Their places count from `start`.
pub(super) fn copy_with<R: Read + Seek, W: Write>(
    mut input: R,
    start: u64,
    output: &mut W,
    mut edits: Vec<Edit>,
) -> Result<(), ImageError> {
    // What is put in at a place comes before what is taken out there.
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let seek = |input: &mut R, at: u64| input.seek(SeekFrom::Start(start.saturating_add(at)));
    seek(&mut input, 0).map_err(ImageError::Read)?;
    let mut at = 0;
    for edit in edits {
        copy(&mut input, output, edit.range.start.saturating_sub(at))?;
        output.write_all(&edit.bytes).map_err(ImageError::Write)?;
        at = edit.range.end;
        seek(&mut input, at).map_err(ImageError::Read)?;
    }
    copy(&mut input, output, u64::MAX)?;
    output.flush().map_err(ImageError::Write)
}

/// Copies bytes and tells a failing input from a failing output.
fn copy<R: Read, W: Write>(input: &mut R, output: &mut W, length: u64) -> Result<(), ImageError> {
    let mut output = Marked { output, failed: false };
    let copied = io::copy(&mut input.take(length), &mut output);
    let failed = output.failed;
    copied.map(drop).map_err(if failed { ImageError::Write } else { ImageError::Read })
}

struct Marked<'a, W> {
    output: &'a mut W,
    failed: bool,
}

impl<W: Write> Write for Marked<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes);
        self.failed = match &written {
            Ok(written) => *written == 0 && !bytes.is_empty(),
            Err(error) => error.kind() != io::ErrorKind::Interrupted,
        };
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
