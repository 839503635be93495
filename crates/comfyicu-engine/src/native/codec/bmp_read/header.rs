//! The header of a BMP file: its size, where its pixels are, and how a pixel lies in its bytes.

/// What stands before the pixels.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Whether the first line in the file is the upper one.
    pub(super) top_down: bool,
    /// Where the pixels begin.
    pub(super) data: usize,
    pub(super) layout: Layout,
    /// The colours of indices.
    pub(super) palette: Vec<[u8; 3]>,
}

/// How the pixels of a line lie in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Places in the palette.
    Indices { bits: usize },
    /// Places in the palette, packed by run lengths.
    Packed { four_bits: bool },
    /// Five bits a colour, six of the green one where it is said so.
    Short { green_bits: u32 },
    /// A byte a colour: where in a pixel red, green, blue and the opacity lie.
    Bytes { size: usize, places: [usize; 3], alpha: Option<usize> },
}

/// Ways to store pixels.
const RAW: u32 = 0;
const PACKED_8: u32 = 1;
const PACKED_4: u32 = 2;
const MASKS: u32 = 3;

/// The length of the oldest header, which has 16 bits for each side.
const CORE: u32 = 12;

/// Where the masks stand, from the start of the second header on.
const MASKS_AT: usize = 40;

/// Reads numbers of a file at places.
#[derive(Clone, Copy)]
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn short(self, at: usize) -> Result<u16, String> {
        let bytes = self.0.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(|| "it ends within its header".to_owned())
    }

    fn long(self, at: usize) -> Result<u32, String> {
        let bytes = self.0.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(|| "it ends within its header".to_owned())
    }
}

/// Where the second header begins, behind the one that says where the pixels are.
const START: usize = 14;

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let numbers = Numbers(bytes);
        let offset = to_size(numbers.long(10)?);
        let header_size = numbers.long(START)?;
        let core = header_size == CORE;
        if !core && ![40, 52, 56, 64, 108, 124].contains(&header_size) {
            return Err(format!("a header of {header_size} bytes is not known"));
        }
        let (width, height, bits) = if core {
            let side = |at| numbers.short(at).map(u32::from);
            (side(START + 4)?, side(START + 6)?, numbers.short(START + 10)?)
        } else {
            (numbers.long(START + 4)?, numbers.long(START + 8)?, numbers.short(START + 14)?)
        };
        let top_down = !core && height.to_le_bytes().last() == Some(&0xff);
        let height = if top_down { height.wrapping_neg() } else { height };
        let compression = if core { RAW } else { numbers.long(START + 16)? };
        let colours = if core { 0 } else { numbers.long(START + 32)? };
        let colours = if colours == 0 { 1 << u32::from(bits).min(16) } else { to_size(colours) };
        let mut behind = START + to_size(header_size);
        let layout = layout(numbers, bits, compression, header_size)?;
        if compression == MASKS && header_size == 40 {
            behind += 12;
        }
        let entry = if core { 3 } else { 4 };
        let mut data = offset;
        let mut palette = Vec::new();
        if bits <= 8 {
            if colours > 65_536 {
                return Err(format!("it has {colours} colours"));
            }
            let entries = bytes.get(behind..).unwrap_or_default().chunks_exact(entry).take(colours.min(256));
            palette = entries.filter_map(|entry| entry.first_chunk()).map(|[b, g, r]| [*r, *g, *b]).collect();
            behind += entry * colours;
            if offset == START + to_size(header_size) {
                data = behind;
            }
        }
        let data = if data == 0 { behind } else { data };
        Ok(Self { width: to_size(width), height: to_size(height), top_down, data, layout, palette })
    }
}

fn to_size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn layout(numbers: Numbers<'_>, bits: u16, compression: u32, header_size: u32) -> Result<Layout, String> {
    let bytes = |size| Layout::Bytes { size, places: [2, 1, 0], alpha: None };
    let layout = match (compression, bits) {
        (RAW, 1 | 4 | 8) => Layout::Indices { bits: bits.into() },
        (RAW, 16) => Layout::Short { green_bits: 5 },
        (RAW, 24) => bytes(3),
        (RAW, 32) => bytes(4),
        (PACKED_8, 8) => Layout::Packed { four_bits: false },
        (PACKED_4, 4) => Layout::Packed { four_bits: true },
        (MASKS, 16 | 24 | 32) => {
            let mask = |at: usize| numbers.long(START + MASKS_AT + 4 * at);
            let opacity = if header_size >= 56 { mask(3)? } else { 0 };
            return masked(bits, [mask(0)?, mask(1)?, mask(2)?], opacity);
        }
        _ => return Err(format!("pixels of {bits} bits, stored in way {compression}, are not read")),
    };
    Ok(layout)
}

