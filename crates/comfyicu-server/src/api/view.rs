//! `/api/v1/view/…`: the files of runs, to look at.

mod disposition;
mod range;
mod serve;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::response::Response;
use comfyicu_model::{DestPath, OutputPath, RunId, WorkflowId};
use serde::Deserialize;

use super::error::ApiError;
use super::openapi::{
    self, BadRequest, FileHeaders, FileRefused, FileServed, InputPath, KeyRefused, NotFound, OutputParts,
    ThumbnailRefused,
};
use super::{auth, extract};
use crate::api::auth::Caller;
use crate::api::extract::{Path, Query};
use crate::app::App;
use crate::keys::KeyScope;
use crate::outputs::{
    Opened, OutputStore, OutputsError, THUMBNAIL_SIZES, ThumbnailError, Thumbnails, Wanted,
};
use crate::run::{Outcome, RunRecord};
use crate::store::RunKey;
use crate::urls::Access;
use serve::{Served, Source, serve};

/// What stands behind the `?` of an output's address.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OutputQuery {
    /// Until when the signature opens it, in seconds since 1970.
    expires: Option<i64>,
    /// As the `url` of the output has it.
    signature: Option<String>,
    /// How long the longer side of a small picture is, in pixels; without it, the output itself is given.
    #[param(schema_with = openapi::thumbnail_size)]
    thumbnail: Option<u16>,
}

/// Gives an output of a completed run
///
/// For whoever has its signed address, or a key. Do not build the address: the `url` of the output is it. An
/// extension.
#[utoipa::path(
    get,
    path = "/api/v1/view/workflows/{workflow_id}/output/{run_id}/{*path}",
    operation_id = "view_output",
    tag = "files",
    params(OutputParts, OutputQuery, FileHeaders),
    responses(FileServed, KeyRefused, NotFound, BadRequest, FileRefused, ThumbnailRefused)
)]
pub(super) async fn output(
    State(app): State<App>,
    Path((workflow_id, run_id, path)): Path<(String, String, String)>,
    Query(query): Query<OutputQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let (workflow_id, run_id): (WorkflowId, RunId) = (extract::id(&workflow_id)?, extract::id(&run_id)?);
    let path = OutputPath::parse(&path).map_err(|error| ApiError::not_found(error.to_string()))?;
    let signed = query.expires.zip(query.signature.as_deref());
    let access =
        signed.map_or(Access::Denied, |signed| app.urls.access(&workflow_id, &run_id, &path, signed));
    let run = if access == Access::Granted {
        app.runs.get_signed(&workflow_id, &run_id).await?
    } else {
        let caller = auth::authenticate(&app, request.headers(), KeyScope::Read).await;
        let has_key = request.headers().contains_key(http::header::AUTHORIZATION);
        let Caller { owner, .. } = match caller {
            Err(_) if access == Access::Expired && !has_key => return Err(expired(&run_id)),
            caller => caller?,
        };
        app.runs.get(&RunKey { owner, workflow_id, run_id: run_id.clone() }).await?
    };
    let run = with_output(run, &run_id, &path)?;
    match query.thumbnail {
        None => show(&app, &run, &path, request).await,
        Some(size) => show_thumbnail(&app, &run, &path, size, request).await,
    }
}

fn expired(run_id: &RunId) -> ApiError {
    let message =
        format!("the address of this output has expired: get the run {run_id} again for a fresh one");
    ApiError::expired(message)
}

/// The run, when it has such an output.
fn with_output(run: Option<RunRecord>, run_id: &RunId, path: &OutputPath) -> Result<RunRecord, ApiError> {
    let missing = || ApiError::not_found(format!("the run {run_id} has no output {path}"));
    let run = run.ok_or_else(missing)?;
    match &run.outcome {
        Some(Outcome::Files(paths)) if paths.contains(path) => {}
        _ => return Err(missing()),
    }
    if run.outputs_removed_at.is_some() {
        let message = format!("the outputs of the run {run_id} were removed, as this server's rules say");
        return Err(ApiError::gone(message));
    }
    Ok(run)
}

