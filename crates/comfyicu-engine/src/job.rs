//! What an executor is given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfyicu_model::json::Object;
use comfyicu_model::{DestPath, Prompt, RunId};

/// One execution: the prompt, and what it reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job {
    /// The run that this executes.
    pub run_id: RunId,
    /// The prompt.
    pub prompt: Prompt,
    /// What goes into the images beside the prompt, such as `workflow`.
    pub extra_pnginfo: Object,
    /// The files of the run.
    pub inputs: InputFiles,
}

impl Job {
    /// Makes a job of a prompt that reads no files.
    pub fn new(run_id: RunId, prompt: Prompt) -> Self {
        Self { run_id, prompt, extra_pnginfo: Object::new(), inputs: InputFiles::default() }
    }

    /// Sets what goes into the images beside the prompt.
    #[must_use]
    pub fn extra_pnginfo(mut self, extra_pnginfo: Object) -> Self {
        self.extra_pnginfo = extra_pnginfo;
        self
    }

    /// Sets the files.
    #[must_use]
    pub fn inputs(mut self, inputs: InputFiles) -> Self {
        self.inputs = inputs;
        self
    }
}

/// The files of a run, all on disk: destination path → where the bytes are. A run sees these and no others.
#[derive(Clone, Debug, Default)]
pub struct InputFiles(BTreeMap<DestPath, PathBuf>);

impl InputFiles {
    /// Adds a file.
    pub fn insert(&mut self, destination: DestPath, file: PathBuf) {
        self.0.insert(destination, file);
    }

    /// Where the bytes of a destination are.
    pub fn get(&self, destination: &str) -> Option<&Path> {
        self.0.get(destination).map(PathBuf::as_path)
    }

    /// The destinations and where their bytes are, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&DestPath, &Path)> {
        self.0.iter().map(|(destination, file)| (destination, file.as_path()))
    }
}

impl FromIterator<(DestPath, PathBuf)> for InputFiles {
    fn from_iter<I: IntoIterator<Item = (DestPath, PathBuf)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}
