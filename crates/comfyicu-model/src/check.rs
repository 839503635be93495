//! Checking prompts: what would be refused, what would fail, and what is odd.

mod advice;
mod files;
mod findings;
mod input;
mod live_inputs;
mod output_prefix;
mod placed_files;
mod problem;
mod ready;
mod structure;
mod typed;
mod verdict;

pub use ready::Readiness;
pub use verdict::{NodeError, NodeErrors, Verdict, VerdictError};

use crate::files::{DestPath, Files};
use crate::finding::Finding;
use crate::object_info::ObjectInfo;
use crate::prompt::Prompt;
use findings::Findings;
use placed_files::PlacedFiles;

impl Prompt {
    /// Finds what is wrong with the prompt as far as that can be told without node definitions: cycles,
    /// links to nodes that are not there, entries and inputs that are malformed, numbers that are not finite,
    /// no output node, or none whose files are kept.
    ///
    /// The findings come in the order of the prompt, those about the whole of it last. The same prompt has
    /// the same findings. Which classes are output nodes is guessed by their names here, so that the lack of
    /// one is an error only where all classes are well known, and a warning otherwise.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}"#)?;
    /// let findings = prompt.check();
    /// assert_eq!(findings[0].code, "dangling_link");
    /// assert_eq!(findings[0].to_string(), "node 9 (SaveImage), input `images`: it is linked to node 8, which the prompt does not have");
    /// # Ok::<(), comfyicu_model::ParsePromptError>(())
    /// ```
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        structure::check(self, &mut findings);
        findings.in_order_of(self)
    }

    /// Finds all that is wrong with the prompt where these are the node definitions: what
    /// [`check`](Self::check) finds, and classes, inputs, values and links that do not fit the definitions.
    ///
    /// Errors are what ComfyUI refuses, or lets pass and then fails on. What is wrong with nodes that no
    /// output needs is a warning: ComfyUI does not look at them. [`verdict`](Self::verdict) has ComfyUI's own
    /// answer.
    pub fn check_with(&self, object_info: &ObjectInfo) -> Vec<Finding> {
        let mut findings = Findings::default();
        typed::check(self, object_info, &PlacedFiles::default(), &mut findings);
        findings.in_order_of(self)
    }
}

/// All that is wrong with a prompt and the files that it is sent with.
pub(crate) fn check_request_with(
    prompt: &Prompt,
    files: &[&DestPath],
    object_info: &ObjectInfo,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    typed::check(prompt, object_info, &PlacedFiles::of(files.iter().copied()), &mut findings);
    files::check_brought(prompt, files, &mut findings);
    findings.in_order_of(prompt)
}

/// What is wrong with the files alone.
pub(crate) fn check_files(prompt: &Prompt, files: &Files, object_info: Option<&ObjectInfo>) -> Vec<Finding> {
    let mut findings = Findings::default();
    files::check_named(prompt, object_info, &PlacedFiles::of(files.paths()), &mut findings);
    files::check_brought(prompt, &files.paths().collect::<Vec<_>>(), &mut findings);
    findings.in_order_of(prompt)
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
