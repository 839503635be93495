//! One run on one ComfyUI: its files placed, its prompt submitted and followed, its outputs collected.

use std::sync::Arc;

use comfyicu_model::{Finding, NodeId, ObjectInfo};
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, Slot};
use super::client::{Accepted, Ending, Failure, HistoryEntry, PromptRequest, Upload};
use super::follow::Follower;
use super::message::SocketEvent;
use super::metadata::Restorer;
use super::models::{InUse, PlaceError};
use super::outputs::{self, CollectError};
use super::plan::{Placed, Plan};
use super::progress::Progress;
use super::sockets::Listener;
use super::withdraw::Given;
use super::{ComfyError, uuid, with_causes};
use crate::{Event, EventSink, ExecutionError, Job, NodeFailure, OutputSink, Ticket};

/// How often it is looked whether a prompt arrived whose answer was lost, and after which pauses.
const ARRIVAL_PAUSES_MS: [u64; 3] = [100, 500, 2000];

/// The most blocked nodes that are told.
const FAILURES: usize = 100;

/// Why a run has not ended well on one ComfyUI.
#[derive(Debug)]
pub(super) enum Fault {
    /// The ComfyUI is gone, or in trouble; another one may do it.
    Lost(String),
    /// The same, but some outputs were saved already: it begins anew or not at all.
    LostHalfway(String),
    /// The run has ended.
    Ended(ExecutionError),
}

impl From<ExecutionError> for Fault {
    fn from(error: ExecutionError) -> Self {
        Self::Ended(error)
    }
}

impl From<ComfyError> for Fault {
    fn from(error: ComfyError) -> Self {
        Self::Lost(with_causes(&error))
    }
}

/// What an attempt is made of.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) backend: &'a Arc<Backend>,
    pub(super) job: &'a Job,
    pub(super) definitions: Option<Arc<ObjectInfo>>,
    pub(super) events: &'a dyn EventSink,
    pub(super) outputs: &'a dyn OutputSink,
}

