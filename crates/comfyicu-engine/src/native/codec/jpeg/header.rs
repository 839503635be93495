//! What Pillow reads of a JPEG file before libjpeg sees it: where that fails, ComfyUI refuses the file, and where libjpeg
//! fails later, there is an image all the same.

use super::{FORMAT, broken};
use crate::native::codec::DecodeError;
use crate::native::codec::exif::Orientation;
use crate::native::image::Shape;
use crate::native::work::{Cancelled, STRETCH, Work};

/// What stands before the pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Header<'f> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1, 3 or 4.
    pub(super) channels: usize,
    /// What all segments of EXIF data have together.
    exif: Vec<u8>,
    xmp: Option<&'f [u8]>,
    /// The first part of a colour profile, in the order of their bytes.
    profile: Option<&'f [u8]>,
}

impl<'f> Header<'f> {
    pub(super) fn read(bytes: &'f [u8], work: &Work) -> Result<Self, DecodeError> {
        let mut rest = bytes.get(2..).unwrap_or_default();
        let mut header = Self::default();
        loop {
            let Some(marker) = next_marker(&mut rest, work)? else {
                header.check_size()?;
                return Err(broken("it ends before its pixels"));
            };
            match marker {
                // These stand alone.
                0xc8 | 0xd0..=0xd9 | 0xf0..=0xfd => continue,
                0xc0.. => {}
                _ => return Err(unknown(format!("0x{marker:02x} is no marker"))),
            }
            let segment = take_segment(&mut rest)?;
            match marker {
                0xc4 | 0xcc | 0xdc | 0xdd | 0xdf => {}
                0xda => break,
                0xdb => check_tables(segment)?,
                0xc0..=0xcf | 0xde => header.set_frame(segment)?,
                _ => header.note(marker, segment)?,
            }
        }
        header.check_size()?;
        Ok(header)
    }

    fn check_size(&self) -> Result<(), DecodeError> {
        if self.width == 0 || self.height == 0 { Err(unknown("it has no size")) } else { Ok(()) }
    }

    fn set_frame(&mut self, segment: &[u8]) -> Result<(), DecodeError> {
        let frame = segment.split_first_chunk::<6>().filter(|(_, channels)| channels.len().is_multiple_of(3));
        let Some(([bits, height @ .., width_high, width_low, channels], _)) = frame else {
            return Err(unknown("what it says of its size and channels is cut short"));
        };
        if *bits != 8 {
            return Err(unknown(format!("its samples have {bits} bits; 8 are read")));
        }
        if !matches!(channels, 1 | 3 | 4) {
            return Err(unknown(format!("it has {channels} channels; 1, 3 and 4 are read")));
        }
        if self.profile.take().is_some_and(|first| first.len() < 14) {
            return Err(unknown("a part of its colour profile has no number"));
        }
        self.height = u16::from_be_bytes(*height).into();
        self.width = u16::from_be_bytes([*width_high, *width_low]).into();
        self.channels = usize::from(*channels);
        Ok(())
    }

