//! Files that will be there when the prompt runs, beside those that the definitions list.

use std::collections::HashSet;

use crate::files::{DestPath, Files};
use crate::loaders::{FileInput, annotated};

/// The destinations of files that are put in place before the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlacedFiles<'a>(HashSet<&'a str>);

impl<'a> PlacedFiles<'a> {
    pub(crate) fn of(files: &'a Files) -> Self {
        Self(files.iter().map(|(path, _)| DestPath::as_str(path)).collect())
    }

    /// Whether one of them is what an input names.
    pub(crate) fn has(&self, input: FileInput, name: &str) -> bool {
        !self.0.is_empty() && self.destination(input, name).is_some()
    }

    /// The one that an input names.
    pub(crate) fn destination(&self, input: FileInput, name: &str) -> Option<&'a str> {
        let (name, folder) = annotated(name);
        // Windows writes folders with a backslash; destinations never do.
        let name = name.replace('\\', "/");
        if let Some(folder) = folder {
            return self.get(&format!("{folder}{name}"));
        }
        if input.folders.is_empty() {
            let is_named = |path: &&&str| below_models(path) == Some(&name);
            return self.0.iter().find(is_named).copied();
        }
        input.folders.iter().find_map(|folder| self.get(&format!("{folder}{name}")))
    }

    fn get(&self, path: &str) -> Option<&'a str> {
        self.0.get(path).copied()
    }
}

/// The name of a model as inputs have it: what stands behind `/models/FOLDER/`.
pub(crate) fn below_models(path: &str) -> Option<&str> {
    path.strip_prefix("/models/")?.split_once('/').map(|(_, name)| name)
}
