//! The names of files that stand anywhere in a prompt.

use std::collections::HashSet;

use crate::check::placed_files::below_models;
use crate::check::structure;
use crate::files::DestPath;
use crate::json::{Object, Value};
use crate::loaders::annotated;
use crate::prompt::Prompt;

/// What in front of a name within a text says that a file is meant: an embedding, or a model that some custom
/// nodes read from texts.
const MARKS: [&str; 2] = ["embedding:", "<lora:"];

/// The texts at the inputs of a prompt, as far as they can be names of files.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    names: HashSet<String>,
    /// Names after a mark within a text, without what the file ends in.
    marked: HashSet<String>,
}

impl Mentions {
    pub(super) fn of(prompt: &Prompt) -> Self {
        let mut mentions = Self::default();
        let inputs = prompt.nodes().filter_map(structure::given).flat_map(Object::iter);
        let mut left: Vec<&Value> = inputs.map(|(_, value)| value).collect();
        while let Some(value) = left.pop() {
            match value {
                Value::String(text) => mentions.add(text),
                Value::Array(items) => left.extend(items),
                Value::Object(object) => left.extend(object.iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        mentions
    }

    fn add(&mut self, text: &str) {
        for mark in MARKS {
            // The first piece stands before the first mark.
            for piece in text.split(mark).skip(1) {
                let end = piece.find([' ', ',', ':', '>', ')', '(', '\n', '\t']).unwrap_or(piece.len());
                self.marked.insert(stem(piece.get(..end).unwrap_or_default()).to_owned());
            }
        }
        let name = annotated(text).0.replace('\\', "/");
        // Some nodes want the whole path, or one that begins at ComfyUI's own folder.
        if let Some((_, below)) = below_root(&name, "input/") {
            self.names.insert(below.to_owned());
        }
        if let Some((_, name)) = below_root(&name, "models/").and_then(|(_, below)| below.split_once('/')) {
            self.names.insert(name.to_owned());
        }
        self.names.insert(name);
    }

    /// Whether a file is named: itself, or a folder that it is in.
    pub(super) fn has(&self, path: &DestPath) -> bool {
        let Some(name) = path.input_name().or_else(|| below_models(path.as_str())) else { return false };
        let folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
        folders.chain([name]).any(|name| self.names.contains(name))
            || self.marked.contains(stem(name))
            || self.marked.contains(stem(name.rsplit('/').next().unwrap_or(name)))
    }
}

/// What stands before and behind a folder of ComfyUI's in a path.
fn below_root<'a>(path: &'a str, root: &str) -> Option<(&'a str, &'a str)> {
    path.split_once(root).filter(|(before, _)| before.is_empty() || before.ends_with('/'))
}

/// A name without what its file ends in.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
