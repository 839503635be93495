//! A saved file as it is compared with another one.

use std::io::Cursor;

/// Each picture of a file as it is shown, and how long.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    /// The size, and what a pixel is.
    pub(crate) header: String,
    /// Of each frame its place, delay, and how it is drawn.
    pub(crate) animation: Vec<String>,
    pub(crate) pixels: Vec<u8>,
    pub(crate) texts: Vec<(String, String)>,
}

impl Picture {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"RIFF") { Self::read_webp(bytes) } else { Self::read_png(bytes) }
    }

    fn read_png(bytes: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = Vec::new();
        let mut animation = Vec::new();
        let count = reader.info().animation_control.map_or(1, |control| control.num_frames);
        for _ in 0..count {
            let mut frame = vec![0; reader.output_buffer_size().unwrap()];
            let output = reader.next_frame(&mut frame).unwrap();
            pixels.extend_from_slice(&frame[..output.buffer_size()]);
            animation.extend(reader.info().frame_control.map(|control| format!("{control:?}")));
        }
        let info = reader.info();
        let texts = info.uncompressed_latin1_text.iter();
        let mut texts: Vec<_> = texts.map(|text| (text.keyword.clone(), text.text.clone())).collect();
        texts.extend(comf_texts(bytes));
        let header = format!("{}×{} {:?} {:?}", info.width, info.height, info.color_type, info.bit_depth);
        Self { header, animation, pixels, texts }
    }

    fn read_webp(bytes: &[u8]) -> Self {
        let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).unwrap();
        let (mut pixels, mut animation) = (Vec::new(), Vec::new());
        let mut frame = vec![0; decoder.output_buffer_size().unwrap()];
        for _ in 0..decoder.num_frames() {
            animation.push(decoder.read_frame(&mut frame).unwrap().to_string());
            pixels.extend_from_slice(&frame);
        }
        if !decoder.is_animated() {
            decoder.read_image(&mut frame).unwrap();
            pixels.extend_from_slice(&frame);
        }
        let (width, height) = decoder.dimensions();
        let kind = (decoder.has_alpha(), decoder.is_lossy(), decoder.loop_count());
        let exif = decoder.exif_metadata().unwrap().unwrap_or_default();
        let texts = vec![("EXIF".to_owned(), exif.escape_ascii().to_string())];
        Self { header: format!("{width}×{height} {kind:?}"), animation, pixels, texts }
    }
}

/// The texts that ComfyUI keeps in animations, in chunks of its own.
fn comf_texts(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    bytes = &bytes[8..];
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        if rest.starts_with(b"comf") {
            let text = String::from_utf8(rest[4..4 + length].to_vec()).unwrap();
            let (keyword, text) = text.split_once('\0').unwrap();
            texts.push((keyword.to_owned(), text.to_owned()));
        }
        bytes = &rest[4 + length + 4..];
    }
    texts
}
