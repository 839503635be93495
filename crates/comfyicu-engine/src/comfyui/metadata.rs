//! The prompt that stands inside a file of a run, with the names that its user gave: in images, films and sounds.
//!
//! In a PNG image the prompt is written anew. In other files it is replaced where it stands, by a text of the same
//! length, so that nothing else moves: the user's names are shorter, and JSON may end in blanks.

mod checksum;

use std::io::Cursor;
use std::ops::Range;

use bytes::Bytes;
use comfyicu_model::json::read;
use comfyicu_model::{ImageLimits, ImageMetadata, Prompt};

use super::limit;
use super::names::Names;

/// The most bytes of an image whose prompt is put right; it is in memory for that.
const IMAGE_BYTES: u64 = 256 * 1024 * 1024;
/// The most bytes of another file.
const OTHER_BYTES: u64 = 64 * 1024 * 1024;
/// The most places of one file that are looked at; ComfyUI writes one prompt.
const PROMPTS: usize = 16;

/// Whether the prompt in a file of this type and length is put right.
pub(super) fn is_restored(content_type: &str, bytes: u64) -> bool {
    match content_type {
        "image/png" => bytes <= IMAGE_BYTES,
        "image/webp" | "video/mp4" | "video/webm" | "video/x-matroska" | "audio/flac" | "audio/mpeg"
        | "audio/ogg" => bytes <= OTHER_BYTES,
        _ => false,
    }
}

/// A file whose prompt has the user's names; everything else in it stays byte for byte. One that cannot be read stays
/// as it is: it is the run's, whatever it holds.
pub(super) fn restored(file: Bytes, sent: &Prompt, names: &Names) -> Bytes {
    let file = restored_png(&file, names).unwrap_or(file);
    let replacements = replacements(&file, sent, names);
    if replacements.is_empty() {
        return file;
    }
    let mut bytes = file.to_vec();
    for (place, text) in &replacements {
        if let Some(there) = bytes.get_mut(place.clone()) {
            there.fill(b' ');
            there.iter_mut().zip(text.bytes()).for_each(|(there, byte)| *there = byte);
        }
    }
    let places: Vec<_> = replacements.into_iter().map(|(place, _)| place).collect();
    checksum::mend(&mut bytes, &places);
    bytes.into()
}

/// A PNG image has the prompt where it can have any length.
fn restored_png(file: &Bytes, names: &Names) -> Option<Bytes> {
    let metadata = ImageMetadata::read_seekable(Cursor::new(file), ImageLimits::default()).ok()?;
    let there = metadata.prompt().ok()??;
    let prompt = names.restored_prompt(there.clone())?;
    if prompt == there {
        return None;
    }
    let mut image = Vec::with_capacity(file.len());
    // Only the prompt is put back: the other texts stay where they are.
    ImageMetadata::new().with_prompt(&prompt).write_png(Cursor::new(file), &mut image).ok()?;
    Some(image.into())
}

/// Where the prompt stands in a file, and what is to stand there.
fn replacements(file: &[u8], sent: &Prompt, names: &Names) -> Vec<(Range<usize>, String)> {
    let Some(id) = sent.nodes().next().map(|node| node.id().to_owned()) else { return Vec::new() };
    // Python writes the nodes in the order in which it got them.
    let begin = format!("{{{}: {{", comfyicu_model::json::Value::from(id).to_python_json());
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..PROMPTS {
        let Some(at) = position(file.get(from..).unwrap_or_default(), begin.as_bytes()) else { break };
        let begin = from + at;
        // What begins like a prompt and never ends is something else.
        from = begin + 1;
        let Some(length) = file.get(begin..).and_then(json_length) else { continue };
        let place = begin..begin + length;
        if let Some(text) = file.get(place.clone()).and_then(|json| replacement(json, names)) {
            from = place.end;
            found.push((place, text));
        }
    }
    found
}

fn replacement(json: &[u8], names: &Names) -> Option<String> {
    let there = Prompt::from_value(read(json, limit::json(limit::JSON_BYTES)).ok()?).ok()?;
    let prompt = names.restored_prompt(there.clone())?;
    if prompt == there {
        return None;
    }
    let text = prompt.into_object().to_python_json();
    (text.len() <= json.len()).then_some(text)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, rest) = wanted.split_first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes.get(at + 1..)?.starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// How long the object is that begins here.
fn json_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate().take(limit::JSON_BYTES) {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{') => depth += 1,
            (false, b'}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
