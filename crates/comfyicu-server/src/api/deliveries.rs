//! `GET …/runs/{run_id}/deliveries` and `POST …/deliveries/{delivery_id}/resend`: the webhooks of a run. An
//! extension.

use axum::extract::State;
use comfyicu_model::RunId;
use comfyicu_model::json::{Object, Value};

use super::auth::Caller;
use super::error::ApiError;
use super::extract::Path;
use super::openapi::{self, DeliveryPath, KeyRefused, NotFound, RunPath};
use super::{Json, runs};
use crate::app::App;
use crate::clock;
use crate::store::{Attempt, DeliveryRecord};

/// Lists the webhook messages of a run
///
/// In the order of the changes that they tell of, each with its attempts. An extension.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries",
    operation_id = "list_deliveries",
    tag = "webhooks",
    params(RunPath),
    responses((status = 200, description = "The messages", body = Vec<openapi::Delivery>), KeyRefused, NotFound)
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, run_id)): Path<(String, String)>,
) -> Result<Json, ApiError> {
    let run_id = existing(&app, &caller, &workflow_id, &run_id).await?;
    let records = app.outbox.deliveries(&run_id).await?;
    Ok(Json(records.iter().map(object).collect::<Vec<_>>().into()))
}

/// Sends a webhook message again, at once
///
/// One that still waits for its next attempt goes on as planned. An extension.
#[utoipa::path(
    post,
    path = "/api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries/{delivery_id}/resend",
    operation_id = "resend_delivery",
    tag = "webhooks",
    params(DeliveryPath),
    responses((status = 200, description = "The message, as it is then", body = openapi::Delivery), KeyRefused, NotFound)
)]
pub(super) async fn resend(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, run_id, delivery_id)): Path<(String, String, String)>,
) -> Result<Json, ApiError> {
    let run_id = existing(&app, &caller, &workflow_id, &run_id).await?;
    if let Some(due) = app.outbox.resend(&run_id, &delivery_id, clock::now()).await? {
        app.bus.outgoing.push(due);
    }
    let records = app.outbox.deliveries(&run_id).await?;
    let found = records.iter().find(|record| record.id == delivery_id);
    let missing = || ApiError::not_found(format!("the run {run_id} has no delivery {delivery_id}"));
    Ok(Json(object(found.ok_or_else(missing)?).into()))
}

async fn existing(app: &App, caller: &Caller, workflow_id: &str, run_id: &str) -> Result<RunId, ApiError> {
    Ok(runs::find(app, &caller.run(workflow_id, run_id)?).await?.id)
}

fn object(record: &DeliveryRecord) -> Object {
    Object::from_iter([
        ("id", Value::from(record.id.as_str())),
        ("event", record.event.as_str().into()),
        ("url", record.url.as_str().into()),
        ("status", record.state.as_str().into()),
        ("created_at", record.created_at.to_string().into()),
        ("next_attempt_at", record.next_at.map(|moment| moment.to_string()).into()),
        ("attempts", record.attempts.iter().map(attempt).collect::<Vec<_>>().into()),
    ])
}

fn attempt(attempt: &Attempt) -> Object {
    Object::from_iter([
        ("at", Value::from(attempt.at.to_string())),
        ("duration_ms", attempt.duration_ms.into()),
        ("status", attempt.status.map(u64::from).into()),
        ("error", attempt.error.as_deref().into()),
    ])
}
