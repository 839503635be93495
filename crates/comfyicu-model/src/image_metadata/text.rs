//! One text of an image, and how its bytes become characters.

use std::borrow::Cow;
use std::fmt;

/// The keyword under which ComfyUI keeps the prompt.
pub(super) const PROMPT: &str = "prompt";
/// The keyword under which ComfyUI keeps the UI workflow.
pub(super) const WORKFLOW: &str = "workflow";

/// A text that an image carries.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageText {
    keyword: String,
    bytes: Vec<u8>,
}

impl ImageText {
    pub(super) fn new(keyword: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { keyword: keyword.into(), bytes: bytes.into() }
    }

    /// What the text is: `prompt`, `workflow`, `parameters`, or the name of the EXIF tag that it stands in.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The bytes of the text as they stand in the image, decompressed; what is UTF-16 there is UTF-8 here.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text: UTF-8, or Latin-1 where the bytes are not UTF-8. PNG's simple texts should be Latin-1, but
    /// many programs write UTF-8 into them.
    pub fn text(&self) -> Cow<'_, str> {
        decode(&self.bytes)
    }

    /// Whether this is the prompt or the UI workflow.
    pub(super) fn is_comfyui(&self) -> bool {
        [PROMPT, WORKFLOW].iter().any(|keyword| self.is(keyword))
    }

    /// Whether the text goes by this keyword; some programs write it with a capital letter.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword)
    }
}

impl fmt::Debug for ImageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageText({}: {:?})", self.keyword, self.text())
    }
}

/// Bytes as characters: UTF-8, else Latin-1.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}
