//! What an executor is given.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;

use comfyicu_model::json::Object;
use comfyicu_model::{DestPath, Prompt, RunId};
use sha2::{Digest as _, Sha256};

use crate::Ticket;

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
    /// What goes with the prompt and is nobody else's to see: the tokens of nodes that call paid services.
    pub secrets: Secrets,
    /// The right to begin it, where the executor gave one.
    pub ticket: Ticket,
}

/// Keys and tokens, by name. Nothing prints them.
#[derive(Clone, Default)]
pub struct Secrets(Object);

impl Secrets {
    /// Keeps these.
    pub const fn new(secrets: Object) -> Self {
        Self(secrets)
    }

    /// The secrets themselves: for whoever passes them on.
    pub const fn expose(&self) -> &Object {
        &self.0
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Job {
    /// Makes a job of a prompt that reads no files.
    pub fn new(run_id: RunId, prompt: Prompt) -> Self {
        Self {
            run_id,
            prompt,
            extra_pnginfo: Object::new(),
            inputs: InputFiles::default(),
            secrets: Secrets::default(),
            ticket: Ticket::default(),
        }
    }

    /// Sets what goes into the images beside the prompt.
    #[must_use]
    pub fn extra_pnginfo(mut self, extra_pnginfo: Object) -> Self {
        self.extra_pnginfo = extra_pnginfo;
        self
    }

    /// Sets what goes with the prompt and is nobody else's to see.
    #[must_use]
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the right to begin it.
    #[must_use]
    pub fn ticket(mut self, ticket: Ticket) -> Self {
        self.ticket = ticket;
        self
    }

    /// Sets the files.
    #[must_use]
    pub fn inputs(mut self, inputs: InputFiles) -> Self {
        self.inputs = inputs;
        self
    }
}

/// A file of a run, on disk, and what is known of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputFile {
    /// Where the bytes are.
    pub path: PathBuf,
    /// The SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// How many bytes there are.
    pub size_bytes: u64,
}

impl InputFile {
    /// Describes a file of which all is known.
    pub fn new(path: PathBuf, sha256: impl Into<String>, size_bytes: u64) -> Self {
        Self { path, sha256: sha256.into(), size_bytes }
    }

    /// Reads a file through to describe it. It blocks as long as that takes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(path: PathBuf) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut size_bytes = 0_u64;
        let mut reader = BufReader::with_capacity(64 * 1024, File::open(&path)?);
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            hasher.update(chunk);
            let length = chunk.len();
            size_bytes += length as u64;
            reader.consume(length);
        }
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
        let sha256: String =
            hasher.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        Ok(Self { path, sha256, size_bytes })
    }
}

/// The files of a run, all on disk, by destination path. A run sees these and no others.
#[derive(Clone, Debug, Default)]
pub struct InputFiles(BTreeMap<DestPath, InputFile>);

impl InputFiles {
    /// Adds a file.
    pub fn insert(&mut self, destination: DestPath, file: InputFile) {
        self.0.insert(destination, file);
    }

    /// The file of a destination.
    pub fn get(&self, destination: &str) -> Option<&InputFile> {
        self.0.get(destination)
    }

    /// The destinations and their files, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&DestPath, &InputFile)> {
        self.0.iter()
    }
}

impl FromIterator<(DestPath, InputFile)> for InputFiles {
    fn from_iter<I: IntoIterator<Item = (DestPath, InputFile)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}
