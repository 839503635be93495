//! Run ComfyUI prompts from Rust, on the hosted service [ComfyICU](https://comfy.icu) or on a server of
//! your own: submit, wait, save the outputs.
//!
//! ```
//! use std::time::Duration;
//!
//! use comfyicu_client::Client;
//! use comfyicu_model::{Accelerator, Prompt, WorkflowId};
//!
//! # #[derive(Debug)]
//! # struct Service;
//! # #[async_trait::async_trait]
//! # impl comfyicu_transport::HttpTransport for Service {
//! #     async fn send(
//! #         &self,
//! #         request: comfyicu_transport::Request,
//! #     ) -> Result<comfyicu_transport::Response, comfyicu_transport::TransportError> {
//! #         Ok(http::Response::new(if request.method() == "POST" {
//! #             r#"{"id": "APCmAT2lf8O6sAgk2Svf2"}"#.into()
//! #         } else {
//! #             r#"{"id": "APCmAT2lf8O6sAgk2Svf2", "status": "COMPLETED", "output": []}"#.into()
//! #         }))
//! #     }
//! # }
//! #
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let transport = std::sync::Arc::new(Service);
//! let client = Client::builder()
//!     .base_url("http://127.0.0.1:8288") // a server of your own; without it, the hosted service
//!     .api_key("the key")
//! #   .transport(transport)
//!     .build()?;
//!
//! let mut prompt = Prompt::parse(br#"{"9": {"class_type": "SaveImage", "inputs": {}}}"#)?;
//! prompt.set("9.filename_prefix", "fox")?;
//!
//! let handle = client.workflow(WorkflowId::parse("default")?).run(prompt).accelerator(Accelerator::L4).await?;
//! let run = handle.wait().max_wait(Duration::from_secs(600)).await?;
//! for file in client.download(run, "outputs").await? {
//!     println!("{}", file.path.display());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`]: where the service is and the key; [`Client::from_env`] takes both from the environment.
//! - [`Workflow::run`] → [`SubmitRun`] → [`RunHandle`]: a run is submitted once, or the error says that it is not
//!   known.
//! - [`Workflow::runs`] → [`ListRuns`]: runs as a stream. [`RunHandle::cancel`] cancels one, where the server can.
//! - [`RunHandle::wait`] → [`Wait`]: bounded, told or polled. [`WaitError`] keeps the run that failed.
//! - [`RunHandle::events`] → [`Events`]: statuses, nodes, progress as a stream; [`Workflow::events`] →
//!   [`WorkflowEvents`]: those of all runs of a workflow.
//! - [`Client::download`] → [`Download`]: outputs on disk, each whole or not at all.
//! - [`Workflow::batch`] → [`Batch`]: many prompts, with a manifest that resumes.
//! - [`Client::upload`] → [`Upload`]: local files, where the server takes them (an extension of the
//!   self-hosted server).
//! - [`Client::object_info`], [`Client::object_info_of`]: node definitions, to [check](SubmitRun::check) prompts
//!   against before they are sent; any ComfyUI has them.
//! - [`WebhookReceiver`], [`WebhookVerifier`], [`WebhookHub`]: webhooks, verified, handed on, joined to waits.
//! - [`Workflow::changes`] → [`Changes`]: what the webhooks of a workflow would tell, on any service;
//!   [`Client::webhook_sender`] delivers it.
//! - [`Error`]: [`ErrorKind`] says what to do about it.
//!
//! Each of these is awaited as it is, and cheap to clone where it is a handle. Everything that is sent goes
//! through one [`HttpTransport`](comfyicu_transport::HttpTransport), so a test puts its own in place, as the
//! example above does.
//!
//! Features: `reqwest` (default) brings the transport that is used when none is given, `platform-roots` (default)
//! and `bundled-roots` say whom its TLS believes, `axum` makes a route of a [`WebhookReceiver`]. A tokio runtime is
//! needed, for time and files; none is started.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
mod batch;
mod builder;
mod capabilities;
mod client;
mod download;
mod endpoint;
mod env;
mod error;
#[cfg(test)]
mod fake;
mod hex;
mod key;
mod object_info;
mod raw;
mod run;
mod send;
mod sse;
mod upload;
mod webhook;
mod workflow;

pub use batch::{Batch, BatchItem, BatchProgress, BatchResult, BatchStream, OnError, Sweep, SweepError};
pub use builder::{ClientBuilder, DEFAULT_TIMEOUT, HOSTED_BASE_URL};
pub use capabilities::{Capabilities, Extension};
pub use client::Client;
pub use download::{Download, DownloadProgress, IfExists, SavedFile};
pub use env::{API_KEY_VARIABLE, BASE_URL_VARIABLE};
pub use error::{ApiError, CheckFailed, Error, ErrorKind, ProtocolError};
pub use key::{ApiKey, InvalidApiKey};
pub use object_info::OBJECT_INFO_AGE;
pub use run::{
    ChangeStream, Changes, DEFAULT_MAX_WAIT, DEFAULT_SEARCH_TIME, EventStream, Events, FailedRun, GaveUp,
    IfUnknown, InvalidSubmitKey, ListRuns, POLL_FAILURE_TOLERANCE, PollSchedule, RunEvent, RunEventKind,
    RunHandle, RunStream, SubmitKey, SubmitRun, Wait, WaitBound, WaitError, WorkflowEvent,
    WorkflowEventStream, WorkflowEvents,
};
pub use upload::{Upload, UploadProgress, Uploaded};
pub use webhook::{
    InvalidWebhookSecret, ReceivedWebhook, WebhookAnswer, WebhookAttempt, WebhookError, WebhookHub,
    WebhookReceiver, WebhookSecret, WebhookSender, WebhookVerifier, Webhooks, webhook_headers,
};
pub use workflow::Workflow;

/// The README's example compiles.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests {
    use super::*;

    const fn check<T: Send + Sync>() {}
    const fn check_send<T: Send>() {}

    /// Values go between threads and can be shared between them; futures are only awaited.
    #[test]
    fn everything_goes_between_threads() {
        const {
            check::<Client>();
            check::<ClientBuilder>();
            check::<Workflow>();
            check::<RunHandle>();
            check::<SubmitRun>();
            check::<Error>();
            check::<WaitError>();
            check::<Wait>();
            check::<Events>();
            check::<EventStream>();
            check::<WorkflowEvents>();
            check::<WorkflowEventStream>();
            check::<WorkflowEvent>();
            check::<RunEvent>();
            check::<ListRuns>();
            check::<RunStream>();
            check::<Batch>();
            check::<BatchItem>();
            check::<BatchResult>();
            check::<BatchStream>();
            check::<WebhookHub>();
            check::<WebhookReceiver>();
            check::<WebhookVerifier>();
            check::<Webhooks>();
            check::<ReceivedWebhook>();
            check::<Download>();
            check::<SavedFile>();
            check::<Upload>();
            check::<Uploaded>();
            check::<Capabilities>();
            check::<ApiError>();
            check::<ProtocolError>();
            check::<CheckFailed>();
            check_send::<<SubmitRun as IntoFuture>::IntoFuture>();
            check_send::<<Wait as IntoFuture>::IntoFuture>();
            check_send::<<Download as IntoFuture>::IntoFuture>();
            check_send::<<Upload as IntoFuture>::IntoFuture>();
        }
        assert!(size_of::<Error>() <= 16 && size_of::<WaitError>() <= 16);
    }
}
