//! `GET /api/v1/workflows/{workflow_id}/runs`: the runs of a workflow, newest first.

use axum::extract::State;
use comfyicu_model::json::Value;
use http::Uri;

use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::extract::{Path, Query};
use crate::api::openapi::{self, BadRequest, KeyRefused, NotFound, WorkflowPath};
use crate::api::page::{PageQuery, PageResponse};
use crate::app::App;
use crate::run::RunView;

/// Lists the runs of a workflow, newest first
///
/// A workflow that has none yet has an empty list. The hosted service has this too, without parameters.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}/runs",
    operation_id = "list_runs",
    tag = "runs",
    params(WorkflowPath, PageQuery),
    responses(
        (
            status = 200,
            description = "A part of the list",
            body = Vec<openapi::Run>,
            headers(("link", description = "Where the next part is, if there is more"))
        ),
        KeyRefused,
        NotFound,
        BadRequest
    )
)]
pub(in crate::api) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Path(workflow_id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<PageResponse, ApiError> {
    let workflow = caller.workflow(&workflow_id)?;
    let page = app.runs.list(&workflow, &query.to_list_query(&app.positions)?).await?;
    let entries = page.items.iter().map(|run| Value::from(RunView(run).to_object(&app.urls))).collect();
    Ok(PageResponse::new(entries, page.next, &uri, &app))
}
