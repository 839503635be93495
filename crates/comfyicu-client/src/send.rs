//! One exchange: the key put on, the answer read within its bounds, a status that is no success made an
//! error. What is sent again, and when, the transport's layers decide.

use std::time::Duration;

use bytes::Bytes;
use comfyicu_model::json::{self, Limits, Object, Value};
use comfyicu_model::{ParseRunError, Run};
use comfyicu_transport::{Attempts, Request, ResponseBody, TransportError, TransportErrorKind};
use http::response::Parts;
use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{ApiError, Error, ErrorKind, ProtocolError, Source};
use crate::key::ApiKey;

/// The most bytes of an answer that are read: a run carries its prompt and its workflow, the largest seen
/// have 6 MiB.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes of an error's answer that are read.
const MAX_ERROR_BYTES: usize = 1024 * 1024;

/// An answer that is a success.
#[derive(Debug)]
pub(crate) struct Answer {
    request: String,
    headers: HeaderMap,
    body: Bytes,
    /// What is left out of texts, should the service repeat it.
    key: Option<ApiKey>,
}

impl Client {
    /// Sends a call and reads its answer; both together take no longer than the client's time-out.
    pub(crate) async fn exchange(&self, call: &Call) -> Result<Answer, Error> {
        self.exchange_within(call, Some(self.inner.timeout)).await
    }

    /// Like [`exchange`](Self::exchange), with another bound, or the transport's alone.
    pub(crate) async fn exchange_within(
        &self,
        call: &Call,
        timeout: Option<Duration>,
    ) -> Result<Answer, Error> {
        let request = self.authorized(call)?;
        let answer = self.answer(call, request);
        let Some(timeout) = timeout else { return answer.await };
        tokio::time::timeout(timeout, answer).await.unwrap_or_else(|_| {
            let problem = format!("there was no complete answer within {} s", timeout.as_secs_f64());
            Err(self.failed(call, TransportError::new(TransportErrorKind::Timeout, problem)))
        })
    }

    fn authorized(&self, call: &Call) -> Result<Request, Error> {
        let mut request = call.to_request()?;
        let is_ours = call.is_to(&self.inner.base);
        match &self.inner.key {
            Some(key) if is_ours => {
                let header = key.to_header().map_err(|error| {
                    Error::new(ErrorKind::Setup, "the API key cannot be used").with_source(Source::Key(error))
                })?;
                request.headers_mut().insert(header::AUTHORIZATION, header);
            }
            None if is_ours && self.is_hosted() => {
                let text = "the hosted service wants an API key, and none was given";
                return Err(Error::new(ErrorKind::KeyMissing, text));
            }
            _ => {}
        }
        Ok(request)
    }

    /// Sends a call whose answer is read as it comes; its head has the client's time-out.
    pub(crate) async fn open(&self, call: &Call) -> Result<(HeaderMap, ResponseBody), Error> {
        let request = self.authorized(call)?;
        let timeout = self.inner.timeout;
        let opened = tokio::time::timeout(timeout, self.start(call, request)).await;
        opened.unwrap_or_else(|_| {
            let problem = format!("there was no answer within {} s", timeout.as_secs_f64());
            Err(self.failed(call, TransportError::new(TransportErrorKind::Timeout, problem)))
        })
    }

    async fn answer(&self, call: &Call, request: Request) -> Result<Answer, Error> {
        let (headers, body) = self.start(call, request).await?;
        let body = body.collect(MAX_ANSWER_BYTES).await.map_err(|error| self.failed(call, error))?;
        Ok(Answer { request: call.name(), headers, body, key: self.inner.key.clone() })
    }

    /// Sends a call and gives its whole answer, whatever its status is.
    pub(crate) async fn exchange_raw(&self, call: &Call) -> Result<http::Response<Bytes>, Error> {
        let request = self.authorized(call)?;
        let answer = async {
            let response =
                self.inner.transport.send(request).await.map_err(|error| self.failed(call, error))?;
            let (head, body) = response.into_parts();
            let body = body.collect(MAX_ANSWER_BYTES).await.map_err(|error| self.failed(call, error))?;
            let body = self.inner.key.as_ref().map_or_else(|| body.clone(), |key| key.hide_in(&body));
            Ok(http::Response::from_parts(head, body))
        };
        tokio::time::timeout(self.inner.timeout, answer).await.unwrap_or_else(|_| {
            let problem =
                format!("there was no complete answer within {} s", self.inner.timeout.as_secs_f64());
            Err(self.failed(call, TransportError::new(TransportErrorKind::Timeout, problem)))
        })
    }

