//! Through a file of any format: reading its texts, and planning the edits that take some out or put some in.

use std::io::{Read, Seek};

use super::edit::Edit;
use super::found::{Content, Found, Part};
use super::source::Source;
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
            let without = self.without(part, ImageText::is_comfyui)?;
            let stays = without.as_ref().is_none_or(|(edit, _)| !edit.is_removal());
            has_exif |= stays && matches!(part.content, Content::Exif { .. });
            let (edit, texts) = without.unzip();
            edits.extend(edit);
            removed.extend(texts.into_iter().flatten());
        }
        if let Some(layout) = self.layout.filter(|_| !edits.is_empty()) {
            let changes = edits.iter().map(Edit::change);
            let (added, gone) = changes.fold((0, 0), |sum, change| (sum.0 + change.0, sum.1 + change.1));
            edits.extend(layout.edits(gone, added, has_exif));
        }
        Ok((edits, removed))
    }

    /// The edits that put texts into a PNG file, in the place of those with the same keywords.
    pub(super) fn write_png(&self, texts: &[ImageText]) -> Result<Vec<Edit>, ImageError> {
        if self.format != ImageFormat::Png {
            return Err(ImageError::NotPng { format: self.format });
        }
        let is_replaced = |text: &ImageText| texts.iter().any(|new| new.is(text.keyword()));
        let mut chunks: Vec<Vec<u8>> = texts.iter().map(png::text_chunk).collect::<Result<_, _>>()?;
        let mut edits = Vec::new();
        for part in &self.found.parts {
            // Of EXIF data, what else they say of the image stays: they have no keywords but tags.
            let is_exif = matches!(part.content, Content::Exif { .. });
            let is_unwanted = |text: &ImageText| is_replaced(text) && (!is_exif || text.is_comfyui());
            let Some((edit, removed)) = self.without(part, is_unwanted)? else { continue };
            edits.push(edit);
            // What stood in one text with another that is replaced.
            let beside = removed.iter().filter(|text| !is_replaced(text));
            chunks.extend(beside.map(png::text_chunk).collect::<Result<Vec<_>, _>>()?);
        }
        edits.push(Edit::replace(png::AFTER_HEADER, 0, chunks.concat()));
        Ok(edits)
    }

    /// The edit that takes unwanted texts out of a part, and all that it takes out; none when there are none.
    fn without(
        &self,
        part: &Part,
        is_unwanted: impl Fn(&ImageText) -> bool,
    ) -> Result<Option<(Edit, Vec<ImageText>)>, ImageError> {
        let (exif, start) = match &part.content {
            Content::Text(text) => {
                let removal = || (Edit::remove(part.at, part.length), vec![text.clone()]);
                return Ok(is_unwanted(text).then(removal));
            }
            Content::Exif { exif, start } => (exif, *start),
        };
        if !exif.texts().any(&is_unwanted) {
            return Ok(None);
        }
        let without = exif.without(is_unwanted).map_err(|damage| damage.in_file(self.format, start))?;
        let (Some(data), removed) = without else {
            return Ok(Some((Edit::remove(part.at, part.length), without.1)));
        };
        let bytes = match self.format {
            ImageFormat::Png => png::chunk(*b"eXIf", &data)?,
            ImageFormat::WebP => webp::exif_chunk(&data),
            ImageFormat::Jpeg => jpeg::exif_segment(&data)?,
        };
        Ok(Some((Edit::replace(part.at, part.length, bytes), removed)))
    }
}
