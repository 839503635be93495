//! One output over the wire, to its end: a transfer that breaks goes on where it broke.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use comfyicu_transport::{Next, Request, RequestBody, Response, ResponseBody, RetryPolicy, Route, Spent};
use comfyicu_transport::{TransportError, TransportErrorKind, decide};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use url::Url;

use super::digest::Expected;
use super::kept::{self, Begun, Version};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Source};

/// The most bytes an output may have: more than any video seen, less than a disk.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// How much of the body of an error is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// How often a transfer is begun again without a byte more.
const ATTEMPTS: usize = 4;

/// Takes the bytes as they come.
pub(super) trait Sink: Send {
    /// Hears which version of the file begins, where it has a name.
    fn begins(&mut self, _version: Option<Version>) {}

    /// Takes the next bytes.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Hears of the bytes that have come, and how many there are.
pub(super) type Report<'r> = &'r mut (dyn FnMut(u64, Option<u64>) + Send);

/// What came.
#[derive(Debug)]
pub(super) enum Fetched {
    /// All of it: so many bytes.
    Whole(u64),
    /// The rest cannot be had: the file became another one, or the service serves no parts, which the error says.
    /// What came so far is worth nothing.
    Anew(Option<Error>),
}

/// A file on its way.
pub(super) struct Fetch<'a> {
    client: &'a Client,
    url: &'a Url,
    /// What the file is for, in texts: `so … was not saved`.
    purpose: &'a str,
    offset: u64,
    total: Option<u64>,
    etag: Option<HeaderValue>,
    expected: Option<Expected>,
    /// What was there before, of which the digest is not known yet.
    begun: Option<Begun>,
    /// What broke the last transfer.
    broken: Option<TransportError>,
}

impl<'a> Fetch<'a> {
    pub(super) const fn new(client: &'a Client, url: &'a Url, purpose: &'a str) -> Self {
        let (total, etag, expected, begun, broken) = (None, None, None, None, None);
        Self { client, url, purpose, offset: 0, total, etag, expected, begun, broken }
    }

    /// Goes on behind what was there before.
    pub(super) fn behind(mut self, begun: Option<Begun>) -> Self {
        if let Some(begun) = &begun {
            self.offset = begun.bytes;
            self.total = begun.version.total;
            self.etag = Some(begun.version.etag.clone());
        }
        Self { begun, ..self }
    }

    /// Brings all bytes to a sink.
    pub(super) async fn run<S: Sink>(mut self, sink: &mut S, report: Report<'_>) -> Result<Fetched, Error> {
        let policy = RetryPolicy::default().attempts(ATTEMPTS).total(Duration::MAX);
        let mut fruitless = 0;
        loop {
            let before = self.offset;
            match self.transfer(sink, report).await {
                Ok(Some(fetched)) => return Ok(fetched),
                Ok(None) => {}
                Err(Broken::Finally(error)) => return Err(error),
                Err(Broken::Transfer(error)) => {
                    fruitless = if self.offset > before { 1 } else { fruitless + 1 };
                    let spent = Spent { attempts: fruitless, elapsed: Duration::ZERO };
                    match decide(&policy, spent, None, fastrand::f64()) {
                        Next::After(pause) => {
                            self.broken = Some(error);
                            sleep(pause).await;
                        }
                        _ => return Err(self.failed(error)),
                    }
                }
            }
        }
    }

