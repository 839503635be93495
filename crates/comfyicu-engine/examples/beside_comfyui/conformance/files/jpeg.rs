//! JPEG: of colours, grey, of inks, in one go and in several, lying on a side.

use fastrand::Rng;
use mozjpeg::{ColorSpace, Compress, Marker};

use super::Write;
use super::picture::{Pixels, draw};
use crate::Failure;

pub(super) const KINDS: &[(&str, Write)] = &[
    ("rgb.jpg", |rng| with(ColorSpace::JCS_RGB, None, rng)),
    ("gray.jpg", |rng| with(ColorSpace::JCS_GRAYSCALE, None, rng)),
    ("cmyk.jpg", |rng| with(ColorSpace::JCS_CMYK, None, rng)),
    ("exif.jpg", |rng| {
        let exif = [b"Exif\0\0", exif(rng).as_slice()].concat();
        with(ColorSpace::JCS_RGB, Some(exif), rng)
    }),
    ("cut.jpg", |rng| {
        let mut file = with(ColorSpace::JCS_RGB, None, rng)?;
        file.truncate(file.len() - rng.usize(..file.len() / 3));
        Ok(file)
    }),
];

/// EXIF data that says how a camera was held, from the TIFF header on.
pub(super) fn exif(rng: &mut Rng) -> Vec<u8> {
    let orientation = rng.u8(0..=9);
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

fn with(space: ColorSpace, exif: Option<Vec<u8>>, rng: &mut Rng) -> Result<Vec<u8>, Failure> {
    let channels = match space {
        ColorSpace::JCS_GRAYSCALE => 1,
        ColorSpace::JCS_CMYK => 4,
        _ => 3,
    };
    let pixels = draw(channels, rng);
    encoded(&pixels, space, exif, rng)
}

pub(super) fn encoded(
    pixels: &Pixels,
    space: ColorSpace,
    exif: Option<Vec<u8>>,
    rng: &mut Rng,
) -> Result<Vec<u8>, Failure> {
    let mut compress = Compress::new(space);
    compress.set_size(pixels.width, pixels.height);
    compress.set_quality([30.0, 75.0, 90.0, 100.0][rng.usize(..4)]);
    if rng.bool() {
        compress.set_fastest_defaults();
    } else {
        compress.set_progressive_mode();
    }
    if space == ColorSpace::JCS_RGB {
        let sampling = [(1, 1), (2, 1), (1, 2), (2, 2)][rng.usize(..4)];
        compress.set_chroma_sampling_pixel_sizes(sampling, sampling);
    }
    let mut started = compress.start_compress(Vec::new())?;
    if let Some(exif) = exif {
        started.write_marker(Marker::APP(1), &exif);
    }
    started.write_scanlines(&pixels.bytes)?;
    Ok(started.finish()?)
}
