//! What happens to odd and damaged files; the recorded ones are in `tests/pixels.rs`.

use proptest::prelude::*;

use super::*;

const PIXELS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

fn file(channels: usize, width: usize) -> Vec<u8> {
    let pixels = Pixels { width, height: 12 / channels / width, channels, bytes: &PIXELS };
    encode_png(pixels, &[TextChunk { keyword: "prompt".into(), text: "{}".into() }]).unwrap()
}

#[test]
fn what_is_written_reads_back_the_same() {
    let [frame] = decode(&file(3, 2)).unwrap().try_into().unwrap();
    assert_eq!(frame, Frame { width: 2, height: 2, rgb: PIXELS.to_vec(), alpha: None });
    let [frame] = decode(&file(4, 3)).unwrap().try_into().unwrap();
    assert_eq!((frame.rgb, frame.alpha), (vec![0, 1, 2, 4, 5, 6, 8, 9, 10], Some(vec![3, 7, 11])));
}

#[test]
fn what_is_not_read_is_named() {
    let message = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    assert_eq!(message(b"RIFF\0\0\0\0WEBPVP8L"), "it is a WebP file; PNG and JPEG are read");
    assert_eq!(message(b""), "it is not an image of a known format; PNG and JPEG are read");
    assert!(message(b"\xff\xd8\xff\xe0").starts_with("the JPEG file is damaged: "));
    assert!(message(b"\x89PNG\r\n\x1a\n").starts_with("the PNG file is damaged: "));
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut bytes = file(3, 2);
    // The width and height in the header, and its checksum.
    bytes[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let checksum = crc32(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&checksum);
    assert!(matches!(decode(&bytes), Err(DecodeError::TooLarge(_))));
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn texts_stand_in_the_file_in_their_order() {
    let text = |keyword: &str, text: &str| TextChunk { keyword: keyword.into(), text: text.into() };
    let pixels = Pixels { width: 2, height: 2, channels: 3, bytes: &PIXELS };
    let bytes = encode_png(pixels, &[text("prompt", "{\"1\": {}}"), text("workflow", "[]")]).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let texts = &reader.info().uncompressed_latin1_text;
    assert_eq!(texts.iter().map(|text| text.keyword.as_str()).collect::<Vec<_>>(), ["prompt", "workflow"]);
    assert_eq!(texts[0].text, "{\"1\": {}}");
    assert!(matches!(encode_png(pixels, &[text("wörk", "ł")]), Err(EncodeError::Text { .. })));
    assert!(matches!(
        encode_png(Pixels { channels: 2, ..pixels }, &[]),
        Err(EncodeError::Channels { channels: 2 })
    ));
}

proptest! {
    #[test]
    fn damage_never_panics(cut in 0_usize..100, at in 8_usize..90, byte in any::<u8>()) {
        let mut bytes = file(3, 2);
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = decode(&bytes).is_ok();
    }

    #[test]
    fn no_bytes_make_the_jpeg_decoder_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        bytes.splice(..0, *b"\xff\xd8\xff");
        let _ = decode(&bytes).is_ok();
    }
}
