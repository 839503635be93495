//! Through a file of any format: reading its texts, and planning the edits that take some out or put some in.

use std::io::{Read, Seek};

use super::edit::Edit;
use super::exif::Exif;
use super::found::{Content, Found, Part};
use super::source::Source;
use super::tiff::Damage;
use super::webp::Layout;
use super::{ImageError, ImageFormat, ImageLimits, ImageText, jpeg, png, webp};

/// What a walk through a whole file gives.
pub(super) struct Walked {
    pub(super) format: ImageFormat,
    found: Found,
    layout: Option<Layout>,
}

/// Goes through a file.
pub(super) fn walk<R: Read>(mut source: Source<R>, limits: ImageLimits) -> Result<Walked, ImageError> {
    let format = source.format();
    let mut found = Found::new(format, limits);
    let mut layout = None;
    match format {
        ImageFormat::Png => png::walk(&mut source, &mut found)?,
        ImageFormat::Jpeg => jpeg::walk(&mut source, &mut found)?,
        ImageFormat::WebP => layout = Some(webp::walk(&mut source, &mut found)?),
    }
    Ok(Walked { format, found, layout })
}

/// Goes through a file from where it stands; gives the place too, which the edits count from.
pub(super) fn walk_seekable<R: Read + Seek>(
    input: &mut R,
    limits: ImageLimits,
) -> Result<(u64, Walked), ImageError> {
    let start = input.stream_position().map_err(ImageError::Read)?;
    Ok((start, walk(Source::seekable(input)?, limits)?))
}

impl Walked {
    /// The texts, in the order of the file.
    pub(super) fn into_texts(self) -> Vec<ImageText> {
        self.found.into_texts()
    }

    /// The edits that take out the prompt and the UI workflow, and what they take out.
    pub(super) fn strip(&self) -> Result<(Vec<Edit>, Vec<ImageText>), ImageError> {
        let mut edits = Vec::new();
        let mut removed = Vec::new();
        let mut has_exif = false;
        for part in &self.found.parts {
            let texts: Vec<&ImageText> = part.texts().filter(|text| text.is_comfyui()).collect();
            if !texts.is_empty() {
                edits.push(self.without_comfyui(part)?);
            }
            let stays = edits.last().is_none_or(|edit| !edit.is_removal_at(part.at));
            has_exif |= stays && matches!(part.content, Content::Exif(_));
            removed.extend(texts.into_iter().cloned());
        }
        if let Some(layout) = self.layout.filter(|_| !edits.is_empty()) {
            let changes = edits.iter().map(Edit::change);
            let (added, gone) = changes.fold((0, 0), |sum, change| (sum.0 + change.0, sum.1 + change.1));
            edits.extend(layout.edits(gone, added, has_exif));
        }
        Ok((edits, removed))
    }

    fn without_comfyui(&self, part: &Part) -> Result<Edit, ImageError> {
        let Content::Exif(exif) = &part.content else { return Ok(Edit::remove(part.at, part.length)) };
        let damaged = |damage: Damage| {
            let at = part.at.saturating_add(damage.at as u64);
            ImageError::Damaged { format: self.format, at, problem: damage.problem }
        };
        let Some(data) = exif.without_comfyui().map_err(damaged)? else {
            return Ok(Edit::remove(part.at, part.length));
        };
        let bytes = match self.format {
            ImageFormat::Png => png::chunk(*b"eXIf", &data)?,
            ImageFormat::WebP => webp::exif_chunk(&data),
            ImageFormat::Jpeg => jpeg::exif_segment(&data)?,
        };
        Ok(Edit::replace(part.at, part.length, bytes))
    }

    /// The edits that put texts into a PNG file, in the place of those with the same keywords.
    pub(super) fn write_png(&self, texts: &[ImageText]) -> Result<Vec<Edit>, ImageError> {
        if self.format != ImageFormat::Png {
            return Err(ImageError::NotPng { format: self.format });
        }
        let chunks: Vec<Vec<u8>> = texts.iter().map(png::text_chunk).collect::<Result<_, _>>()?;
        let mut edits = vec![Edit::replace(png::AFTER_HEADER, 0, chunks.concat())];
        let is_replaced = |text: &ImageText| texts.iter().any(|new| new.is(text.keyword()));
        for part in &self.found.parts {
            match &part.content {
                Content::Text(text) if is_replaced(text) => edits.push(Edit::remove(part.at, part.length)),
                Content::Exif(exif) if exif.texts().any(|text| text.is_comfyui() && is_replaced(text)) => {
                    edits.push(self.without_comfyui(part)?);
                }
                _ => {}
            }
        }
        Ok(edits)
    }
}

impl Part {
    fn texts(&self) -> impl Iterator<Item = &ImageText> {
        let (text, exif) = match &self.content {
            Content::Text(text) => (Some(text), None),
            Content::Exif(exif) => (None, Some(exif)),
        };
        text.into_iter().chain(exif.into_iter().flat_map(Exif::texts))
    }
}
