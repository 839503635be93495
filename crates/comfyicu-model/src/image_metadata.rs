//! The texts in images: ComfyUI keeps the prompt and the UI workflow in what it saves.

mod convention;
mod edit;
mod error;
mod exif;
mod exif_removal;
mod format;
mod found;
mod jpeg;
mod limits;
mod png;
mod source;
mod text;
mod tiff;
mod walk;
mod webp;

use std::borrow::Cow;
use std::io::{Read, Seek, Write};

pub use error::ImageError;
pub use format::ImageFormat;
pub use limits::ImageLimits;
pub use text::ImageText;

use crate::json::Object;
use crate::prompt::{ParsePromptError, Prompt};
use crate::ui_workflow::{ParseUiWorkflowError, UiWorkflow};
use edit::copy_with;
use source::Source;
use text::{PROMPT, WORKFLOW};
use walk::walk_seekable;

/// The texts of an image: the prompt and the UI workflow that made it, and whatever else was written in it.
///
/// Read from PNG (text chunks and EXIF data), WebP (EXIF data) and JPEG (EXIF data and comments), animations
/// included, in the ways in which ComfyUI and its extensions write them. The pixels are passed over and never
/// kept; what is kept has [limits](ImageLimits).
///
/// ```
/// use comfyicu_model::{ImageMetadata, Prompt};
///
/// # let pixel = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";
/// # let image = std::io::Cursor::new(pixel);
/// // Put a prompt into a PNG image, as ComfyUI does,
/// let prompt = Prompt::parse(br#"{"9": {"class_type": "SaveImage", "inputs": {}}}"#)?;
/// let mut file = Vec::new();
/// ImageMetadata::new().with_prompt(&prompt).write_png(image, &mut file)?;
///
/// // and read it from there.
/// let metadata = ImageMetadata::read(&file[..])?;
/// assert_eq!(metadata.prompt()?, Some(prompt));
/// assert_eq!(metadata.workflow()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageMetadata {
    texts: Vec<ImageText>,
}

impl ImageMetadata {
    /// Makes metadata without any text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the texts of an image, from its first byte on. An image without texts gives none.
    ///
    /// # Errors
    /// When the bytes are no image of a format that is read, end too early or are damaged, when there is more
    /// in them than [`ImageLimits::default`] allows, or the input fails.
    pub fn read(input: impl Read) -> Result<Self, ImageError> {
        Self::read_within(input, ImageLimits::default())
    }

    /// Reads the texts of an image, within other limits.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_within(input: impl Read, limits: ImageLimits) -> Result<Self, ImageError> {
        let texts = walk::walk(Source::forward(input)?, limits)?.into_texts();
        Ok(Self { texts })
    }

    /// Reads the texts of an image in which the pixels can be jumped over, such as a file; it begins where the
    /// input stands.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_seekable(mut input: impl Read + Seek, limits: ImageLimits) -> Result<Self, ImageError> {
        let (_, walked) = walk_seekable(&mut input, limits)?;
        Ok(Self { texts: walked.into_texts() })
    }

    /// The prompt, when there is one.
    ///
    /// # Errors
    /// When what stands there is not a prompt.
    pub fn prompt(&self) -> Result<Option<Prompt>, ParsePromptError> {
        self.prompt_text().map(|text| Prompt::parse(text.as_bytes())).transpose()
    }

    /// The text of the prompt as it stands in the image, when there is one.
    pub fn prompt_text(&self) -> Option<Cow<'_, str>> {
        self.get(PROMPT).map(ImageText::text)
    }

    /// The UI workflow, when there is one. It is not always the workflow that the prompt was made from.
    ///
    /// # Errors
    /// When what stands there is not a UI workflow.
    pub fn workflow(&self) -> Result<Option<UiWorkflow>, ParseUiWorkflowError> {
        self.workflow_text().map(|text| UiWorkflow::parse(text.as_bytes())).transpose()
    }

    /// The text of the UI workflow as it stands in the image, when there is one.
    pub fn workflow_text(&self) -> Option<Cow<'_, str>> {
        self.get(WORKFLOW).map(ImageText::text)
    }

    /// The text of a keyword, upper or lower case. Where there are several, the last one counts, as it does
    /// for ComfyUI.
    pub fn get(&self, keyword: &str) -> Option<&ImageText> {
        self.texts.iter().rfind(|text| text.is(keyword))
    }

    /// All texts, in the order of the file.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &ImageText> {
        self.texts.iter()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Adds a prompt, written as ComfyUI does; it replaces one that is there.
    #[must_use]
    pub fn with_prompt(self, prompt: &Prompt) -> Self {
        self.with(PROMPT, prompt.as_object().to_python_json())
    }

    /// Adds a UI workflow, written as ComfyUI does; it replaces one that is there.
    #[must_use]
    pub fn with_workflow(self, workflow: &Object) -> Self {
        self.with(WORKFLOW, workflow.to_python_json())
    }

    /// Adds any text; it replaces one of the same keyword.
    ///
    /// # Errors
    /// When the keyword is not 1 to 79 printable ASCII characters.
    pub fn with_text(self, keyword: &str, text: impl Into<String>) -> Result<Self, ImageError> {
        check_keyword(keyword)?;
        Ok(self.with(keyword, text.into()))
    }

    fn with(mut self, keyword: &str, text: String) -> Self {
        self.texts.retain(|text| !text.is(keyword));
        self.texts.push(ImageText::new(keyword, text));
        self
    }

    /// Copies a PNG image with these texts in it, in front of the pixels and in place of texts that have the
    /// same keywords. Everything else in the image stays as it is, byte for byte.
    ///
    /// # Errors
    /// When the image is not PNG, ends too early or is damaged, a keyword is none that PNG allows, or the
    /// input or output fails. What was written until then is no whole image.
    pub fn write_png(&self, mut input: impl Read + Seek, mut output: impl Write) -> Result<(), ImageError> {
        self.texts().try_for_each(|text| check_keyword(text.keyword()))?;
        let (start, walked) = walk_seekable(&mut input, ImageLimits::default())?;
        copy_with(input, start, &mut output, walked.write_png(&self.texts)?)
    }

    /// Copies an image without the prompt and the UI workflow, and gives what was taken out. Everything else
    /// in the image stays as it is, byte for byte: pixels, colour profile, camera data, other texts. A text
    /// that holds them among other things, as some extensions write into EXIF data, is taken out whole.
    ///
    /// # Errors
    /// As [`read`](Self::read); also when the output fails. What was written until then is no whole image.
    pub fn strip(mut input: impl Read + Seek, mut output: impl Write) -> Result<Self, ImageError> {
        let (start, walked) = walk_seekable(&mut input, ImageLimits::default())?;
        let (edits, texts) = walked.strip()?;
        copy_with(input, start, &mut output, edits)?;
        Ok(Self { texts })
    }
}

fn check_keyword(keyword: &str) -> Result<(), ImageError> {
    let is_keyword =
        (1..=79).contains(&keyword.len()) && keyword.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let shown = || keyword.chars().take(80).collect();
    if is_keyword { Ok(()) } else { Err(ImageError::Keyword { keyword: shown() }) }
}

#[cfg(test)]
mod tests;
