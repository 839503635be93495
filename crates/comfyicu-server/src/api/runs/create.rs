//! `POST /api/v1/workflows/{workflow_id}/runs` (documented): checks a run and takes it in.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Finding, RunId, RunRequest};
use http::HeaderMap;
use serde::Deserialize;

use super::idempotency;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::extract::{Path, Query};
use crate::api::openapi::{
    self, BodyRefused, CreateRefused, IdempotencyKey, KeyRefused, NotFound, WorkflowPath,
};
use crate::api::{Json, extract};
use crate::app::App;
use crate::clock;
use crate::owner::Owner;
use crate::random;
use crate::report::with_causes;
use crate::run::RunRecord;
use crate::store::{Claimed, IdempotencyClaim, RunKey, StoreError};
use crate::vault::take_tokens;

/// How soon to ask again, in seconds, where runs have to end first.
const ACTIVE_RUNS_RETRY: u64 = 5;

/// What stands behind the `?`.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct CreateQuery {
    /// `only`: the run is checked and not taken in. An extension.
    #[param(pattern = "^only$")]
    check: Option<String>,
}

/// Creates a run
///
/// It is on disk when its id is answered. The hosted service has this too, without `check` and `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/api/v1/workflows/{workflow_id}/runs",
    operation_id = "create_run",
    tag = "runs",
    params(WorkflowPath, CreateQuery, IdempotencyKey),
    request_body(
        content = openapi::CreateRun,
        example = json!({
            "prompt": {
                "1": {
                    "class_type": "EmptyImage",
                    "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}
                },
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}}
            }
        })
    ),
    responses(
        (
            status = 200,
            description = "It was taken in, or could be",
            body = openapi::CreateAnswer,
            links(
                ("run" = (
                    operation_id = "get_run",
                    parameters(("workflow_id" = "$request.path.workflow_id"), ("run_id" = "$response.body#/id"))
                )),
                ("cancel" = (
                    operation_id = "cancel_run",
                    parameters(("workflow_id" = "$request.path.workflow_id"), ("run_id" = "$response.body#/id"))
                )),
                ("events" = (
                    operation_id = "follow_run",
                    parameters(("workflow_id" = "$request.path.workflow_id"), ("run_id" = "$response.body#/id"))
                )),
                ("deliveries" = (
                    operation_id = "list_deliveries",
                    parameters(("workflow_id" = "$request.path.workflow_id"), ("run_id" = "$response.body#/id"))
                ))
            )
        ),
        KeyRefused,
        NotFound,
        BodyRefused,
        CreateRefused
    )
)]
pub(in crate::api) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(workflow_id): Path<String>,
    Query(query): Query<CreateQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json, ApiError> {
    let workflow = caller.workflow(&workflow_id)?;
    let check_only = checks_only(query.check.as_deref())?;
    let body = extract::body(body, &headers, app.limits.max_body.in_memory()).await?;
    let claim = idempotency::claim(&headers, &workflow, &body, clock::now())?.filter(|_| !check_only);
    if let Some(claim) = &claim
        && let Some(answer) = repeated(app.runs.claimed(claim).await?)?
    {
        return Ok(answer);
    }
    let (request, body) =
        RunRequest::parse_with_body(&body).map_err(|error| ApiError::bad_request(with_causes(&error)))?;
    if request.named_workflow().is_some_and(|named| *named != workflow.id) {
        return Err(ApiError::bad_request(format!(
            "`workflow_id` is not the workflow of the address, {}",
            workflow.id
        )));
    }
    let beyond = app.limits.check(&request, &body);
    if !beyond.is_empty() {
        return Err(ApiError::rejected(&beyond));
    }
    let checked = check(&app, &workflow.owner, &request).await?;
    if check_only {
        return Ok(checked.answer());
    }
    if app.bus.queue.len() >= app.limits.max_queue {
        return Err(ApiError::queue_full(app.limits.max_queue));
    }
    let id = RunId::parse(&random::nanoid()).map_err(|error| ApiError::internal(&error))?;
    let mut body = body;
    app.bus.vault.keep(&id, take_tokens(&mut body));
    let key = RunKey { owner: workflow.owner, workflow_id: workflow.id, run_id: id };
    let run = RunRecord::accept(key, body, checked.accelerator, caller.key_id(), clock::now());
    let run = Arc::new(run);
    let inserted = take_in(&app, &run, claim).await;
    if !matches!(inserted, Ok(Claimed::New)) {
        app.bus.vault.forget(&run.id);
    }
    if let Some(answer) = repeated(inserted?)? {
        return Ok(answer);
    }
    tracing::info!(run_id = %run.id, workflow_id = %run.workflow_id, "run accepted");
    Ok(created(&run.id))
}