    /// One request, and what comes of it. `None` when there is more to ask for.
    async fn transfer<S: Sink>(
        &mut self,
        sink: &mut S,
        report: Report<'_>,
    ) -> Result<Option<Fetched>, Broken> {
        let response = self.ask().await?;
        let is_first = self.offset == 0;
        let Some((mut body, mut skip)) = self.begin(response).await? else {
            let cause = self.broken.take().map(|error| self.failed(error));
            return Ok(Some(Fetched::Anew(cause)));
        };
        if is_first {
            sink.begins(self.etag.clone().map(|etag| Version { etag, total: self.total }));
        }
        report(self.offset, self.total);
        while let Some(bytes) = self.next(&mut body).await? {
            let bytes = skip_front(bytes, &mut skip);
            self.offset = self.offset.saturating_add(bytes.len() as u64);
            if self.offset > self.total.unwrap_or(MAX_OUTPUT_BYTES) {
                let problem = format!("it has more than {} bytes", self.total.unwrap_or(MAX_OUTPUT_BYTES));
                let error = TransportError::new(TransportErrorKind::Body, problem);
                return Err(Broken::Finally(self.failed(error)));
            }
            if let Some(expected) = &mut self.expected {
                expected.update(&bytes);
            }
            if !bytes.is_empty() {
                sink.write(bytes).await.map_err(Broken::Finally)?;
                report(self.offset, self.total);
            }
        }
        if let Some(total) = self.total.filter(|total| *total != self.offset) {
            let problem = format!("it broke off after {} of {total} bytes", self.offset);
            return Err(Broken::Transfer(TransportError::new(TransportErrorKind::Interrupted, problem)));
        }
        if self.expected.take().is_some_and(|expected| !expected.check()) {
            let problem = "its bytes are not those of the digest that came with it";
            let error = TransportError::new(TransportErrorKind::Body, problem);
            return Err(Broken::Finally(self.failed(error)));
        }
        Ok(Some(Fetched::Whole(self.offset)))
    }

    /// Asks for what is missing.
    async fn ask(&self) -> Result<Response, Broken> {
        let mut request = http::Request::get(self.url.as_str()).extension(Route("output"));
        if self.offset > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.offset));
            if let Some(etag) = &self.etag {
                request = request.header(header::IF_RANGE, etag);
            }
        }
        let request: Request = request.body(RequestBody::empty()).map_err(|error| {
            Broken::Finally(self.failed(TransportError::new(TransportErrorKind::Request, error)))
        })?;
        let sent = timeout(self.silence(), self.client.inner.transport.send(request)).await;
        let response = sent.unwrap_or_else(|_| Err(self.silent()));
        response.map_err(|error| match self.offset {
            0 => Broken::Finally(self.failed(error)),
            _ => Broken::Transfer(error),
        })
    }

    /// Looks at the head of a response: its bytes, and how many of them are known already. `None` when the file
    /// is no longer the one that was begun.
    async fn begin(&mut self, response: Response) -> Result<Option<(ResponseBody, u64)>, Broken> {
        let status = response.status();
        if !status.is_success() {
            return if self.offset > 0 && status == StatusCode::RANGE_NOT_SATISFIABLE {
                Ok(None)
            } else {
                Err(Broken::Finally(self.refused(response).await))
            };
        }
        let (head, body) = response.into_parts();
        let etag = strong_etag(&head.headers);
        if self.offset == 0 {
            self.total = length(&head.headers);
            self.etag = etag;
            self.expected = Expected::of(&head.headers);
            return Ok(Some((body, 0)));
        }
        self.expect_behind(&head.headers).await?;
        // Without a name for its version, a file counts as the same when it has the same length.
        let is_same = if self.etag.is_some() { etag == self.etag } else { true };
        if status == StatusCode::PARTIAL_CONTENT {
            let range = range(&head.headers);
            let fits = range.is_some_and(|(start, total)| {
                start == self.offset && (total.is_none() || self.total.is_none() || total == self.total)
            });
            // A part need not repeat the name that was asked for with If-Range.
            let is_same = is_same || etag.is_none();
            return Ok((fits && is_same).then_some((body, 0)));
        }
        let is_as_long = self.total.is_some() && length(&head.headers) == self.total;
        Ok((is_same && is_as_long).then_some((body, self.offset)))
    }

    /// Takes up the digest of the whole where an earlier download left off.
    async fn expect_behind(&mut self, headers: &HeaderMap) -> Result<(), Broken> {
        let (Some(begun), Some(expected)) = (self.begun.take(), Expected::of(headers)) else { return Ok(()) };
        let seen = spawn_blocking(move || kept::digest(&begun)).await.map_err(io::Error::other);
        let seen = seen.and_then(|seen| seen).map_err(|error| {
            let text = format!("what was there before cannot be read, so {}", self.purpose);
            Broken::Finally(Error::new(ErrorKind::ReadFile, text).with_source(Source::Io(error)))
        })?;
        self.expected = Some(expected.after(seen));
        Ok(())
    }

    async fn next(&self, body: &mut ResponseBody) -> Result<Option<Bytes>, Broken> {
        let next = timeout(self.silence(), body.next()).await;
        next.unwrap_or_else(|_| Some(Err(self.silent()))).transpose().map_err(Broken::Transfer)
    }

    /// How long the other side may be silent.
    fn silence(&self) -> Duration {
        self.client.inner.timeout
    }

    fn silent(&self) -> TransportError {
        let problem = format!("nothing came for {} s", self.silence().as_secs_f64());
        TransportError::new(TransportErrorKind::Timeout, problem)
    }

    fn failed(&self, error: TransportError) -> Error {
        let text = format!("{} did not arrive whole, so {}", self.shown(), self.purpose);
        Error::new(ErrorKind::Transport, text).with_source(Source::Transport(error))
    }

    async fn refused(&self, response: Response) -> Error {
        let (head, body) = response.into_parts();
        let body = timeout(self.silence(), body.collect_prefix(MAX_ERROR_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let kind = match ErrorKind::of_status(head.status) {
            kind @ (ErrorKind::Server | ErrorKind::RateLimited) => kind,
            // Neither the key, which was not sent, nor the run: the link is no longer good.
            _ => ErrorKind::Unexpected,
        };
        let request = format!("GET {}", self.shown());
        let error = self.client.api_error(request, &head, &body);
        let text = format!("the output cannot be fetched, so {}", self.purpose);
        Error::new(kind, text).with_source(Source::Api(error))
    }

    /// The URL without its query, which may be a signature.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.to_string()
    }
}

