//! GIF: of one picture or several, each of its own place, colours and transparency.

use std::borrow::Cow;

use fastrand::Rng;
use gif::{DisposalMethod, Encoder, Frame};

use super::Write;
use super::picture::size;
use crate::Failure;

pub(super) const KINDS: &[(&str, Write)] = &[
    ("still.gif", |rng| written(1, true, false, rng)),
    ("still_part.gif", |rng| written(1, true, true, rng)),
    ("still_gray.gif", gray),
    ("still_local.gif", |rng| written(1, false, false, rng)),
    ("animated.gif", |rng| written(4, true, true, rng)),
    ("animated_local.gif", |rng| written(4, false, true, rng)),
];

fn palette(rng: &mut Rng) -> Vec<u8> {
    let count = 1 << rng.usize(1..=8);
    std::iter::repeat_with(|| rng.u8(..)).take(3 * count).collect()
}

fn written(count: usize, global: bool, parts: bool, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let global = if global { palette(rng) } else { Vec::new() };
    encoded(count, &global, parts, rng)
}

/// A palette of greys, each at its own place, which is none.
fn gray(rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let palette: Vec<u8> = (0..=255).flat_map(|grey| [grey; 3]).collect();
    let count = rng.usize(1..3);
    encoded(count, &palette, true, rng)
}

fn encoded(count: usize, global: &[u8], parts: bool, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let (width, height) = size(rng);
    let side = |side: usize| u16::try_from(side).unwrap();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side(width), side(height), global)?;
    for _ in 0..count {
        let own = global.is_empty() || rng.u8(..4) == 0;
        let palette = own.then(|| palette(rng));
        let colours = palette.as_deref().unwrap_or(global).len() / 3;
        let (part_width, part_height) =
            if parts { (rng.usize(1..=width), rng.usize(1..=height)) } else { (width, height) };
        let index = |rng: &mut Rng| u8::try_from(rng.usize(..colours)).unwrap();
        let block = rng.usize(1..9);
        let indices: Vec<u8> = std::iter::repeat_with(|| index(rng)).take(64).collect();
        let place = |at: usize| (at % part_width / block) * 3 + at / part_width / block * 7;
        let buffer: Vec<u8> = (0..part_width * part_height).map(|at| indices[place(at) % 64]).collect();
        let transparent = rng.bool().then(|| indices[rng.usize(..8)]);
        encoder.write_frame(&Frame {
            left: side(rng.usize(..=width - part_width)),
            top: side(rng.usize(..=height - part_height)),
            width: side(part_width),
            height: side(part_height),
            delay: 10,
            dispose: [
                DisposalMethod::Any,
                DisposalMethod::Keep,
                DisposalMethod::Background,
                DisposalMethod::Previous,
            ][rng.usize(..4)],
            transparent,
            interlaced: rng.u8(..3) == 0,
            palette,
            buffer: Cow::Owned(buffer),
            ..Frame::default()
        })?;
    }
    drop(encoder);
    Ok(file)
}
