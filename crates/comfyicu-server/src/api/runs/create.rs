//! `POST /api/v1/workflows/{workflow_id}/runs` (documented): checks a run and takes it in.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Finding, RunId, RunRequest, WorkflowId};

use crate::api::auth::KeyId;
use crate::api::error::ApiError;
use crate::api::extract::Path;
use crate::api::{Json, extract};
use crate::app::App;
use crate::clock;
use crate::random;
use crate::report::with_causes;
use crate::run::RunRecord;

/// The most bytes that a request to create a run may have. The largest real workflow has a few MiB.
pub(in crate::api) const MAX_BODY: usize = 32 * 1024 * 1024;

/// Takes in a run. It is on disk when its id is answered.
pub(in crate::api) async fn create(
    State(app): State<App>,
    Extension(KeyId(key_id)): Extension<KeyId>,
    Path(workflow_id): Path<String>,
    body: Body,
) -> Result<Json, ApiError> {
    let workflow_id: WorkflowId = extract::id(&workflow_id)?;
    let body = extract::body(body, MAX_BODY).await?;
    let parsed = RunRequest::parse_with_body(&body);
    let (request, body) = parsed.map_err(|error| ApiError::bad_request(with_causes(&error)))?;
    if request.named_workflow().is_some_and(|named| *named != workflow_id) {
        return Err(ApiError::bad_request(format!(
            "`workflow_id` is not the workflow of the address, {workflow_id}"
        )));
    }
    let accelerator = check(&app, &request).await?;
    let id = RunId::parse(&random::nanoid()).map_err(|error| ApiError::internal(&error))?;
    let run = RunRecord::accept(id, workflow_id, body, accelerator, key_id, clock::now());
    app.runs.insert(&run).await?;
    app.submitted.notify_one();
    tracing::info!(run_id = %run.id, workflow_id = %run.workflow_id, "run accepted");
    // The hosted service answers the id alone.
    Ok(Json(Object::from_iter([("id", Value::from(run.id.as_str()))]).into()))
}

/// Says all that is wrong with a run, or which accelerator it gets.
async fn check(app: &App, request: &RunRequest) -> Result<String, ApiError> {
    let refused = app.executor.check(request.prompt()).await;
    let mut findings = refused.map_err(|error| ApiError::internal(&error))?;
    findings.extend(app.files.check(request.requested_files()).await);
    if let Some(Err(blocked)) = request.requested_webhook().map(|url| app.guard.check_url(url)) {
        findings.push(
            Finding::new("webhook_url_not_allowed", format!("the webhook: {blocked}")).at_input("webhook"),
        );
    }
    let accelerator = app.accelerators.choose(request.requested_accelerator());
    match accelerator {
        Ok(accelerator) if findings.is_empty() => Ok(accelerator),
        chosen => {
            findings.extend(chosen.err().map(|finding| *finding));
            Err(ApiError::rejected(&findings))
        }
    }
}
