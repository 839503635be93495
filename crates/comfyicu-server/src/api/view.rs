//! `/api/v1/view/…`: the files of runs, to look at.

use std::path::PathBuf;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use comfyicu_model::{DestPath, OutputPath, RunId, WorkflowId};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use tower_http::services::ServeFile;

use super::error::ApiError;
use super::{auth, extract};
use crate::api::auth::Caller;
use crate::api::extract::{Path, Query};
use crate::app::App;
use crate::keys::KeyScope;
use crate::run::Outcome;
use crate::store::RunKey;

/// What stands behind the `?` of an output's address.
#[derive(Debug, Deserialize)]
pub(super) struct Signed {
    signature: Option<String>,
}

/// `GET /api/v1/view/workflows/{workflow_id}/output/{run_id}/{path}`: an output of a completed run, for
/// whoever has its signed address, or a key.
pub(super) async fn output(
    State(app): State<App>,
    Path((workflow_id, run_id, path)): Path<(String, String, String)>,
    Query(Signed { signature }): Query<Signed>,
    request: Request,
) -> Result<Response, ApiError> {
    let (workflow_id, run_id): (WorkflowId, RunId) = (extract::id(&workflow_id)?, extract::id(&run_id)?);
    let path = OutputPath::parse(&path).map_err(|error| ApiError::not_found(error.to_string()))?;
    let signed = signature.is_some_and(|signature| app.urls.opens(&workflow_id, &run_id, &path, &signature));
    let run = if signed {
        app.runs.get_signed(&workflow_id, &run_id).await?
    } else {
        let Caller { owner, .. } = auth::authenticate(&app, request.headers(), KeyScope::Read).await?;
        let key = RunKey { owner, workflow_id, run_id: run_id.clone() };
        app.runs.get(&key).await?
    };
    let missing = || ApiError::not_found(format!("the run {run_id} has no output {path}"));
    let run = run.ok_or_else(missing)?;
    match &run.outcome {
        Some(Outcome::Files(paths)) if paths.contains(&path) => {}
        _ => return Err(missing()),
    }
    let file = app.outputs.file(&run_id, run.attempt, &path);
    // The outputs of an attempt never change.
    let version = format!("{run_id}.{}", run.attempt);
    Ok(serve(file, path.file_name(), &version, request).await)
}

/// `GET /api/v1/view/workflows/{workflow_id}/input/{path}`: an input of the workflow's latest run that had
/// one of this name.
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
    let (file, _) = app.blobs.find(&sha256).await.ok_or_else(missing)?;
    Ok(serve(file, path.as_str(), sha256.as_str(), request).await)
}

/// Serves a file under the type of its name, with ranges, and with the name of its version (`ETag`), so that a part
/// can be told from a part of another one. A page or a script among the files can do nothing in a browser.
async fn serve(file: PathBuf, name: &str, version: &str, mut request: Request) -> Response {
    let etag = HeaderValue::try_from(format!("\"{version}\"")).ok();
    if request.headers().get(header::IF_RANGE).is_some_and(|known| Some(known) != etag.as_ref()) {
        request.headers_mut().remove(header::RANGE);
    }
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let mut response = match ServeFile::new_with_mime(file, &mime).try_call(request).await {
        Ok(response) => response.into_response(),
        Err(error) => ApiError::internal(&error).into_response(),
    };
    protect(response.headers_mut());
    if let Some(etag) = etag.filter(|_| response.status().is_success()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
}
