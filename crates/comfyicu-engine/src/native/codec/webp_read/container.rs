//! The chunks of a WebP file: what lies where, before any pixel is decoded.

/// A file, taken apart.
#[derive(Debug, Default)]
pub(super) struct Container<'a> {
    /// Width and height, where the file says it of the whole.
    pub(super) canvas: (usize, usize),
    /// Whether any picture may be transparent.
    pub(super) has_alpha: bool,
    /// The pictures of an animation; none in a still.
    pub(super) frames: Vec<AnimationFrame<'a>>,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) xmp: Option<&'a [u8]>,
}

/// A picture of an animation, in pixels of the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnimationFrame<'a> {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Whether it is laid over what is there, and does not replace it.
    pub(super) blends: bool,
    /// Whether its place is emptied before the next picture.
    pub(super) disposes: bool,
    /// Its own chunks: opacity, pixels.
    pub(super) data: &'a [u8],
}

/// The flag of the file's header that says that there is transparency.
const ALPHA: u8 = 0x10;

impl<'a> Container<'a> {
    /// Reads the chunks; `None` where their lengths do not fit.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut container = Self::default();
        for chunk in Chunks(bytes.get(12..)?) {
            let (name, data) = chunk?;
            match &name {
                b"VP8X" => {
                    container.has_alpha = data.first()? & ALPHA != 0;
                    container.canvas = (int(data, 4)? + 1, int(data, 7)? + 1);
                }
                b"ANMF" => container.frames.push(AnimationFrame::read(data)?),
                b"EXIF" => container.exif = Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
                b"XMP " => container.xmp = Some(data),
                _ => {}
            }
        }
        Some(container)
    }
}

impl<'a> AnimationFrame<'a> {
    /// Reads a frame's chunk: places are counted in steps of two pixels.
    fn read(data: &'a [u8]) -> Option<Self> {
        let flags = data.get(15)?;
        Some(Self {
            x: 2 * int(data, 0)?,
            y: 2 * int(data, 3)?,
            width: int(data, 6)? + 1,
            height: int(data, 9)? + 1,
            blends: flags & 2 == 0,
            disposes: flags & 1 == 1,
            data: data.get(16..)?,
        })
    }

    /// Whether its pixels may be transparent: a chunk says so, or the header of lossless data.
    pub(super) fn has_alpha(&self) -> bool {
        Chunks(self.data).flatten().any(|(name, data)| match &name {
            b"ALPH" => true,
            b"VP8L" => data.get(4).is_some_and(|byte| byte & ALPHA != 0),
            _ => false,
        })
    }

    /// The frame as a file of its own.
    pub(super) fn to_file(self) -> Vec<u8> {
        let mut header = vec![0; 10];
        if let Some(flags) = header.first_mut().filter(|_| self.has_alpha()) {
            *flags = ALPHA;
        }
        let sides = [self.width, self.height].map(|side| u32::try_from(side - 1).unwrap_or(u32::MAX));
        for (place, side) in header.iter_mut().skip(4).zip(sides.iter().flat_map(|side| {
            let [low, middle, high, _] = side.to_le_bytes();
            [low, middle, high]
        })) {
            *place = side;
        }
        let mut body = b"WEBP".to_vec();
        let mut add = |name: &[u8; 4], data: &[u8]| {
            body.extend_from_slice(name);
            body.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend_from_slice(data);
            if data.len() % 2 == 1 {
                body.push(0);
            }
        };
        add(b"VP8X", &header);
        for (name, data) in Chunks(self.data).flatten() {
            if matches!(&name, b"ALPH" | b"VP8 " | b"VP8L") {
                add(&name, data);
            }
        }
        let mut file = b"RIFF".to_vec();
        file.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        file.extend(body);
        file
    }
}

/// Goes from chunk to chunk; `None` stands for one that is cut short, and ends it.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Option<([u8; 4], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.0);
        let (name, rest) = rest.split_first_chunk()?;
        let Some((length, rest)) = rest.split_first_chunk() else { return Some(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(data) = rest.get(..length) else { return Some(None) };
        self.0 = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some(Some((*name, data)))
    }
}

/// A number of three bytes, the lowest first.
fn int(data: &[u8], at: usize) -> Option<usize> {
    let [low, middle, high] = *data.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes([low, middle, high, 0])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 2×1 at 4, 6, which blends and is kept.
    const FRAME: [u8; 16] = [2, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0, 100, 0, 0, 0];

    fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&name[..], &length, data, &[0][..data.len() % 2]].concat()
    }

    #[test]
    fn frames_and_their_places_are_found() {
        let frame = [&FRAME[..], &chunk(*b"VP8L", &[0x2f, 0, 0, 0, 0x10])].concat();
        let body = [chunk(*b"VP8X", &[0x12, 0, 0, 0, 9, 0, 0, 7, 0, 0]), chunk(*b"ANMF", &frame)].concat();
        let file = [b"RIFF\0\0\0\0WEBP", body.as_slice()].concat();
        let container = Container::read(&file).unwrap();
        assert_eq!((container.canvas, container.has_alpha), ((10, 8), true));
        let [frame] = container.frames[..] else { panic!("{container:?}") };
        assert_eq!((frame.x, frame.y, frame.width, frame.height), (4, 6, 2, 1));
        assert!(frame.blends && !frame.disposes && frame.has_alpha());
    }

    #[test]
    fn a_file_that_is_cut_short_is_none() {
        let file = [b"RIFF\0\0\0\0WEBP", chunk(*b"ANMF", &FRAME).as_slice()].concat();
        for length in 13..file.len() {
            let read = Container::read(&file[..length]);
            assert!(read.is_none() || length < 16, "{length}: {read:?}");
        }
    }
}
