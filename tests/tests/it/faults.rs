//! The client on bad days: a real server behind a proxy that breaks things. Each test is a line of the table in
//! `docs/src/rust/faults.md`. The same suite runs against the server as it is and with every extension hidden, which
//! is what the hosted service looks like.

mod any_sequence;
mod table;
mod webhooks;

use std::time::{Duration, Instant};

use comfyicu_client::{Client, ClientBuilder, Error, ErrorKind, Extension, RunHandle, Workflow};
use comfyicu_model::{Prompt, RunStatus, WorkflowId};
use comfyicu_tests::{Fault, FaultProxy, PATIENCE, Received, Server, ServerOptions};
use comfyicu_transport::RetryPolicy;

use crate::PROGRAMS;
use crate::prompts::empty_image;

/// How long a lost submit is searched for here: nothing on this machine takes longer.
const SEARCH: Duration = Duration::from_secs(3);

/// What stands behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The server with its extensions.
    Own,
    /// The server without any, as the hosted service is.
    Hosted,
}

/// A server, the proxy before it, and a client that knows the proxy only.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) proxy: FaultProxy,
    pub(crate) client: Client,
}

impl Bench {
    /// Sets all of it up; `plan` says what happens to each request, and how many came before it.
    pub(crate) fn new(mode: Mode, plan: impl Fn(&Received, usize) -> Fault + Send + Sync + 'static) -> Self {
        let proxy = FaultProxy::start(plan);
        let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]);
        let server = options.arg("--public-url").arg(proxy.url()).start();
        proxy.lead_to(server.base_url());
        if mode == Mode::Hosted {
            proxy.hide_extensions();
        }
        let client = builder(&proxy).build().unwrap();
        Self { server, proxy, client }
    }

    pub(crate) fn workflow(&self) -> Workflow {
        self.client.workflow(WorkflowId::parse("default").unwrap())
    }

    /// Submits a run.
    pub(crate) async fn submit(&self) -> Result<RunHandle, Error> {
        self.workflow().run(prompt()).search_time(SEARCH).await
    }

    /// Submits a run and waits for its end, which has to be good.
    pub(crate) async fn run(&self) -> RunHandle {
        let run = self.submit().await.unwrap();
        let ended = run.wait().max_wait(PATIENCE).await.unwrap();
        assert_eq!(ended.status(), Some(RunStatus::Completed));
        run
    }

    /// How many runs the server has, whatever the proxy does.
    pub(crate) fn runs(&self) -> usize {
        self.server.get("/workflows/default/runs").expect_status(200).json().as_array().unwrap().len()
    }

    /// Whether the server knows a submit again.
    pub(crate) async fn knows_keys(&self) -> bool {
        self.client.capabilities().await.is_ok_and(|capabilities| capabilities.has(Extension::IdempotencyKey))
    }
}

/// A client of the proxy that does not wait long between its attempts.
pub(crate) fn builder(proxy: &FaultProxy) -> ClientBuilder {
    let quick = RetryPolicy::default().delays(Duration::from_millis(10), Duration::from_millis(50));
    Client::builder().base_url(proxy.url()).retry(quick)
}

pub(crate) fn prompt() -> Prompt {
    Prompt::parse(empty_image().to_string().as_bytes()).unwrap()
}

pub(crate) fn is_submit(request: &Received) -> bool {
    request.method == "POST" && request.path.ends_with("/runs")
}

/// Whether a request asks for one run.
pub(crate) fn is_look(request: &Received) -> bool {
    request.method == "GET" && request.path.contains("/runs/") && !request.path.ends_with("/events")
}

/// A plan: the first requests of a kind get these faults, one after the other, and everything else nothing.
pub(crate) fn first(
    kind: fn(&Received) -> bool,
    faults: impl IntoIterator<Item = Fault>,
) -> impl Fn(&Received, usize) -> Fault + Send + Sync + 'static {
    let faults = std::sync::Mutex::new(faults.into_iter().collect::<std::collections::VecDeque<_>>());
    move |request, _| {
        if kind(request) { faults.lock().unwrap().pop_front().unwrap_or(Fault::None) } else { Fault::None }
    }
}

/// Checks what a submit that may or may not have been received comes to.
pub(crate) async fn assert_once_or_unknown(bench: &Bench, was_received: bool) {
    let begun = Instant::now();
    let submitted = bench.submit().await;
    let knows_keys = bench.knows_keys().await;
    match submitted {
        Ok(run) => {
            assert!(knows_keys || was_received);
            run.wait().max_wait(PATIENCE).await.unwrap();
            assert_eq!(bench.runs(), 1);
        }
        Err(error) => {
            assert!(!knows_keys && !was_received, "{error:?}");
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
            assert!(error.submit_key().is_some() && begun.elapsed() >= SEARCH);
            assert_eq!(bench.runs(), 0);
        }
    }
}

/// The names between backticks in the last column of the table, and at the end of the text.
fn documented() -> Vec<String> {
    let page = comfyicu_tests::repository().join("docs/src/rust/faults.md");
    let text = std::fs::read_to_string(page).unwrap();
    let spans = text.split('`').skip(1).step_by(2);
    let is_test = |span: &&str| {
        span.contains('_') && span.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    spans.filter(is_test).filter(|span| *span != "max_in_status").map(str::to_owned).collect()
}

#[test]
fn the_table_of_faults_and_the_tests_are_the_same() {
    let sources = [
        include_str!("faults/table.rs"),
        include_str!("faults/webhooks.rs"),
        include_str!("faults/any_sequence.rs"),
    ];
    let mut tests = Vec::new();
    for source in sources {
        for (at, _) in source.match_indices("#[tokio::test").chain(source.match_indices("#[test]")) {
            let name = source[at..].split("fn ").nth(1).unwrap().split('(').next().unwrap();
            tests.push(name.to_owned());
        }
    }
    let mut documented = documented();
    tests.sort();
    documented.sort();
    assert_eq!(tests, documented);
}
