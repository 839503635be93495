//! What Pillow reads of a JPEG file before libjpeg sees it: where that fails, ComfyUI refuses the file, and where libjpeg
//! fails later, there is an image all the same.

use super::{FORMAT, broken};
use crate::native::codec::DecodeError;
use crate::native::codec::exif::Orientation;
use crate::native::image::Shape;

/// What stands before the pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header<'f> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1, 3 or 4.
    pub(super) channels: usize,
    exif: Option<&'f [u8]>,
    xmp: Option<&'f [u8]>,
}

impl<'f> Header<'f> {
    pub(super) fn read(bytes: &'f [u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes.get(2..).unwrap_or_default();
        let mut header = Self::default();
        loop {
            let Some(marker) = next_marker(&mut rest) else {
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
                _ => header.note(segment),
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
        self.height = u16::from_be_bytes(*height).into();
        self.width = u16::from_be_bytes([*width_high, *width_low]).into();
        self.channels = usize::from(*channels);
        Ok(())
    }

    fn note(&mut self, segment: &'f [u8]) {
        if let Some(exif) = segment.strip_prefix(b"Exif\0\0") {
            self.exif.get_or_insert(exif);
        } else if let Some(xmp) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
            self.xmp = Some(xmp);
        }
    }

    /// Of the image that is made of the file.
    pub(super) fn shape(&self) -> Shape {
        Shape { batch: 1, height: self.height, width: self.width, channels: 3 }
    }

    pub(super) fn orientation(&self) -> Orientation {
        Orientation::find(self.exif, self.xmp)
    }
}

/// The next marker; what stands before it is passed over.
fn next_marker(rest: &mut &[u8]) -> Option<u8> {
    let mut begun = false;
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        match (begun, *byte) {
            (_, 0xff) => begun = true,
            (false, _) | (true, 0) => begun = false,
            (true, marker) => return Some(marker),
        }
    }
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
