//! `/api/v1/uploads`: bytes for the `files` of a run, by their digest. An extension.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::response::{IntoResponse as _, Response};
use comfyicu_model::json::{Object, Value};
use futures_util::TryStreamExt as _;
use http::{StatusCode, header};
use http_body_util::Limited;

use super::Json;
use super::auth::Caller;
use super::error::ApiError;
use super::openapi::{self, BodyRefused, KeyRefused, UploadPath};
use crate::api::extract::{self, Path};
use crate::app::App;
use crate::clock;
use crate::files::{Blob, StoreBlobError};
use crate::hash::Sha256Hex;

/// How much a form may have beside its file.
const FORM: u64 = 1024 * 1024;

/// Stores bytes for the `files` of runs
///
/// The body itself, or the first file of a form. A `files` entry with the `url` of the answer is these bytes;
/// nothing is fetched. An extension.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    operation_id = "upload",
    tag = "files",
    request_body(content(("application/octet-stream"), (openapi::UploadForm = "multipart/form-data"))),
    responses((status = 200, description = "They are stored", body = openapi::Upload), KeyRefused, BodyRefused)
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Json, ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let blob = if content_type.is_some_and(|text| text.starts_with("multipart/form-data")) {
        store_form(&app, request).await?
    } else {
        store_body(&app, request).await?
    };
    app.index.note_upload(&caller.owner, &blob.sha256, clock::now()).await?;
    let url = app.urls.upload(&blob.sha256);
    Ok(Json(Value::from(Object::from_iter([
        ("url", Value::from(url.as_str())),
        ("sha256", blob.sha256.as_str().into()),
        ("size", blob.bytes.into()),
    ]))))
}

/// Says whether bytes were uploaded
///
/// An extension.
#[utoipa::path(
    head,
    path = "/api/v1/uploads/{sha256}",
    operation_id = "find_upload",
    tag = "files",
    params(UploadPath),
    responses(
        (status = 200, description = "They are here", headers(("location", description = "The `url` of the upload"))),
        (status = 404, description = "They are not, or another owner uploaded them"),
        (status = 401, description = "The key is missing, or is not one, or not any more"),
        (status = 403, description = "The key is not for this"),
        (status = 429, description = "The key has done as much as it may for now"),
        (status = 500, description = "The server failed, and its log says why")
    )
)]
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

async fn store_body(app: &App, request: Request) -> Result<Blob, ApiError> {
    let limit = app.limits.max_file_size.0;
    extract::refuse_longer(request.headers(), limit)?;
    app.blobs.store(request.into_body().into_data_stream()).await.map_err(|error| failed(&error, limit))
}

async fn store_form(app: &App, request: Request) -> Result<Blob, ApiError> {
    let limit = app.limits.max_file_size.0;
    let with_form = limit.saturating_add(FORM);
    extract::refuse_longer(request.headers(), with_form)?;
    // Whatever else stands in the form is read past, and bounded too.
    let most = usize::try_from(with_form).unwrap_or(usize::MAX);
    let request = request.map(|body| Body::new(Limited::new(body, most)));
    let broken = |error: &(dyn std::error::Error + 'static)| {
        let unreadable = || ApiError::bad_request(format!("the form cannot be read: {error}"));
        extract::broken_off(error, limit).unwrap_or_else(unreadable)
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        if field.file_name().is_some() {
            return app.blobs.store(field.into_stream()).await.map_err(|error| failed(&error, limit));
        }
    }
    Err(ApiError::bad_request("the form has no file"))
}

fn failed<E: std::error::Error + 'static>(error: &StoreBlobError<E>, limit: u64) -> ApiError {
    match error {
        StoreBlobError::TooLarge { limit } => ApiError::too_large(*limit),
        StoreBlobError::Source(error) => {
            extract::broken_off(error, limit).unwrap_or_else(|| ApiError::bad_request("the body broke off"))
        }
        StoreBlobError::Io(_) => ApiError::internal(error),
    }
}
