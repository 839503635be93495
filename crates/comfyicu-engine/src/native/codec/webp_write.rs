//! Writing WebP as Pillow does for ComfyUI: one picture or an animation, with texts in its EXIF data.

mod chunks;
mod exif;
mod key_frames;

use webp::{AnimEncoder, AnimFrame, Encoder, PixelLayout, WebPConfig};

use super::png_write::side;
use super::{EncodeError, Pixels, TextChunk};
use crate::native::work::Work;

/// How a WebP file is compressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WebpOptions {
    /// Whether every pixel comes back as it was.
    pub(crate) lossless: bool,
    /// 0 to 100: how good it looks, or where it is lossless, how hard to try.
    pub(crate) quality: f32,
    /// 0 to 6: how long to try for a small file.
    pub(crate) method: i32,
}

/// The flags of a file's header.
const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;

/// Writes frames of one size, each shown equally long; a single one is a plain image.
///
/// libwebp cannot be interrupted through its wrapper: a picture, or the changes of all, is written to its end
/// before the run is seen to be cancelled.
///
/// # Errors
/// When the channels are none that WebP has, the encoder refuses, or the run is cancelled.
pub(in crate::native) fn encode_webp(
    frames: &[Pixels<'_>],
    duration_ms: u64,
    options: WebpOptions,
    texts: &[TextChunk],
    work: &Work,
) -> Result<Vec<u8>, EncodeError> {
    let config = config(options)?;
    let Some(first) = frames.first() else { return Err(EncodeError::Channels { channels: 0 }) };
    let layout = match first.channels {
        3 => PixelLayout::Rgb,
        4 => PixelLayout::Rgba,
        channels => return Err(EncodeError::Channels { channels }),
    };
    let (width, height) = (side(first.width), side(first.height));
    let metadata = exif::metadata(texts);
    work.go_on()?;
    if let [frame] = frames {
        let encoder = Encoder::new(frame.bytes, layout, width, height);
        let file = encoder.encode_advanced(&config).map_err(|error| refused(format!("{error:?}")))?;
        return Ok(with_exif(&file, *first, &metadata));
    }
    let file = animation(frames, layout, duration_ms, &config, work)?;
    let file = if options.lossless || layout == PixelLayout::Rgba {
        file
    } else {
        key_frames::with_key_frames(&file, frames, duration_ms, &config, work)?
    };
    Ok(with_exif(&file, *first, &[b"Exif\0\0", metadata.as_slice()].concat()))
}

/// A frame cannot be shown for so many milliseconds.
const TOO_LONG: u64 = 1 << 24;

/// Encodes frames. One that is like the one before lets that show for longer. libwebp finds this out too, but takes longer
/// to than to encode most pictures.
fn animation(
    frames: &[Pixels<'_>],
    layout: PixelLayout,
    duration_ms: u64,
    config: &WebPConfig,
    work: &Work,
) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = frames.first().map_or((0, 0), |first| (side(first.width), side(first.height)));
    let mut encoder = AnimEncoder::new(width, height, config);
    let end = u64::try_from(frames.len()).unwrap_or(u64::MAX).saturating_mul(duration_ms);
    let mut before: Option<&[u8]> = None;
    let mut are_all_there = true;
    for (at, frame) in (0_u64..).zip(frames) {
        work.go_on()?;
        if end < TOO_LONG && before == Some(frame.bytes) {
            are_all_there = false;
            continue;
        }
        let time = at.checked_mul(duration_ms).and_then(|time| i32::try_from(time).ok());
        let time = time.ok_or_else(|| refused("the animation is too long"))?;
        encoder.add_frame(AnimFrame::new(frame.bytes, layout, width, height, time, None));
        before = Some(frame.bytes);
    }
    let file = encoder.try_encode().map_err(|error| refused(format!("{error:?}")))?;
    if are_all_there {
        return Ok(file.to_vec());
    }
    let mut chunks = chunks::chunks(&file);
    chunks::show_last_until(&mut chunks, end);
    Ok(chunks::assembled(&chunks))
}

fn config(options: WebpOptions) -> Result<WebPConfig, EncodeError> {
    let mut config = WebPConfig::new().map_err(|()| refused("its library is of another version"))?;
    config.lossless = i32::from(options.lossless);
    config.quality = options.quality;
    config.alpha_quality = 100;
    config.method = options.method;
    Ok(config)
}

fn refused(reason: impl Into<String>) -> EncodeError {
    EncodeError::Webp(reason.into())
}

/// The file with EXIF data at its end. A header must announce that, so a file without one gets one.
fn with_exif(file: &[u8], size: Pixels<'_>, metadata: &[u8]) -> Vec<u8> {
    let chunks = file.get(12..).unwrap_or_default();
    let mut body = chunks::BODY.to_vec();
    if chunks.starts_with(b"VP8X") {
        body.extend_from_slice(chunks);
        // The flags stand behind the chunk's name and length.
        if let Some(flags) = body.get_mut(12) {
            *flags |= EXIF;
        }
    } else {
        // The header of lossless data says whether it has an alpha channel.
        let alpha = chunks.starts_with(b"VP8L") && chunks.get(12).is_some_and(|byte| byte & ALPHA != 0);
        let mut header = vec![EXIF | if alpha { ALPHA } else { 0 }, 0, 0, 0];
        for side in [side(size.width), side(size.height)] {
            let [low, middle, high, _] = (side - 1).to_le_bytes();
            header.extend([low, middle, high]);
        }
        chunks::add(&mut body, *b"VP8X", &header);
        body.extend_from_slice(chunks);
    }
    chunks::add(&mut body, *b"EXIF", metadata);
    chunks::file_of(&body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::codec::decode;
    use crate::native::limit::Extent;

    const LOSSLESS: WebpOptions = WebpOptions { lossless: true, quality: 80.0, method: 4 };

    fn frames(count: usize, channels: usize) -> Vec<Vec<u8>> {
        let byte = |frame: usize, at: usize| u8::try_from((at * 7 + frame * 50) % 256).unwrap();
        (0..count).map(|frame| (0..6 * 4 * channels).map(|at| byte(frame, at)).collect()).collect()
    }

    #[test]
    fn what_is_written_without_loss_reads_back_the_same() {
        let work = Work::default();
        for (count, channels) in [(1, 3), (3, 3), (1, 4), (3, 4)] {
            let mut frames = frames(count, channels);
            // Where a pixel is transparent, its colour may become another one.
            frames.iter_mut().flatten().for_each(|byte| *byte = (*byte).max(1));
            let pixels = |bytes| Pixels { width: 6, height: 4, channels, bytes };
            let pixels: Vec<_> = frames.iter().map(|bytes| pixels(bytes.as_slice())).collect();
            let decoded =
                decode(&encode_webp(&pixels, 40, LOSSLESS, &[], &work).unwrap(), Extent::ALL, &work).unwrap();
            assert_eq!(decoded.len(), count);
            for (frame, bytes) in decoded.iter().zip(&frames) {
                let rgb: Vec<u8> = bytes.chunks(channels).flat_map(|pixel| &pixel[..3]).copied().collect();
                assert_eq!(frame.rgb, rgb);
            }
        }
    }

    #[test]
    fn equal_frames_are_written_as_libwebp_writes_them() {
        const NEAR: usize = 3;
        for (channels, lossless) in [(3, true), (3, false), (4, true), (4, false)] {
            let mut some = frames(3, channels);
            // So little that it is not seen where there is loss.
            let near = some[1].iter().map(|byte| byte.saturating_add(1)).collect();
            some.push(near);
            let orders = [
                &[0, 0, 0][..],
                &[0, 0, 1],
                &[0, 1, 1],
                &[0, 1, 1, 1, 2, 2],
                &[0, 1, 0, 0, 2],
                &[0, 1, NEAR],
                &[0, 0, 1, NEAR],
                &[0, 1, NEAR, NEAR],
                &[0, 1, NEAR, NEAR, 1, 1, 2],
            ];
            for order in orders {
                let pixels: Vec<_> = order
                    .iter()
                    .map(|at| Pixels { width: 6, height: 4, channels, bytes: &some[*at] })
                    .collect();
                let config = config(WebpOptions { lossless, ..LOSSLESS }).unwrap();
                let layout = if channels == 3 { PixelLayout::Rgb } else { PixelLayout::Rgba };
                let mut all = AnimEncoder::new(6, 4, &config);
                for (time, frame) in (0..).step_by(40).zip(&pixels) {
                    all.add_frame(AnimFrame::new(frame.bytes, layout, 6, 4, time, None));
                }
                let file = animation(&pixels, layout, 40, &config, &Work::default()).unwrap();
                assert!(file == *all.try_encode().unwrap(), "{channels} {lossless} {order:?}");
            }
        }
    }

    #[test]
    fn what_webp_has_not_is_refused() {
        let encode_webp = |frame| encode_webp(&[frame], 1, LOSSLESS, &[], &Work::default());
        let grey = Pixels { width: 2, height: 2, channels: 1, bytes: &[0; 4] };
        assert!(matches!(encode_webp(grey), Err(EncodeError::Channels { channels: 1 })));
        let long = vec![0; 3 * 20_000];
        let long = Pixels { width: 20_000, height: 1, channels: 3, bytes: &long };
        assert!(matches!(encode_webp(long), Err(EncodeError::Webp(_))));
    }
}
