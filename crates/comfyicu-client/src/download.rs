//! Saving the outputs of a run.

mod place;
mod save;

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use comfyicu_model::{OutputFile, Run, RunOutput, RunStatus};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::run::RunHandle;

/// What to do with an output whose file is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfExists {
    /// It is an error that names the file: [`ErrorKind::FileExists`].
    #[default]
    Fail,
    /// The new file takes its place.
    Overwrite,
    /// A file with the same bytes is kept as it is; otherwise the new one gets a number: `a (2).png`.
    KeepBoth,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadProgress<'a> {
    /// Which file it is at, from 1.
    pub file: usize,
    /// How many files there are.
    pub files: usize,
    /// The path of that file below the folder.
    pub name: &'a str,
    /// How many bytes of that file have arrived.
    pub bytes: u64,
    /// How many bytes it has, where the service says so.
    pub total_bytes: Option<u64>,
}

/// An output on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Whether a file with the same bytes was there before, and was left alone.
    pub was_there: bool,
    /// The output that it is.
    pub output: OutputFile,
}

type Observer = Box<dyn FnMut(DownloadProgress<'_>) + Send>;

/// A download of all outputs of a run; it begins when this is awaited, and gives the [`SavedFile`]s in the
/// run's order.
///
/// Each file is written beside its place under a name of its own, brought to the disk, and then put in its
/// place as a whole. The key is not sent: outputs are public, or their URLs are signed.
///
/// # Errors
/// - [`NoOutput`](ErrorKind::NoOutput): the run has not ended, or not well;
/// - [`FileExists`](ErrorKind::FileExists), [`WriteFile`](ErrorKind::WriteFile): the text names the file;
/// - [`Transport`](ErrorKind::Transport), [`Server`](ErrorKind::Server): a file did not arrive whole. Those
///   before it are saved.
///
/// # Cancel safety
/// When the future is dropped, nothing half-written is left under a final name.
#[must_use = "nothing is fetched until this is awaited"]
pub struct Download {
    client: Client,
    source: Source,
    folder: PathBuf,
    if_exists: IfExists,
    observer: Observer,
}

enum Source {
    Run(Box<Run>),
    Handle(RunHandle),
}

impl Download {
    pub(crate) fn of_run(client: Client, run: Run, folder: PathBuf) -> Self {
        Self::new(client, Source::Run(Box::new(run)), folder)
    }

    pub(crate) fn of_handle(handle: RunHandle, folder: PathBuf) -> Self {
        Self::new(handle.client().clone(), Source::Handle(handle), folder)
    }

    fn new(client: Client, source: Source, folder: PathBuf) -> Self {
        Self { client, source, folder, if_exists: IfExists::default(), observer: Box::new(|_| {}) }
    }

    /// Sets what to do with an output whose file is there already; the default is to fail.
    pub const fn if_exists(mut self, if_exists: IfExists) -> Self {
        self.if_exists = if_exists;
        self
    }

    /// Calls `observer` as the bytes arrive.
    pub fn observe(mut self, observer: impl FnMut(DownloadProgress<'_>) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    async fn save(self) -> Result<Vec<SavedFile>, Error> {
        let Self { client, source, folder, if_exists, mut observer } = self;
        let run = match source {
            Source::Run(run) => *run,
            Source::Handle(handle) => handle.get().await?,
        };
        let outputs = outputs(&run)?;
        let mut saved: Vec<SavedFile> = Vec::with_capacity(outputs.len());
        let files = outputs.len();
        for (index, output) in outputs.into_iter().enumerate() {
            let (name, path) = place(&output, &folder)?;
            // Two outputs of one run never take each other's place.
            let doubled = saved.iter().any(|before| before.path == path);
            let if_exists = if doubled { IfExists::KeepBoth } else { if_exists };
            let mut report = |bytes, total_bytes| {
                observer(DownloadProgress { file: index + 1, files, name: &name, bytes, total_bytes });
            };
            let placed = save::save(&client, &output, &path, if_exists, &mut report).await?;
            saved.push(SavedFile {
                path: placed.path,
                size_bytes: placed.size_bytes,
                was_there: placed.was_there,
                output,
            });
        }
        Ok(saved)
    }
}

/// The outputs of a run that has ended well; there may be none.
fn outputs(run: &Run) -> Result<Vec<OutputFile>, Error> {
    let status = run.status();
    match run.output() {
        RunOutput::Files(files) => Ok(files),
        _ if status == Some(RunStatus::Completed) => {
            let text = format!(
                "the run {} is complete, but its outputs are not listed in a way that this client knows",
                run.id()
            );
            Err(Error::new(ErrorKind::Protocol, text))
        }
        _ => {
            let status = status.map_or_else(|| "not known yet".to_owned(), |status| status.to_string());
            let text = format!("the run {} has no outputs to save: its status is {status}", run.id());
            Err(Error::new(ErrorKind::NoOutput, text))
        }
    }
}

/// The name of an output, and its place below the folder.
fn place(output: &OutputFile, folder: &Path) -> Result<(String, PathBuf), Error> {
    let name = output.path().ok_or_else(|| {
        let shown: String = output.filename.escape_debug().take(200).collect();
        let text = format!(
            "the service calls an output `{shown}`, which is no path below a folder: it was not saved"
        );
        Error::new(ErrorKind::Protocol, text)
    })?;
    let mut path = folder.to_path_buf();
    path.extend(name.as_str().split('/'));
    Ok((name.to_string(), path))
}

impl IntoFuture for Download {
    type Output = Result<Vec<SavedFile>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Download");
        debug.field("folder", &self.folder).field("if_exists", &self.if_exists).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
