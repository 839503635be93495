//! Small pictures of image files: of any file that the nodes load, its first picture, bounded in all it takes.

use super::codec::{DecodeError, EncodeError, Frame, Pixels, WebpOptions, decode, encode_webp};
use super::limit::Extent;
use super::work::Work;

/// The most pixels of a picture that a small one is made of; decoded they take 256 MiB.
const MAX_PIXELS: usize = 8192 * 8192;
/// What people do not see is left out.
const OPTIONS: WebpOptions = WebpOptions { lossless: false, quality: 80.0, method: 4 };

/// Why no small picture can be made of a file.
#[derive(Debug, thiserror::Error)]
#[error("no thumbnail can be made")]
pub struct ThumbnailError(#[source] Reason);

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Makes a small picture of an image file (PNG, JPEG, WebP, GIF, BMP, TIFF; of an animation, its first picture):
/// a WebP file whose longer side has at most `side` pixels. What is small already is not made larger.
///
/// It computes for as long as that takes, up to seconds: call it where blocking is allowed.
///
/// # Errors
/// When the file is no such image, is damaged, or has more than 67,108,864 pixels; that is found before they are
/// decoded.
///
/// ```
/// let error = comfyicu_engine::thumbnail(b"hello", 256).unwrap_err();
/// assert_eq!(error.to_string(), "no thumbnail can be made");
/// ```
pub fn thumbnail(file: &[u8], side: u16) -> Result<Vec<u8>, ThumbnailError> {
    small(file, usize::from(side.max(1))).map_err(ThumbnailError)
}

fn small(file: &[u8], side: usize) -> Result<Vec<u8>, Reason> {
    let extent = Extent { pixels: MAX_PIXELS, first_only: true };
    let frames = decode(file, extent, &Work::default())?;
    let Some(frame) = frames.first() else { return Err(DecodeError::Unknown.into()) };
    let (width, height) = fit((frame.width, frame.height), side);
    let channels = if frame.alpha.is_some() { 4 } else { 3 };
    let bytes = reduce(frame, (width, height));
    Ok(encode_webp(&[Pixels { width, height, channels, bytes: &bytes }], 0, OPTIONS, &[], &Work::default())?)
}

/// The size of the small picture: its proportions, as far as whole pixels have them.
fn fit((width, height): (usize, usize), side: usize) -> (usize, usize) {
    let longer = width.max(height);
    if longer <= side {
        return (width, height);
    }
    let scaled = |length: usize| ((length * side + longer / 2) / longer).max(1);
    (scaled(width), scaled(height))
}

/// The part of a source pixel's column or row that lies in one of the result, in fractions of `to`.
struct Share {
    at: usize,
    weight: u64,
}

/// Which source columns (or rows) make up each one of the result, and how much of it: exact, in whole numbers.
fn shares(from: usize, to: usize) -> Vec<Vec<Share>> {
    let one = |target: usize| {
        let (start, end) = (target * from, (target + 1) * from);
        let touched = start / to..end.div_ceil(to);
        touched
            .map(|at| {
                let covered = ((at + 1) * to).min(end) - (at * to).max(start);
                Share { at, weight: covered as u64 }
            })
            .collect()
    };
    (0..to).map(one).collect()
}

/// Makes each pixel the mean of those that it covers. What is transparent has no say in the colours.
fn reduce(frame: &Frame, (width, height): (usize, usize)) -> Vec<u8> {
    let (columns, rows) = (shares(frame.width, width), shares(frame.height, height));
    let mut result = Vec::with_capacity(width * height * 4);
    for lines in &rows {
        // Red, green, blue times opacity; the opacity; the area.
        let mut sums = vec![[0_u64; 5]; width];
        for line in lines {
            add_line(frame, line, &columns, &mut sums);
        }
        for [red, green, blue, opacity, area] in sums {
            let colours = [red, green, blue].map(|sum| mean(sum, opacity));
            result.extend_from_slice(&colours);
            if frame.alpha.is_some() {
                result.push(mean(opacity, area));
            }
        }
    }
    result
}

fn add_line(frame: &Frame, line: &Share, columns: &[Vec<Share>], sums: &mut [[u64; 5]]) {
    let begin = line.at * frame.width;
    let pixels = frame.rgb.as_chunks::<3>().0.get(begin..begin + frame.width).unwrap_or_default();
    let alphas =
        frame.alpha.as_deref().map(|alpha| alpha.get(begin..begin + frame.width).unwrap_or_default());
    for (shares, sum) in columns.iter().zip(sums) {
        for Share { at, weight } in shares {
            let Some(&[red, green, blue]) = pixels.get(*at) else { continue };
            let opacity = alphas.map_or(u8::MAX, |alphas| alphas.get(*at).copied().unwrap_or_default());
            let area = weight * line.weight;
            let seen = area * u64::from(opacity);
            let part = [red, green, blue].map(|colour| seen * u64::from(colour));
            let [a, b, c] = part;
            for (sum, part) in sum.iter_mut().zip([a, b, c, seen, area]) {
                *sum += part;
            }
        }
    }
}

fn mean(sum: u64, weight: u64) -> u8 {
    u8::try_from((sum + weight / 2).checked_div(weight).unwrap_or_default()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::native::codec::encode_png;

    fn frame(width: usize, rgb: &[u8], alpha: Option<&[u8]>) -> Frame {
        let height = rgb.len() / 3 / width;
        Frame { width, height, rgb: rgb.to_vec(), alpha: alpha.map(<[u8]>::to_vec), key: None }
    }

    fn png(width: usize, height: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..width * height * 3).map(|at| u8::try_from(at % 251).unwrap()).collect();
        encode_png(&Pixels { width, height, channels: 3, bytes: &bytes }, &[], &Work::default()).unwrap()
    }

    fn size(file: &[u8]) -> (usize, usize) {
        let frame = decode(file, Extent::ALL, &Work::default()).unwrap().remove(0);
        (frame.width, frame.height)
    }

    #[test]
    fn proportions_are_kept_and_nothing_grows() {
        for (from, side, to) in [
            ((640, 480), 256, (256, 192)),
            ((480, 640), 256, (192, 256)),
            ((100, 50), 256, (100, 50)),
            ((5000, 1), 100, (100, 1)),
            ((3, 3), 2, (2, 2)),
        ] {
            assert_eq!(size(&thumbnail(&png(from.0, from.1), side).unwrap()), to, "{from:?}");
        }
    }

    #[test]
    fn each_pixel_is_the_mean_of_what_it_covers() {
        let grey = |values: [u8; 3]| values.iter().flat_map(|value| [*value; 3]).collect::<Vec<_>>();
        // Three columns in two: each has one and a half.
        assert_eq!(reduce(&frame(3, &grey([0, 90, 240]), None), (2, 1)), [30, 30, 30, 190, 190, 190]);
        let red_and_nothing = frame(2, &[200, 0, 0, 9, 9, 9], Some(&[255, 0]));
        assert_eq!(reduce(&red_and_nothing, (1, 1)), [200, 0, 0, 128], "what is not seen has no colour");
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // The headers say 60,000 × 60,000 pixels; there is hardly one.
        let side = 60_000_u32.to_le_bytes();
        let bmp = [
            b"BM".as_slice(),
            &[0; 8],
            &54_u32.to_le_bytes(),
            &40_u32.to_le_bytes(),
            &side,
            &side,
            &1_u16.to_le_bytes(),
            &24_u16.to_le_bytes(),
            &[0; 24],
            &[0; 64],
        ]
        .concat();
        let picture = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b];
        let gif = [b"GIF89a".as_slice(), &side[..2], &side[..2], &[0x80, 0, 0], &[0; 6], &picture].concat();
        for bomb in [bmp, gif] {
            let error = thumbnail(&bomb, 256).unwrap_err();
            assert!(matches!(error.0, Reason::Decode(DecodeError::TooLarge(_))), "{error:?}");
        }
    }

    #[test]
    fn of_an_animation_the_first_picture_is_shown() {
        let frames = [[255_u8, 0, 0], [0, 0, 255]];
        let pixels = frames.each_ref().map(|bytes| Pixels { width: 1, height: 1, channels: 3, bytes });
        let lossless = WebpOptions { lossless: true, quality: 100.0, method: 0 };
        let file = encode_webp(&pixels, 100, lossless, &[], &Work::default()).unwrap();
        let small = thumbnail(&file, 256).unwrap();
        let shown = decode(&small, Extent::ALL, &Work::default()).unwrap();
        assert!(shown.len() == 1 && shown[0].rgb[0] > 200 && shown[0].rgb[2] < 60, "{shown:?}");
    }

    proptest! {
        #[test]
        fn the_shares_cover_all_once(from in 1_usize..500, to in 1_usize..500) {
            let mut covered = vec![0; from];
            for share in shares(from, to.min(from)).iter().flatten() {
                covered[share.at] += share.weight;
            }
            prop_assert!(covered.iter().all(|sum| *sum == to.min(from) as u64));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300) {
            let _bounded = thumbnail(&bytes, 64).is_ok();
            let mut damaged = png(20, 10);
            let from = at.min(damaged.len());
            damaged.splice(from.., bytes);
            let _bounded = thumbnail(&damaged, 8).is_ok();
        }
    }
}
