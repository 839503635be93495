//! Whatever the bytes: the texts of an image are read the same in both ways, stripping leaves no prompt behind, and
//! what is written is read.

#![no_main]

use std::io::Cursor;

use comfyicu_model::{ImageLimits, ImageMetadata};
use libfuzzer_sys::fuzz_target;

/// Far below the default, so that an input that multiplies itself is noticed.
const TEXT_BYTES: u64 = 1024 * 1024;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // A changed text would mostly be refused for its checksum.
    let mut repaired = bytes.to_vec();
    if repair_checksums(&mut repaired).is_some() {
        check(&repaired);
    }
});

fn check(bytes: &[u8]) {
    let limits = ImageLimits::default().max_text_bytes(TEXT_BYTES);
    let forward = ImageMetadata::read_within(bytes, limits);
    let seeking = ImageMetadata::read_seekable(Cursor::new(bytes), limits);
    assert_eq!(format!("{forward:?}"), format!("{seeking:?}"));
    let Ok(metadata) = forward else { return };
    let _ = (metadata.prompt().is_ok(), metadata.workflow().is_ok());
    let mut stripped = Vec::new();
    if ImageMetadata::strip(Cursor::new(bytes), &mut stripped).is_ok() {
        let after = ImageMetadata::read(&stripped[..]).expect("what was stripped is an image");
        assert_eq!((after.prompt_text(), after.workflow_text()), (None, None));
    }
    let mut written = Vec::new();
    let prompt = ImageMetadata::new().with_text("prompt", "{}").expect("a keyword");
    if prompt.write_png(Cursor::new(bytes), &mut written).is_ok() {
        let after = ImageMetadata::read(&written[..]).expect("what was written is an image");
        assert_eq!(after.prompt_text().as_deref(), Some("{}"));
        assert_eq!(after.workflow_text(), metadata.workflow_text());
    }
}

/// Makes the checksums of a PNG's chunks right; `None` for what is no PNG, and at the first chunk that is cut off.
fn repair_checksums(bytes: &mut [u8]) -> Option<()> {
    let (signature, mut rest) = bytes.split_at_mut_checked(8)?;
    if signature != b"\x89PNG\r\n\x1a\n" {
        return None;
    }
    while !rest.is_empty() {
        let length = u32::from_be_bytes(*rest.first_chunk()?);
        let (chunk, behind) = rest.split_at_mut_checked(usize::try_from(length).ok()?.checked_add(12)?)?;
        let (data, checksum) = chunk.split_last_chunk_mut::<4>()?;
        *checksum = crc32fast::hash(data.get(4..)?).to_be_bytes();
        rest = behind;
    }
    Some(())
}
