//! The chunks of WebP files, and how long frames show.

use super::{add_chunk, length};

/// A chunk's name, and its data.
pub(super) type Chunk = ([u8; 4], Vec<u8>);

/// The chunks of frames.
pub(super) const FRAME: &[u8; 4] = b"ANMF";
/// Where the first chunk begins.
pub(super) const FILE_START: usize = 12;
/// Where in a frame's data its duration stands, in three bytes.
const DURATION: usize = 12;

pub(super) fn chunks(file: &[u8]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = file.get(FILE_START..).unwrap_or_default();
    while let Some((name, behind)) = rest.split_first_chunk::<4>()
        && let Some((length, behind)) = behind.split_first_chunk::<4>()
    {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        chunks.push((*name, behind.get(..length).unwrap_or(behind).to_vec()));
        rest = behind.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    chunks
}

/// A file of chunks.
pub(super) fn assembled(chunks: &[Chunk]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        add_chunk(&mut body, *name, data);
    }
    [b"RIFF", length(&body).as_slice(), &body].concat()
}

/// How long each frame shows, in milliseconds.
pub(super) fn durations(chunks: &[Chunk]) -> impl Iterator<Item = u64> {
    chunks.iter().filter(|(name, _)| name == FRAME).map(|(_, data)| {
        let duration = data.get(DURATION..).and_then(|data| data.first_chunk::<3>());
        duration.map_or(0, |[low, middle, high]| u64::from(u32::from_le_bytes([*low, *middle, *high, 0])))
    })
}

/// Lets the last frame show until so many milliseconds after the first one came.
pub(super) fn show_last_until(chunks: &mut [Chunk], end: u64) {
    let all: Vec<u64> = durations(chunks).collect();
    let Some((_, before)) = all.split_last() else { return };
    let [low, middle, high, ..] = end.saturating_sub(before.iter().sum()).to_le_bytes();
    let last = chunks.iter_mut().rfind(|(name, _)| name == FRAME);
    if let Some(duration) = last.and_then(|(_, data)| data.get_mut(DURATION..DURATION + 3)) {
        duration.copy_from_slice(&[low, middle, high]);
    }
}
