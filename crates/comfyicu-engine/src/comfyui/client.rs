//! The HTTP half of ComfyUI's API, typed and bounded. It knows nothing of runs.

mod files;
mod history;
mod info;
mod multipart;
mod prompt;
mod queue;

pub use files::{FileType, StoredFile, Upload};
pub use history::{Ending, Failure, HistoryEntry, Interruption, NodeOutput};
pub use info::{ComfyDevice, SystemStats};
pub use prompt::{Accepted, NodeErrors, PromptRequest, Rejection};
pub use queue::{Queue, QueuedPrompt};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use comfyicu_model::json::{Object, Value, read};
use comfyicu_transport::{
    RedirectPolicy, Repeat, Request, RequestBody, ReqwestTransport, Response, Route, SharedTransport,
};
use http::{HeaderValue, Method, header};
use url::Url;

use super::{ComfyError, limit};

/// One ComfyUI, by its address. Clones are cheap, and share connections.
///
/// It sends neither `Origin` nor `Sec-Fetch-Site`, which ComfyUI answers with 403 where they are foreign. A user
/// and password in the address go into `Authorization`, for a proxy that asks for them, and are never printed.
///
/// ```no_run
/// use comfyicu_engine::comfyui::{ComfyClient, PromptRequest};
/// use comfyicu_model::Prompt;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let comfy = ComfyClient::connect(&"http://127.0.0.1:8188".parse()?)?;
/// println!("ComfyUI {}", comfy.system_stats().await?.version);
///
/// let prompt = Prompt::parse(&std::fs::read("prompt.json")?)?;
/// let request = PromptRequest::new("4b1ff4e4-3a53-4ac8-9a4b-1e3b1c1d0a11", &prompt);
/// comfy.submit(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ComfyClient(Arc<Inner>);

struct Inner {
    /// Ends in `/`, and has neither user nor password.
    base: Url,
    authorization: Option<HeaderValue>,
    transport: SharedTransport,
}

/// An answer that was read whole.
struct Answer {
    status: u16,
    body: Bytes,
}

impl ComfyClient {
    /// Makes a client with connections of its own, which go to ComfyUI directly, past any proxy of the
    /// environment. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none that ComfyUI can have, or TLS cannot be set up.
    pub fn connect(url: &Url) -> Result<Self, ComfyError> {
        let transport = ReqwestTransport::builder().no_proxy().redirects(RedirectPolicy::None).build();
        let transport = transport.map_err(|source| ComfyError::Transport { call: "connecting", source })?;
        Self::with_transport(url, Arc::new(transport))
    }

    /// Makes a client that sends through this transport.
    ///
    /// # Errors
    /// When the address is none that ComfyUI can have.
    pub fn with_transport(url: &Url, transport: SharedTransport) -> Result<Self, ComfyError> {
        let mut base = url.clone();
        let authorization = authorization(url);
        let is_open = base.set_username("").and_then(|()| base.set_password(None)).is_ok();
        let is_usable = matches!(base.scheme(), "http" | "https") && base.has_host() && is_open;
        if !is_usable || base.query().is_some() || base.fragment().is_some() {
            return Err(ComfyError::Address(limit::excerpt(base.as_str(), limit::QUOTED_CHARS)));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self(Arc::new(Inner { base, authorization, transport })))
    }

    /// The address, without user and password.
    pub fn url(&self) -> &Url {
        &self.0.base
    }

    /// The address of a call, with its query. The parts of the path are encoded.
    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.0.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The address of the WebSocket, and the `Authorization` that goes with it.
    pub(super) fn socket_address(&self, client_id: &str) -> (Url, Option<&HeaderValue>) {
        let mut url = self.address(&["ws"], &[("clientId", client_id)]);
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Between two schemes that have hosts and default ports this always works.
        url.set_scheme(scheme).ok();
        (url, self.0.authorization.as_ref())
    }

    /// Sends a request; its answer may still be on its way.
    async fn send(
        &self,
        call: &'static str,
        method: Method,
        url: &Url,
        (content_type, body): (Option<&str>, RequestBody),
    ) -> Result<Response, ComfyError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() =
            url.as_str().parse().map_err(|_| ComfyError::Shape { call, problem: "no address" })?;
        let headers = request.headers_mut();
        if let Some(authorization) = &self.0.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if let Some(content_type) = content_type.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        // Whoever calls knows what a second time would do.
        request.extensions_mut().insert(Repeat::Never);
        request.extensions_mut().insert(Route(call));
        self.0.transport.send(request).await.map_err(|source| ComfyError::Transport { call, source })
    }

    /// Sends a request and reads the whole answer, within a time.
    async fn exchange(
        &self,
        call: &'static str,
        method: Method,
        url: &Url,
        body: (Option<&str>, RequestBody),
        within: Duration,
    ) -> Result<Answer, ComfyError> {
        let exchange = async {
            let response = self.send(call, method, url, body).await?;
            let status = response.status().as_u16();
            let most = if status == 200 { limit::JSON_BYTES } else { limit::ERROR_BYTES };
            let body = response.into_body().collect(most).await;
            let body = body.map_err(|source| ComfyError::Transport { call, source })?;
            Ok(Answer { status, body })
        };
        let late = |_| ComfyError::Timeout { call, seconds: within.as_secs() };
        tokio::time::timeout(within, exchange).await.map_err(late)?
    }

    /// Asks for a document.
    async fn get(
        &self,
        call: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, ComfyError> {
        let url = self.address(path, query);
        let nothing = (None, RequestBody::empty());
        let answer = self.exchange(call, Method::GET, &url, nothing, limit::CALL_TIMEOUT).await?;
        answer.good(call)?.json(call)
    }

    /// Sends a document.
    async fn post(&self, call: &'static str, path: &[&str], body: Object) -> Result<Answer, ComfyError> {
        let url = self.address(path, &[]);
        let body = (Some("application/json"), RequestBody::from(body.to_json()));
        self.exchange(call, Method::POST, &url, body, limit::CALL_TIMEOUT).await
    }
}

impl Answer {
    /// Itself, where the status is 200.
    fn good(self, call: &'static str) -> Result<Self, ComfyError> {
        if self.status == 200 { Ok(self) } else { Err(self.refusal(call)) }
    }

    fn refusal(&self, call: &'static str) -> ComfyError {
        let text = String::from_utf8_lossy(&self.body);
        let text = limit::excerpt(text.trim(), limit::QUOTED_CHARS);
        ComfyError::Status { call, status: self.status, text }
    }

    fn json(&self, call: &'static str) -> Result<Value, ComfyError> {
        read(&self.body, limit::json(limit::JSON_BYTES)).map_err(|source| ComfyError::Json { call, source })
    }
}

/// The `Authorization` of an address that has a user or a password.
fn authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decoded(text);
    let user = [&*decoded(url.username()), ":", &*decoded(url.password().unwrap_or_default())].concat();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(user))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A part of an address, as it was before it was encoded.
fn percent_decoded(text: &str) -> String {
    let form = text.replace('+', "%2B");
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
    decoded.map(|(key, _)| key.into_owned()).unwrap_or_default()
}

impl fmt::Debug for ComfyClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ComfyClient").field(&self.0.base.as_str()).finish()
    }
}

/// The document as an object.
fn object(call: &'static str, value: Value) -> Result<Object, ComfyError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ComfyError::Shape { call, problem: "no object" }),
    }
}

/// The texts of a list; what is no text is left out.
fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
