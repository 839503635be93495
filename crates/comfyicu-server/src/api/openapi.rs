//! `/openapi.json` and `/reference`: the document that describes this API, made of the routes themselves. An
//! extension.

mod page;
mod params;
mod refusals;
mod schema;

pub(super) use params::{
    DeliveryPath, FileHeaders, IdempotencyKey, InputPath, LastEventId, OutputParts, RunPath, UploadPath,
    WorkflowPath,
};
pub(super) use refusals::{
    BadRequest, BodyRefused, CreateRefused, FileRefused, FileServed, KeyRefused, NotFound, ServerBusy,
    ThumbnailRefused,
};
pub(super) use schema::{
    Capabilities, CreateAnswer, CreateRun, Delivery, Health, Readiness, Run, Upload, UploadForm, Workflow,
    thumbnail_size,
};

use std::sync::LazyLock;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Required};
use utoipa::{Modify, OpenApi as _};

/// What stands at the head of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "comfyicu-server",
        description = "Runs ComfyUI prompts on a machine of your own: the API of the hosted service ComfyICU, and \
                       extensions of it. What the hosted service has too says so; everything else is an extension."
    ),
    components(schemas(schema::Error)),
    modifiers(&ApiKey),
    security(("api_key" = [])),
    tags(
        (name = "runs", description = "Creating runs, looking at them, ending them"),
        (name = "events", description = "What happens, as it happens"),
        (name = "workflows", description = "The workflows that have runs"),
        (name = "webhooks", description = "The messages of a run and what became of them"),
        (name = "files", description = "What goes into runs and comes out of them"),
        (name = "server", description = "The server itself")
    )
)]
struct Head;

/// The key that requests carry.
struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// The head of the document, without any paths yet.
pub(super) fn head() -> OpenApi {
    Head::openapi()
}

/// The document as it is served: in OpenAPI the rest of a path has the form of any other part.
pub(super) fn finish(mut document: OpenApi) -> OpenApi {
    let uploads = document.paths.paths.get_mut("/api/v1/uploads").and_then(|item| item.post.as_mut());
    if let Some(RefOr::T(body)) = uploads.and_then(|upload| upload.request_body.as_mut()) {
        // A file may be empty, and then there is no body.
        body.required = Some(Required::False);
    }
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document
}

/// The document as text, ending with a line feed.
pub(super) fn to_json(document: &OpenApi) -> String {
    // Only maps whose keys are no texts cannot be written, and there are none.
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// Both are made when they are first asked for: most servers never are, and start without them.
static JSON: LazyLock<String> = LazyLock::new(|| to_json(&super::document()));
static PAGE: LazyLock<String> = LazyLock::new(|| page::render(&super::document()));

/// Serves the document, as it is and as a page. Neither needs a key: they tell nothing of anybody's.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], JSON.as_str())))
        .route("/reference", get(async || Html(PAGE.as_str())))
}
