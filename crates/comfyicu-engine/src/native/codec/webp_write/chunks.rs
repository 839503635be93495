//! The chunks of WebP files, and how long frames show.

/// A chunk's name, and its data.
pub(super) type Chunk = ([u8; 4], Vec<u8>);

/// What the body of a file begins with.
pub(super) const BODY: &[u8] = b"WEBP";
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
    let mut body = BODY.to_vec();
    for (name, data) in chunks {
        add(&mut body, *name, data);
    }
    file_of(&body)
}

/// A file of its body.
pub(super) fn file_of(body: &[u8]) -> Vec<u8> {
    [b"RIFF", length(body).as_slice(), body].concat()
}

/// Adds a chunk to the body of a file.
pub(super) fn add(body: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    body.extend(name);
    body.extend(length(data));
    body.extend_from_slice(data);
    if data.len() % 2 == 1 {
        body.push(0);
    }
}

fn length(data: &[u8]) -> [u8; 4] {
    u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes()
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