impl Attempt<'_> {
    /// Runs the plan to its end. The right to begin another run is given back as soon as ComfyUI is done with this one.
    pub(super) async fn run(
        &self,
        mut plan: Plan,
        (slot, ticket): (Slot, &mut Ticket),
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let prompt_id = uuid();
        let given = Given::new(self.backend.client.clone(), prompt_id.clone(), slot);
        let entry = {
            let work = self.work(&mut plan, &prompt_id);
            tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                entry = work => Some(entry),
            }
        };
        let Some(entry) = entry else {
            given.withdraw().await;
            return Err(ExecutionError::Cancelled.into());
        };
        // What failed may still be there, and is taken back.
        let entry = entry?;
        given.ended();
        *ticket = Ticket::default();
        let collected = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ExecutionError::Cancelled.into()),
            collected = self.collect(&plan, entry) => collected,
        };
        self.tidy_up(&plan, &prompt_id).await;
        collected
    }

    /// Leaves nothing of the run with ComfyUI that can be taken back.
    async fn tidy_up(&self, plan: &Plan, prompt_id: &str) {
        self.backend.remove_outputs(plan.names.folder());
        if self.has_tokens() {
            // Some versions show the tokens to everybody who asks for the history.
            if let Err(error) = self.backend.client.delete_history(prompt_id).await {
                tracing::warn!(comfyui = self.backend.name, %error, "a prompt with tokens stays in the history");
            }
        }
    }

    fn has_tokens(&self) -> bool {
        !self.job.secrets.expose().is_empty()
    }

    /// Until the prompt has ended on ComfyUI.
    async fn work(&self, plan: &mut Plan, prompt_id: &str) -> Result<HistoryEntry, Fault> {
        let _models = self.place_models(plan).await?;
        let (listener, placed) =
            tokio::join!(self.backend.sockets.take(&self.backend.client), self.place(plan));
        placed?;
        let Listener { client_id, socket } = listener;
        let accepted = self.submit_or_place_again(plan, prompt_id, &client_id).await?;
        if !accepted.node_errors.is_empty() {
            let findings = accepted.node_errors.findings().iter().cloned();
            let findings = findings.map(|finding| plan.names.restored_finding(finding)).collect();
            self.events.emit(Event::OutputsRefused { findings });
        }
        let definitions = self.definitions.as_deref();
        let mut progress = Progress::new(&self.job.prompt, definitions, &plan.names, self.events);
        let follower = Follower::new(&self.backend.client, (&client_id, &accepted.prompt_id), socket)
            .until_put_away(self.has_tokens());
        let mut failures = Vec::new();
        let ended = follower.end(|event| {
            progress.take(event);
            if let SocketEvent::Failed(failure) = event
                && failures.len() < FAILURES
            {
                failures.push(failure.clone());
            }
        });
        let (entry, socket) = ended.await.map_err(|lost| Fault::Lost(with_causes(&lost)))?;
        self.backend.sockets.put_back(Listener { client_id, socket });
        if entry.ending == Ending::Success {
            // A blocked node is told as a failure, and the prompt goes on without it.
            for failure in failures {
                let failure = self.failure(plan, &progress, *failure);
                self.events.emit(Event::NodeBlocked { node_id: failure.node_id, message: failure.message });
            }
        }
        Ok(entry)
    }

    /// The inputs that were there may have gone; then once more, with all of them placed anew.
    async fn submit_or_place_again(
        &self,
        plan: &mut Plan,
        prompt_id: &str,
        client_id: &str,
    ) -> Result<Accepted, Fault> {
        match self.submit(plan, prompt_id, client_id).await {
            Err(Fault::Ended(ExecutionError::Refused(_))) if !plan.shared.is_empty() => {
                self.backend.forget_inputs();
                self.place(plan).await?;
                self.submit(plan, prompt_id, client_id).await
            }
            submitted => submitted,
        }
    }

    /// Links the models of the run into ComfyUI's folder. They are the run's for as long as what is given lives.
    async fn place_models(&self, plan: &Plan) -> Result<Option<InUse>, Fault> {
        if plan.models.is_empty() {
            return Ok(None);
        }
        let Some(models) = &self.backend.models else {
            let message = "the ComfyUI behind this server takes no models over the network";
            return Err(refused("model_files_not_supported", message));
        };
        let (in_use, replaced) = models.place(&plan.models).await.map_err(|error| match error {
            PlaceError::Taken(_) => refused("model_name_taken", error.to_string()),
            PlaceError::Io { .. } => Fault::LostHalfway(with_causes(&error)),
        })?;
        if replaced {
            // ComfyUI keeps what a loader gave by the name alone.
            self.backend.client.free(true, true).await?;
        }
        Ok(Some(in_use))
    }

    /// Puts the files of the run where ComfyUI finds them.
    async fn place(&self, plan: &mut Plan) -> Result<(), Fault> {
        for placed in plan.shared.clone() {
            let stored = if let Some(stored) = self.backend.stored_input(&placed.name) {
                stored
            } else {
                let upload = Upload::new(&placed.file.path, placed.file.size_bytes, &placed.name);
                let stored = self.upload(&placed, upload).await?;
                self.backend.note_input(placed.name.clone(), stored.clone());
                stored
            };
            plan.rename(&placed.name, &stored);
        }
        for placed in &plan.plain {
            let (folder, name) = placed.name.rsplit_once('/').unwrap_or(("", &placed.name));
            let upload = Upload::new(&placed.file.path, placed.file.size_bytes, name);
            self.upload(placed, upload.subfolder(folder).overwrite()).await?;
        }
        Ok(())
    }

    async fn upload(&self, placed: &Placed, upload: Upload) -> Result<String, Fault> {
        match self.backend.client.upload(upload).await {
            Ok(stored) => Ok(stored.name),
            Err(ComfyError::Status { status: 413, .. }) => {
                let message = format!(
                    "the file {} has {} bytes, and ComfyUI takes no upload of that size: start it with a larger --max-upload-size (in MB), or use a smaller file",
                    placed.name, placed.file.size_bytes
                );
                Err(refused("input_too_large", message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives ComfyUI the prompt. Where the answer is lost, its queue and its history say whether it arrived.
    async fn submit(&self, plan: &Plan, prompt_id: &str, client_id: &str) -> Result<Accepted, Fault> {
        let mut extra_data = self.job.secrets.expose().clone();
        if !self.job.extra_pnginfo.is_empty() {
            extra_data.insert("extra_pnginfo", self.job.extra_pnginfo.clone());
        }
        let request = PromptRequest::new(prompt_id, &plan.prompt).client_id(client_id).extra_data(extra_data);
        let error = match self.backend.client.submit(request).await {
            Ok(accepted) => return Ok(accepted),
            Err(ComfyError::Rejected(rejection)) => {
                let findings = rejection.findings().into_iter();
                let findings = findings.map(|finding| plan.names.restored_finding(finding)).collect();
                return Err(ExecutionError::Refused(findings).into());
            }
            Err(ComfyError::Status { status: 413, .. }) => {
                return Err(refused("prompt_too_large", "the prompt is larger than ComfyUI takes"));
            }
            Err(error) => error,
        };
        if !error.is_unsent()
            && !matches!(error, ComfyError::Status { .. })
            && self.has_arrived(prompt_id).await
        {
            return Ok(Accepted::of(prompt_id));
        }
        Err(error.into())
    }

    async fn has_arrived(&self, prompt_id: &str) -> bool {
        for pause in ARRIVAL_PAUSES_MS {
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            let queued = self.backend.client.queue().await.is_ok_and(|queue| queue.has(prompt_id));
            if queued || matches!(self.backend.client.history(prompt_id).await, Ok(Some(_))) {
                return true;
            }
        }
        false
    }

    /// Saves what the run made, where it ended well.
    async fn collect(&self, plan: &Plan, entry: HistoryEntry) -> Result<(), Fault> {
        let silent = crate::NoEvents;
        let definitions = self.definitions.as_deref();
        match entry.ending {
            Ending::Success => {}
            Ending::Failed(failure) => {
                if is_out_of_memory(&failure) {
                    // Others would run out of it too.
                    self.backend.free_soon();
                }
                let progress = Progress::new(&self.job.prompt, definitions, &plan.names, &silent);
                return Err(ExecutionError::Node(Box::new(self.failure(plan, &progress, *failure))).into());
            }
            Ending::Interrupted(at) => {
                let message = "somebody interrupted the run on ComfyUI";
                let node_id = at.node_id.unwrap_or_else(|| NodeId::from(""));
                let class = at.node_type.unwrap_or_default();
                let failure = NodeFailure::new(node_id, class, "InterruptProcessingException", message);
                return Err(ExecutionError::Node(Box::new(failure)).into());
            }
        }
        let progress = Progress::new(&self.job.prompt, definitions, &plan.names, self.events);
        for output in &entry.outputs {
            if let Some(texts) = output.ui.get("text") {
                progress.texts(&output.node_id, texts);
            }
        }
        let mut saved = outputs::list(&entry.outputs, &plan.names).map_err(|bad| {
            let class = progress.class(&bad.node_id).unwrap_or_default();
            let message = format!("it saved a file under a name that cannot be kept: {:?}", bad.name);
            ExecutionError::Node(Box::new(NodeFailure::new(bad.node_id, class, "ValueError", message)))
        })?;
        for file in &mut saved {
            file.node_id = progress.own(&file.node_id, None);
        }
        let there = self.backend.shelf();
        let restorer = Restorer::new(&plan.prompt, &plan.names);
        outputs::collect(&there, saved, restorer, self.outputs).await.map_err(|error| match error {
            CollectError::Comfy(reason) => Fault::LostHalfway(reason),
            CollectError::Save(error) => Fault::Ended(error.into()),
        })
    }

    /// The failure of a node, in the user's terms.
    fn failure(&self, plan: &Plan, progress: &Progress<'_>, failure: Failure) -> NodeFailure {
        let node_id = progress.own(&failure.node_id, None);
        let class = progress.class(&node_id).map_or(failure.node_type.clone(), str::to_owned);
        let mut message = plan.names.restored(&failure.message);
        if is_out_of_memory(&failure) {
            message = format!(
                "{} ran out of memory; a smaller image or batch, or an accelerator with more memory, may do: {message}",
                self.backend.name
            );
        }
        let traceback = failure.traceback.iter().map(|line| plan.names.restored(line)).collect();
        NodeFailure::new(node_id, class, failure.exception_type, message).traceback(traceback)
    }
}

/// The end of a run that is not taken, and why.
fn refused(code: &'static str, message: impl Into<String>) -> Fault {
    ExecutionError::Refused(vec![Finding::new(code, message)]).into()
}

/// Whether a node failed for want of memory, on a GPU or beside it.
fn is_out_of_memory(failure: &Failure) -> bool {
    let kind = &failure.exception_type;
    let said =
        ["CUDA out of memory", "can't allocate memory", "Allocation on device", "Cannot allocate memory"];
    kind.ends_with("OutOfMemoryError")
        || kind == "MemoryError"
        || said.iter().any(|text| failure.message.contains(text))
}
