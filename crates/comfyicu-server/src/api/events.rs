//! `GET …/runs/{run_id}/events` and `GET …/workflows/{workflow_id}/events`: Server-Sent Events. An extension.

mod feed;
mod frame;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::auth::Caller;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::openapi::{BadRequest, KeyRefused, LastEventId, NotFound, RunPath, ServerBusy, WorkflowPath};
use super::runs;
use crate::app::App;
use crate::positions::{PlaceOf, Positions};
use crate::store::Scope;
use feed::{Feed, From};

/// How long a stream is silent at most: proxies close connections that are.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The header with which a reader says what it has seen.
const LAST_EVENT_ID: &str = "last-event-id";
/// What a reader says there who wants everything that was written down.
const BEGINNING: &str = "0";

/// Bounds how many read along: each is a connection and a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    free: Arc<Semaphore>,
    most: usize,
}

impl Streams {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most }
    }

    /// How many read along now.
    pub(crate) fn count(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.free).try_acquire_owned().map_err(|_| {
            ApiError::too_busy(format!("{} readers of events are connected, and no more can be", self.most))
        })
    }
}

/// What a reader wants.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Previews of images, too; they are much larger than anything else.
    #[serde(default)]
    previews: bool,
}

/// Tells what happens to a run, as it happens
///
/// Server-Sent Events, from the beginning of the run on, or from the last event that was seen. It ends with the
/// run. An extension.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}/runs/{run_id}/events",
    operation_id = "follow_run",
    tag = "events",
    params(RunPath, EventsQuery, LastEventId),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        KeyRefused,
        NotFound,
        BadRequest,
        ServerBusy
    )
)]
pub(super) async fn of_run(
    State(app): State<App>,
    caller: Caller,
    Path((workflow_id, run_id)): Path<(String, String)>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let run = runs::find(&app, &caller.run(&workflow_id, &run_id)?).await?;
    let from = last_seen(&headers, &app.positions)?.map_or(From::Beginning, From::After);
    let feed = Feed::open(&app, Scope::Run(run.id), from, run.status.is_terminal()).await?;
    stream(&app, if query.previews { feed.with_previews() } else { feed })
}

/// Tells what happens to the runs of a workflow, as it happens
///
/// Server-Sent Events, from now on, or from the last event that was seen. It goes on for as long as the reader
/// reads. An extension.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{workflow_id}/events",
    operation_id = "follow_workflow",
    tag = "events",
    params(WorkflowPath, EventsQuery, LastEventId),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        KeyRefused,
        NotFound,
        BadRequest,
        ServerBusy
    )
)]
pub(super) async fn of_workflow(
    State(app): State<App>,
    caller: Caller,
    Path(workflow_id): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let workflow = caller.workflow(&workflow_id)?;
    let from = last_seen(&headers, &app.positions)?.map_or(From::Now, From::After);
    let feed = Feed::open(&app, Scope::Workflow(workflow), from, false).await?;
    stream(&app, if query.previews { feed.with_previews() } else { feed })
}

fn stream(
    app: &App,
    feed: Feed,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, ApiError> {
    let permit = app.streams.enter()?;
    let (shutdown, positions) = (app.shutdown.clone(), app.positions.clone());
    let frames =
        futures_util::stream::unfold((feed, permit, positions), async |(mut feed, permit, positions)| {
            let frame = feed.next().await?;
            Some((Ok(frame.into_event(&positions)), (feed, permit, positions)))
        });
    let frames = frames.take(app.limits.max_stream_events);
    let frames = frames.take_until(async move { shutdown.stopping().await });
    Ok(Sse::new(frames).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat")))
}

/// The last event that the reader has seen.
fn last_seen(headers: &HeaderMap, positions: &Positions) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let place = |text: &str| if text == BEGINNING { Some(0) } else { positions.open(PlaceOf::Event, text) };
    let id = value.to_str().ok().and_then(|text| place(text.trim()));
    id.map(Some).ok_or_else(|| ApiError::bad_request("`Last-Event-ID` is not the id of an event"))
}
