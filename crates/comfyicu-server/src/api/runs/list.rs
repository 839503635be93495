//! `GET /api/v1/workflows/{workflow_id}/runs`: the runs of a workflow, newest first.

use axum::extract::State;
use comfyicu_model::json::Value;
use http::Uri;

use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::extract::{Path, Query};
use crate::api::page::{PageQuery, PageResponse};
use crate::app::App;
use crate::run::RunView;

/// Lists runs. A workflow that has none yet has an empty list.
pub(in crate::api) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Path(workflow_id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<PageResponse, ApiError> {
    let workflow = caller.workflow(&workflow_id)?;
    let page = app.runs.list(&workflow, &query.to_list_query()?).await?;
    let entries = page.items.iter().map(|run| Value::from(RunView(run).to_object(&app.urls))).collect();
    Ok(PageResponse::new(entries, page.next, &uri, &app.urls))
}
