//! `GET /api/v1/workflows/{workflow_id}/runs/{run_id}` (documented): one run.

use axum::extract::State;
use comfyicu_model::{RunId, WorkflowId};

use crate::api::error::ApiError;
use crate::api::extract::Path;
use crate::api::{Json, extract};
use crate::app::App;
use crate::run::RunView;

/// Gives a run.
pub(in crate::api) async fn get(
    State(app): State<App>,
    Path((workflow_id, run_id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let (workflow_id, run_id): (WorkflowId, RunId) = (extract::id(&workflow_id)?, extract::id(&run_id)?);
    let run = app.runs.get(&workflow_id, &run_id).await?;
    let run =
        run.ok_or_else(|| ApiError::not_found(format!("the workflow {workflow_id} has no run {run_id}")))?;
    Ok(Json(RunView(&run).to_object(&app.urls).into()))
}
