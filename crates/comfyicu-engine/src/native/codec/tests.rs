//! What happens to odd and damaged files; the recorded ones are in `tests/pixels`.

use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    super::decode(bytes, Extent::ALL, &Work::default())
}

fn encode_png(pixels: Pixels<'_>, texts: &[TextChunk]) -> Result<Vec<u8>, EncodeError> {
    super::encode_png(&pixels, texts, &Work::default())
}

/// How files of each format begin.
const STARTS: [&[u8]; 9] = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
    b"RIFF\0\x01\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0",
    b"RIFF\0\x01\0\0WEBPVP8L",
    b"II*\0\x08\0\0\0\x05\0",
    b"MM\0*\0\0\0\x08\0\x05",
    b"GIF89a\x05\0\x05\0\x81\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\x18\0\0\0\0\0",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\x08\0\x01\0\0\0",
];

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pixels");

/// Whole files of each format.
const FILES: &[&str] = &[
    "load_animalpha_webp/animalpha.webp",
    "load_animlossy_webp/animlossy.webp",
    "load_bit_tiff/bit.tiff",
    "load_exif2_jpg/exif2.jpg",
    "load_lossyalpha_webp/lossyalpha.webp",
    "load_pages_tiff/pages.tiff",
    "load_palette_tiff/palette.tiff",
    "load_rgba_checker_png/rgba_checker.png",
    "load_rgba_tiff/rgba.tiff",
];

const PIXELS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

fn file(channels: usize, width: usize) -> Vec<u8> {
    let pixels = Pixels { width, height: 12 / channels / width, channels, bytes: &PIXELS };
    encode_png(pixels, &[TextChunk { keyword: "prompt".into(), text: "{}".into() }]).unwrap()
}

#[test]
fn what_is_written_reads_back_the_same() {
    let [frame] = decode(&file(3, 2)).unwrap().try_into().unwrap();
    assert_eq!(frame, Frame { width: 2, height: 2, rgb: PIXELS.to_vec(), alpha: None, key: None });
    let [frame] = decode(&file(4, 3)).unwrap().try_into().unwrap();
    assert_eq!((frame.rgb, frame.alpha), (vec![0, 1, 2, 4, 5, 6, 8, 9, 10], Some(vec![3, 7, 11])));
}

#[test]
fn what_is_not_read_is_named() {
    let message = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    assert_eq!(message(b"8BPS"), "its format is Photoshop; PNG, JPEG, WebP, GIF, BMP and TIFF are read");
    assert_eq!(
        message(b""),
        "it is not an image of a known format; PNG, JPEG, WebP, GIF, BMP and TIFF are read"
    );
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

#[test]
fn bombs_of_other_formats_are_refused_by_their_headers() {
    // Canvases and a page of 2^24 pixels a side, with next to no data behind them.
    let canvas = b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xffANMF\x10\0\0\0";
    let frame = [0_u8; 16];
    assert!(matches!(decode(&[&canvas[..], &frame].concat()), Err(DecodeError::TooLarge(_))));
    let entry = |tag: u16, value: u32| {
        [&tag.to_le_bytes()[..], &4_u16.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries =
        [(256, 1 << 20), (257, 1 << 20), (258, 8), (262, 1), (273, 8), (277, 1), (278, 1 << 20), (279, 8)];
    let page: Vec<u8> = entries.iter().flat_map(|(tag, value)| entry(*tag, *value)).collect();
    let page = [&b"II*\0\x08\0\0\0\x08\0"[..], &page, &[0; 4]].concat();
    assert!(matches!(decode(&page), Err(DecodeError::TooLarge(_))), "{:?}", decode(&page));
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

#[test]
fn damaged_files_give_what_pillow_gives_of_them() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/damaged");
    let gives = |bytes: &[u8], expected: &str| match decode(bytes) {
        _ if expected == "?" => true,
        Ok(frames) => format!("{:08x}", crc32(&frames[0].rgb)) == expected,
        Err(_) => expected == "-",
    };
    for line in std::fs::read_to_string(format!("{folder}/results.txt")).unwrap().lines() {
        let [name, at, cut, flipped] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let mut file = std::fs::read(format!("{folder}/{name}")).unwrap();
        let at: usize = at.parse().unwrap();
        assert!(gives(&file[..at], cut), "cut: {line}");
        file[at] ^= 1 << (at % 8);
        assert!(gives(&file, flipped), "flipped: {line}");
    }
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
    fn no_bytes_make_a_decoder_panic(
        start in prop::sample::select(&STARTS[..]),
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        bytes.splice(..0, start.iter().copied());
        let _ = decode(&bytes).is_ok();
    }

    #[test]
    fn damaged_files_of_every_format_never_panic(
        file in prop::sample::select(FILES),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in 0_usize..40,
    ) {
        let mut bytes = std::fs::read(format!("{CASES}/{file}")).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut);
        if let Ok(frames) = decode(&bytes) {
            let pixels: usize = frames.iter().map(|frame| frame.rgb.len() / 3).sum();
            prop_assert!(pixels <= crate::native::limit::MAX_PIXELS);
        }
    }
}
