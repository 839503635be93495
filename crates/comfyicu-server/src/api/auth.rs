//! Who sends a request: `authorization: Bearer KEY` (documented).

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};

use super::error::ApiError;
use super::extract;
use crate::app::App;
use crate::clock;
use crate::keys::{Key, KeyScope, RateLeft};
use crate::owner::{Owner, WorkflowKey};
use crate::store::RunKey;

/// Who sends a request, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// `None` where no key is asked for.
    key: Option<Arc<Key>>,
    /// What is left of the key's requests.
    left: Option<RateLeft>,
}

impl Caller {
    pub(super) fn key_id(&self) -> Option<String> {
        self.key.as_ref().map(|key| key.record.id.clone())
    }

    /// A workflow of the caller's, by its id in a path.
    pub(super) fn workflow(&self, id: &str) -> Result<WorkflowKey, ApiError> {
        Ok(WorkflowKey { owner: self.owner.clone(), id: extract::id(id)? })
    }

    /// A run of the caller's, by the ids in a path.
    pub(super) fn run(&self, workflow_id: &str, run_id: &str) -> Result<RunKey, ApiError> {
        let WorkflowKey { owner, id } = self.workflow(workflow_id)?;
        Ok(RunKey { owner, workflow_id: id, run_id: extract::id(run_id)? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // A route that is not behind `require_key` has no callers.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ApiError::unauthorized(MISSING))
    }
}

/// What is said to whom has no key.
const MISSING: &str = "an API key is needed: send it as the header `authorization: Bearer KEY`";

/// Lets a request through when its key is for what it does, and notes who sends it.
pub(super) async fn require_key(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let scope = if looks { KeyScope::Read } else { KeyScope::Run };
    let caller = authenticate(&app, request.headers(), scope).await?;
    let left = caller.left;
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(left) = left {
        tell_rate(response.headers_mut(), left);
    }
    Ok(response)
}

/// Says what is left of a limit on requests, in the fields that most clients know.
pub(super) fn tell_rate(headers: &mut HeaderMap, left: RateLeft) {
    let fields = [
        ("ratelimit-limit", u64::from(left.limit)),
        ("ratelimit-remaining", left.remaining.into()),
        ("ratelimit-reset", left.reset_seconds),
    ];
    for (name, value) in fields {
        headers.insert(HeaderName::from_static(name), value.into());
    }
}

/// Who sends the headers. Keys are known by their digests, so that how long it takes says nothing of how near
/// a guess is.
pub(super) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    scope: KeyScope,
) -> Result<Caller, ApiError> {
    let Some(keys) = &app.keys else { return Ok(Caller { owner: Owner::local(), key: None, left: None }) };
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| ApiError::unauthorized(MISSING))?;
    let (scheme, text) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized(MISSING));
    }
    let Some(key) = keys.find(text.trim(), clock::now()).await? else {
        return Err(ApiError::unauthorized("the API key is not one of this server's, or not any more"));
    };
    if !key.record.scopes.contains(scope) {
        let message = format!("the API key is not for this: it has the scopes {}", key.record.scopes);
        return Err(ApiError::forbidden(format!("{message}, and `{}` is needed", scope.as_str())));
    }
    let left = key.take_request().map_err(ApiError::too_fast)?;
    Ok(Caller { owner: key.record.owner.clone(), key: Some(key), left })
}
