//! `GET /api/v1/workflows/{workflow_id}/runs`: the runs of a workflow, newest first.

use axum::extract::State;
use comfyicu_model::WorkflowId;
use comfyicu_model::json::Value;

use crate::api::error::ApiError;
use crate::api::extract::{Path, Query};
use crate::api::workflows::Page;
use crate::api::{Json, extract};
use crate::app::App;
use crate::run::RunView;

/// Lists runs. A workflow that has none yet has an empty list.
pub(in crate::api) async fn list(
    State(app): State<App>,
    Path(workflow_id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json, ApiError> {
    let workflow_id: WorkflowId = extract::id(&workflow_id)?;
    let runs = app.runs.list(&workflow_id, page.limit()).await?;
    Ok(Json(runs.iter().map(|run| Value::from(RunView(run).to_object(&app.urls))).collect::<Vec<_>>().into()))
}
