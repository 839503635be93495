//! The prompt that stands inside a file of a run, with the names that its user gave: in images, films and sounds.
//!
//! In a PNG image the prompt is written anew. In other files it is replaced where it stands, by a text of the same
//! length, so that nothing else moves: the user's names are shorter, and JSON may end in blanks.

mod checksum;

use std::io::Cursor;
use std::ops::Range;

use bytes::Bytes;
use comfyicu_model::json::{Value, read};
use comfyicu_model::{ImageLimits, ImageMetadata, Prompt};
use memchr::memmem;

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

/// Puts the names of a run right in its files.
#[derive(Clone, Debug)]
pub(super) struct Restorer {
    /// How the prompt begins where it stands in a file that is no PNG image; `None` where it has no nodes.
    begin: Option<String>,
    names: Names,
}

impl Restorer {
    /// For the files of a run that was sent as this prompt.
    pub(super) fn new(sent: &Prompt, names: &Names) -> Self {
        // Python writes the nodes in the order in which it got them.
        let first = sent.nodes().next().map(|node| Value::from(node.id()));
        let begin = first.map(|id| format!("{{{}: {{", id.to_python_json()));
        Self { begin, names: names.clone() }
    }

    /// A file whose prompt has the user's names; everything else in it stays byte for byte. One that cannot be read
    /// stays as it is: it is the run's, whatever it holds.
    pub(super) fn restored(&self, file: Bytes) -> Bytes {
        let file = restored_png(&file, &self.names).unwrap_or(file);
        let replacements = self.replacements(&file);
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

    /// Where the prompt stands in a file, and what is to stand there.
    fn replacements(&self, file: &[u8]) -> Vec<(Range<usize>, String)> {
        let Some(begin) = &self.begin else { return Vec::new() };
        let wanted = memmem::Finder::new(begin);
        let mut found = Vec::new();
        let mut from = 0;
        for _ in 0..PROMPTS {
            let Some(at) = wanted.find(file.get(from..).unwrap_or_default()) else { break };
            let begin = from + at;
            // What begins like a prompt and never ends is something else.
            from = begin + 1;
            let Some(length) = file.get(begin..).and_then(json_length) else { continue };
            let place = begin..begin + length;
            if let Some(text) = file.get(place.clone()).and_then(|json| replacement(json, &self.names)) {
                from = place.end;
                found.push((place, text));
            }
        }
        found
    }
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

fn replacement(json: &[u8], names: &Names) -> Option<String> {
    let there = Prompt::from_value(read(json, limit::json(limit::JSON_BYTES)).ok()?).ok()?;
    let prompt = names.restored_prompt(there.clone())?;
    if prompt == there {
        return None;
    }
    let text = prompt.into_object().to_python_json();
    (text.len() <= json.len()).then_some(text)
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
