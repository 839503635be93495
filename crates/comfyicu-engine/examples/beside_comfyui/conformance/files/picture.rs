//! Pixels to be written.

use fastrand::Rng;

/// Sizes that people do not have in mind, and a few that they have.
const SIZES: [(usize, usize); 16] = [
    (1, 1),
    (1, 7),
    (13, 1),
    (2, 3),
    (16, 16),
    (17, 31),
    (31, 17),
    (64, 48),
    (65, 33),
    (64, 64),
    (100, 75),
    (129, 130),
    (97, 150),
    (200, 120),
    (257, 190),
    (320, 240),
];

/// Samples of one or several channels, row by row.
#[derive(Clone, Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bytes: Vec<u8>,
}

impl Pixels {
    /// The width, or height, as file formats want it.
    pub(super) fn sides(&self) -> (u32, u32) {
        (u32::try_from(self.width).unwrap(), u32::try_from(self.height).unwrap())
    }
}

pub(super) fn size(rng: &mut Rng) -> (usize, usize) {
    SIZES[rng.usize(..SIZES.len())]
}

/// Draws a picture: noise, waves, or a few flat colours.
pub(super) fn draw(channels: usize, rng: &mut Rng) -> Pixels {
    let size = size(rng);
    of_size(size, channels, rng)
}

pub(super) fn of_size((width, height): (usize, usize), channels: usize, rng: &mut Rng) -> Pixels {
    let count = width * height * channels;
    let bytes = match rng.u8(..4) {
        0 => std::iter::repeat_with(|| rng.u8(..)).take(count).collect(),
        1 => {
            let colours: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(4 * channels).collect();
            let block = rng.usize(1..20);
            at_each(width, height, channels, |x, y, channel| {
                colours[(x / block + y / block) % 4 * channels + channel]
            })
        }
        _ => {
            let waves: Vec<[f32; 3]> =
                std::iter::repeat_with(|| [rng.f32() / 4.0, rng.f32() / 4.0, rng.f32() * 6.0])
                    .take(channels)
                    .collect();
            at_each(width, height, channels, |x, y, channel| {
                let [along, down, phase] = waves[channel];
                wave(along * number(x) + down * number(y) + phase)
            })
        }
    };
    Pixels { width, height, bytes }
}

fn at_each(
    width: usize,
    height: usize,
    channels: usize,
    value: impl Fn(usize, usize, usize) -> u8,
) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .flat_map(|(x, y)| (0..channels).map(move |channel| (x, y, channel)))
        .map(|(x, y, c)| value(x, y, c))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "sides are small")]
const fn number(at: usize) -> f32 {
    at as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
fn wave(at: f32) -> u8 {
    (at.sin() * 127.0 + 128.0) as u8
}
