//! The prompts and UI workflows in real images: found, taken out, put in, and never in the way of a panic.
#![cfg(test)]
#![cfg(feature = "images")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use comfyicu_model::json::Value;
use comfyicu_model::{ImageError, ImageFormat, ImageLimits, ImageMetadata, Prompt};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/images");
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");

fn data(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(DATA).join(name)).unwrap()
}

fn images(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_image = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| ["png", "webp", "jpg"].map(AsRef::as_ref).contains(&extension))
    };
    let mut images: Vec<_> = entries.filter(is_image).collect();
    images.sort();
    images
}

fn data_images() -> impl Iterator<Item = (String, Vec<u8>)> {
    images(Path::new(DATA)).into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    })
}

fn is_png(bytes: &[u8]) -> bool {
    ImageFormat::sniff(bytes) == Some(ImageFormat::Png)
}

fn read(bytes: &[u8]) -> ImageMetadata {
    let forward = ImageMetadata::read(bytes).unwrap();
    let seeking = ImageMetadata::read_seekable(Cursor::new(bytes), ImageLimits::default()).unwrap();
    assert_eq!(forward, seeking, "reading and jumping find the same");
    forward
}

fn strip(bytes: &[u8]) -> (ImageMetadata, Vec<u8>) {
    let mut output = Vec::new();
    let removed = ImageMetadata::strip(Cursor::new(bytes), &mut output).unwrap();
    (removed, output)
}

#[test]
fn each_way_of_writing_a_prompt_is_read() {
    let list = data_images().map(|(name, bytes)| {
        let texts = read(&bytes)
            .texts()
            .map(|text| format!("{} {}", text.keyword(), text.as_bytes().len()))
            .collect::<Vec<_>>()
            .join(", ");
        format!("{name}: {texts}")
    });
    insta::assert_snapshot!(list.collect::<Vec<_>>().join("\n"));
}

