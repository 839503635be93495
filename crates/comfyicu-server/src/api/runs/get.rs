//! `GET /api/v1/workflows/{workflow_id}/runs/{run_id}` (documented): one run.

use axum::extract::State;
use comfyicu_model::{RunId, WorkflowId};

use crate::api::error::ApiError;
use crate::api::extract::Path;
use crate::api::{Json, extract};
use crate::app::App;
use crate::run::{RunRecord, RunView};

/// Gives a run.
pub(in crate::api) async fn get(
    State(app): State<App>,
    Path((workflow_id, run_id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let run = find(&app, &extract::id(&workflow_id)?, &extract::id(&run_id)?).await?;
    Ok(Json(RunView(&run).to_object(&app.urls).into()))
}

/// The run, or the error that there is none.
pub(in crate::api) async fn find(
    app: &App,
    workflow_id: &WorkflowId,
    run_id: &RunId,
) -> Result<RunRecord, ApiError> {
    let run = app.runs.get(workflow_id, run_id).await?;
    run.ok_or_else(|| ApiError::not_found(format!("the workflow {workflow_id} has no run {run_id}")))
}
