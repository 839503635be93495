//! The layer that bounds what comes in.

use async_trait::async_trait;
use futures_util::{StreamExt as _, future, stream};
use http::header;

use crate::{HttpTransport, Request, Response, ResponseBody, SharedTransport};
use crate::{TransportError, TransportErrorKind};

/// Bounds the bytes of each response's body, as they come out of any compression. A body that goes on beyond
/// ends in an error, and one whose `content-length` says so beforehand is not begun.
#[derive(Clone, Debug)]
pub struct BodyLimit {
    inner: SharedTransport,
    bytes: u64,
}

impl BodyLimit {
    /// Puts the layer around a transport.
    pub const fn new(inner: SharedTransport, bytes: u64) -> Self {
        Self { inner, bytes }
    }
}

#[async_trait]
impl HttpTransport for BodyLimit {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let is_head = request.method() == http::Method::HEAD;
        let (head, body) = self.inner.send(request).await?.into_parts();
        let limit = self.bytes;
        let said =
            head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if !is_head && said.is_some_and(|said: u64| said > limit) {
            return Err(too_long(limit));
        }
        let bounded = body.scan(0_u64, move |seen, part| {
            let part = part.and_then(|part| {
                *seen = seen.saturating_add(part.len() as u64);
                if *seen > limit { Err(too_long(limit)) } else { Ok(part) }
            });
            future::ready(Some(part))
        });
        Ok(Response::from_parts(head, ResponseBody::from_stream(until_error(bounded))))
    }
}

/// Ends a stream with its first error.
fn until_error<T, E>(
    stream: impl futures_core::Stream<Item = Result<T, E>> + Send + 'static,
) -> impl futures_core::Stream<Item = Result<T, E>> + Send + 'static {
    stream::unfold(Some(Box::pin(stream)), |stream| async move {
        let mut stream = stream?;
        let item = stream.next().await?;
        let rest = item.is_ok().then_some(stream);
        Some((item, rest))
    })
}

fn too_long(limit: u64) -> TransportError {
    TransportError::new(TransportErrorKind::Body, format!("the body has more than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{answers, get};

    #[tokio::test]
    async fn a_body_beyond_the_limit_ends_in_an_error() {
        let limited = |body: &'static str, limit| {
            BodyLimit::new(Arc::new(answers(move |_| Ok(Response::new(body.into())))), limit)
        };
        let read = |limit| async move {
            limited("four", limit).send(get("http://h/")).await.unwrap().into_body().collect(99).await
        };
        assert_eq!(read(4).await.unwrap(), "four");
        assert_eq!(read(3).await.unwrap_err().kind(), TransportErrorKind::Body);
    }

    #[tokio::test]
    async fn a_length_beyond_the_limit_is_not_begun() {
        let long = || {
            let mut response = Response::new(ResponseBody::empty());
            response.headers_mut().insert("content-length", "5".parse().unwrap());
            Ok(response)
        };
        let limited = BodyLimit::new(Arc::new(answers(move |_| long())), 4);
        assert_eq!(limited.send(get("http://h/")).await.unwrap_err().kind(), TransportErrorKind::Body);
        let head = http::Request::head("http://h/").body(crate::RequestBody::empty()).unwrap();
        assert!(limited.send(head).await.is_ok(), "the length of a HEAD is of another body");
    }
}
