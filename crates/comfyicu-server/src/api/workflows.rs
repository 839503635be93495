//! `/api/v1/workflows`: the workflows that have runs.

use axum::extract::State;
use comfyicu_model::WorkflowId;
use comfyicu_model::json::{Object, Value};
use serde::Deserialize;

use super::error::ApiError;
use super::{Json, extract};
use crate::api::extract::{Path, Query};
use crate::app::App;
use crate::store::WorkflowRecord;

/// How many entries a list has when nothing is asked.
const DEFAULT_LIMIT: u32 = 100;
/// The most entries that may be asked for.
const MAX_LIMIT: u32 = 1000;

/// `?limit=`: how many entries a list has at most. An extension.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    limit: Option<u32>,
}

impl Page {
    /// The bound in force.
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }
}

/// Lists the workflows, newest first.
pub(super) async fn list(State(app): State<App>, Query(page): Query<Page>) -> Result<Json, ApiError> {
    let workflows = app.runs.workflows(page.limit()).await?;
    let objects = workflows.iter().map(|workflow| object(workflow, &app));
    Ok(Json(objects.collect::<Vec<_>>().into()))
}

/// Gives one workflow.
pub(super) async fn get(State(app): State<App>, Path(workflow_id): Path<String>) -> Result<Json, ApiError> {
    let workflow_id: WorkflowId = extract::id(&workflow_id)?;
    let workflow = app.runs.workflow(&workflow_id).await?;
    let workflow = workflow.ok_or_else(|| {
        ApiError::not_found(format!(
            "there is no workflow {workflow_id}: it comes into being with its first run"
        ))
    })?;
    Ok(Json(object(&workflow, &app).into()))
}

fn object(workflow: &WorkflowRecord, app: &App) -> Object {
    Object::from_iter([
        ("id", Value::from(workflow.id.as_str())),
        ("name", workflow.id.as_str().into()),
        ("description", Value::Null),
        ("created_at", workflow.created_at.to_string().into()),
        ("updated_at", workflow.updated_at.to_string().into()),
        ("tags", Value::Array(Vec::new())),
        ("is_nsfw", false.into()),
        ("visibility", "PUBLIC".into()),
        ("accelerator", app.accelerators.default_accelerator().as_str().into()),
    ])
}
