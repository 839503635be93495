//! Asking a source, and following where it leads: each step is checked by the guard, and told only the credentials
//! that are for it.

use comfyicu_transport::{Request, RequestBody, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::Url;

use super::super::cache::Resume;
use super::{FetchError, Inner};
use crate::store::FetchedFile;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;

/// What a source is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) url: &'a Url,
    /// What is here already, and need not come again.
    pub(super) known: Option<&'a FetchedFile>,
    /// What came of it before, of which only the rest is needed.
    pub(super) resume: Option<&'a Resume>,
}

impl Inner {
    /// Asks, and gives the first answer that is no redirect, and the host that gave it.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<(Response, String), FetchError> {
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.guard.check_url(&url).map_err(FetchError::Blocked)?;
            let request = self.credentials.add(&url, request(&url, ask));
            let fail = |source| FetchError::Transport { host: host(&url), source };
            let response = self.transport.send(request).await.map_err(fail)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok((response, host(&url)));
            }
            let location = header_text(response.headers(), &header::LOCATION);
            let next = location.and_then(|text| url.join(&text).ok());
            url = next.ok_or_else(|| FetchError::Redirect { host: host(&url) })?;
        }
        Err(FetchError::Redirect { host: host(&url) })
    }
}

fn request(url: &Url, ask: Ask<'_>) -> Request {
    let mut request = Request::new(RequestBody::empty());
    // A URL is a URI; one that is not would be refused by the transport.
    *request.uri_mut() = url.as_str().parse().unwrap_or_default();
    let mut set = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            request.headers_mut().insert(name, value);
        }
    };
    set(header::ACCEPT_ENCODING, "identity");
    if let Some(file) = ask.known {
        for (name, text) in
            [(header::IF_NONE_MATCH, &file.etag), (header::IF_MODIFIED_SINCE, &file.last_modified)]
        {
            if let Some(text) = text {
                set(name, text);
            }
        }
    }
    if let Some(Resume { length, meta }) = ask.resume
        && let Some(validator) = &meta.validator
    {
        set(header::RANGE, &format!("bytes={length}-"));
        set(header::IF_RANGE, validator);
    }
    request
}

pub(super) fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or("nowhere").to_owned()
}
