//! What bodies look like, for the OpenAPI document. The bodies themselves are written and read without loss, by
//! hand; the tests hold answers against these.

#![expect(
    dead_code,
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "values of these types are never made: the document is made of their fields"
)]

use std::collections::BTreeMap;

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::outputs::THUMBNAIL_SIZES;

/// What is wrong.
#[derive(ToSchema)]
pub(in crate::api) struct Error {
    error: ErrorDetail,
}

/// What is wrong, and what to do about it.
#[derive(ToSchema)]
struct ErrorDetail {
    /// What kind of error it is, for programs.
    code: String,
    /// What is wrong, for people.
    message: String,
    /// Everything that was found, where a run is refused.
    #[schema(required, max_items = 100)]
    details: Option<Vec<Finding>>,
    /// The id of the request, as it stands in the log of the server.
    request_id: String,
}

/// Something that was found in a request.
#[derive(ToSchema)]
struct Finding {
    /// What kind of thing it is: ComfyUI's own name where it has one.
    code: String,
    severity: Severity,
    /// What is wrong, in one clause.
    message: String,
    /// The node it is about.
    #[schema(nullable = false)]
    node_id: Option<String>,
    #[schema(nullable = false)]
    class_type: Option<String>,
    #[schema(nullable = false)]
    title: Option<String>,
    /// The input it is about.
    #[schema(nullable = false)]
    input: Option<String>,
    /// What to do about it.
    #[schema(nullable = false)]
    suggestion: Option<String>,
}

/// How bad a finding is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum Severity {
    Warning,
    Error,
}

/// A run to be created. Other keys are kept, and come back in the `data` of the run.
#[derive(ToSchema)]
pub(in crate::api) struct CreateRun {
    prompt: Prompt,
    /// Where files come from: destination paths below `/input/` or `/models/…/`, each with a URL.
    files: Option<BTreeMap<String, String>>,
    /// Which URL is told of the start and the end; an empty text is none.
    #[schema(pattern = "^(https?://.+)?$")]
    webhook: Option<String>,
    /// What the run is to be executed on; see the `accelerators` of the capabilities.
    accelerator: Option<String>,
    /// The workflow of the path, if it is named at all.
    #[schema(pattern = "^([A-Za-z0-9_-]{1,64})?$")]
    workflow_id: Option<String>,
    /// What goes into the images beside the prompt: `extra_pnginfo`.
    #[schema(value_type = Option<Object>)]
    extra_data: Option<()>,
}

/// A prompt, in ComfyUI's API format: node ids, each with its node. At least one is needed.
struct Prompt;

impl PartialSchema for Prompt {
    fn schema() -> RefOr<Schema> {
        let nodes = ObjectBuilder::new().min_properties(Some(1)).property_names(None::<Schema>);
        let nodes = nodes.additional_properties(Some(Ref::from_schema_name("Node")));
        nodes.description(Some("In ComfyUI's API format: node ids, each with its node")).into()
    }
}

impl ToSchema for Prompt {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Node".to_owned(), Node::schema()));
    }
}

/// A node of a prompt.
#[derive(ToSchema)]
struct Node {
    class_type: String,
    /// Values, and links to other nodes: `[node id, output]`.
    #[schema(value_type = Object)]
    inputs: (),
}

/// What create answers: the new run, or with `check=only` what was found.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum CreateAnswer {
    Created(Created),
    Checked(Checked),
}

/// A run that was taken in.
#[derive(ToSchema)]
pub(in crate::api) struct Created {
    id: String,
}

/// A run that could be taken in.
#[derive(ToSchema)]
pub(in crate::api) struct Checked {
    /// What it would be executed on.
    accelerator: String,
    /// What may not be as it was meant.
    findings: Vec<Finding>,
}

/// A run. It has a few more fields than these, which are the hosted service's.
#[derive(ToSchema)]
pub(in crate::api) struct Run {
    id: String,
    workflow_id: String,
    status: RunStatus,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(required, format = DateTime)]
    started_at: Option<String>,
    #[schema(required, format = DateTime)]
    completed_at: Option<String>,
    /// Milliseconds of execution.
    run_time: u64,
    /// What was submitted.
    #[schema(value_type = Object)]
    data: (),
    /// The `files` that were submitted.
    #[schema(value_type = Object)]
    files: (),
    #[schema(required)]
    output: Option<RunOutput>,
    accelerator: String,
    #[schema(required)]
    device: Option<String>,
    #[schema(required)]
    webhook: Option<String>,
    /// How often it was begun again.
    retry_count: u32,
    /// The classes, checkpoints and notes of the prompt.
    #[schema(value_type = Object)]
    metadata: (),
    x: Costs,
}

/// Where a run is in its life.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
enum RunStatus {
    Queued,
    Started,
    Completed,
    Error,
    Cancelled,
}

