//! Bodies: bytes at hand, or a stream of them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{TransportError, TransportErrorKind};

/// A stream of bytes that may end in an error.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// The body of a request. It can be sent again: a stream is made anew for each time.
#[derive(Clone)]
pub struct RequestBody(Source);

#[derive(Clone)]
enum Source {
    Bytes(Bytes),
    Stream { length: u64, open: Arc<dyn Fn() -> BodyStream + Send + Sync> },
}

impl RequestBody {
    /// No body.
    pub const fn empty() -> Self {
        Self(Source::Bytes(Bytes::new()))
    }

    /// A body of `length` bytes from a stream, such as a file's. `open` is called for each time the body
    /// is sent.
    pub fn from_stream(length: u64, open: impl Fn() -> BodyStream + Send + Sync + 'static) -> Self {
        Self(Source::Stream { length, open: Arc::new(open) })
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Stream { length, .. } => *length,
        }
    }

    /// The bytes, when they are at hand.
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Source::Bytes(bytes) => Some(bytes),
            Source::Stream { .. } => None,
        }
    }

    /// The body as a stream.
    pub fn open(&self) -> BodyStream {
        match &self.0 {
            Source::Bytes(bytes) => once(bytes.clone()),
            Source::Stream { open, .. } => open(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for RequestBody {
    fn from(bytes: T) -> Self {
        Self(Source::Bytes(bytes.into()))
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestBody({} bytes)", self.length())
    }
}

/// The body of a response: a stream of bytes.
pub struct ResponseBody(BodyStream);

impl ResponseBody {
    /// No body.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// A body from a stream.
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Reads the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// When the body breaks off, or has more bytes ([`TransportErrorKind::Body`]).
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.0.try_next().await? {
            if all.len().saturating_add(chunk.len()) > limit {
                let problem = format!("the body has more than {limit} bytes");
                return Err(TransportError::new(TransportErrorKind::Body, problem));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Reads the beginning of the body, at most `limit` bytes, and leaves the rest.
    ///
    /// # Errors
    /// When the body breaks off before.
    pub async fn collect_prefix(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut prefix = BytesMut::new();
        while prefix.len() < limit {
            let Some(chunk) = self.0.try_next().await? else { break };
            prefix.extend_from_slice(&chunk);
        }
        prefix.truncate(limit);
        Ok(prefix.freeze())
    }
}

impl Stream for ResponseBody {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(bytes: T) -> Self {
        Self(once(bytes.into()))
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseBody(..)")
    }
}

fn once(bytes: Bytes) -> BodyStream {
    Box::pin(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(parts: &'static [&'static str]) -> ResponseBody {
        ResponseBody::from_stream(stream::iter(parts.iter().map(|part| Ok(Bytes::from(*part)))))
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_within_its_bound() {
        assert_eq!(chunks(&["ab", "cd"]).collect(4).await.unwrap(), "abcd");
        let error = chunks(&["ab", "cd"]).collect(3).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Body);
        assert_eq!(ResponseBody::empty().collect(0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_prefix_leaves_the_rest() {
        assert_eq!(chunks(&["ab", "cd"]).collect_prefix(3).await.unwrap(), "abc");
        assert_eq!(chunks(&["ab"]).collect_prefix(3).await.unwrap(), "ab");
    }

    #[tokio::test]
    async fn a_request_body_can_be_opened_again() {
        let body = RequestBody::from_stream(2, || once(Bytes::from("hi")));
        for _ in 0..2 {
            let bytes: Vec<Bytes> = body.open().try_collect().await.unwrap();
            assert_eq!(bytes, ["hi"]);
        }
        assert_eq!(RequestBody::from("four").length(), 4);
    }
}
