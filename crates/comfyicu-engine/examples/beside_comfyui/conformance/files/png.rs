//! PNG, of every depth and colour.

use fastrand::Rng;
use png::chunk::ChunkType;
use png::{BitDepth, BlendOp, ColorType, DisposeOp, Encoder};

use super::Write;
use super::jpeg::exif;
use super::picture::{Pixels, draw, of_size};
use crate::Failure;

pub(super) const KINDS: &[(&str, Write)] = &[
    ("gray.png", |rng| whole(ColorType::Grayscale, BitDepth::Eight, rng)),
    ("gray1.png", |rng| whole(ColorType::Grayscale, BitDepth::One, rng)),
    ("gray2.png", |rng| whole(ColorType::Grayscale, BitDepth::Two, rng)),
    ("gray4.png", |rng| whole(ColorType::Grayscale, BitDepth::Four, rng)),
    ("gray16.png", |rng| whole(ColorType::Grayscale, BitDepth::Sixteen, rng)),
    ("graya.png", |rng| whole(ColorType::GrayscaleAlpha, BitDepth::Eight, rng)),
    ("graya16.png", |rng| whole(ColorType::GrayscaleAlpha, BitDepth::Sixteen, rng)),
    ("rgb16.png", |rng| whole(ColorType::Rgb, BitDepth::Sixteen, rng)),
    ("rgba.png", |rng| whole(ColorType::Rgba, BitDepth::Eight, rng)),
    ("rgba16.png", |rng| whole(ColorType::Rgba, BitDepth::Sixteen, rng)),
    ("palette1.png", |rng| palette(BitDepth::One, rng)),
    ("palette4.png", |rng| palette(BitDepth::Four, rng)),
    ("palette8.png", |rng| palette(BitDepth::Eight, rng)),
    ("gray_trns.png", |rng| keyed(ColorType::Grayscale, BitDepth::Eight, rng)),
    ("gray1_trns.png", |rng| keyed(ColorType::Grayscale, BitDepth::One, rng)),
    ("gray16_trns.png", |rng| keyed(ColorType::Grayscale, BitDepth::Sixteen, rng)),
    ("rgb_trns.png", |rng| keyed(ColorType::Rgb, BitDepth::Eight, rng)),
    ("exif.png", turned),
    ("cut.png", cut),
    ("animated.png", animated),
];

/// Simple pixels: RGB, and RGBA now and then.
pub(super) fn plain(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let color = if rng.u8(..3) == 0 { ColorType::Rgba } else { ColorType::Rgb };
    whole(color, BitDepth::Eight, rng)
}

/// Bits are drawn as bytes: the rows are what an image of so many bytes a row has.
fn whole(color: ColorType, depth: BitDepth, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let (pixels, rows) = rows(color, depth, rng);
    written(&pixels, color, depth, &rows, |_| {})
}

fn rows(color: ColorType, depth: BitDepth, rng: &mut Rng) -> (Pixels, Vec<u8>) {
    let samples = color.samples();
    let pixels = draw(samples, rng);
    let rows = match depth {
        BitDepth::Eight => pixels.bytes.clone(),
        BitDepth::Sixteen => pixels.bytes.iter().flat_map(|byte| [*byte, byte.wrapping_mul(77)]).collect(),
        _ => {
            let line = (pixels.width * samples * depth as usize).div_ceil(8);
            pixels.bytes.iter().cycle().take(line * pixels.height).copied().collect()
        }
    };
    (pixels, rows)
}

fn written(
    pixels: &Pixels,
    color: ColorType,
    depth: BitDepth,
    rows: &[u8],
    set: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Result<Vec<u8>, Failure> {
    let (width, height) = pixels.sides();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    set(&mut encoder);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(file)
}

/// Indices that the palette has, and at times opacities of some of its colours.
fn palette(depth: BitDepth, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let (pixels, mut rows) = rows(ColorType::Indexed, depth, rng);
    let full = 1_usize << depth as usize;
    let colours = if depth == BitDepth::Eight { rng.usize(1..=full) } else { full };
    if depth == BitDepth::Eight {
        for index in &mut rows {
            *index = u8::try_from(usize::from(*index) % colours).unwrap();
        }
    }
    let palette: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(3 * colours).collect();
    let opacities = rng.bool().then(|| rng.usize(1..=colours));
    let opacities: Option<Vec<u8>> =
        opacities.map(|count| std::iter::repeat_with(|| rng.u8(..)).take(count).collect());
    written(&pixels, ColorType::Indexed, depth, &rows, |encoder| {
        encoder.set_palette(palette);
        if let Some(opacities) = opacities {
            encoder.set_trns(opacities);
        }
    })
}

/// One colour stands for transparency.
fn keyed(color: ColorType, depth: BitDepth, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let (pixels, rows) = rows(color, depth, rng);
    let mut key = Vec::new();
    for sample in 0..color.samples() {
        match depth {
            BitDepth::Eight => key.extend([0, rows[sample]]),
            BitDepth::Sixteen => key.extend(&rows[..2]),
            _ => key.extend([0, rng.u8(..2)]),
        }
    }
    written(&pixels, color, depth, &rows, |encoder| encoder.set_trns(key))
}

/// A picture that EXIF data says lies on a side, with the data before or behind the pixels.
fn turned(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    const EXIF: ChunkType = ChunkType(*b"eXIf");
    let pixels = draw(3, rng);
    let (width, height) = pixels.sides();
    let exif = exif(rng);
    let before = rng.bool();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    if before {
        writer.write_chunk(EXIF, &exif)?;
    }
    writer.write_image_data(&pixels.bytes)?;
    if !before {
        writer.write_chunk(EXIF, &exif)?;
    }
    writer.finish()?;
    Ok(file)
}

/// A file that ends early, or has a byte that is another one.
fn cut(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let mut file = plain(rng)?;
    if rng.bool() {
        file.truncate(rng.usize(60..file.len().max(61)));
    } else {
        let at = rng.usize(45..file.len());
        file[at] ^= 1 << rng.u8(..8);
    }
    Ok(file)
}

fn animated(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let color = if rng.bool() { ColorType::Rgba } else { ColorType::Rgb };
    let pixels = draw(color.samples(), rng);
    let (width, height) = pixels.sides();
    let count = rng.u32(2..5);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_animated(count, 0)?;
    let apart = rng.u8(..4) == 0;
    encoder.set_sep_def_img(apart)?;
    let mut writer = encoder.write_header()?;
    for frame in 0..count + u32::from(apart) {
        let mut size = (pixels.width, pixels.height);
        if frame > 0 {
            writer.set_dispose_op(
                [DisposeOp::None, DisposeOp::Background, DisposeOp::Previous][rng.usize(..3)],
            )?;
            writer.set_blend_op([BlendOp::Source, BlendOp::Over][rng.usize(..2)])?;
        }
        if frame > u32::from(apart) && rng.bool() {
            size = (rng.usize(1..=size.0), rng.usize(1..=size.1));
            let side = |side: usize| u32::try_from(side).unwrap();
            let (x, y) = (rng.usize(..=pixels.width - size.0), rng.usize(..=pixels.height - size.1));
            writer.reset_frame_position()?;
            writer.set_frame_dimension(side(size.0), side(size.1))?;
            writer.set_frame_position(side(x), side(y))?;
        } else if frame > u32::from(apart) {
            writer.reset_frame_position()?;
            writer.set_frame_dimension(width, height)?;
        }
        let part = of_size(size, color.samples(), rng);
        writer.write_image_data(&part.bytes)?;
    }
    writer.finish()?;
    Ok(file)
}
