//! Parts of lists: `?limit=&cursor=&status=&since=`, and the `Link` header that leads on. An extension.

use axum::response::{IntoResponse, Response};
use comfyicu_model::json::Value;
use comfyicu_model::{RunStatus, Timestamp};
use http::{HeaderValue, Uri, header};
use serde::Deserialize;

use super::Json;
use super::error::ApiError;
use crate::app::App;
use crate::positions::{PlaceOf, Positions};
use crate::store::ListQuery;

/// How many entries a list has when nothing is asked.
const DEFAULT_LIMIT: u32 = 100;
/// The most entries that may be asked for.
const MAX_LIMIT: u32 = 1000;

/// Which part of a list is asked for, as it stands behind the `?`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The most entries; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the part begins, as the `link` of the part before has it.
    #[param(pattern = "^[0-9a-f]{16}$")]
    cursor: Option<String>,
    /// Only runs of this status.
    #[param(pattern = "^(QUEUED|STARTED|COMPLETED|ERROR|CANCELLED)$")]
    status: Option<String>,
    /// Only what was created at this moment or later, in ISO 8601.
    #[param(format = DateTime)]
    since: Option<String>,
}

impl PageQuery {
    /// The part, with its bounds.
    pub(super) fn to_list_query(&self, positions: &Positions) -> Result<ListQuery, ApiError> {
        let since = self.since.as_deref().map(str::parse::<Timestamp>).transpose();
        Ok(ListQuery {
            limit: known_limit(self.limit)?,
            cursor: self.cursor.as_deref().map(|text| known_cursor(text, positions)).transpose()?,
            status: self.status.as_deref().map(known_status).transpose()?,
            since: since.map_err(|error| ApiError::bad_request(format!("`since`: {error}")))?,
        })
    }
}

/// A place that this server gave out.
fn known_cursor(text: &str, positions: &Positions) -> Result<i64, ApiError> {
    let wrong = || ApiError::bad_request("`cursor` is not one of this server's: follow the `link` of a list");
    positions.open(PlaceOf::Entry, text).ok_or_else(wrong)
}

/// How many entries there may be.
fn known_limit(limit: Option<u32>) -> Result<u32, ApiError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let fits = (1..=MAX_LIMIT).contains(&limit);
    fits.then_some(limit).ok_or_else(|| ApiError::bad_request(format!("`limit` is from 1 to {MAX_LIMIT}")))
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
    pub(super) fn new(entries: Vec<Value>, next: Option<i64>, uri: &Uri, app: &App) -> Self {
        let url = |place| app.urls.with_cursor(uri, &app.positions.seal(PlaceOf::Entry, place)).to_string();
        Self { entries, next: next.map(url) }
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
