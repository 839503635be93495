//! Submitting a run.

mod key;
mod marker;
mod prepare;
mod settle;

pub use key::{InvalidSubmitKey, SubmitKey};
pub(crate) use settle::find_submitted;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::json::Object;
use comfyicu_model::{Accelerator, DestPath, Files, ObjectInfo, Prompt, RunRequest, WorkflowId};
use url::Url;

use crate::client::Client;
use crate::endpoint;
use crate::error::Error;
use crate::run::RunHandle;
use prepare::{LocalFile, placeholders, refuse_errors, upload};
use settle::Submission;

/// How long a run is looked for whose submit may have been received: creating one has taken 45 s.
pub const DEFAULT_SEARCH_TIME: Duration = Duration::from_secs(60);

/// What to do when it cannot be found out whether a submit was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfUnknown {
    /// It is an error that says so: [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown).
    #[default]
    Fail,
    /// Submit once more, with the same key. There may be two runs then, and both cost.
    Resubmit,
}

/// A run to be submitted: what is sent is set here, and sent when this is awaited. It gives the
/// [`RunHandle`].
///
/// # Once, or it says that it does not know
/// A run costs money, so a submit is sent again only while the service has certainly not acted on it. When its
/// answer is lost, what happens depends on the service:
///
/// - A server with idempotency keys (an extension) gets the same submit with the same [`SubmitKey`] again, and
///   makes one run of it, however often it arrives. The key stands in `extra_data`, too, to look for the run later.
/// - Any other service gets a marker with each submit: the key, in the `_meta` of the first node and in
///   `extra_data`, where it stays in the run's `data` and no node sees it. The newest runs of the workflow are
///   searched for it for [`DEFAULT_SEARCH_TIME`]. The run that is found is the one that was submitted. When
///   none is found, the outcome is unknown, and the error has the key
///   ([`Error::submit_key`]) to look for it later. [`if_unknown`](Self::if_unknown) can ask for more.
///
/// # Errors
/// - [`Rejected`](crate::ErrorKind::Rejected): the prompt or the files must change; [`Error::findings`] has what a
///   [`check`](Self::check), or the server, found;
/// - [`Unsupported`](crate::ErrorKind::Unsupported), [`ReadFile`](crate::ErrorKind::ReadFile): a
///   [`local_file`](Self::local_file) cannot be handed over, or not be read;
/// - [`KeyMissing`](crate::ErrorKind::KeyMissing), [`Unauthorized`](crate::ErrorKind::Unauthorized): the key;
/// - [`Transport`](crate::ErrorKind::Transport), [`Server`](crate::ErrorKind::Server): later, but when
///   [`may_have_been_applied`](Error::may_have_been_applied) says so, the run may exist all the same;
/// - [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): the run was looked for and not found.
///
/// # Cancel safety
/// When the future is dropped before it ends, the run may have been submitted. Set the [`key`](Self::key)
/// beforehand to be able to find out.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct SubmitRun {
    client: Client,
    workflow_id: WorkflowId,
    prompt: Prompt,
    files: Files,
    local_files: Vec<LocalFile>,
    check: Option<Arc<ObjectInfo>>,
    accelerator: Option<Accelerator>,
    webhook: Option<Url>,
    extra_data: Option<Object>,
    key: Option<SubmitKey>,
    has_marker: bool,
    search_time: Duration,
    if_unknown: IfUnknown,
}

impl SubmitRun {
    pub(crate) fn new(client: Client, workflow_id: WorkflowId, prompt: Prompt) -> Self {
        Self {
            client,
            workflow_id,
            prompt,
            files: Files::new(),
            local_files: Vec::new(),
            check: None,
            accelerator: None,
            webhook: None,
            extra_data: None,
            key: None,
            has_marker: true,
            search_time: DEFAULT_SEARCH_TIME,
            if_unknown: IfUnknown::default(),
        }
    }

    /// Adds a file that the run needs: where it goes, and where the service gets it from.
    pub fn file(mut self, path: DestPath, source: Url) -> Self {
        self.local_files.retain(|file| file.path != path);
        self.files.insert(path, source);
        self
    }

    /// Adds a file of this machine: where it goes, and where it is. It is uploaded before the run is submitted,
    /// unless the server has its bytes already; nothing is read or sent before this is awaited.
    ///
    /// Uploads are an extension of the self-hosted server. The hosted service takes URLs only, and the error says
    /// so ([`Unsupported`](crate::ErrorKind::Unsupported)). [`Client::upload`] does the same by hand, and tells how
    /// far it is.
    pub fn local_file(mut self, path: DestPath, source: impl Into<PathBuf>) -> Self {
        self.local_files.retain(|file| file.path != path);
        self.local_files.push(LocalFile { path, source: source.into() });
        self
    }

