//! `POST /api/v1/workflows/{workflow_id}/runs/{run_id}/cancel`: ends a run. An extension.

use axum::extract::State;

use crate::api::Json;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::extract::Path;
use crate::api::openapi::{self, KeyRefused, NotFound, RunPath};
use crate::app::App;
use crate::clock;
use crate::run::{RunRecord, RunView, told};
use crate::store::RunKey;

/// Cancels exactly this run
///
/// One that has ended already stays as it is, so that asking twice does no harm. An extension.
#[utoipa::path(
    post,
    path = "/api/v1/workflows/{workflow_id}/runs/{run_id}/cancel",
    operation_id = "cancel_run",
    tag = "runs",
    params(RunPath),
    responses((status = 200, description = "The run, as it is then", body = openapi::Run), KeyRefused, NotFound)
)]
pub(in crate::api) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, run_id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let key = caller.run(&workflow_id, &run_id)?;
    let run = ended(&app, &key).await?;
    // It is out of the store's queue; now out of the way of others as well.
    app.bus.queue.remove(&key.run_id);
    app.running.cancel(&key.run_id);
    Ok(Json(RunView(&run).to_object(&app.urls).into()))
}

/// The run, cancelled unless it had ended.
async fn ended(app: &App, key: &RunKey) -> Result<RunRecord, ApiError> {
    loop {
        let run = super::get::find(app, key).await?;
        let Some(cancelled) = run.cancel(clock::now()) else { return Ok(run) };
        if app.runs.change(&run, &cancelled, told(&cancelled, &app.urls)).await? {
            tracing::info!(run_id = %run.id, "run cancelled");
            return Ok(cancelled);
        }
        // It was begun or ended at this very moment, or lost its worker; each of that is rare and bounded.
    }
}
