//! Answering with a file: whole or in part, once or again, for programs and for browsers.

use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use object_store::GetRange;

use super::{disposition, range};
use crate::api::error::ApiError;
use crate::outputs::{Opened, OutputsError, Wanted};

/// What is served.
#[derive(Debug)]
pub(super) struct Served<'a> {
    /// Its name, which says its type.
    pub(super) name: &'a str,
    /// The name of its version, without quotes.
    pub(super) version: &'a str,
    /// Whether another file may stand under this address later.
    pub(super) may_change: bool,
}

/// Where a file is.
#[async_trait]
pub(super) trait Source: Sync {
    /// Why it cannot be opened.
    type Error: From<OutputsError> + Send;

    /// Opens it, or a part of it, or asks only for its size.
    async fn open(&self, wanted: Wanted) -> Result<Opened, Self::Error>;
}

/// Serves a file under the type of its name, with ranges, and with the name of its version (`etag`), so that a part
/// can be told from a part of another one. A page or a script among the files can do nothing in a browser.
pub(super) async fn serve<S: Source>(
    source: &S,
    served: &Served<'_>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, S::Error> {
    let etag = format!("\"{}\"", served.version);
    if is_known(headers, &etag) {
        return Ok(protected(StatusCode::NOT_MODIFIED.into_response(), served, &etag));
    }
    // A range is that of a body, and the answer to HEAD has none (RFC 9110, 14.2).
    let range = range::wanted(headers, &etag).filter(|_| method != Method::HEAD);
    let response = match range {
        _ if method == Method::HEAD => with_length(source.open(Wanted::Size).await?.size, Body::empty()),
        Some(range) => part(source, range).await?,
        None => {
            let opened = source.open(Wanted::All).await?;
            with_length(opened.size, opened.into_body().await?)
        }
    };
    Ok(protected(typed(response, served), served, &etag))
}

/// Answers with a part of the file.
async fn part<S: Source>(source: &S, range: GetRange) -> Result<Response, S::Error> {
    let opened = match source.open(Wanted::Range(range.clone())).await {
        Ok(opened) => opened,
        // The file is there, and has no such part: or else the first error stands.
        Err(error) => match source.open(Wanted::Size).await {
            Ok(whole) if range::satisfiable(&range, whole.size).is_none() => return Ok(no_part(whole.size)),
            _ => return Err(error),
        },
    };
    let (size, bytes) = (opened.size, opened.range.clone());
    let Some(last) = bytes.end.checked_sub(1).filter(|_| !bytes.is_empty()) else { return Ok(no_part(size)) };
    let mut response = with_length(bytes.end - bytes.start, opened.into_body().await?);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes {}-{last}/{size}", bytes.start));
    Ok(response)
}

fn no_part(size: u64) -> Response {
    let mut response = ApiError::no_such_range(size).into_response();
    insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{size}"));
    response
}

/// Whether the client has this version already (`if-none-match`).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

fn with_length(length: u64, body: Body) -> Response {
    ([(header::CONTENT_LENGTH, length)], body).into_response()
}

/// Says what a file is, and under which name it is saved.
fn typed(mut response: Response, served: &Served<'_>) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let mime = mime_guess::from_path(served.name).first_or_octet_stream();
    let headers = response.headers_mut();
    // What nodes write is UTF-8, and without a word of it browsers guess.
    let charset = if mime.type_() == "text" { "; charset=utf-8" } else { "" };
    insert(headers, header::CONTENT_TYPE, format!("{}{charset}", mime.essence_str()));
    if let Some(disposition) = disposition::header(served.name, mime.essence_str()) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Adds what holds for every answer about a file.
fn protected(mut response: Response, served: &Served<'_>, etag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let caching = if served.may_change { "private, no-cache" } else { "private, max-age=3600" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    insert(headers, header::ETAG, etag.to_owned());
    response
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
