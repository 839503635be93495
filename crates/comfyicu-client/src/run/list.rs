//! The runs of a workflow, as a stream.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use comfyicu_model::{Run, RunStatus, Timestamp};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncStream;
use url::Url;

use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::workflow::Workflow;

/// The most pages that are followed: ten million runs of a page of 100.
const MAX_PAGES: usize = 100_000;

/// The runs of a workflow, newest first: what is wanted is set here, and asked for as the
/// [`stream`](Self::stream) is read.
///
/// A server with pages (an extension) is asked for what is wanted, page by page. The hosted service answers one
/// list; what does not fit is left out here.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for until the stream is read"]
pub struct ListRuns {
    workflow: Workflow,
    status: Option<RunStatus>,
    since: Option<Timestamp>,
    page_size: Option<u32>,
}

impl ListRuns {
    pub(crate) const fn new(workflow: Workflow) -> Self {
        Self { workflow, status: None, since: None, page_size: None }
    }

    /// Only those with this status.
    pub fn status(mut self, status: RunStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only those created at this moment or later.
    pub const fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Sets how many runs a page has, where the service has pages; by default it chooses.
    pub const fn page_size(mut self, runs: u32) -> Self {
        self.page_size = Some(runs);
        self
    }

    /// The runs as a stream. It asks for the next page when that is read, and ends after the first error.
    pub fn stream(self) -> RunStream {
        let start = Paging { list: self, next: Step::First, seen: HashSet::new() };
        let pages = stream::try_unfold(start, |mut paging| async move {
            let page = paging.next().await?;
            Ok(page.map(|runs| (stream::iter(runs.into_iter().map(Ok)), paging)))
        });
        RunStream(SyncStream::new(Box::pin(pages.try_flatten())))
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        if self.workflow.client().is_hosted() {
            return Vec::new();
        }
        let limit = self.page_size.map(|size| ("limit", size.to_string()));
        let status = self.status.as_ref().map(|status| ("status", status.to_string()));
        let since = self.since.map(|since| ("since", since.to_string()));
        [limit, status, since].into_iter().flatten().collect()
    }

    fn fits(&self, run: &Run) -> bool {
        let has_status = self.status.is_none() || run.status() == self.status;
        let is_since = self.since.is_none_or(|since| run.created_at().is_none_or(|at| at >= since));
        has_status && is_since
    }
}

/// The runs of a workflow; a [`Stream`] with what most need of one.
#[must_use = "nothing is asked for until it is read"]
pub struct RunStream(SyncStream<BoxStream<'static, Result<Run, Error>>>);

impl RunStream {
    /// The next run; `None` after the last.
    ///
    /// # Errors
    /// When the next page cannot be got.
    ///
    /// # Cancel safety
    /// Safe: no run is lost.
    pub async fn try_next(&mut self) -> Result<Option<Run>, Error> {
        self.0.try_next().await
    }

    /// All runs; `limit` bounds how many.
    ///
    /// # Errors
    /// When a page cannot be got.
    pub async fn collect(self, limit: usize) -> Result<Vec<Run>, Error> {
        self.0.take(limit).try_collect().await
    }
}

impl Stream for RunStream {
    type Item = Result<Run, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for RunStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunStream(..)")
    }
}

/// How far a list is read.
struct Paging {
    list: ListRuns,
    next: Step,
    /// Where it has been: a list that goes in a circle ends.
    seen: HashSet<Url>,
}

enum Step {
    First,
    At(Url),
    End,
}

impl Paging {
    async fn next(&mut self) -> Result<Option<Vec<Run>>, Error> {
        let client = self.list.workflow.client();
        let base = &client.inner.base;
        let call = match std::mem::replace(&mut self.next, Step::End) {
            Step::First => Call::list_runs(base, self.list.workflow.id(), &self.list.query()),
            Step::At(url) => Call::next_page(base, url),
            Step::End => return Ok(None),
        };
        let page = client.exchange(&call).await?.into_page()?;
        if let Some(next) = page.next {
            let url = follow(&call, &next)?;
            if self.seen.len() < MAX_PAGES && self.seen.insert(url.clone()) {
                self.next = Step::At(url);
            }
        }
        let mut runs = Vec::with_capacity(page.items.len());
        for (index, item) in page.items.into_iter().enumerate() {
            let run = Run::from_value(item).map_err(|_| not_a_run(&call, index))?;
            if self.list.fits(&run) {
                runs.push(run);
            }
        }
        Ok(Some(runs))
    }
}

/// Where the list goes on: the same list of this service, whatever the service calls itself. Of the link only
/// the query counts, so that the key goes nowhere else.
fn follow(call: &Call, next: &str) -> Result<Url, Error> {
    let mut url = call.url().clone();
    let target = url.join(next).ok().filter(|target| is_same_list(target, &url));
    let target = target.ok_or_else(|| {
        let text = format!("{} goes on with something else than itself, which is not followed", call.name());
        Error::new(ErrorKind::Protocol, text)
    })?;
    url.set_query(target.query());
    Ok(url)
}

/// Whether two addresses end in the same list; what is before it depends on where one stands.
fn is_same_list(one: &Url, other: &Url) -> bool {
    let list = |url: &Url| url.path().rsplit_once("/workflows/").map(|(_, list)| list.to_owned());
    list(one).is_some() && list(one) == list(other)
}

fn not_a_run(call: &Call, index: usize) -> Error {
    Error::new(ErrorKind::Protocol, format!("{} answered a list whose item {index} is no run", call.name()))
}

#[cfg(test)]
mod tests {
    use comfyicu_model::WorkflowId;
    use http::header;

