//! What all nodes of one run share.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use comfyicu_model::json::{Number, Object, Value as Json};
use comfyicu_model::{DestPath, RunId};

use super::call::Failure;
use super::codec::TextChunk;
use super::limit::MAX_INPUT_BYTES;
use super::nodes::LOADERS;
use super::steps::Step;
use super::work::{Interruptible, Work};
use crate::{InputFile, InputFiles, Job};

/// The run as its nodes see it.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) run_id: RunId,
    /// What stands in the images that the run saves: the prompt, and what was given beside it.
    pub(super) texts: Vec<TextChunk>,
    pub(super) work: Work,
    inputs: InputFiles,
    counters: Mutex<HashMap<String, u32>>,
}

impl Context {
    /// Gathers what the nodes need.
    pub(super) fn new(job: Job, steps: &[Step], work: Work) -> Self {
        let mut prompt = job.prompt.into_object();
        take_over_coercions(&mut prompt, steps);
        add_file_hashes(&mut prompt, &job.inputs);
        let text = |keyword: &str, value: &Json| TextChunk {
            keyword: keyword.to_owned(),
            text: value.to_python_json(),
        };
        let mut texts = vec![text("prompt", &prompt.into())];
        texts.extend(job.extra_pnginfo.iter().map(|(keyword, value)| text(keyword, value)));
        Self { run_id: job.run_id, texts, work, inputs: job.inputs, counters: Mutex::default() }
    }

    /// The bytes of an input file, as a node names it: `photo.png`, `sub/photo.png`, `photo.png [input]`.
    pub(super) fn read_input(&self, name: &str) -> Result<Vec<u8>, Failure> {
        read_input(&self.inputs, name, &self.work)
    }

    /// The next number for files of a prefix, from 1 on. Prefixes are told apart as they were given, before
    /// `%batch_num%` is filled in.
    pub(super) fn next_number(&self, prefix: &str) -> u32 {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.entry(prefix.to_owned()).or_default();
        *counter += 1;
        *counter
    }
}

/// The destination of an input file that a node names, without the folder in brackets behind the name.
pub(super) fn destination(name: &str) -> Result<DestPath, String> {
    let name = name.strip_suffix("[input]").map_or(name, str::trim_end);
    if let Some(folder) = ["[output]", "[temp]"].iter().find(|folder| name.ends_with(**folder)) {
        return Err(format!(
            "`{name}` is in {folder}, which is empty when a run starts: give it as an input file"
        ));
    }
    DestPath::input(name).map_err(|error| error.to_string())
}

fn input<'a>(inputs: &'a InputFiles, name: &str) -> Result<(DestPath, &'a InputFile), Failure> {
    let not_found = |message: String| Failure::new("FileNotFoundError", message);
    let destination = destination(name).map_err(not_found)?;
    match inputs.get(destination.as_str()) {
        Some(file) => Ok((destination, file)),
        None => Err(not_found(format!("no file was given for {destination}: add it to the run's `files`"))),
    }
}

fn read_input(inputs: &InputFiles, name: &str, work: &Work) -> Result<Vec<u8>, Failure> {
    let (destination, file) = input(inputs, name)?;
    if file.size_bytes > MAX_INPUT_BYTES {
        let message =
            format!("{destination} has {} bytes; at most {MAX_INPUT_BYTES} are read", file.size_bytes);
        return Err(Failure::new("MemoryError", message));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file.size_bytes).unwrap_or_default());
    let read = File::open(&file.path).and_then(|file| Interruptible::new(file, work).read_to_end(&mut bytes));
    work.go_on()?;
    let failed = |error| Failure::new("FileNotFoundError", format!("{destination} cannot be read: {error}"));
    read.map_err(failed)?;
    Ok(bytes)
}

/// ComfyUI's check changes the prompt: `"130"` at an integer input is 130 from then on.
fn take_over_coercions(prompt: &mut Object, steps: &[Step]) {
    for step in steps {
        let inputs = prompt.get_mut(step.node_id.as_str()).and_then(Json::as_object_mut);
        let inputs = inputs.and_then(|node| node.get_mut("inputs")).and_then(Json::as_object_mut);
        let Some(inputs) = inputs else { continue };
        for (name, literal) in step.literals() {
            inputs.insert(name, literal.clone());
        }
    }
}

/// ComfyUI leaves in each file loader how it tells that the file has changed: the hash of its bytes, or
/// `NaN` where there is no file.
fn add_file_hashes(prompt: &mut Object, inputs: &InputFiles) {
    let is_loader = |node: &Json| {
        let node = node.as_object();
        node.is_some_and(|node| {
            node.get_str("class_type").is_some_and(|class_type| LOADERS.contains(&class_type))
                && !node.contains_key("is_changed")
        })
    };
    let loaders: Vec<String> =
        prompt.iter().filter(|(_, node)| is_loader(node)).map(|(id, _)| id.to_owned()).collect();
    for id in loaders {
        let Some(node) = prompt.get_mut(&id).and_then(Json::as_object_mut) else { continue };
        let name = node.get("inputs").and_then(Json::as_object).and_then(|inputs| inputs.get_str("image"));
        let file = name.and_then(|name| input(inputs, name).ok());
        let is_changed = file.map_or_else(
            || Number::from_f64(f64::NAN).into(),
            |(_, file)| Json::from(vec![file.sha256.as_str()]),
        );
        node.insert("is_changed", is_changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_input_files_only() {
        let path = |name: &str| destination(name).map(|path| path.as_str().to_owned());
        assert_eq!(path("photo.png").unwrap(), "/input/photo.png");
        assert_eq!(path("sub/photo.png [input]").unwrap(), "/input/sub/photo.png");
        assert!(path("../../secret.png").is_err() && path("").is_err());
        assert!(path("a.png [output]").unwrap_err().contains("give it as an input file"));
    }
}