/// How a transfer ended early.
enum Broken {
    /// It may go on.
    Transfer(TransportError),
    /// It may not.
    Finally(Error),
}

/// How long the body is; an encoded one has another length than its file.
fn length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (!headers.contains_key(header::CONTENT_ENCODING)).then_some(length)
}

/// The name of the file's version, where equal names mean equal bytes.
fn strong_etag(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned()
}

/// Where a part begins, and how long the whole is: `bytes 5-9/10`.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = text.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

/// What is left of a part when what is known is left out.
fn skip_front(mut bytes: Bytes, skip: &mut u64) -> Bytes {
    let known = usize::try_from(*skip).unwrap_or(usize::MAX).min(bytes.len());
    *skip -= known as u64;
    bytes.split_off(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_names_are_read() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
        };
        assert_eq!(range(&headers("content-range", "bytes 5-9/10")), Some((5, Some(10))));
        assert_eq!(range(&headers("content-range", "bytes 5-9/*")), Some((5, None)));
        for nonsense in ["", "bytes */10", "items 5-9/10", "bytes x-9/10"] {
            assert_eq!(range(&headers("content-range", nonsense)), None, "{nonsense}");
        }
        assert!(strong_etag(&headers("etag", "\"a\"")).is_some());
        assert!(strong_etag(&headers("etag", "W/\"a\"")).is_none());
    }

    #[test]
    fn what_is_known_is_left_out() {
        let mut skip = 5;
        assert_eq!(skip_front("abc".into(), &mut skip), "");
        assert_eq!(skip_front("defg".into(), &mut skip), "fg");
        assert_eq!((skip_front("h".into(), &mut skip), skip), ("h".into(), 0));
    }
}
