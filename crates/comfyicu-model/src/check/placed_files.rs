//! Files that will be there when the prompt runs, beside those that the definitions list.

use std::collections::HashSet;

use crate::files::DestPath;
use crate::loaders::{FileInput, annotated};

/// The destinations of files that are put in place before the run.
#[derive(Clone, Debug, Default)]
pub(super) struct PlacedFiles<'a> {
    paths: HashSet<&'a str>,
    /// The names of the models, whichever their folder.
    models: HashSet<&'a str>,
}

impl<'a> PlacedFiles<'a> {
    pub(super) fn of(files: impl IntoIterator<Item = &'a DestPath>) -> Self {
        let paths: HashSet<_> = files.into_iter().map(DestPath::as_str).collect();
        let models = paths.iter().filter_map(|path| below_models(path)).collect();
        Self { paths, models }
    }

    /// Whether one of them is what an input names.
    pub(super) fn has(&self, input: FileInput, name: &str) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let (name, folder) = annotated(name);
        // Windows writes folders with a backslash; destinations never do.
        let name = name.replace('\\', "/");
        let is_in = |folder: &str| self.paths.contains(&*format!("{folder}{name}"));
        match folder {
            Some(folder) => is_in(folder),
            None if input.folders.is_empty() => self.models.contains(&*name),
            None => input.folders.iter().any(|folder| is_in(folder)),
        }
    }
}

/// The name of a model as inputs have it: what stands behind `/models/FOLDER/`.
pub(super) fn below_models(path: &str) -> Option<&str> {
    path.strip_prefix("/models/")?.split_once('/').map(|(_, name)| name)
}