/// The prompt and the workflow of `make.py`, read from each file that it makes.
#[test]
fn what_was_written_by_others_is_read_without_loss() {
    let prompt = read(&data("exif_make_model.jpg")).prompt().unwrap().unwrap();
    let sampler = prompt.node("3").unwrap();
    let inputs = sampler.as_object().get("inputs").and_then(Value::as_object).unwrap();
    insta::assert_snapshot!(inputs.get("seed").unwrap().to_json(), @"18446744073709551615");
    insta::assert_snapshot!(inputs.get("text").unwrap().to_json(), @r#""füchse 🦊""#);
    for (name, bytes) in data_images() {
        if name.starts_with("nothing") {
            assert!(read(&bytes).is_empty(), "{name}");
        } else if name.starts_with("exif_") || name.starts_with("png_") {
            let metadata = read(&bytes);
            assert_eq!(metadata.prompt().unwrap().as_ref(), Some(&prompt), "{name}");
            let workflow = metadata.workflow().unwrap().unwrap();
            assert_eq!(workflow.as_object().get("version"), Some(&Value::from(0.4)), "{name}");
        }
    }
    let metadata = read(&data("png_all_kinds.png"));
    let text = |keyword: &str| metadata.get(keyword).unwrap().text().into_owned();
    assert_eq!((text("parameters").as_str(), text("Title").as_str()), ("füchse", "café"));
}

#[test]
fn nothing_is_left_after_stripping_and_everything_else_is() {
    for (name, bytes) in data_images() {
        let before = read(&bytes);
        let (removed, stripped) = strip(&bytes);
        let after = read(&stripped);
        assert_eq!((after.prompt_text(), after.workflow_text()), (None, None), "{name}");
        assert_eq!(removed.prompt_text(), before.prompt_text(), "{name}");
        assert_eq!(removed.workflow_text(), before.workflow_text(), "{name}");
        let others = |metadata: &ImageMetadata| {
            let texts = metadata.texts().filter(|text| {
                !["prompt", "workflow"].iter().any(|keyword| text.keyword().eq_ignore_ascii_case(keyword))
            });
            texts.cloned().collect::<Vec<_>>()
        };
        assert_eq!(others(&after), others(&before), "{name}");
        let (before, after) = (pieces(&bytes), pieces(&stripped));
        let changed: Vec<_> =
            before.iter().filter(|piece| !after.contains(piece)).map(|piece| &*piece.0).collect();
        let added = after.iter().filter(|piece| !before.contains(piece)).count();
        let may_change = ["tEXt", "zTXt", "iTXt", "comf", "eXIf", "EXIF", "VP8X", "E1"];
        assert!(changed.iter().all(|kind| may_change.contains(kind)), "{name}: {changed:?}");
        assert!(added <= 2, "{name}");
        assert_eq!(strip(&stripped).1, stripped, "{name}: stripping twice changes nothing more");
    }
}

#[test]
fn what_is_beside_the_prompt_in_exif_data_stays() {
    for name in ["exif_beside_others.webp", "exif_beside_others.jpg"] {
        let after = read(&strip(&data(name)).1);
        assert_eq!(after.get("Software").unwrap().text(), "a camera's program", "{name}");
        assert_eq!(after.get("Artist").unwrap().text(), "somebody", "{name}");
    }
    // Where nothing else is in them, the EXIF data go, and the flag that announces them.
    for name in ["exif_make_model.webp", "exif_animated.webp", "comfyui_animated.webp"] {
        let pieces = pieces(&strip(&data(name)).1);
        assert!(pieces.iter().all(|(kind, _)| kind != "EXIF"), "{name}");
        let flags = pieces.iter().find(|(kind, _)| kind == "VP8X").map(|(_, data)| data[0] & 0x08);
        assert_eq!(flags, Some(0), "{name}");
    }
}

#[test]
fn texts_are_written_as_comfyui_writes_them() {
    let prompt = read(&data("exif_make_model.jpg")).prompt().unwrap().unwrap();
    let workflow = read(&data("corpus_wyrde.png")).workflow().unwrap().unwrap();
    let metadata = ImageMetadata::new().with_prompt(&prompt).with_workflow(workflow.as_object());
    let metadata = metadata.with_text("note", "für alle").unwrap();
    for (name, bytes) in data_images().filter(|(_, bytes)| is_png(bytes)) {
        let mut output = Vec::new();
        metadata.write_png(Cursor::new(&bytes), &mut output).unwrap();
        let back = read(&output);
        assert_eq!(back.prompt().unwrap().as_ref(), Some(&prompt), "{name}");
        assert_eq!(back.workflow().unwrap().as_ref(), Some(&workflow), "{name}");
        assert_eq!(back.get("note").unwrap().text(), "für alle", "{name}");
        let count = back.texts().filter(|text| text.keyword().eq_ignore_ascii_case("prompt")).count();
        assert_eq!(count, 1, "{name}: an earlier prompt is replaced");
        assert_eq!(pixels(&output), pixels(&bytes), "{name}");
        let kinds = pieces(&output).into_iter().map(|(kind, _)| kind).take(4).collect::<Vec<_>>();
        assert_eq!(kinds, ["IHDR", "tEXt", "tEXt", "iTXt"], "{name}");
    }
}

/// A file of ComfyUI's own, with its texts taken out and put in again, is the same file.
#[test]
fn a_file_of_comfyui_comes_back_byte_for_byte() {
    let file = std::fs::read(Path::new(DATA).join("../pixels/blur_5_2_0/out_100_0.png")).unwrap();
    let prompt = read(&file).prompt().unwrap().unwrap();
    let mut output = Vec::new();
    ImageMetadata::new().with_prompt(&prompt).write_png(Cursor::new(strip(&file).1), &mut output).unwrap();
    assert_eq!(output, file);
    let animation = std::fs::read(Path::new(DATA).join("../pixels/animpng_0/out_5_0.png")).unwrap();
    assert_eq!(read(&animation).prompt().unwrap().unwrap().nodes().count(), 5);
    assert!(read(&strip(&animation).1).is_empty());
    assert_eq!(pixels(&strip(&animation).1), pixels(&animation));
}

#[test]
fn the_whole_corpus_holds_what_its_index_says() {
    let folder = Path::new(CORPUS).join("images");
    if !folder.exists() {
        eprintln!("SKIPPED: there is no {}", folder.display());
        return;
    }
    let index = std::fs::read_to_string(Path::new(CORPUS).join("INDEX.tsv")).unwrap();
    let expected: BTreeMap<String, String> = index
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter_map(|columns| {
            let name = columns[0].strip_prefix("images/")?;
            Some((name.to_owned(), columns[5].strip_prefix("chunks:")?.to_owned()))
        })
        .collect();
    let mut found = BTreeMap::new();
    for path in images(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let metadata = read(&bytes);
        let has =
            [("prompt", metadata.prompt_text().is_some()), ("workflow", metadata.workflow_text().is_some())];
        let chunks =
            has.iter().filter(|(_, has)| *has).map(|(keyword, _)| *keyword).collect::<Vec<_>>().join("+");
        found.insert(name.clone(), chunks);
        assert_eq!(metadata.workflow().unwrap().is_some(), metadata.workflow_text().is_some(), "{name}");
        let prompt = metadata.prompt().unwrap();
        check_pair(&name, prompt.as_ref());
        let (_, stripped) = strip(&bytes);
        assert!(read(&stripped).is_empty(), "{name}");
        if is_png(&bytes) {
            assert_eq!(pixels(&stripped), pixels(&bytes), "{name}");
        }
    }
    assert_eq!(found, expected);
}

/// The corpus has the prompts of most images as files of their own.
fn check_pair(name: &str, prompt: Option<&Prompt>) {
    let base = name.rsplit_once('.').unwrap().0;
    let file = Path::new(CORPUS).join("pairs").join(format!("{base}.api.json"));
    if let (Some(prompt), Ok(json)) = (prompt, std::fs::read(file)) {
        assert_eq!(&Prompt::parse(&json).unwrap(), prompt, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_an_error_with_its_place_and_never_a_panic() {
    for (name, bytes) in data_images() {
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            match ImageMetadata::read(cut) {
                // Behind the last text of a JPEG nothing is looked at.
                Ok(_) => assert!(
                    ImageFormat::sniff(&bytes) == Some(ImageFormat::Jpeg) || length + 12 > bytes.len(),
                    "{name} {length}"
                ),
                Err(ImageError::Truncated { at, .. }) => assert_eq!(at, length as u64, "{name}"),
                Err(ImageError::UnknownFormat { .. }) => assert!(length < ImageFormat::SNIFFED_BYTES),
                Err(other) => panic!("{name} {length}: {other}"),
            }
            let seeking = ImageMetadata::read_seekable(Cursor::new(cut), ImageLimits::default());
            assert_eq!(format!("{seeking:?}"), format!("{:?}", ImageMetadata::read(cut)), "{name} {length}");
            let _ = ImageMetadata::strip(Cursor::new(cut), std::io::sink()).is_ok();
        }
    }
}

#[test]
fn no_flipped_byte_makes_it_panic_or_leaves_a_prompt_behind() {
    for (name, bytes) in data_images() {
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            for mask in [0x01, 0x80, 0xFF] {
                let mut flipped = bytes.clone();
                flipped[at] ^= mask;
                let mut output = Vec::new();
                if ImageMetadata::strip(Cursor::new(&flipped), &mut output).is_ok() {
                    let after = ImageMetadata::read(&output[..])
                        .unwrap_or_else(|error| panic!("{name} {at}: {error}"));
                    assert_eq!(
                        (after.prompt_text(), after.workflow_text()),
                        (None, None),
                        "{name} {at} {mask:x}"
                    );
                }
            }
        }
    }
}

/// The pixels of all frames of a PNG.
fn pixels(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().unwrap();
    let mut frames = Vec::new();
    let count = reader.info().animation_control().map_or(1, |control| control.num_frames);
    for _ in 0..count {
        let mut frame = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut frame).unwrap();
        frames.push(frame);
    }
    frames
}

/// A file's chunks or segments and their data, taken apart independently of what is tested.
fn pieces(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let mut pieces = Vec::new();
    match ImageFormat::sniff(bytes).unwrap() {
        ImageFormat::Png => {
            let mut at = 8;
            while at < bytes.len() {
                let length = number(at, 4);
                let kind = String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned();
                pieces.push((kind, bytes[at + 8..at + 12 + length].to_vec()));
                at += 12 + length;
            }
        }
        ImageFormat::WebP => {
            let little = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            assert_eq!(little(4) + 8, bytes.len());
            let mut at = 12;
            while at < bytes.len() {
                let length = little(at + 4);
                let kind = String::from_utf8_lossy(&bytes[at..at + 4]).into_owned();
                pieces.push((kind, bytes[at + 8..at + 8 + length].to_vec()));
                at += 8 + length + length % 2;
            }
        }
        _ => {
            let mut at = 2;
            while bytes[at + 1] != 0xDA {
                let length = number(at + 2, 2);
                pieces.push((format!("{:X}", bytes[at + 1]), bytes[at + 4..at + 2 + length].to_vec()));
                at += 2 + length;
            }
            pieces.push(("pixels".to_owned(), bytes[at..].to_vec()));
        }
    }
    pieces
}
