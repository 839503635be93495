//! Parts of lists: `?limit=&cursor=&status=&since=`, and the `Link` header that leads on. An extension.

use axum::response::{IntoResponse, Response};
use comfyicu_model::json::Value;
use comfyicu_model::{RunStatus, Timestamp};
use http::{HeaderValue, Uri, header};
use serde::Deserialize;

use super::Json;
use super::error::ApiError;
use crate::store::ListQuery;
use crate::urls::PublicUrls;

/// How many entries a list has when nothing is asked.
const DEFAULT_LIMIT: u32 = 100;
/// The most entries that may be asked for.
const MAX_LIMIT: u32 = 1000;

/// Which part of a list is asked for, as it stands behind the `?`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PageQuery {
    limit: Option<u32>,
    cursor: Option<i64>,
    status: Option<String>,
    since: Option<String>,
}

impl PageQuery {
    /// The part, with its bounds.
    pub(super) fn to_list_query(&self) -> Result<ListQuery, ApiError> {
        let since = self.since.as_deref().map(str::parse::<Timestamp>).transpose();
        Ok(ListQuery {
            limit: self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
            cursor: self.cursor,
            status: self.status.as_deref().map(known_status).transpose()?,
            since: since.map_err(|error| ApiError::bad_request(format!("`since`: {error}")))?,
        })
    }
}

/// A status that runs of this server can have.
fn known_status(text: &str) -> Result<RunStatus, ApiError> {
    let known =
        [RunStatus::Queued, RunStatus::Started, RunStatus::Completed, RunStatus::Error, RunStatus::Cancelled];
    let found = known.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        ApiError::bad_request("`status` is one of QUEUED, STARTED, COMPLETED, ERROR and CANCELLED")
    })
}

/// A part of a list as it is answered: the entries, and where the next part is.
#[derive(Debug)]
pub(super) struct PageResponse {
    entries: Vec<Value>,
    next: Option<String>,
}

impl PageResponse {
    /// `uri` is what was asked for; the next part is the same with another cursor.
    pub(super) fn new(entries: Vec<Value>, next: Option<i64>, uri: &Uri, urls: &PublicUrls) -> Self {
        Self { entries, next: next.map(|cursor| urls.with_cursor(uri, cursor).to_string()) }
    }
}

impl IntoResponse for PageResponse {
    fn into_response(self) -> Response {
        let mut response = Json(self.entries.into()).into_response();
        let link = self.next.and_then(|url| HeaderValue::try_from(format!("<{url}>; rel=\"next\"")).ok());
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}
