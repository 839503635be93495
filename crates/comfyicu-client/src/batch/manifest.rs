//! The manifest: a line of JSON for each step of each item, on the disk before the next step.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use comfyicu_model::json::{self, Limits, Object, Value};
use comfyicu_model::{RunId, Timestamp};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Mutex;

use super::BatchItem;
use crate::error::{Error, ErrorKind, Source};
use crate::run::SubmitKey;

/// The longest manifest.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// How far an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is about to be submitted with this key.
    Submitting { key: SubmitKey, at: Timestamp },
    /// It was submitted, and this is the run.
    Submitted { run: RunId },
    /// It was not accepted.
    Refused,
    /// The run has ended.
    Ended { run: RunId },
}

/// The manifest of a batch.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
    file: Mutex<File>,
    steps: HashMap<String, Step>,
    digests: HashMap<String, String>,
}

impl Manifest {
    /// Opens a manifest, or makes one. Those of other items are refused.
    pub(super) async fn open(path: PathBuf, items: &[BatchItem]) -> Result<Self, Error> {
        let digests: HashMap<_, _> = items.iter().map(|item| (item.name.clone(), item.digest())).collect();
        let text = read(&path).await?;
        // The last line may have been cut off by whatever ended the batch; it is as if it had not been begun.
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        let mut steps = HashMap::new();
        for (number, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (name, digest, step) = parse(line).ok_or_else(|| unreadable(&path, number + 1))?;
            if digests.get(&name).is_some_and(|known| *known != digest) {
                let text = format!(
                    "the manifest `{}` is of another batch: its item `{name}` has another prompt",
                    path.display()
                );
                return Err(Error::new(ErrorKind::Setup, text));
            }
            steps.insert(name, step);
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).await;
        let file = file.map_err(|error| write_error(&path, error))?;
        if whole.len() < text.len() {
            file.set_len(whole.len() as u64).await.map_err(|error| write_error(&path, error))?;
        }
        Ok(Self { path, file: Mutex::new(file), steps, digests })
    }

    /// How far an item was when the manifest was opened.
    pub(super) fn step(&self, name: &str) -> Option<&Step> {
        self.steps.get(name)
    }

    /// Writes a step down, and waits until it is on the disk.
    pub(super) async fn write(&self, name: &str, step: &Step) -> Result<(), Error> {
        let digest = self.digests.get(name).map(String::as_str).unwrap_or_default();
        let line = format!("{}\n", Value::from(to_object(name, digest, step)).to_json());
        let mut file = self.file.lock().await;
        let written = async {
            file.write_all(line.as_bytes()).await?;
            file.flush().await?;
            file.sync_data().await
        };
        written.await.map_err(|error| write_error(&self.path, error))
    }
}

fn to_object(name: &str, digest: &str, step: &Step) -> Object {
    let mut object = Object::from_iter([("item", name), ("prompt_sha256", digest)]);
    match step {
        Step::Submitting { key, at } => {
            object.insert("step", "submitting");
            object.insert("key", key.as_str());
            object.insert("at", at.to_string());
        }
        Step::Refused => {
            object.insert("step", "refused");
        }
        Step::Submitted { run } => {
            object.insert("step", "submitted");
            object.insert("run", run.as_str());
        }
        Step::Ended { run } => {
            object.insert("step", "ended");
            object.insert("run", run.as_str());
        }
    }
    object
}

fn parse(line: &str) -> Option<(String, String, Step)> {
    let value = json::read(line.as_bytes(), Limits::default()).ok()?;
    let object = value.as_object()?;
    let run = || RunId::parse(object.get_str("run")?).ok();
    let step = match object.get_str("step")? {
        "submitting" => Step::Submitting {
            key: SubmitKey::parse(object.get_str("key")?).ok()?,
            at: object.get_str("at")?.parse().ok()?,
        },
        "refused" => Step::Refused,
        "submitted" => Step::Submitted { run: run()? },
        "ended" => Step::Ended { run: run()? },
        _ => return None,
    };
    Some((object.get_str("item")?.to_owned(), object.get_str("prompt_sha256")?.to_owned(), step))
}

/// The text of the file; nothing, where there is none.
async fn read(path: &Path) -> Result<String, Error> {
    let file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(read_error(path, error)),
    };
    let mut text = String::new();
    let read = file.take(MAX_BYTES).read_to_string(&mut text).await;
    read.map_err(|error| read_error(path, error)).map(|_| text)
}

fn unreadable(path: &Path, line: usize) -> Error {
    let text = format!("line {line} of the manifest `{}` is none of a batch", path.display());
    Error::new(ErrorKind::Setup, text)
}

fn read_error(path: &Path, error: io::Error) -> Error {
    let text = format!("the manifest `{}` cannot be read", path.display());
    Error::new(ErrorKind::ReadFile, text).with_source(Source::Io(error))
}

fn write_error(path: &Path, error: io::Error) -> Error {
    let text = format!("the manifest `{}` cannot be written", path.display());
    Error::new(ErrorKind::WriteFile, text).with_source(Source::Io(error))
}