/// What came of a run: its files, or an account of what went wrong.
#[derive(ToSchema)]
#[serde(untagged)]
enum RunOutput {
    Files(Vec<OutputFile>),
    Failure(Failure),
}

/// A file that a run made.
#[derive(ToSchema)]
struct OutputFile {
    /// `/workflows/{workflow_id}/output/{run_id}/` and the path below the output folder.
    filename: String,
    /// Opens without a key, for a while.
    #[schema(format = "uri")]
    url: String,
    /// A small picture, where the output is a picture.
    #[schema(format = "uri")]
    thumbnail_url: String,
}

/// What went wrong.
#[derive(ToSchema)]
struct Failure {
    /// `exception_type`, `exception_message`, `traceback`, and `details` as ComfyUI reports errors.
    #[schema(value_type = Object)]
    error: (),
}

/// What a run cost so far: an extension.
#[derive(ToSchema)]
struct Costs {
    #[schema(required)]
    queue_ms: Option<u64>,
    #[schema(required)]
    download_ms: Option<u64>,
    #[schema(required)]
    execution_ms: Option<u64>,
    /// How many bytes its outputs have.
    #[schema(required)]
    output_bytes: Option<u64>,
    /// By destination path.
    files: BTreeMap<String, FileCost>,
    /// What was not executed, though the run completed.
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    warnings: Option<Vec<()>>,
    /// When its outputs were removed, though the run is kept.
    #[schema(nullable = false, format = DateTime)]
    outputs_removed_at: Option<String>,
}

/// What one file of a run cost.
#[derive(ToSchema)]
struct FileCost {
    bytes: u64,
    #[schema(required)]
    ms: Option<u64>,
    /// Whether nothing was transferred for this run.
    cache_hit: bool,
}

/// A workflow: the runs of one id.
#[derive(ToSchema)]
pub(in crate::api) struct Workflow {
    id: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    tags: Vec<String>,
    is_nsfw: bool,
    visibility: String,
    /// What runs are executed on that ask for nothing.
    accelerator: String,
}

/// What this server offers beyond the hosted service.
#[derive(ToSchema)]
pub(in crate::api) struct Capabilities {
    server: String,
    version: String,
    object_info: bool,
    uploads: bool,
    cancel: bool,
    events: bool,
    deliveries: bool,
    idempotency_keys: bool,
    check_only: bool,
    paging: bool,
    file_pins: bool,
    /// What runs can ask for.
    accelerators: Vec<String>,
    device: String,
    limits: Limits,
}

/// How large things may be.
#[derive(ToSchema)]
struct Limits {
    /// The most bytes of a request to create a run.
    request_bytes: u64,
    /// The most bytes of one file of a run.
    file_bytes: u64,
    /// The most bytes that the outputs of a run may have together.
    output_bytes: u64,
    nodes: u64,
    /// How deep lists and objects may stand in each other.
    depth: u64,
    /// The most files of a run.
    files: u64,
    execution_seconds: u64,
}

/// The sizes that thumbnails can have.
pub(in crate::api) fn thumbnail_size() -> Schema {
    ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(THUMBNAIL_SIZES)).into()
}

/// A form with a file.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct UploadForm {
    /// The bytes; the name of the field does not matter.
    #[schema(content_media_type = "application/octet-stream")]
    file: String,
}

/// Bytes that were stored.
#[derive(ToSchema)]
pub(in crate::api) struct Upload {
    /// The address to give in the `files` of a run.
    #[schema(format = "uri")]
    url: String,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// In bytes.
    size: u64,
}

/// A message to a webhook, and what became of it.
#[derive(ToSchema)]
pub(in crate::api) struct Delivery {
    /// As the header `webhook-id` of the message.
    id: String,
    event: String,
    url: String,
    status: DeliveryStatus,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    attempts: Vec<DeliveryAttempt>,
}

/// What became of a message.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum DeliveryStatus {
    Pending,
    Delivered,
    Failed,
}

/// One attempt to deliver a message.
#[derive(ToSchema)]
struct DeliveryAttempt {
    #[schema(format = DateTime)]
    at: String,
    #[schema(required)]
    duration_ms: Option<u64>,
    /// The status that the receiver answered.
    #[schema(required)]
    status: Option<u16>,
    /// Why there was no answer, or none that counts.
    #[schema(required)]
    error: Option<String>,
}

/// The process answers.
#[derive(ToSchema)]
pub(in crate::api) struct Health {
    status: String,
}

/// Whether runs would be taken in and executed.
#[derive(ToSchema)]
pub(in crate::api) struct Readiness {
    status: String,
    checks: ReadinessChecks,
}

/// What has to be so.
#[derive(ToSchema)]
struct ReadinessChecks {
    store: bool,
    executor: bool,
    accepting: bool,
}
