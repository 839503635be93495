//! An S3 bucket, spoken to through the project's own transport.

use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_transport::{RequestBody, SharedTransport, TransportError, TransportErrorKind};
use futures_util::TryStreamExt as _;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, Result};
use sync_wrapper::SyncStream;

use super::OutputsLocation;

/// Opens a bucket, with the keys, the region and the endpoint of the usual variables.
pub(super) fn open(location: &OutputsLocation, transport: SharedTransport) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&location.bucket)
        .with_http_connector(Connector(transport));
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = endpoint.iter().find_map(|key| builder.get_config_value(key));
    // Whoever names such an endpoint means it.
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    Ok(Arc::new(PrefixStore::new(builder.build()?, location.prefix.clone())))
}

#[derive(Debug)]
struct Connector(SharedTransport);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> Result<HttpClient> {
        Ok(HttpClient::new(Service(Arc::clone(&self.0))))
    }
}

#[derive(Debug)]
struct Service(SharedTransport);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let (mut head, body) = request.into_parts();
        // The bytes as they are: a range counts them.
        head.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let length = body.content_length() as u64;
        if length > 0 {
            // The transport says it itself.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        let body = match body.as_bytes() {
            Some(bytes) => RequestBody::from(bytes.clone()),
            None => RequestBody::from_stream(length, move || {
                Box::pin(
                    body.clone()
                        .into_data_stream()
                        .map_err(|error| TransportError::new(TransportErrorKind::Other, error)),
                )
            }),
        };
        let response = self.0.send(http::Request::from_parts(head, body)).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let frames = SyncStream::new(body.map_ok(Frame::data).map_err(failed));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(StreamBody::new(frames))))
    }
}

/// What the failure of an exchange means to whoever may repeat it.
fn failed(error: TransportError) -> HttpError {
    let kind = match error.kind() {
        TransportErrorKind::Connect => HttpErrorKind::Connect,
        TransportErrorKind::Timeout => HttpErrorKind::Timeout,
        TransportErrorKind::Interrupted => HttpErrorKind::Interrupted,
        TransportErrorKind::Body => HttpErrorKind::Decode,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
