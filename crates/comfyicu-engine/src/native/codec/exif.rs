//! How a camera was held: the orientation in EXIF data or XMP.

/// How the stored image must be turned to stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// Not at all.
    Upright,
    /// Left and right are swapped.
    Mirrored,
    /// By half a turn.
    UpsideDown,
    /// Top and bottom are swapped.
    Flipped,
    /// Rows are columns.
    Transposed,
    /// By a quarter to the right.
    OnItsLeft,
    /// Rows are columns, from the other corner.
    Transversed,
    /// By a quarter to the left.
    OnItsRight,
}

impl Orientation {
    /// The meaning of the EXIF value; what is not defined means upright.
    pub(super) const fn of(value: u16) -> Self {
        match value {
            2 => Self::Mirrored,
            3 => Self::UpsideDown,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::OnItsLeft,
            7 => Self::Transversed,
            8 => Self::OnItsRight,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    pub(super) const fn swaps_sides(self) -> bool {
        matches!(self, Self::Transposed | Self::OnItsLeft | Self::Transversed | Self::OnItsRight)
    }

    /// Finds the orientation in EXIF data (from the TIFF header on), else in an XMP packet.
    pub(super) fn find(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Self {
        let value = exif.and_then(in_exif).or_else(|| xmp.and_then(in_xmp));
        value.map_or(Self::Upright, Self::of)
    }
}

/// The tag that holds the orientation.
const ORIENTATION_TAG: u16 = 0x0112;
/// The TIFF type of a 16-bit number.
const SHORT: u16 = 3;

/// Reads the first directory only: a thumbnail's orientation, in the second, is not the image's.
fn in_exif(exif: &[u8]) -> Option<u16> {
    let little = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let offset = exif.get(4..8)?.try_into().ok()?;
    let offset = if little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) };
    let directory = usize::try_from(offset).ok()?;
    let entries = usize::from(short(directory)?);
    let entry = |index: usize| directory.checked_add(2 + 12 * index);
    let found = (0..entries).filter_map(entry).find(|at| short(*at) == Some(ORIENTATION_TAG))?;
    (short(found + 2)? == SHORT).then_some(())?;
    short(found + 8)
}

/// Reads the attribute or the element `tiff:Orientation`.
fn in_xmp(xmp: &[u8]) -> Option<u16> {
    const NAME: &[u8] = b"tiff:Orientation";
    let behind = xmp.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let rest = xmp.get(behind..)?;
    let digit = rest.strip_prefix(b"=\"").or_else(|| rest.strip_prefix(b">"))?.first()?;
    digit.is_ascii_digit().then(|| u16::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif(little: bool, orientation: u16) -> Vec<u8> {
        let number = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut exif = if little { b"II*\0\x08\0\0\0".to_vec() } else { b"MM\0*\0\0\0\x08".to_vec() };
        exif.extend(number(1));
        exif.extend(number(ORIENTATION_TAG));
        exif.extend(number(SHORT));
        exif.extend(if little { 1_u32.to_le_bytes() } else { 1_u32.to_be_bytes() });
        exif.extend(number(orientation));
        exif
    }

    #[test]
    fn both_byte_orders_are_read() {
        assert_eq!(Orientation::find(Some(&exif(true, 6)), None), Orientation::OnItsLeft);
        assert_eq!(Orientation::find(Some(&exif(false, 3)), None), Orientation::UpsideDown);
        assert_eq!(Orientation::find(Some(&exif(false, 99)), None), Orientation::Upright);
    }

    #[test]
    fn xmp_is_read_where_exif_says_nothing() {
        let xmp: &[u8] = b"<rdf:Description tiff:Orientation=\"8\"/>";
        assert_eq!(Orientation::find(None, Some(xmp)), Orientation::OnItsRight);
        assert_eq!(Orientation::find(Some(&exif(true, 2)), Some(xmp)), Orientation::Mirrored);
        let element: &[u8] = b"<tiff:Orientation>5</tiff:Orientation>";
        assert_eq!(Orientation::find(None, Some(element)), Orientation::Transposed);
    }

    #[test]
    fn damage_means_upright() {
        let whole = exif(true, 6);
        for length in 0..whole.len() {
            assert_eq!(Orientation::find(whole.get(..length), None), Orientation::Upright);
        }
        assert_eq!(Orientation::find(Some(b"II*\0\xff\xff\xff\xff"), None), Orientation::Upright);
    }
}
