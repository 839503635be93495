//! Saving the outputs of a run.

mod digest;
mod fetch;
mod file;
mod kept;
mod place;
mod save;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use comfyicu_model::{OutputFile, Run, RunOutput, RunStatus};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncWrapper;
use url::Url;

pub(crate) use write::write_output;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::run::RunHandle;

/// How many outputs are fetched at once unless it is told otherwise.
const AT_ONCE: usize = 8;
/// The most that are.
const MAX_AT_ONCE: usize = 256;

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
/// Several are fetched at once. Each file is written beside its place, as `.comfyicu-NAME.part`, brought to the disk,
/// and then put in its place as a whole. A transfer that breaks goes on where it broke, where the service serves parts
/// and the file is still the same (`ETag`); so does another download of the same file to the same place, in this
/// process or a later one. Its length is checked, and its digest where the service gives one. The key is not sent:
/// outputs are public, or their URLs are signed.
///
/// # Errors
/// - [`NoOutput`](ErrorKind::NoOutput): the run has not ended, or not well;
/// - [`FileExists`](ErrorKind::FileExists), [`WriteFile`](ErrorKind::WriteFile): the text names the file;
/// - [`Transport`](ErrorKind::Transport), [`Server`](ErrorKind::Server): a file did not arrive whole. Those
///   before it are saved.
///
/// # Cancel safety
/// When the future is dropped, nothing half-written is left under a final name. Of a long file, what is on the disk
/// stays for another download.
#[must_use = "nothing is fetched until this is awaited"]
pub struct Download {
    client: Client,
    source: Source,
    folder: PathBuf,
    if_exists: IfExists,
    at_once: usize,
    observer: SyncWrapper<Observer>,
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
        let if_exists = IfExists::default();
        let observer: Observer = Box::new(|_| {});
        Self { client, source, folder, if_exists, at_once: AT_ONCE, observer: SyncWrapper::new(observer) }
    }

    /// Sets what to do with an output whose file is there already; the default is to fail.
    pub const fn if_exists(mut self, if_exists: IfExists) -> Self {
        self.if_exists = if_exists;
        self
    }

    /// Sets how many outputs are fetched at once, from 1 to 256; the default is 8.
    pub fn at_once(mut self, outputs: usize) -> Self {
        self.at_once = outputs.clamp(1, MAX_AT_ONCE);
        self
    }

    /// Calls `observer` as the bytes arrive.
    pub fn observe(mut self, observer: impl FnMut(DownloadProgress<'_>) + Send + 'static) -> Self {
        self.observer = SyncWrapper::new(Box::new(observer));
        self
    }

    async fn save(self) -> Result<Vec<SavedFile>, Error> {
        let Self { client, source, folder, if_exists, at_once, observer } = self;
        let run = match source {
            Source::Run(run) => *run,
            Source::Handle(handle) => handle.get().await?,
        };
        let jobs = jobs(outputs(&run)?, &folder, if_exists)?;
        let all = All { client: &client, files: jobs.len(), observer: Mutex::new(observer.into_inner()) };
        // Two outputs of one run never take each other's place: the second comes when the first has its name.
        let (doubled, first): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.is_doubled);
        let mut saved: Vec<(usize, SavedFile)> =
            stream::iter(first).map(|job| all.save(job)).buffer_unordered(at_once).try_collect().await?;
        for job in doubled {
            saved.push(all.save(job).await?);
        }
        saved.sort_by_key(|(index, _)| *index);
        Ok(saved.into_iter().map(|(_, file)| file).collect())
    }
}

/// One output to save.
struct Job {
    index: usize,
    output: OutputFile,
    name: String,
    path: PathBuf,
    if_exists: IfExists,
    is_doubled: bool,
}

/// What all of them share.
struct All<'a> {
    client: &'a Client,
    files: usize,
    observer: Mutex<Observer>,
}

impl All<'_> {
    async fn save(&self, job: Job) -> Result<(usize, SavedFile), Error> {
        let Job { index, output, name, path, if_exists, .. } = job;
        let (file, files) = (index + 1, self.files);
        let mut report = |bytes, total_bytes| {
            let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
            observer(DownloadProgress { file, files, name: &name, bytes, total_bytes });
        };
        let placed = save::save(self.client, &output, &path, if_exists, &mut report).await?;
        let (path, size_bytes, was_there) = (placed.path, placed.size_bytes, placed.was_there);
        Ok((index, SavedFile { path, size_bytes, was_there, output }))
    }
}

/// What is to be saved where, before anything is fetched.
fn jobs(outputs: Vec<OutputFile>, folder: &Path, if_exists: IfExists) -> Result<Vec<Job>, Error> {
    let mut taken = HashSet::new();
    let job = |(index, output): (usize, OutputFile)| {
        let (name, path) = place(&output, folder)?;
        let is_doubled = !taken.insert(path.clone());
        let if_exists = if is_doubled { IfExists::KeepBoth } else { if_exists };
        Ok(Job { index, output, name, path, if_exists, is_doubled })
    };
    outputs.into_iter().enumerate().map(job).collect()
}

/// Where an output is fetched.
fn url_of(output: &OutputFile) -> Result<&Url, Error> {
    output.url.as_ref().ok_or_else(|| {
        let text = format!("the service gives no URL for the output `{}`", output.filename);
        Error::new(ErrorKind::Protocol, text)
    })
}

fn keeps_changing(purpose: &str) -> Error {
    let text = format!("the output became another one while it was fetched, so {purpose}");
    Error::new(ErrorKind::Unexpected, text)
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