/// Takes in a run: a worker that has nothing to do begins it with that, and otherwise it waits.
async fn take_in(
    app: &App,
    run: &Arc<RunRecord>,
    claim: Option<IdempotencyClaim>,
) -> Result<Claimed, StoreError> {
    if run.files.is_empty()
        && app.bus.queue.is_empty()
        && let Some(answer) = app.idle.offer(run, claim.as_ref())
        && let Ok(inserted) = answer.await
    {
        return inserted;
    }
    app.runs.insert(Arc::clone(run), claim).await
}

/// The hosted service answers the id alone.
fn created(run_id: &RunId) -> Json {
    Json(Object::from_iter([("id", Value::from(run_id.as_str()))]).into())
}

/// What is answered where no run was made: the request had its `Idempotency-Key` before, or its API key has no
/// room.
fn repeated(claimed: Claimed) -> Result<Option<Json>, ApiError> {
    match claimed {
        Claimed::New => Ok(None),
        Claimed::Same(run_id) => Ok(Some(created(&run_id))),
        Claimed::TooManyRuns { limit } => Err(ApiError::too_many(
            "too_many_runs",
            format!("this API key may have {limit} runs that wait or are executed, and has them"),
            ACTIVE_RUNS_RETRY,
        )),
        Claimed::QuotaSpent { seconds } => Err(ApiError::quota_spent(seconds)),
        Claimed::Other => Err(ApiError::conflict(
            "another request had this Idempotency-Key within the last 24 hours: use a new key for a new run",
        )),
    }
}

fn checks_only(check: Option<&str>) -> Result<bool, ApiError> {
    match check {
        None => Ok(false),
        Some("only") => Ok(true),
        Some(_) => Err(ApiError::bad_request("`check` can be `only`")),
    }
}

/// A run with which nothing is wrong that would keep it from being executed.
struct Checked {
    accelerator: String,
    /// What may not be as it was meant.
    warnings: Vec<Finding>,
}

impl Checked {
    /// What is answered where the run was only to be checked.
    fn answer(&self) -> Json {
        let findings: Vec<_> = self.warnings.iter().map(Finding::to_object).collect();
        let accelerator = self.accelerator.as_str();
        let fields = [("accelerator", Value::from(accelerator)), ("findings", findings.into())];
        Json(Object::from_iter(fields).into())
    }
}

/// Says all that is wrong with a run, or which accelerator it gets.
async fn check(app: &App, owner: &Owner, request: &RunRequest) -> Result<Checked, ApiError> {
    let found = app.executor.check(request).await;
    let mut findings = found.map_err(|error| ApiError::unavailable(&error))?;
    findings.extend(app.files.check(owner, request.requested_files()).await?);
    if let Some(Err(blocked)) = request.requested_webhook().map(|url| app.guard.check_url(url)) {
        findings.push(
            Finding::new("webhook_url_not_allowed", format!("the webhook: {blocked}")).at_input("webhook"),
        );
    }
    match app.accelerators.choose(request.requested_accelerator()) {
        Ok(accelerator) if !findings.iter().any(Finding::is_error) => {
            Ok(Checked { accelerator, warnings: findings })
        }
        chosen => {
            findings.extend(chosen.err().map(|finding| *finding));
            // What is refused first, and then what may be wrong besides.
            findings.sort_by_key(|finding| Reverse(finding.severity));
            Err(ApiError::rejected(&findings))
        }
    }
}
