//! PNG: chunks, each with a length in front, a kind and a checksum.

use std::io::{self, Read};

use flate2::Crc;
use flate2::read::ZlibDecoder;

use super::found::Found;
use super::source::Source;
use super::text::decode;
use super::{ImageError, ImageText};

const SIGNATURE_BYTES: u64 = 8;
const HEADER_BYTES: u64 = 13;
/// Where the chunk behind the header begins.
pub(super) const AFTER_HEADER: u64 = SIGNATURE_BYTES + 4 + 4 + HEADER_BYTES + 4;
/// The longest chunk that PNG allows.
const MAX_CHUNK_BYTES: u32 = i32::MAX as u32;

/// Goes through the chunks up to the last.
pub(super) fn walk<R: Read>(source: &mut Source<R>, found: &mut Found) -> Result<(), ImageError> {
    source.skip(SIGNATURE_BYTES, "the signature")?;
    let header = source.array::<8>("the header")?;
    if &header != b"\0\0\0\rIHDR" {
        return Err(source.damaged(SIGNATURE_BYTES, "the first chunk is not the header"));
    }
    source.skip(HEADER_BYTES + 4, "the header")?;
    loop {
        let at = source.at();
        let [a, b, c, d, kind @ ..] = source.array::<8>("a chunk")?;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > MAX_CHUNK_BYTES {
            return Err(source.damaged(at, "the chunk is longer than PNG allows"));
        }
        found.chunk()?;
        match &kind {
            b"IEND" => return Ok(()),
            b"tEXt" | b"zTXt" | b"iTXt" | b"comf" | b"eXIf" => {
                found.bytes(length.into())?;
                let data = checked(source, at, kind, length)?;
                keep(source, found, at, kind, data)?;
            }
            _ => source.skip(u64::from(length) + 4, "the data of a chunk")?,
        }
    }
}

/// The data of a chunk, when its checksum says that they are whole.
fn checked<R: Read>(
    source: &mut Source<R>,
    at: u64,
    kind: [u8; 4],
    length: u32,
) -> Result<Vec<u8>, ImageError> {
    let data = source.bytes(length.into(), "the data of a text chunk")?;
    let checksum = u32::from_be_bytes(source.array("the checksum of a chunk")?);
    if checksum == crc(kind, &data) {
        Ok(data)
    } else {
        Err(source.damaged(at, "the checksum of a text chunk is wrong"))
    }
}

fn keep<R: Read>(
    source: &Source<R>,
    found: &mut Found,
    at: u64,
    kind: [u8; 4],
    data: Vec<u8>,
) -> Result<(), ImageError> {
    let length = source.at() - at;
    if &kind == b"eXIf" {
        return found.exif(at, length, 8, data);
    }
    let no_text = || source.damaged(at, "a text chunk has no keyword, or lacks a part");
    let (keyword, rest) = split(&data).ok_or_else(no_text)?;
    let inflate = |compressed: &[u8]| inflate(source, at, compressed, found.bytes_left());
    let text = match &kind {
        b"zTXt" => inflate(rest.strip_prefix(b"\0").ok_or_else(no_text)?)?,
        b"iTXt" => {
            let (is_compressed, text) = international(rest).ok_or_else(no_text)?;
            if is_compressed { inflate(text)? } else { text.to_vec() }
        }
        // ComfyUI's own `comf`, behind the pixels of animations, is made as `tEXt` is.
        _ => rest.to_vec(),
    };
    let text = ImageText::new(decode(keyword), text);
    if matches!(&kind, b"zTXt" | b"iTXt") {
        found.bytes(text.as_bytes().len() as u64)?;
    }
    found.text(at, length, text)
}

/// What stands before the first zero byte, and what behind it.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == 0)?;
    Some((data.get(..end)?, data.get(end + 1..)?))
}

/// Whether an international text is compressed, and the text, behind its language and translated keyword.
fn international(rest: &[u8]) -> Option<(bool, &[u8])> {
    let [flag, _method, rest @ ..] = rest else { return None };
    let (_language, rest) = split(rest)?;
    let (_translated, text) = split(rest)?;
    Some((*flag != 0, text))
}

fn inflate<R: Read>(
    source: &Source<R>,
    at: u64,
    compressed: &[u8],
    limit: u64,
) -> Result<Vec<u8>, ImageError> {
    let mut text = Vec::new();
    // One byte beyond the limit is read, and then refused, so that it is told from a text that just fits.
    let mut decoder = ZlibDecoder::new(compressed).take(limit.saturating_add(1));
    match decoder.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Err(ImageError::Read(error)),
        Err(_) => Err(source.damaged(at, "the compressed text of a chunk cannot be read")),
    }
}

/// Makes a chunk.
pub(super) fn chunk(kind: [u8; 4], data: &[u8]) -> Result<Vec<u8>, ImageError> {
    let limit = MAX_CHUNK_BYTES;
    let length = u32::try_from(data.len()).ok().filter(|length| *length <= limit);
    let format = super::ImageFormat::Png;
    let length =
        length.ok_or(ImageError::TooLarge { format, what: "bytes in one text", limit: limit.into() })?;
    Ok([&length.to_be_bytes(), &kind, data, &crc(kind, data).to_be_bytes()].concat())
}

/// Makes the chunk of a text: the simple one for ASCII, as ComfyUI writes it, else one of UTF-8.
pub(super) fn text_chunk(text: &ImageText) -> Result<Vec<u8>, ImageError> {
    let keyword = text.keyword().as_bytes();
    let characters = text.text();
    if characters.is_ascii() {
        return chunk(*b"tEXt", &[keyword, b"\0", characters.as_bytes()].concat());
    }
    chunk(*b"iTXt", &[keyword, b"\0\0\0\0\0", characters.as_bytes()].concat())
}

fn crc(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    crc.sum()
}
