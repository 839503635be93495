//! Reading prompts as found in the wild: wrapped in something, or with positions for diagnostics.

#[cfg(test)]
mod tests;

use super::parse::no_prompt;
use super::wrapper::{self, Found, InString};
use super::{ParsePromptError, Prompt, SourceMap, Wrapper, doubled};
use crate::finding::Finding;
use crate::json::{self, JsonPath, Limits, Lines, Value};

/// How a prompt is read.
///
/// ```
/// use comfyicu_model::{ReadOptions, json::Limits};
///
/// let options = ReadOptions::default().source_map(true).limits(Limits::default().max_bytes(1 << 20));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    limits: Limits,
    source_map: bool,
}

impl ReadOptions {
    /// Sets the bounds within which the document is read.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says whether to note where each node and input stands in the text. That takes longer than the
    /// reading itself, so by default it is not done.
    #[must_use]
    pub const fn source_map(mut self, wanted: bool) -> Self {
        self.source_map = wanted;
        self
    }
}

/// A prompt, and what its file says beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadPrompt {
    /// The prompt.
    pub prompt: Prompt,
    /// What was around the prompt; `None` where the file is the prompt.
    pub wrapper: Option<Wrapper>,
    /// Where the nodes and inputs stand in the text: when it was asked for, and the prompt was not inside a
    /// JSON string.
    pub source_map: Option<SourceMap>,
    /// What is odd about the text: keys that stand twice.
    pub findings: Vec<Finding>,
}

impl Prompt {
    /// Reads the prompt that a file holds, whatever is around it: nothing, the body that creates a run, a
    /// run, `{"prompt": …}`, `{"workflow_api": …}`, `{"input": {"workflow": …}}`, the editor's
    /// `{"workflow": …, "output": …}`; each as an object, or as JSON text in a string.
    ///
    /// # Errors
    /// When the bytes are not JSON, or hold no prompt; see [`ParsePromptError`].
    ///
    /// ```
    /// use comfyicu_model::{Prompt, ReadOptions};
    ///
    /// let file = br#"{"prompt": {"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}}"#;
    /// let read = Prompt::read(file, ReadOptions::default().source_map(true))?;
    /// assert_eq!(read.wrapper.map(|wrapper| wrapper.path().to_string()).as_deref(), Some("prompt"));
    /// let images = read.source_map.and_then(|map| map.input("9", "images")).expect("it is there");
    /// assert_eq!(&file[images.value.range()], br#"["8", 0]"#);
    /// # Ok::<(), comfyicu_model::ParsePromptError>(())
    /// ```
    pub fn read(json: &[u8], options: ReadOptions) -> Result<ReadPrompt, ParsePromptError> {
        let document = json::read_document(json, options.limits).map_err(ParsePromptError::Json)?;
        let found = wrapper::find(&document.value, options.limits);
        let path = match found {
            Found::Direct => JsonPath::default(),
            Found::Wrapped(path) => path,
            Found::InString(inside) => return from_string(*inside),
            Found::UiWorkflow(path) => return Err(ParsePromptError::UiWorkflow { path }),
            Found::Nothing => return Err(no_prompt(&document.value)),
        };
        let Some(Value::Object(object)) = document.value.into_at(&path) else {
            return Err(ParsePromptError::NoNodes);
        };
        let prompt = Self(object);
        let lines = (document.has_doubled_keys || options.source_map).then(|| Lines::of(json));
        let mut findings = Vec::new();
        if document.has_doubled_keys {
            doubled::refuse_doubled_nodes(json, &path, &prompt.0, lines.as_ref())?;
            findings = doubled::findings(json, &path, &prompt, lines.as_ref());
        }
        let source_map = match &lines {
            Some(lines) if options.source_map => SourceMap::of(json, &path, lines),
            _ => None,
        };
        let wrapper = (!path.is_root()).then(|| Wrapper::at(path));
        Ok(ReadPrompt { prompt, wrapper, source_map, findings })
    }
}

/// Positions in the text of a string would be of no use: they are not those of the file.
fn from_string(inside: InString) -> Result<ReadPrompt, ParsePromptError> {
    let Value::Object(object) = inside.prompt else { return Err(ParsePromptError::NoNodes) };
    let prompt = Prompt(object);
    let mut findings = Vec::new();
    if inside.has_doubled_keys {
        let (text, path) = (inside.text.as_bytes(), &inside.path_in_text);
        doubled::refuse_doubled_nodes(text, path, &prompt.0, None)?;
        findings = doubled::findings(text, path, &prompt, None);
    }
    Ok(ReadPrompt { prompt, wrapper: Some(inside.wrapper), source_map: None, findings })
}
