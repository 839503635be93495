//! BMP, of every depth.

use fastrand::Rng;

use super::Write;
use super::picture::{draw, size};

pub(super) const KINDS: &[(&str, Write)] = &[
    ("rgb.bmp", |rng| Ok(plain(24, 0, &[], rng))),
    ("rgbx.bmp", |rng| Ok(plain(32, 0, &[], rng))),
    ("rgba.bmp", |rng| Ok(plain(32, 3, &[0xff_0000, 0xff00, 0xff, 0xff00_0000], rng))),
    ("rgb555.bmp", |rng| Ok(plain(16, 0, &[], rng))),
    ("rgb565.bmp", |rng| Ok(plain(16, 3, &[0xf800, 0x7e0, 0x1f, 0], rng))),
    ("palette.bmp", |rng| Ok(indexed(8, rng))),
    ("palette4.bmp", |rng| Ok(indexed(4, rng))),
    ("palette1.bmp", |rng| Ok(indexed(1, rng))),
    ("packed.bmp", |rng| Ok(packed(rng))),
    ("gray.bmp", |rng| Ok(gray(rng))),
    ("cut.bmp", |rng| {
        let mut file = plain(24, 0, &[], rng);
        file.truncate(rng.usize(54..file.len()));
        Ok(file)
    }),
];

/// A file of rows as they stand in it.
fn file((width, height): (usize, usize), bits: u16, compression: u32, extra: &[u8], rows: &[u8]) -> Vec<u8> {
    // With masks, the header is of the version that has room for them.
    let header_size = if compression == 3 { 108 } else { 40_usize };
    let offset = 14 + header_size + if compression == 3 { 0 } else { extra.len() };
    let int = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut file = b"BM".to_vec();
    file.extend(int(offset + rows.len()));
    file.extend([0; 4]);
    file.extend(int(offset));
    file.extend(int(header_size));
    file.extend(int(width));
    file.extend(int(height));
    file.extend(1_u16.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(compression.to_le_bytes());
    file.extend(int(rows.len()));
    file.extend([0; 8]);
    let colours = if bits <= 8 { extra.len() / 4 } else { 0 };
    file.extend(int(colours));
    file.extend([0; 4]);
    file.extend(extra);
    file.resize(offset, 0);
    file.extend(rows);
    file
}

/// Rows of whole bytes a pixel.
fn plain(bits: u16, compression: u32, masks: &[u32], rng: &mut Rng) -> Vec<u8> {
    let pixels = draw(usize::from(bits / 8), rng);
    let line = pixels.width * usize::from(bits / 8);
    let mut rows = Vec::new();
    for row in pixels.bytes.chunks(line) {
        rows.extend_from_slice(row);
        rows.resize(rows.len().next_multiple_of(4), 0);
    }
    let masks: Vec<u8> = masks.iter().flat_map(|mask| mask.to_le_bytes()).collect();
    let mut file = file((pixels.width, pixels.height), bits, compression, &masks, &rows);
    if rng.u8(..4) == 0 {
        // The rows go from the top down.
        let height = i32::try_from(pixels.height).unwrap();
        file[22..26].copy_from_slice(&(-height).to_le_bytes());
    }
    file
}

fn colours(count: usize, rng: &mut Rng) -> Vec<u8> {
    std::iter::repeat_with(|| rng.u8(..)).take(4 * count).collect()
}

fn indexed(bits: u16, rng: &mut Rng) -> Vec<u8> {
    let (width, height) = size(rng);
    let colours = colours(1 << bits, rng);
    let line = (width * usize::from(bits)).div_ceil(32) * 4;
    let rows: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(line * height).collect();
    file((width, height), bits, 0, &colours, &rows)
}

fn gray(rng: &mut Rng) -> Vec<u8> {
    let (width, height) = size(rng);
    let colours: Vec<u8> = (0..=255).flat_map(|grey| [grey, grey, grey, 0]).collect();
    let rows: Vec<u8> =
        std::iter::repeat_with(|| rng.u8(..)).take(width.next_multiple_of(4) * height).collect();
    file((width, height), 8, 0, &colours, &rows)
}

/// Runs of one index, and rows that end early.
fn packed(rng: &mut Rng) -> Vec<u8> {
    let (width, height) = size(rng);
    let colours = colours(256, rng);
    let mut rows = Vec::new();
    for _ in 0..height {
        let mut x = 0;
        while x < width && rng.u8(..12) > 0 {
            let left = (width - x).min(255);
            let length = rng.usize(1..=left);
            if length >= 3 && rng.bool() {
                rows.extend([0, u8::try_from(length).unwrap()]);
                rows.extend(std::iter::repeat_with(|| rng.u8(..)).take(length));
                rows.resize(rows.len().next_multiple_of(2), 0);
            } else {
                rows.extend([u8::try_from(length).unwrap(), rng.u8(..)]);
            }
            x += length;
        }
        rows.extend([0, 0]);
    }
    rows.extend([0, 1]);
    file((width, height), 8, 1, &colours, &rows)
}
