//! `/api/v1/uploads`: bytes for the `files` of a run, by their digest. An extension.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Response};
use comfyicu_model::json::{Object, Value};
use futures_util::TryStreamExt as _;
use http::{StatusCode, header};

use super::Json;
use super::auth::Caller;
use super::error::ApiError;
use crate::api::extract::Path;
use crate::app::App;
use crate::clock;
use crate::files::{Blob, StoreBlobError};
use crate::hash::Sha256Hex;

/// Stores a body, raw or the first file of a form, and answers `{url, sha256, size}`. A `files` entry with
/// that `url` is these bytes.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Json, ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let blob = if content_type.is_some_and(|text| text.starts_with("multipart/form-data")) {
        store_form(&app, request).await?
    } else {
        store_body(&app, request.into_body()).await?
    };
    app.index.note_upload(&caller.owner, &blob.sha256, clock::now()).await?;
    let url = app.urls.upload(&blob.sha256);
    Ok(Json(Value::from(Object::from_iter([
        ("url", Value::from(url.as_str())),
        ("sha256", blob.sha256.as_str().into()),
        ("size", blob.bytes.into()),
    ]))))
}

/// Says whether the caller uploaded the bytes of a digest: 404, or 200 with the upload's `url` as `location`.
pub(super) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(sha256): Path<String>,
) -> Result<Response, ApiError> {
    let Some(sha256) = Sha256Hex::parse(&sha256) else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let is_here =
        app.index.has_upload(&caller.owner, &sha256).await? && app.blobs.find(&sha256).await.is_some();
    if !is_here {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    Ok([(header::LOCATION, app.urls.upload(&sha256).as_str())].into_response())
}

async fn store_body(app: &App, body: Body) -> Result<Blob, ApiError> {
    app.blobs.store(body.into_data_stream()).await.map_err(|error| failed(&error))
}

async fn store_form(app: &App, request: Request) -> Result<Blob, ApiError> {
    let broken =
        |error: &dyn std::error::Error| ApiError::bad_request(format!("the form cannot be read: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        if field.file_name().is_some() {
            return app.blobs.store(field.into_stream()).await.map_err(|error| failed(&error));
        }
    }
    Err(ApiError::bad_request("the form has no file"))
}

fn failed<E: std::error::Error + 'static>(error: &StoreBlobError<E>) -> ApiError {
    match error {
        StoreBlobError::TooLarge { limit } => ApiError::too_large(*limit),
        StoreBlobError::Source(_) => ApiError::bad_request("the body broke off"),
        StoreBlobError::Io(_) => ApiError::internal(error),
    }
}
