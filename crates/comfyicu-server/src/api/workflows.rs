//! `/api/v1/workflows`: the workflows that have runs.

use axum::extract::State;
use comfyicu_model::json::{Object, Value};
use http::Uri;

use super::Json;
use super::auth::Caller;
use super::error::ApiError;
use super::openapi::{self, BadRequest, KeyRefused, NotFound, WorkflowPath};
use crate::api::extract::{Path, Query};
use crate::api::page::{PageQuery, PageResponse};
use crate::app::App;
use crate::store::WorkflowRecord;

/// Lists the workflows, newest first
///
/// The hosted service has this too, without parameters.
#[utoipa::path(
    get,
    path = "/api/v1/workflows",
    operation_id = "list_workflows",
    tag = "workflows",
    params(PageQuery),
    responses(
        (
            status = 200,
            description = "A part of the list",
            body = Vec<openapi::Workflow>,
            headers(("link", description = "Where the next part is, if there is more"))
        ),
        KeyRefused,
        BadRequest
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<PageResponse, ApiError> {
    let page = app.runs.workflows(&caller.owner, &query.to_list_query(&app.positions)?).await?;
    let entries = page.items.iter().map(|workflow| Value::from(object(workflow, &app))).collect();
    Ok(PageResponse::new(entries, page.next, &uri, &app))
}

/// Gives a workflow
///
/// The hosted service has this too.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}",
    operation_id = "get_workflow",
    tag = "workflows",
    params(WorkflowPath),
    responses((status = 200, description = "The workflow", body = openapi::Workflow), KeyRefused, NotFound)
)]
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