    /// Sets all files at once, in place of those set before.
    pub fn files(mut self, files: Files) -> Self {
        self.files = files;
        self.local_files.clear();
        self
    }

    /// Checks the request against node definitions before anything is sent, as
    /// [`RunRequest::check_with`] does: the prompt, and whether the files that it names are there. What it finds
    /// to be wrong is an error ([`Rejected`](crate::ErrorKind::Rejected)) with all findings
    /// ([`Error::findings`]); what it only warns of is not.
    ///
    /// [`Client::cached_object_info`] has the definitions of a server that tells them;
    /// [`Client::object_info_of`] those of any ComfyUI.
    ///
    /// ```no_run
    /// # use comfyicu_client::{Error, RunHandle, Workflow};
    /// # use comfyicu_model::Prompt;
    /// # async fn example(workflow: Workflow, prompt: Prompt) -> Result<RunHandle, Error> {
    /// let definitions = workflow.client().cached_object_info().await?;
    /// let submitted = workflow.run(prompt).check(definitions).await;
    /// if let Err(error) = &submitted {
    ///     error.findings().iter().for_each(|finding| println!("{finding}"));
    /// }
    /// # submitted
    /// # }
    /// ```
    pub fn check(mut self, object_info: impl Into<Arc<ObjectInfo>>) -> Self {
        self.check = Some(object_info.into());
        self
    }

    /// Asks for an accelerator; without one the service chooses.
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// Sets the URL that is notified when the run starts and ends.
    pub fn webhook(mut self, webhook: Url) -> Self {
        self.webhook = Some(webhook);
        self
    }

    /// Sets what ComfyUI calls extra data; `extra_pnginfo.workflow` in it goes into the images.
    pub fn extra_data(mut self, extra_data: Object) -> Self {
        self.extra_data = Some(extra_data);
        self
    }

    /// Sets what the submit is known by; without it, a new one is drawn. The same key with another prompt is an
    /// error on a server with idempotency keys.
    pub fn key(mut self, key: SubmitKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sends the prompt as it is, without the marker. A submit whose answer is lost cannot be looked for then,
    /// except on a server with idempotency keys.
    pub const fn without_marker(mut self) -> Self {
        self.has_marker = false;
        self
    }

    /// Sets how long a run is looked for whose submit may have been received; the default is
    /// [`DEFAULT_SEARCH_TIME`]. With no time at all it is not looked for.
    pub const fn search_time(mut self, search_time: Duration) -> Self {
        self.search_time = search_time;
        self
    }

    /// Sets what to do when it cannot be found out whether the submit was received; the default is to fail.
    pub const fn if_unknown(mut self, if_unknown: IfUnknown) -> Self {
        self.if_unknown = if_unknown;
        self
    }

    /// The body that will be sent, but for the marker and for the [local files](Self::local_file), whose URLs are
    /// known when they are uploaded.
    pub fn to_request(&self) -> RunRequest {
        let mut request = RunRequest::new(self.prompt.clone()).workflow_id(self.workflow_id.clone());
        request = request.files(self.files.clone());
        if let Some(accelerator) = &self.accelerator {
            request = request.accelerator(accelerator.clone());
        }
        if let Some(webhook) = &self.webhook {
            request = request.webhook(webhook.clone());
        }
        if let Some(extra_data) = &self.extra_data {
            request = request.extra_data(extra_data.clone());
        }
        request
    }

    async fn send(self) -> Result<RunHandle, Error> {
        let request = self.to_request();
        endpoint::check_finite(&request)?;
        if let Some(object_info) = &self.check {
            let files = placeholders(&self.client, self.files.clone(), &self.local_files);
            refuse_errors(request.clone().files(files).check_with(object_info))?;
        }
        let request = request.files(upload(&self.client, self.files, self.local_files).await?);
        let key = self.key.map_or_else(SubmitKey::random, Ok)?;
        let submission = Submission {
            workflow: self.client.workflow(self.workflow_id),
            body: request.to_object(),
            key,
            has_marker: self.has_marker,
            search_time: self.search_time,
        };
        submission.settle(self.if_unknown).await
    }
}

impl IntoFuture for SubmitRun {
    type Output = Result<RunHandle, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

#[cfg(test)]
mod tests;
