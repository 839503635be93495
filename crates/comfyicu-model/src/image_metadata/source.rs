//! The input, read forward once: counted, with what is not needed passed over.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use super::format::describe;
use super::{ImageError, ImageFormat};

/// An image that is read from its first byte on.
pub(super) struct Source<R> {
    /// The first bytes, which told the format; they are read before the others.
    start: Vec<u8>,
    inner: BufReader<R>,
    format: ImageFormat,
    /// How many bytes were read or passed over.
    at: u64,
    /// How many there are, where that is known beforehand.
    length: Option<u64>,
    skip: fn(&mut BufReader<R>, u64) -> io::Result<u64>,
}

impl<R: Read> Source<R> {
    /// Reads an input that only goes forward.
    pub(super) fn forward(input: R) -> Result<Self, ImageError> {
        Self::start(input, None, skip_by_reading)
    }

    fn start(
        input: R,
        length: Option<u64>,
        skip: fn(&mut BufReader<R>, u64) -> io::Result<u64>,
    ) -> Result<Self, ImageError> {
        let mut inner = BufReader::new(input);
        let mut start = Vec::with_capacity(ImageFormat::SNIFFED_BYTES);
        let sniffed = inner.by_ref().take(ImageFormat::SNIFFED_BYTES as u64).read_to_end(&mut start);
        sniffed.map_err(ImageError::Read)?;
        let format = ImageFormat::sniff(&start)
            .ok_or_else(|| ImageError::UnknownFormat { found: describe(&start) })?;
        Ok(Self { start, inner, format, at: 0, length, skip })
    }

    /// The format by the first bytes.
    pub(super) const fn format(&self) -> ImageFormat {
        self.format
    }

    /// How many bytes were read or passed over.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// Reads as many bytes as the array has.
    pub(super) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], ImageError> {
        let mut bytes = [0; N];
        match self.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.truncated(expected)),
            Err(error) => Err(ImageError::Read(error)),
        }
    }

    /// Reads bytes; memory grows with what arrives, and not with what was announced.
    pub(super) fn bytes(&mut self, length: u64, expected: &'static str) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let read = self.by_ref().take(length).read_to_end(&mut bytes).map_err(ImageError::Read)?;
        if (read as u64) < length { Err(self.truncated(expected)) } else { Ok(bytes) }
    }

    /// Passes over bytes.
    pub(super) fn skip(&mut self, length: u64, expected: &'static str) -> Result<(), ImageError> {
        let end = self.at.saturating_add(length);
        let known = length.min((self.start.len() as u64).saturating_sub(self.at));
        self.at += known;
        let reachable = self.length.map_or(end, |length| end.min(length)).saturating_sub(self.at);
        self.at += (self.skip)(&mut self.inner, reachable).map_err(ImageError::Read)?;
        if self.at < end { Err(self.truncated(expected)) } else { Ok(()) }
    }

    /// The error of a file that ends here.
    pub(super) const fn truncated(&self, expected: &'static str) -> ImageError {
        ImageError::Truncated { format: self.format, at: self.at, expected }
    }

    /// The error of a file in which something is wrong.
    pub(super) const fn damaged(&self, at: u64, problem: &'static str) -> ImageError {
        ImageError::Damaged { format: self.format, at, problem }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let known = usize::try_from(self.at).ok().and_then(|at| self.start.get(at..));
        let read = match known.filter(|known| !known.is_empty()) {
            Some(mut known) => known.read(buffer)?,
            None => self.inner.read(buffer)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Source<R> {
    /// Reads an input in which what is not needed can be jumped over, from where it stands to its end.
    pub(super) fn seekable(mut input: R) -> Result<Self, ImageError> {
        let start = input.stream_position().map_err(ImageError::Read)?;
        let end = input.seek(SeekFrom::End(0)).map_err(ImageError::Read)?;
        input.seek(SeekFrom::Start(start)).map_err(ImageError::Read)?;
        Self::start(input, Some(end.saturating_sub(start)), skip_by_seeking)
    }
}

fn skip_by_reading<R: Read>(input: &mut BufReader<R>, length: u64) -> io::Result<u64> {
    io::copy(&mut input.by_ref().take(length), &mut io::sink())
}

fn skip_by_seeking<R: Read + Seek>(input: &mut BufReader<R>, length: u64) -> io::Result<u64> {
    // A chunk has at most 4 GiB.
    let offset = i64::try_from(length).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    input.seek_relative(offset)?;
    Ok(length)
}
