//! TIFF: what its encoder writes, and kinds that only older programs write.

use std::io::Cursor;

use fastrand::Rng;
use mozjpeg::ColorSpace;
use tiff::encoder::colortype::{CMYK8, Gray8, Gray16, RGB8, RGB16, RGBA8};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder};

use super::Write;
use super::jpeg::encoded;
use super::picture::{draw, of_size};
use crate::Failure;

pub(super) const KINDS: &[(&str, Write)] = &[
    ("rgb.tiff", |rng| simple::<RGB8>(3, rng)),
    ("rgba.tiff", |rng| simple::<RGBA8>(4, rng)),
    ("gray.tiff", |rng| simple::<Gray8>(1, rng)),
    ("cmyk.tiff", |rng| simple::<CMYK8>(4, rng)),
    ("gray16.tiff", |rng| wide::<Gray16>(1, rng)),
    ("rgb16.tiff", |rng| wide::<RGB16>(3, rng)),
    ("pages.tiff", pages),
    ("jpeg.tiff", |rng| with_jpeg(ColorSpace::JCS_RGB, rng)),
    ("jpeg_gray.tiff", |rng| with_jpeg(ColorSpace::JCS_GRAYSCALE, rng)),
    ("palette.tiff", |rng| Ok(palette(rng))),
    ("bits.tiff", |rng| Ok(bits(1, rng))),
    ("white_is_zero.tiff", |rng| Ok(bits(0, rng))),
];

fn encoder<'f>(
    file: &'f mut Cursor<Vec<u8>>,
    rng: &mut Rng,
) -> Result<TiffEncoder<&'f mut Cursor<Vec<u8>>>, Failure> {
    let compression = [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Deflate(DeflateLevel::Fast),
        Compression::Packbits,
    ][rng.usize(..4)];
    Ok(TiffEncoder::new(file)?.with_compression(compression))
}

fn simple<C: tiff::encoder::colortype::ColorType<Inner = u8>>(
    channels: usize,
    rng: &mut Rng,
) -> Result<Vec<u8>, Failure> {
    let pixels = draw(channels, rng);
    let (width, height) = pixels.sides();
    let mut file = Cursor::new(Vec::new());
    encoder(&mut file, rng)?.write_image::<C>(width, height, &pixels.bytes)?;
    Ok(file.into_inner())
}

fn wide<C: tiff::encoder::colortype::ColorType<Inner = u16>>(
    channels: usize,
    rng: &mut Rng,
) -> Result<Vec<u8>, Failure> {
    let pixels = draw(channels, rng);
    let (width, height) = pixels.sides();
    let small = rng.bool();
    let sample = |byte: &u8| if small { u16::from(*byte) * 3 / 2 } else { u16::from(*byte) * 251 };
    let samples: Vec<u16> = pixels.bytes.iter().map(sample).collect();
    let mut file = Cursor::new(Vec::new());
    encoder(&mut file, rng)?.write_image::<C>(width, height, &samples)?;
    Ok(file.into_inner())
}

/// Pages of one size, one of them of another.
fn pages(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let first = draw(3, rng);
    let size = (first.width, first.height);
    let mut file = Cursor::new(Vec::new());
    let mut encoder = encoder(&mut file, rng)?;
    for page in 0..3 {
        let size = if page == 1 && rng.bool() { (5, 4) } else { size };
        let pixels = of_size(size, 3, rng);
        let (width, height) = pixels.sides();
        encoder.write_image::<RGB8>(width, height, &pixels.bytes)?;
    }
    Ok(file.into_inner())
}

/// A file of one strip, with entries as they are given: tag, type, numbers.
fn raw(entries: &[(u16, u16, Vec<u32>)], strip: &[u8]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.push((273, 4, vec![8]));
    entries.push((279, 4, vec![u32::try_from(strip.len()).unwrap()]));
    entries.sort_by_key(|(tag, ..)| *tag);
    let mut file = b"II*\0\0\0\0\0".to_vec();
    file.extend(strip);
    file.resize(file.len().next_multiple_of(2), 0);
    let mut directory = u16::try_from(entries.len()).unwrap().to_le_bytes().to_vec();
    for (tag, kind, numbers) in &entries {
        let value: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes()[..if *kind == 3 { 2 } else { 4 }].to_vec())
            .collect();
        directory.extend(tag.to_le_bytes());
        directory.extend(kind.to_le_bytes());
        directory.extend(u32::try_from(numbers.len()).unwrap().to_le_bytes());
        if value.len() <= 4 {
            directory.extend(value.iter().copied().chain([0; 4]).take(4));
        } else {
            directory.extend(u32::try_from(file.len()).unwrap().to_le_bytes());
            file.extend(value);
        }
    }
    let place = u32::try_from(file.len()).unwrap().to_le_bytes();
    file[4..8].copy_from_slice(&place);
    file.extend(directory);
    file.extend([0; 4]);
    file
}

fn with_jpeg(space: ColorSpace, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let grey = space == ColorSpace::JCS_GRAYSCALE;
    let samples = if grey { 1 } else { 3 };
    let pixels = draw(samples, rng);
    let mut jpeg = encoded(&pixels, space, None, rng)?;
    let (width, height) = pixels.sides();
    // The header of the frame says how coarse the colours are.
    let frame = jpeg.windows(2).position(|bytes| bytes[0] == 0xff && [0xc0, 0xc2].contains(&bytes[1]));
    let sampling = jpeg[frame.ok_or("no frame")? + 11];
    if jpeg.len() % 2 == 1 {
        jpeg.push(0);
    }
    let samples = u32::try_from(samples).unwrap();
    let mut entries = vec![
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, vec![8; pixels.bytes.len() / (pixels.width * pixels.height)]),
        (259, 3, vec![7]),
        (262, 3, vec![if grey { 1 } else { 6 }]),
        (277, 3, vec![samples]),
        (278, 4, vec![height]),
    ];
    if !grey {
        entries.push((530, 3, vec![u32::from(sampling >> 4), u32::from(sampling & 15)]));
    }
    Ok(raw(&entries, &jpeg))
}

fn palette(rng: &mut Rng) -> Vec<u8> {
    let pixels = draw(1, rng);
    let (width, height) = pixels.sides();
    let colours: Vec<u32> = std::iter::repeat_with(|| u32::from(rng.u8(..)) * 257).take(3 * 256).collect();
    let entries = [
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, vec![8]),
        (259, 3, vec![1]),
        (262, 3, vec![3]),
        (277, 3, vec![1]),
        (278, 4, vec![height]),
        (320, 3, colours),
    ];
    raw(&entries, &pixels.bytes)
}

/// Black and white, either of which may be zero.
fn bits(meaning: u32, rng: &mut Rng) -> Vec<u8> {
    let pixels = draw(1, rng);
    let (width, height) = pixels.sides();
    let depth = [1, 8][rng.usize(..2)];
    let line = (pixels.width * depth).div_ceil(8);
    let rows: Vec<u8> = pixels.bytes.iter().cycle().take(line * pixels.height).copied().collect();
    let entries = [
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, vec![u32::try_from(depth).unwrap()]),
        (259, 3, vec![1]),
        (262, 3, vec![meaning]),
        (277, 3, vec![1]),
        (278, 4, vec![height]),
    ];
    raw(&entries, &rows)
}
