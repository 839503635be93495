//! WebP: with loss and without, transparent or not, still or not.

use fastrand::Rng;
use webp::{AnimEncoder, AnimFrame, Encoder, PixelLayout, WebPConfig};

use super::Write;
use super::picture::{Pixels, draw, of_size};
use crate::Failure;

pub(super) const KINDS: &[(&str, Write)] = &[
    ("lossy.webp", |rng| still(3, 0, rng)),
    ("lossy_alpha.webp", |rng| still(4, 0, rng)),
    ("lossless.webp", |rng| still(3, 1, rng)),
    ("lossless_alpha.webp", |rng| still(4, 1, rng)),
    ("animated.webp", animated),
];

fn config(lossless: i32, rng: &mut Rng) -> Result<WebPConfig, Failure> {
    let mut config = WebPConfig::new().map_err(|()| "no configuration")?;
    config.lossless = lossless;
    config.quality = [10.0, 60.0, 95.0][rng.usize(..3)];
    Ok(config)
}

fn layout(channels: usize) -> PixelLayout {
    if channels == 4 { PixelLayout::Rgba } else { PixelLayout::Rgb }
}

fn still(channels: usize, lossless: i32, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let pixels = draw(channels, rng);
    let (width, height) = pixels.sides();
    let encoder = Encoder::new(&pixels.bytes, layout(channels), width, height);
    let file = encoder.encode_advanced(&config(lossless, rng)?).map_err(|error| format!("{error:?}"))?;
    Ok(file.to_vec())
}

fn animated(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let channels = rng.usize(3..=4);
    let first = draw(channels, rng);
    let (width, height) = first.sides();
    let size = (first.width, first.height);
    let others = std::iter::repeat_with(|| of_size(size, channels, rng)).take(3);
    let frames: Vec<Pixels> = std::iter::once(first.clone()).chain(others).collect();
    let config = config(i32::from(rng.bool()), rng)?;
    let mut encoder = AnimEncoder::new(width, height, &config);
    for (time, frame) in (0..).step_by(70).zip(&frames) {
        encoder.add_frame(AnimFrame::new(&frame.bytes, layout(channels), width, height, time, None));
    }
    let file = encoder.try_encode().map_err(|error| format!("{error:?}"))?;
    Ok(file.to_vec())
}
