//! What stands in addresses and headers, for the OpenAPI document. The values are read by the handlers; the
//! tests hold both against each other.

#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "values of these types are never made: the document is made of their fields"
)]

use utoipa::IntoParams;

/// A workflow.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct WorkflowPath {
    /// The workflow; it comes into being with its first run.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    workflow_id: String,
}

/// A run of a workflow.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct RunPath {
    /// The workflow; it comes into being with its first run.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    workflow_id: String,
    /// The run, as create answered it.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    run_id: String,
}

/// A webhook message of a run.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct DeliveryPath {
    /// The workflow; it comes into being with its first run.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    workflow_id: String,
    /// The run, as create answered it.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    run_id: String,
    /// The message, as the list of deliveries has it.
    delivery_id: String,
}

/// An uploaded file.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct UploadPath {
    /// The SHA-256 digest of the bytes.
    #[param(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// An input of a workflow.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct InputPath {
    /// The workflow.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    workflow_id: String,
    /// The destination of the file below `/input/`; it may hold slashes.
    path: String,
}

/// An output of a run.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::api) struct OutputParts {
    /// The workflow.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    workflow_id: String,
    /// The run.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    run_id: String,
    /// The name of the file below the output folder; it may hold slashes.
    path: String,
}

/// Which part or version of a file is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::api) struct FileHeaders {
    /// A part of the file, such as `bytes=0-99`.
    #[param(rename = "Range", nullable = false)]
    range: Option<String>,
    /// The file only if it is another version than this `ETag`.
    #[param(rename = "If-None-Match", nullable = false)]
    if_none_match: Option<String>,
}

/// What makes a create safe to send again.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::api) struct IdempotencyKey {
    /// For 24 hours the same key and body get the first answer, and make no second run. An extension.
    #[param(rename = "Idempotency-Key", nullable = false, pattern = "^[!-~]{1,255}$")]
    idempotency_key: Option<String>,
}

/// Where a stream of events goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::api) struct LastEventId {
    /// The last event that was seen: the stream begins behind it. `0` is before all that was written down.
    #[param(rename = "Last-Event-ID", nullable = false, pattern = "^(0|[0-9a-f]{16})$")]
    last_event_id: Option<String>,
}
