//! `/api/v1/workflows`: the workflows that have runs.

use axum::extract::State;
use comfyicu_model::json::{Object, Value};
use http::Uri;

use super::Json;
use super::auth::Caller;
use super::error::ApiError;
use crate::api::extract::{Path, Query};
use crate::api::page::{PageQuery, PageResponse};
use crate::app::App;
use crate::store::WorkflowRecord;

/// Lists the workflows, newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<PageResponse, ApiError> {
    let page = app.runs.workflows(&caller.owner, &query.to_list_query()?).await?;
    let entries = page.items.iter().map(|workflow| Value::from(object(workflow, &app))).collect();
    Ok(PageResponse::new(entries, page.next, &uri, &app.urls))
}

/// Gives one workflow.
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(workflow_id): Path<String>,
) -> Result<Json, ApiError> {
    let key = caller.workflow(&workflow_id)?;
    let workflow = app.runs.workflow(&key).await?;
    let workflow = workflow.ok_or_else(|| {
        ApiError::not_found(format!(
            "there is no workflow {}: it comes into being with its first run",
            key.id
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