async fn show(app: &App, run: &RunRecord, path: &OutputPath, request: Request) -> Result<Response, ApiError> {
    let version = version(run);
    let served = Served { name: path.file_name(), version: &version, may_change: false };
    let source = OutputFile { outputs: &app.outputs, run, path };
    let answer = serve(&source, &served, request.method(), request.headers()).await;
    answer.map_err(|error| unavailable(&error))
}

/// An output.
struct OutputFile<'a> {
    outputs: &'a OutputStore,
    run: &'a RunRecord,
    path: &'a OutputPath,
}

#[async_trait]
impl Source for OutputFile<'_> {
    type Error = OutputsError;

    async fn open(&self, wanted: Wanted) -> Result<Opened, OutputsError> {
        self.outputs.open((&self.run.id, self.run.attempt, self.path), &wanted).await
    }
}

async fn show_thumbnail(
    app: &App,
    run: &RunRecord,
    path: &OutputPath,
    size: u16,
    request: Request,
) -> Result<Response, ApiError> {
    if !THUMBNAIL_SIZES.contains(&size) {
        let sizes = THUMBNAIL_SIZES.map(|size| size.to_string()).join(", ");
        return Err(ApiError::bad_request(format!("`thumbnail` can be {sizes}")));
    }
    let (name, version) = (format!("{}.webp", path.file_name()), format!("{}.{size}", version(run)));
    let served = Served { name: &name, version: &version, may_change: false };
    let source = ThumbnailFile { thumbnails: &app.thumbnails, run, path, size };
    let answer = serve(&source, &served, request.method(), request.headers()).await;
    answer.map_err(|error| match error {
        ThumbnailError::Outputs(error) => unavailable(&error),
        ThumbnailError::Busy => ApiError::too_busy(error.to_string()),
        error @ ThumbnailError::Impossible(_) => ApiError::unprocessable(error.to_string()),
    })
}

/// A small picture of an output.
struct ThumbnailFile<'a> {
    thumbnails: &'a Thumbnails,
    run: &'a RunRecord,
    path: &'a OutputPath,
    size: u16,
}

#[async_trait]
impl Source for ThumbnailFile<'_> {
    type Error = ThumbnailError;

    async fn open(&self, wanted: Wanted) -> Result<Opened, ThumbnailError> {
        self.thumbnails.open((&self.run.id, self.run.attempt, self.path), self.size, &wanted).await
    }
}

/// The name of a version: the outputs of an attempt never change.
fn version(run: &RunRecord) -> String {
    format!("{}.{}", run.id, run.attempt)
}

/// Says why an output that the run has cannot be shown.
fn unavailable(error: &OutputsError) -> ApiError {
    match error {
        OutputsError::Missing => ApiError::gone("the file of this output is not where outputs are kept now"),
        error => ApiError::internal(error),
    }
}

/// Gives an input of a workflow
///
/// That of the latest run that had one of this name. The hosted service has this too.
#[utoipa::path(
    get,
    path = "/api/v1/view/workflows/{workflow_id}/input/{*path}",
    operation_id = "view_input",
    tag = "files",
    params(InputPath, FileHeaders),
    responses(FileServed, KeyRefused, NotFound, FileRefused)
)]
pub(super) async fn input(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let workflow = caller.workflow(&workflow_id)?;
    let path = DestPath::input(&path).map_err(|error| ApiError::not_found(error.to_string()))?;
    let missing = || ApiError::not_found(format!("no run of the workflow {} had a file {path}", workflow.id));
    let sha256 = app.index.input(&workflow, &path).await?.ok_or_else(missing)?;
    let file = app.files.find(&sha256).await.ok_or_else(missing)?;
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let served = Served { name, version: sha256.as_str(), may_change: true };
    let answer = serve(&InputFile(file), &served, request.method(), request.headers()).await;
    answer.map_err(|error| match error {
        OutputsError::Missing => missing(),
        error => ApiError::internal(&error),
    })
}

/// A file of this machine.
struct InputFile(PathBuf);

#[async_trait]
impl Source for InputFile {
    type Error = OutputsError;

    async fn open(&self, wanted: Wanted) -> Result<Opened, OutputsError> {
        Opened::file(self.0.clone(), &wanted).await
    }
}
