//! Key frames of lossy animations, where Pillow asks libwebp for them.
//!
//! The encoder writes what changed from one frame to the next. Pillow lets it start anew with a whole picture
//! every four or five frames, whichever of the two makes the file smaller. The wrapper of libwebp cannot ask
//! for that, so whole pictures are put in here, by libwebp's own rule.

use webp::{Encoder, PixelLayout, WebPConfig};

use super::chunks::{Chunk, FILE_START, FRAME, assembled, chunks, durations};
use super::{EncodeError, Pixels, refused, side};
use crate::native::work::Work;

/// Of so many frames one is a key frame: the last of them or the one before.
const INTERVAL: usize = 5;

/// What stands before a frame's own chunks: place, size, duration, flags.
const FRAME_HEADER: usize = 16;
/// The flag of a frame that replaces what is there.
const REPLACES: u8 = 2;
/// What the encoder counts beside a frame's chunks where there is an alpha, and beside the file's start.
const ALPHA_HEADER: usize = 18;

/// The file with key frames in it. All frames must be opaque.
pub(super) fn with_key_frames(
    file: &[u8],
    frames: &[Pixels<'_>],
    duration_ms: u64,
    config: &WebPConfig,
    work: &Work,
) -> Result<Vec<u8>, EncodeError> {
    let mut chunks = chunks(file);
    let places: Vec<usize> =
        chunks.iter().enumerate().filter(|(_, (name, _))| name == FRAME).map(|(at, _)| at).collect();
    let numbers = numbers(&chunks, duration_ms);
    let mut best: Option<Candidate> = None;
    // The first frame is a whole picture anyway.
    for (count, (place, number)) in places.iter().zip(numbers).enumerate().skip(1) {
        let position = (count - 1) % INTERVAL + 1;
        if position < INTERVAL - 1 {
            continue;
        }
        let (Some(frame), Some((_, data))) = (frames.get(number), chunks.get(*place)) else { continue };
        work.go_on()?;
        let candidate = Candidate::new(*place, data, *frame, config)?;
        if best.as_ref().is_none_or(|best| candidate.penalty <= best.penalty) {
            best = Some(candidate);
        }
        let decided = position == INTERVAL || count + 1 == places.len();
        if decided
            && let Some(Candidate { place, data, .. }) = best.take()
            && let Some(chunk) = chunks.get_mut(place)
        {
            chunk.1 = data;
        }
    }
    Ok(assembled(&chunks))
}

/// A frame that could be a key frame.
struct Candidate {
    place: usize,
    /// The frame's chunk, if it becomes one.
    data: Vec<u8>,
    /// By how many bytes it would be larger.
    penalty: isize,
}

impl Candidate {
    fn new(place: usize, data: &[u8], frame: Pixels<'_>, config: &WebPConfig) -> Result<Self, EncodeError> {
        let (width, height) = (side(frame.width), side(frame.height));
        let encoder = Encoder::new(frame.bytes, PixelLayout::Rgb, width, height);
        let whole = encoder.encode_advanced(config).map_err(|error| refused(format!("{error:?}")))?;
        let (header, changed) = data.split_at(FRAME_HEADER.min(data.len()));
        let has_alpha = changed.starts_with(b"ALPH");
        let changed_size = FILE_START + if has_alpha { ALPHA_HEADER } else { 0 } + changed.len();
        let mut data = vec![0; 6];
        for side in [width, height] {
            let [low, middle, high, _] = (side - 1).to_le_bytes();
            data.extend([low, middle, high]);
        }
        data.extend(header.get(data.len()..FRAME_HEADER - 1).unwrap_or_default());
        data.push(REPLACES);
        data.extend(whole.get(FILE_START..).unwrap_or_default());
        Ok(Self { place, data, penalty: whole.len().cast_signed() - changed_size.cast_signed() })
    }
}

/// The number of the picture that each frame shows: those that are like the one before have none.
fn numbers(chunks: &[Chunk], duration_ms: u64) -> Vec<usize> {
    let mut time = 0;
    let number = |duration| {
        let number = usize::try_from(time / duration_ms.max(1)).unwrap_or(usize::MAX);
        time += duration;
        number
    };
    durations(chunks).map(number).collect()
}