    /// Notes what applications say. Of some of it Pillow needs more than others would.
    fn note(&mut self, marker: u8, segment: &'f [u8]) -> Result<(), DecodeError> {
        let is_cut = |name: &[u8]| segment.starts_with(name) && segment.len() < 7;
        match marker {
            0xe0 if is_cut(b"JFIF") => return Err(unknown("its JFIF header is cut short")),
            0xee if is_cut(b"Adobe") => return Err(unknown("its Adobe header is cut short")),
            0xe1 => {
                if let Some(exif) = segment.strip_prefix(b"Exif\0\0") {
                    self.exif.extend_from_slice(exif);
                } else if let Some(xmp) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp = Some(xmp);
                }
            }
            0xe2 if segment.starts_with(b"ICC_PROFILE\0") => {
                self.profile = Some(self.profile.map_or(segment, |first| first.min(segment)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Of the image that is made of the file.
    pub(super) fn shape(&self) -> Shape {
        Shape { batch: 1, height: self.height, width: self.width, channels: 3 }
    }

    pub(super) fn orientation(&self) -> Orientation {
        Orientation::find(Some(self.exif.as_slice()).filter(|exif| !exif.is_empty()), self.xmp)
    }
}

/// The next marker; what stands before it is passed over.
fn next_marker(rest: &mut &[u8], work: &Work) -> Result<Option<u8>, Cancelled> {
    let mut begun = false;
    for stretch in rest.chunks(STRETCH) {
        work.go_on()?;
        for (byte, at) in stretch.iter().zip(1..) {
            match (begun, *byte) {
                (_, 0xff) => begun = true,
                (false, _) | (true, 0) => begun = false,
                (true, marker) => {
                    *rest = rest.get(at..).unwrap_or_default();
                    return Ok(Some(marker));
                }
            }
        }
        *rest = rest.get(stretch.len()..).unwrap_or_default();
    }
    Ok(None)
}

/// What belongs to a marker, with its length before it.
fn take_segment<'f>(rest: &mut &'f [u8]) -> Result<&'f [u8], DecodeError> {
    let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(|| unknown("it ends within a marker"))?;
    let length = usize::from(u16::from_be_bytes(*length)).saturating_sub(2);
    let segment =
        behind.split_at_checked(length).ok_or_else(|| broken("it is cut short before its pixels"))?;
    *rest = segment.1;
    Ok(segment.0)
}

/// Whether tables of quantization have all their values, which have one byte each, or two.
fn check_tables(mut segment: &[u8]) -> Result<(), DecodeError> {
    while let Some((kind, _)) = segment.split_first() {
        let length = if *kind < 16 { 65 } else { 129 };
        segment = segment.get(length..).ok_or_else(|| unknown("a table of quantization is cut short"))?;
    }
    Ok(())
}

/// Why Pillow does not take the file for one of this format.
fn unknown(reason: impl Into<String>) -> DecodeError {
    DecodeError::Header { format: FORMAT, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data that says that the camera was held to the right.
    const EXIF: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

    /// A file of these segments, a frame of 5 × 3 grey pixels, and the start of a scan.
    fn file(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let ends = [(0xc0, b"\x08\0\x03\0\x05\x01\x01\x11\0".to_vec()), (0xda, vec![1, 1, 0, 0, 63, 0])];
        let segment = |(marker, data): &(u8, Vec<u8>)| {
            let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
            [&[0xff, *marker], &length[..], data].concat()
        };
        let segments = segments.iter().chain(&ends).flat_map(segment);
        [0xff, 0xd8].into_iter().chain(segments).collect()
    }

    fn read(segments: &[(u8, Vec<u8>)]) -> Result<Orientation, DecodeError> {
        let file = file(segments);
        let header = Header::read(&file, &Work::default())?;
        assert_eq!((header.width, header.height, header.channels), (5, 3, 1));
        Ok(header.orientation())
    }

    #[test]
    fn exif_data_stands_in_segments_of_its_own_kind() {
        let exif = [b"Exif\0\0", EXIF].concat();
        for (marker, expected) in
            [(0xe1, Orientation::of(6)), (0xe2, Orientation::Upright), (0xfe, Orientation::Upright)]
        {
            assert_eq!(read(&[(marker, exif.clone())]), Ok(expected), "{marker:x}");
        }
        let halves = [&EXIF[..9], &EXIF[9..]].map(|half| (0xe1, [b"Exif\0\0", half].concat()));
        assert_eq!(read(&halves), Ok(Orientation::of(6)));
    }

    #[test]
    fn what_pillow_cannot_read_of_applications_is_refused() {
        for (marker, cut, whole) in [
            (0xe0, &b"JFIF\0"[..], &b"JFIF\0\x01\x01"[..]),
            (0xee, b"Adobe\0", b"Adobe\0\x64"),
            (0xe2, b"ICC_PROFILE\0\x01", b"ICC_PROFILE\0\x01\x01"),
        ] {
            assert!(matches!(read(&[(marker, cut.to_vec())]), Err(DecodeError::Header { .. })), "{marker:x}");
            assert_eq!(read(&[(marker, whole.to_vec())]), Ok(Orientation::Upright), "{marker:x}");
        }
    }

    #[test]
    fn the_search_for_a_marker_breaks_off() {
        let file = [&[0xff, 0xd8, 0xff, 0xd8][..], &vec![0; 3 * STRETCH]].concat();
        let read = Header::read(&file, &Work::until_look(3));
        assert!(matches!(read, Err(DecodeError::Cancelled(_))), "{read:?}");
    }
}
