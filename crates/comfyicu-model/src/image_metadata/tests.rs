//! Files made for the occasion: bounds, odd encodings, damage.

use std::io::{self, Cursor};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG of chunks between its header and its end.
fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = png::chunk(*b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0").unwrap();
    let chunks = chunks.iter().map(|(kind, data)| png::chunk(**kind, data).unwrap());
    let end = png::chunk(*b"IEND", b"").unwrap();
    [SIGNATURE.to_vec(), header].into_iter().chain(chunks).chain([end]).flatten().collect()
}

fn webp(exif: &[u8]) -> Vec<u8> {
    let chunks = [&b"VP8L\x04\0\0\0\x2f\0\0\0"[..], &webp::exif_chunk(exif)].concat();
    let length = u32::try_from(chunks.len() + 4).unwrap();
    [b"RIFF", &length.to_le_bytes()[..], b"WEBP", &chunks].concat()
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    [b"\xFF\xD8".to_vec(), segments.concat(), b"\xFF\xDA\0\x02pixels\xFF\xD9".to_vec()].concat()
}

/// EXIF data of one directory, in big-endian order.
fn exif(entries: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut data = b"MM\0*\0\0\0\x08".to_vec();
    data.extend(u16::try_from(entries.len()).unwrap().to_be_bytes());
    let mut place = 8 + 2 + 12 * entries.len() + 4;
    for (tag, kind, value) in entries {
        data.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        data.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        data.extend(u32::try_from(place).unwrap().to_be_bytes());
        place += value.len();
    }
    data.extend([0; 4]);
    for (_, _, value) in entries {
        data.extend(*value);
    }
    data
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn shown(bytes: &[u8]) -> String {
    match ImageMetadata::read(bytes) {
        Ok(metadata) => metadata
            .texts()
            .map(|text| format!("{} = {}", text.keyword(), text.text()))
            .collect::<Vec<_>>()
            .join("; "),
        Err(error) => format!("error: {error}"),
    }
}

fn user_comment(value: &[u8]) -> String {
    shown(&webp(&exif(&[(0x9286, 7, value)])))
}

#[test]
fn comments_are_read_in_each_encoding() {
    let utf16 = |swap: bool, text: &str| -> Vec<u8> {
        let units =
            text.encode_utf16().flat_map(|unit| if swap { unit.to_le_bytes() } else { unit.to_be_bytes() });
        b"UNICODE\0".iter().copied().chain(units).collect()
    };
    let text = r#"{"1":{"class_type":"A","text":"füchse 🦊"}}"#;
    let prompt = format!("prompt = {text}");
    assert_eq!(user_comment(&utf16(false, text)), prompt);
    assert_eq!(user_comment(&utf16(true, text)), prompt);
    assert_eq!(user_comment(&utf16(true, &format!("\u{feff}{text}"))), prompt);
    assert_eq!(user_comment(&[b"UNICODE\0", text.as_bytes()].concat()), prompt);
    assert_eq!(user_comment(&[b"ASCII\0\0\0", text.as_bytes()].concat()), prompt);
    assert_eq!(user_comment(&[b"\0\0\0\0\0\0\0\0", text.as_bytes(), b"\0\0"].concat()), prompt);
    assert_eq!(user_comment(text.as_bytes()), prompt);
    assert_eq!(user_comment(b"JIS\0\0\0\0\0fox"), "UserComment = fox");
    assert_eq!(user_comment(b"short"), "UserComment = short");
    assert_eq!(user_comment(b"ASCII\0\0\0   \0"), "");
}

#[test]
fn the_last_text_of_a_keyword_counts_and_capitals_do_not() {
    let file =
        png(&[(b"tEXt", b"Prompt\0one"), (b"comf", b"prompt\0two"), (b"tEXt", b"caf\xe9\0\xc3\xa9 \xff")]);
    let metadata = ImageMetadata::read(&file[..]).unwrap();
    assert_eq!(metadata.prompt_text().as_deref(), Some("two"));
    assert_eq!(shown(&file), "Prompt = one; prompt = two; café = Ã© ÿ");
    let mut output = Vec::new();
    let removed = ImageMetadata::strip(Cursor::new(&file), &mut output).unwrap();
    assert_eq!(removed.texts().len(), 2);
    assert_eq!(shown(&output), "café = Ã© ÿ");
}

#[test]
fn a_workflow_beside_a_prompt_that_is_replaced_stays() {
    let both = br#"{"prompt":{"1":{"class_type":"A"}},"workflow":{"nodes":[]}}"#;
    let data = exif(&[(0x010E, 2, both), (0x010F, 2, b"a camera")]);
    let file = png(&[(b"eXIf", &data), (b"tEXt", b"Make\0me")]);
    let mut output = Vec::new();
    let prompt = ImageMetadata::new().with_text("prompt", "{}").unwrap();
    prompt.write_png(Cursor::new(&file), &mut output).unwrap();
    assert_eq!(shown(&output), r#"prompt = {}; workflow = {"nodes":[]}; Make = a camera; Make = me"#);
}

#[test]
fn comments_of_jpeg_are_texts() {
    let comment =
        |text: &[u8]| [b"\xFF\xFE", &u16::try_from(text.len() + 2).unwrap().to_be_bytes()[..], text].concat();
    let file = jpeg(&[
        comment(b"a fox"),
        b"\xFF\xFF\xE1\0\x09http://".to_vec(),
        comment(br#"workflow:{"nodes":[]}"#),
    ]);
    assert_eq!(shown(&file), r#"Comment = a fox; workflow = {"nodes":[]}"#);
    let mut output = Vec::new();
    ImageMetadata::strip(Cursor::new(&file), &mut output).unwrap();
    assert_eq!(shown(&output), "Comment = a fox");
    assert!(output.ends_with(b"\xFF\xDA\0\x02pixels\xFF\xD9"));
}

#[test]
fn the_input_may_begin_in_the_middle_and_go_on_behind_the_image() {
    let file = png(&[(b"tEXt", b"prompt\0{}"), (b"IDAT", b"pixels")]);
    let mut input = Cursor::new([b"before", &file[..], b"behind"].concat());
    input.set_position(6);
    assert!(
        ImageMetadata::read_seekable(&mut input, ImageLimits::default()).unwrap().prompt_text().is_some()
    );
    input.set_position(6);
    let mut output = Vec::new();
    ImageMetadata::strip(&mut input, &mut output).unwrap();
    assert_eq!(output, [&png(&[(b"IDAT", b"pixels")])[..], b"behind"].concat());
}

#[test]
fn what_is_kept_is_bounded() {
    let within = |file: &[u8], limits: ImageLimits| match ImageMetadata::read_within(file, limits) {
        Ok(metadata) => format!("{} texts", metadata.texts().len()),
        Err(error) => error.to_string(),
    };
    let limits = ImageLimits::default();
    let text = png(&[(b"tEXt", &[b"prompt\0", &[b'x'; 93][..]].concat())]);
    assert_eq!(within(&text, limits.max_text_bytes(100)), "1 texts");
    insta::assert_snapshot!(within(&text, limits.max_text_bytes(99)), @"the PNG file has more than 99 bytes of text");
    let bomb = png(&[(b"zTXt", &[b"prompt\0\0", &deflate(&vec![b' '; 1_000_000])[..]].concat())]);
    assert_eq!(within(&bomb, limits), "1 texts");
    insta::assert_snapshot!(within(&bomb, limits.max_text_bytes(100_000)), @"the PNG file has more than 100000 bytes of text");
    let many = png(&[(b"tEXt", &b"a\0b"[..]); 5]);
    assert_eq!(within(&many, limits.max_texts(5)), "5 texts");
    insta::assert_snapshot!(within(&many, limits.max_texts(4)), @"the PNG file has more than 4 texts");
    insta::assert_snapshot!(within(&many, limits.max_chunks(5)), @"the PNG file has more than 5 chunks");
    // An announced length is not memory: two bytes come, and not two gigabytes.
    let announced = [&png(&[])[..33], b"\x7f\xff\xff\xfftEXtab"].concat();
    insta::assert_snapshot!(within(&announced, limits.max_text_bytes(u64::MAX)), @"the PNG file ends at byte 43, where the data of a text chunk was expected");
}

#[test]
fn an_input_without_end_is_given_up() {
    let chunk = png::chunk(*b"IDAT", b"pixels").unwrap();
    let endless = io::repeat(0).take(0).chain(Cursor::new(png(&[])[..33].to_vec())).chain(Cycle(chunk, 0));
    let error = ImageMetadata::read_within(endless, ImageLimits::default().max_chunks(1000)).unwrap_err();
    assert!(matches!(error, ImageError::TooLarge { limit: 1000, .. }));
}

/// The same bytes again and again.
struct Cycle(Vec<u8>, usize);

impl Read for Cycle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&self.0[self.1..]).read(buffer)?;
        self.1 = (self.1 + read) % self.0.len();
        Ok(read)
    }
}

#[test]
fn texts_of_exif_that_lie_over_each_other_do_not_multiply_the_work() {
    let mut data = exif(&[(0x010F, 2, &[b'x'; 1000])]);
    let entry = data[10..22].to_vec();
    data.splice(10..22, entry.repeat(500));
    data[8..10].copy_from_slice(&500_u16.to_be_bytes());
    insta::assert_snapshot!(shown(&webp(&data)), @"error: the WebP file is damaged at byte 58: the texts of the EXIF data lie over each other");
}

#[test]
fn each_error_says_what_and_where() {
    insta::assert_snapshot!(shown(b""), @"error: this is an empty file, but texts are read from PNG, WebP and JPEG images");
    insta::assert_snapshot!(shown(b"GIF89a........"), @"error: this is a GIF image, but texts are read from PNG, WebP and JPEG images");
    insta::assert_snapshot!(shown(br#"{"9": {"class_type": "SaveImage"}}"#), @"error: this is a JSON text, but texts are read from PNG, WebP and JPEG images");
    insta::assert_snapshot!(shown(SIGNATURE), @"error: the PNG file ends at byte 8, where the header was expected");
    insta::assert_snapshot!(shown(&[SIGNATURE, b"\0\0\0\0IEND"].concat()), @"error: the PNG file is damaged at byte 8: the first chunk is not the header");
    let mut damaged = png(&[(b"tEXt", b"prompt\0{}")]);
    damaged[48] ^= 1;
    insta::assert_snapshot!(shown(&damaged), @"error: the PNG file is damaged at byte 33: the checksum of a text chunk is wrong");
    insta::assert_snapshot!(shown(&png(&[(b"tEXt", b"prompt")])), @"error: the PNG file is damaged at byte 33: a text chunk has no keyword, or lacks a part");
    insta::assert_snapshot!(shown(&png(&[(b"zTXt", b"prompt\0\0nonsense")])), @"error: the PNG file is damaged at byte 33: the compressed text of a chunk cannot be read");
    insta::assert_snapshot!(shown(&webp(b"nonsense")), @"error: the WebP file is damaged at byte 32: EXIF data begin with `II*` or `MM*`");
    insta::assert_snapshot!(shown(&webp(b"II*\0\xff\0\0\0")), @"error: the WebP file is damaged at byte 287: a directory of the EXIF data is cut off");
    insta::assert_snapshot!(shown(b"\xFF\xD8\xFF\xE0"), @"error: the JPEG file ends at byte 4, where the length of a segment was expected");
    insta::assert_snapshot!(shown(b"\xFF\xD8\xFF\xE0\0\x01"), @"error: the JPEG file is damaged at byte 2: the segment is shorter than its own length");
    let not_png = ImageMetadata::new().write_png(Cursor::new(jpeg(&[])), io::sink()).unwrap_err();
    insta::assert_snapshot!(not_png, @"texts are written to PNG images only, and this is JPEG");
    insta::assert_snapshot!(ImageMetadata::new().with_text("a\nb", "").unwrap_err(), @r#""a\nb" cannot be the keyword of a text: it has 1 to 79 printable ASCII characters"#);
}

#[test]
fn a_failing_input_is_told_from_a_failing_output() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let start = Cursor::new(png(&[])[..33].to_vec());
    assert!(matches!(ImageMetadata::read(start.chain(Broken)), Err(ImageError::Read(_))));
    let mut small = [0; 10];
    let error = ImageMetadata::strip(Cursor::new(png(&[])), &mut small[..]).unwrap_err();
    assert!(matches!(error, ImageError::Write(_)), "{error:?}");
}

/// Bytes that look like EXIF data, more than chance would make them.
fn almost_exif() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just(b"prompt:{\"1\":{\"class_type\":\"A\"}}".to_vec()),
        Just(b"a text".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let tag = prop_oneof![Just(0x010F_u16), Just(0x9286), Just(0x8769), any::<u16>()];
    let entries = prop::collection::vec((tag, prop_oneof![Just(2_u16), 0..14_u16], value), 0..6);
    let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (entries, flips).prop_map(|(entries, flips)| {
        let entries: Vec<_> = entries.iter().map(|(tag, kind, value)| (*tag, *kind, &value[..])).collect();
        let mut data = exif(&entries);
        for (at, byte) in flips {
            let at = at.index(data.len());
            data[at] = byte;
        }
        data
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(texts in prop::collection::btree_map("[a-z]{1,20}", "\\PC*", 0..4)) {
        let metadata = texts.iter().try_fold(ImageMetadata::new(), |metadata, (keyword, text)| metadata.with_text(keyword, text));
        let metadata = metadata.unwrap();
        let mut output = Vec::new();
        metadata.write_png(Cursor::new(png(&[(b"tEXt", b"prompt\0old"), (b"IDAT", b"pixels")])), &mut output).unwrap();
        let back = ImageMetadata::read(&output[..]).unwrap();
        for (keyword, text) in &texts {
            let found = back.get(keyword).map(|found| found.text());
            prop_assert_eq!(found.as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn stripped_exif_data_hold_no_prompt(data in almost_exif()) {
        let file = webp(&data);
        let mut output = Vec::new();
        if ImageMetadata::strip(Cursor::new(&file), &mut output).is_ok() {
            let after = ImageMetadata::read(&output[..]).unwrap();
            prop_assert_eq!((after.prompt_text(), after.workflow_text()), (None, None));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(start in prop::sample::select(vec![SIGNATURE, b"\xFF\xD8\xFF", b"RIFF\xff\xff\0\0WEBP", b""]), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ImageMetadata::strip(Cursor::new([start, &bytes].concat()), io::sink()).is_ok();
    }
}
