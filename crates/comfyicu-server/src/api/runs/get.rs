//! `GET /api/v1/workflows/{workflow_id}/runs/{run_id}` (documented): one run.

use axum::extract::State;

use crate::api::Json;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::extract::Path;
use crate::api::openapi::{self, KeyRefused, NotFound, RunPath};
use crate::app::App;
use crate::run::{RunRecord, RunView};
use crate::store::RunKey;

/// Gives a run
///
/// The hosted service has this too.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}/runs/{run_id}",
    operation_id = "get_run",
    tag = "runs",
    params(RunPath),
    responses((status = 200, description = "The run", body = openapi::Run), KeyRefused, NotFound)
)]
pub(in crate::api) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, run_id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let run = find(&app, &caller.run(&workflow_id, &run_id)?).await?;
    Ok(Json(RunView(&run).to_object(&app.urls).into()))
}

/// The run, or the error that there is none.
pub(in crate::api) async fn find(app: &App, key: &RunKey) -> Result<RunRecord, ApiError> {
    let run = app.runs.get(key).await?;
    run.ok_or_else(|| {
        ApiError::not_found(format!("the workflow {} has no run {}", key.workflow_id, key.run_id))
    })
}
