//! Few colours.

use crate::native::buffer::Buffer;
use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Int, Output};
use crate::native::image::{BuildError, Shape};
use crate::native::number::{cut, from_byte, to_byte_wrapped, to_f32};
use crate::native::palette::{Palette, Rgb, median_cut};
use crate::native::value::Value;
use crate::native::work::{Cancelled, Work};

pub(in crate::native) static IMAGE_QUANTIZE: Definition = Definition {
    class_type: "ImageQuantize",
    description: "Leaves images a number of colours each.",
    category: "image/postprocessing",
    python_module: "comfy_extras.nodes_post_processing",
    form: Form::Schema,
    inputs: &[
        Input::image("image", "The images to reduce."),
        Input::int("colors", Int::new(256, 1, 256).step(1), "How many colours there may be."),
        Input::choice(
            "dither",
            &["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"],
            "How colours between those of the palette are mixed; the bayer patterns repeat after so many pixels.",
        ),
    ],
    outputs: &[Output::IMAGE],
    size: |given| given.image("image"),
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let colours = call.within("colors", 1..=256)?;
    let dither = call.choice("dither", Dither::parse)?;
    let shape = image.shape();
    if shape.channels != 3 {
        let message = format!("images of 3 channels are reduced, not of {}", shape.channels);
        return Err(Failure::new("ValueError", message));
    }
    let work = &call.context.work;
    let reduced = image.change_frames(work, |frame| reduce(frame, shape, colours, dither, work))?;
    Ok(Yield::values([Value::Image(reduced)]))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dither {
    None,
    Diffusion,
    /// A pattern whose side is this power of two.
    Pattern(u32),
}

impl Dither {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "floyd-steinberg" => Self::Diffusion,
            "bayer-2" => Self::Pattern(1),
            "bayer-4" => Self::Pattern(2),
            "bayer-8" => Self::Pattern(3),
            "bayer-16" => Self::Pattern(4),
            _ => return None,
        })
    }
}

fn reduce(
    frame: &mut [f32],
    shape: Shape,
    colours: usize,
    dither: Dither,
    work: &Work,
) -> Result<(), BuildError> {
    let mut pixels = Pixels::of(frame, work)?;
    let pixels = pixels.all(shape.height * shape.width);
    let mut palette = median_cut(pixels, colours, work)?;
    match dither {
        Dither::None => palette.apply(pixels, shape.width, work)?,
        Dither::Diffusion => palette.diffuse(pixels, shape.width, work)?,
        Dither::Pattern(power) => {
            add_pattern(pixels, shape.width, &pattern(power, &palette), work)?;
            palette.apply(pixels, shape.width, work)?;
        }
    }
    Ok(work.fill_rows(frame, shape.row(), |y, row| {
        let pixels = pixels.get(y * shape.width..).unwrap_or_default();
        for (target, pixel) in row.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
            *target = pixel.map(from_byte);
        }
    })?)
}

/// The pixels of an image as bytes, in memory that the run holds.
struct Pixels(Buffer);

/// So many values of a buffer hold the bytes of so many pixels, four.
const VALUES: usize = 3;

/// So many pixels are made at once, a multiple of four.
const PIECE: usize = 1 << 14;

impl Pixels {
    fn of(frame: &[f32], work: &Work) -> Result<Self, BuildError> {
        let length = frame.chunks(4 * VALUES).len() * VALUES;
        let piece = PIECE / 4 * VALUES;
        let buffer = work.memory().buffer(length)?.filled(work, (length, piece, 1), |_, at, target| {
            let source = frame.get(at * PIECE * VALUES..).unwrap_or_default().as_chunks::<3>().0;
            let pixels = pixels_of(target).iter_mut().zip(source);
            pixels.for_each(|(pixel, values)| *pixel = values.map(to_byte_wrapped));
        })?;
        Ok(Self(buffer))
    }

    fn all(&mut self, count: usize) -> &mut [Rgb] {
        pixels_of(&mut self.0).get_mut(..count).unwrap_or_default()
    }
}

/// The bytes of values, by pixels.
fn pixels_of(values: &mut [f32]) -> &mut [Rgb] {
    bytemuck::try_cast_slice_mut(values).unwrap_or_default()
}

/// Bayer's matrix, as far around 0 as two steps between the palette's colours.
fn pattern(power: u32, palette: &Palette) -> Vec<Vec<f32>> {
    let mut matrix = vec![vec![0.0_f32]];
    for level in 1..=power {
        let scale = to_f32(4_usize.pow(level));
        let quarter = |offset: f32| {
            let row =
                move |row: &Vec<f32>| row.iter().map(|value| (scale * value + offset) / scale).collect();
            matrix.iter().map(row).collect::<Vec<Vec<f32>>>()
        };
        let halves = [(-1.5, 0.5), (1.5, -0.5)].map(|(left, right)| {
            let rows = quarter(left).into_iter().zip(quarter(right));
            rows.map(|(left, right)| [left, right].concat()).collect::<Vec<_>>()
        });
        matrix = halves.concat();
    }
    let spread = 2.0 * 256.0 / to_f32(palette.len());
    let scaled = |row: Vec<f32>| row.into_iter().map(|value| spread * value + 0.5).collect();
    matrix.into_iter().map(scaled).collect()
}

fn add_pattern(pixels: &mut [Rgb], width: usize, pattern: &[Vec<f32>], work: &Work) -> Result<(), Cancelled> {
    work.fill_rows(pixels, width, |y, row| {
        let Some(offsets) = pattern.get(y % pattern.len()) else { return };
        for (pixel, offset) in row.iter_mut().zip(offsets.iter().cycle()) {
            *pixel = pixel.map(|value| cut((f32::from(value) + offset).clamp(0.0, 255.0)));
        }
    })
}