    /// Sends a call until the head of its answer is there, which is a success.
    async fn start(&self, call: &Call, request: Request) -> Result<(HeaderMap, ResponseBody), Error> {
        let response = self.inner.transport.send(request).await.map_err(|error| self.failed(call, error))?;
        let attempts = Attempts::of(&response).to_vec();
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            // What the status says stands, whether or not the rest of the answer comes.
            let body = body.collect_prefix(MAX_ERROR_BYTES).await.unwrap_or_default();
            let error = self.api_error(call.name(), &head, &body);
            return Err(self.refused(call, error.with_attempts(attempts)));
        }
        Ok((head.headers, body))
    }

    /// Reads an answer whose status is no success, and leaves the key out, should the service repeat it.
    pub(crate) fn api_error(&self, request: String, head: &Parts, body: &Bytes) -> ApiError {
        let Some(key) = &self.inner.key else {
            return ApiError::read(request, head.status, &head.headers, body);
        };
        ApiError::read(request, head.status, &head.headers, &key.hide_in(body)).without(key)
    }

    /// The error of a call that has no whole answer.
    fn failed(&self, call: &Call, error: TransportError) -> Error {
        let kind = match error.kind() {
            TransportErrorKind::Body => ErrorKind::Protocol,
            _ => ErrorKind::Transport,
        };
        let applied = call.creates.filter(|_| error.may_have_been_sent());
        let text = match applied {
            _ if !error.may_have_been_sent() => {
                format!("the service at {} cannot be reached", call.receiver(&self.inner.base))
            }
            Some(what) => format!("{} has no answer; {what} may exist all the same", call.name()),
            None => format!("{} has no answer", call.name()),
        };
        Error::new(kind, text).with_source(Source::Transport(error)).maybe_applied(applied.is_some())
    }

    /// The error of a call that was answered with one.
    fn refused(&self, call: &Call, error: ApiError) -> Error {
        let base = call.receiver(&self.inner.base);
        let has_no_key = self.inner.key.is_none() || !call.is_to(&self.inner.base);
        let kind = ErrorKind::of_status(error.status);
        // Who says that it is too early has not acted.
        let is_too_early = error.status == StatusCode::TOO_EARLY;
        let applied = call.creates.filter(|_| kind == ErrorKind::Server && !is_too_early);
        let text = match kind {
            ErrorKind::Unauthorized if has_no_key => {
                format!("the service at {base} wants an API key, and none was sent")
            }
            ErrorKind::Unauthorized => format!("the service at {base} refused the API key"),
            ErrorKind::InsufficientCredit => "the account has no credit left".to_owned(),
            ErrorKind::NotFound => call.missing.clone(),
            ErrorKind::Moved => {
                let place = error.location().unwrap_or("another address");
                format!("the service at {base} has moved to {place}: set the base URL to where it is now")
            }
            ErrorKind::Rejected => format!("the service rejected {}", call.subject),
            ErrorKind::Conflict => format!("{} does not fit what is there", call.subject),
            ErrorKind::RateLimited => format!("the service at {base} is limiting requests"),
            ErrorKind::Server => match applied {
                Some(what) => {
                    format!("the service at {base} is having problems; {what} may exist all the same")
                }
                None => format!("the service at {base} is having problems"),
            },
            _ => format!("the service at {base} answered in a way that this client does not know"),
        };
        Error::new(kind, text).with_source(Source::Api(error)).maybe_applied(applied.is_some())
    }
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// Where it goes on, as the service writes it.
    pub(crate) next: Option<String>,
}

/// The target of the `Link` header whose relation is `next`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let mut parameters = parameters.split(';').map(str::trim);
        let is_next = parameters.any(|parameter| {
            matches!(parameter.split_once('='), Some(("rel", value)) if value.trim_matches('"') == "next")
        });
        is_next.then(|| target.to_owned())
    })
}

impl Answer {
    /// The answer as a run.
    pub(crate) fn into_run(self) -> Result<Run, Error> {
        Run::parse(&self.body).map_err(|error| match error {
            ParseRunError::Json(_) => self.unexpected("a run"),
            _ => self.unexpected("a run").at_path("$.id"),
        })
    }

    /// The answer as a list of JSON objects, and where it goes on, if it does.
    pub(crate) fn into_page(self) -> Result<Page, Error> {
        let next = next_page(&self.headers);
        match json::read(&self.body, Limits::default()) {
            Ok(Value::Array(items)) => Ok(Page { items, next }),
            _ => Err(self.unexpected("a list")),
        }
    }

    /// The answer as a JSON object.
    pub(crate) fn into_object(self) -> Result<Object, Error> {
        match json::read(&self.body, Limits::default()) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(self.unexpected("a JSON object")),
        }
    }

    /// How long it is.
    pub(crate) const fn size_bytes(&self) -> usize {
        self.body.len()
    }

    /// Where the answer says that the thing is.
    pub(crate) fn location(&self) -> Option<Url> {
        Url::parse(self.headers.get(header::LOCATION)?.to_str().ok()?).ok()
    }

    /// The error of an answer that is something else.
    pub(crate) fn unexpected(&self, expected: &'static str) -> Error {
        self.unexpected_at("the answer is not the one of a ComfyICU service: check the base URL", expected)
    }

    /// The error of an answer that is something else, in the words of whoever asked.
    pub(crate) fn unexpected_at(&self, text: &'static str, expected: &'static str) -> Error {
        let body = self.key.as_ref().map_or_else(|| self.body.clone(), |key| key.hide_in(&self.body));
        let error = ProtocolError::new(self.request.clone(), expected, &self.headers, &body);
        Error::new(ErrorKind::Protocol, text).with_source(Source::Protocol(error))
    }
}