    use super::*;
    use crate::Client;
    use crate::fake::{self, json};

    fn list(client: &Client) -> ListRuns {
        client.workflow(WorkflowId::parse("w").unwrap()).runs()
    }

    fn page(
        body: &str,
        next: &str,
    ) -> Result<comfyicu_transport::Response, comfyicu_transport::TransportError> {
        let mut response = json(200, body)?;
        response.headers_mut().insert(header::LINK, next.parse().unwrap());
        Ok(response)
    }

    #[tokio::test]
    async fn pages_follow_each_other() {
        let (client, seen) = fake::client(|request| match request.uri().query() {
            Some(query) if query.contains("cursor=2") => json(200, r#"[{"id": "a"}]"#),
            _ => page(
                r#"[{"id": "c"}, {"id": "b"}]"#,
                r#"</>; rel="prev", </api/v1/workflows/w/runs?cursor=2>; rel="next""#,
            ),
        });
        let runs = list(&client).page_size(2).stream().collect(10).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.id().as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        insta::assert_snapshot!(seen.lines().join("\n"), @"
        GET http://server:8000/api/v1/workflows/w/runs?limit=2 [key]
        GET http://server:8000/api/v1/workflows/w/runs?cursor=2 [key]
        ");
        let mut stream = list(&client).stream();
        assert_eq!(stream.try_next().await.unwrap().unwrap().id().as_str(), "c");
        assert_eq!(seen.lines().len(), 3, "the second page is not asked for before it is read");
    }

    #[tokio::test]
    async fn what_the_service_does_not_filter_is_left_out_here() {
        let body = r#"[{"id": "c", "status": "ERROR", "created_at": "2026-01-03T00:00:00.000Z"},
            {"id": "b", "status": "COMPLETED", "created_at": "2026-01-02T00:00:00.000Z"},
            {"id": "a", "status": "COMPLETED", "created_at": "2026-01-01T00:00:00.000Z"}]"#;
        let (client, seen) = fake::client(move |_| json(200, body));
        let list = list(&client).status(RunStatus::Completed).since("2026-01-02T00:00:00Z".parse().unwrap());
        let runs = list.stream().collect(10).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.id().as_str()).collect::<Vec<_>>(), ["b"]);
        insta::assert_snapshot!(seen.lines().join("\n"), @"GET http://server:8000/api/v1/workflows/w/runs?status=COMPLETED&since=2026-01-02T00%3A00%3A00.000Z [key]");
    }

    #[tokio::test]
    async fn a_list_leads_nowhere_else_and_in_no_circle() {
        let (client, seen) = fake::client(|_| page("[]", r#"<https://evil.example.com/>; rel="next""#));
        let error = list(&client).stream().collect(10).await.unwrap_err();
        insta::assert_snapshot!(error, @"GET http://server:8000/api/v1/workflows/w/runs goes on with something else than itself, which is not followed");
        assert_eq!(seen.lines().len(), 1);
        let (client, seen) = fake::client(|_| page(r#"[{"id": "a"}]"#, "<?cursor=1>; rel=next"));
        assert_eq!(list(&client).stream().collect(10).await.unwrap().len(), 2);
        assert_eq!(seen.lines().len(), 2);
    }

    #[tokio::test]
    async fn what_is_no_list_of_runs_is_named() {
        for (body, text) in [("{}", "a list"), ("[7]", "item 0 is no run")] {
            let (client, _) = fake::client(move |_| json(200, body));
            let error = list(&client).stream().collect(10).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(fake::chain(&error).contains(text), "{}", fake::chain(&error));
        }
    }
}