/// The layouts of masks that Pillow knows.
fn masked(bits: u16, masks: [u32; 3], opacity: u32) -> Result<Layout, String> {
    let known = match (bits, masks, opacity) {
        (16, [0xf800, 0x7e0, 0x1f], _) => Some(Layout::Short { green_bits: 6 }),
        (16, [0x7c00, 0x3e0, 0x1f], _) => Some(Layout::Short { green_bits: 5 }),
        (24, [0xff_0000, 0xff00, 0xff], _) => Some(Layout::Bytes { size: 3, places: [2, 1, 0], alpha: None }),
        (32, [0, 0, 0], 0) => Some(Layout::Bytes { size: 4, places: [2, 1, 0], alpha: Some(3) }),
        (32, ..) => {
            let places = masks.map(place);
            match (places, place(opacity)) {
                ([Some(red), Some(green), Some(blue)], alpha) if alpha.is_some() || opacity == 0 => {
                    Some(Layout::Bytes { size: 4, places: [red, green, blue], alpha })
                }
                _ => None,
            }
        }
        _ => None,
    };
    known.ok_or_else(|| format!("pixels of {bits} bits with the masks {masks:x?} are not read"))
}

/// Which byte of a pixel a mask takes.
const fn place(mask: u32) -> Option<usize> {
    match mask {
        0xff => Some(0),
        0xff00 => Some(1),
        0xff_0000 => Some(2),
        0xff00_0000 => Some(3),
        _ => None,
    }
}

impl Layout {
    /// How many bits a pixel takes in the file.
    pub(super) const fn bits(self) -> usize {
        match self {
            Self::Indices { bits } => bits,
            Self::Packed { .. } => 8,
            Self::Short { .. } => 16,
            Self::Bytes { size, .. } => 8 * size,
        }
    }

    pub(super) const fn has_alpha(self) -> bool {
        matches!(self, Self::Bytes { alpha: Some(_), .. })
    }

    /// Makes the colours of a line, and how opaque its pixels are.
    pub(super) fn unpack(self, line: &[u8], palette: &[[u8; 3]], rgb: &mut [u8], opacities: &mut [u8]) {
        let pixels = rgb.as_chunks_mut::<3>().0.iter_mut();
        match self {
            Self::Indices { bits } => {
                let mask = u8::MAX >> (8 - bits);
                let indices = line.iter().flat_map(|byte| {
                    let byte = *byte;
                    (0..8 / bits).rev().map(move |at| (byte >> (at * bits)) & mask)
                });
                for (pixel, index) in pixels.zip(indices) {
                    *pixel = palette.get(usize::from(index)).copied().unwrap_or_default();
                }
            }
            Self::Packed { .. } => {}
            Self::Short { green_bits } => {
                for (pixel, bytes) in pixels.zip(line.as_chunks().0) {
                    let number = u16::from_le_bytes(*bytes);
                    let part = |shift: u32, bits: u32| {
                        let full = (1_u32 << bits) - 1;
                        u8::try_from(((u32::from(number) >> shift) & full) * 255 / full).unwrap_or(u8::MAX)
                    };
                    *pixel = [part(5 + green_bits, 5), part(5, green_bits), part(0, 5)];
                }
            }
            Self::Bytes { size, places, alpha } => {
                let at = |bytes: &[u8], place: usize| bytes.get(place).copied().unwrap_or_default();
                for (pixel, bytes) in pixels.zip(line.chunks_exact(size)) {
                    *pixel = places.map(|place| at(bytes, place));
                }
                for (opacity, bytes) in opacities.iter_mut().zip(line.chunks_exact(size)) {
                    *opacity = alpha.map_or(u8::MAX, |place| at(bytes, place));
                }
            }
        }
    }
}
