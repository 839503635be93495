//! What Prometheus sees of the server.
//!
//! Nothing is measured where it is done: the store, the executors and the routes are wrapped, and the wrappers
//! measure.

mod executor;
mod http;
mod labels;
mod outbox;
mod runs;
#[cfg(test)]
mod tests;

pub(crate) use executor::MeasuredExecutor;
pub(crate) use http::observe;
pub(crate) use outbox::MeasuredOutbox;
pub(crate) use runs::MeasuredRuns;

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comfyicu_model::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::run::RunRecord;
use crate::store::RunCount;
use labels::{
    AcceleratorLabels, CacheLabels, DeviceLabels, EndLabels, NodeLabels, OperationLabels, OutcomeLabels,
    RequestLabels, RouteLabels, StateLabels,
};

/// How many classes of nodes are told apart; the others count as one.
const MAX_CLASSES: usize = 1_000;
/// The name of the others.
const OTHER: &str = "other";

/// Bounds for what takes milliseconds.
const FAST: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Bounds for what takes seconds to hours.
const SLOW: [f64; 13] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0];

type Seconds = Gauge<f64, AtomicU64>;
type Timing<L> = Family<L, Histogram, fn() -> Histogram>;

fn fast() -> Histogram {
    Histogram::new(FAST)
}

fn slow() -> Histogram {
    Histogram::new(SLOW)
}

/// The metrics of a server. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    classes: Mutex<HashSet<String>>,
    runs: Family<StateLabels, Gauge>,
    queue_age: Family<AcceleratorLabels, Seconds>,
    ended: Family<EndLabels, Counter>,
    queue_time: Timing<AcceleratorLabels>,
    download_time: Timing<AcceleratorLabels>,
    execution_time: Timing<AcceleratorLabels>,
    node_time: Timing<NodeLabels>,
    files: Family<CacheLabels, Counter>,
    fetched_bytes: Counter,
    webhook_attempts: Family<OutcomeLabels, Counter>,
    webhook_time: Histogram,
    store_time: Timing<OperationLabels>,
    store_failures: Family<OperationLabels, Counter>,
    executor_up: Family<DeviceLabels, Gauge>,
    requests: Family<RequestLabels, Counter>,
    request_time: Timing<RouteLabels>,
    streams: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut shared = Shared {
            registry: Registry::with_prefix("comfyicu"),
            classes: Mutex::default(),
            runs: Family::default(),
            queue_age: Family::default(),
            ended: Family::default(),
            queue_time: Family::new_with_constructor(slow),
            download_time: Family::new_with_constructor(slow),
            execution_time: Family::new_with_constructor(slow),
            node_time: Family::new_with_constructor(slow),
            files: Family::default(),
            fetched_bytes: Counter::default(),
            webhook_attempts: Family::default(),
            webhook_time: fast(),
            store_time: Family::new_with_constructor(fast),
            store_failures: Family::default(),
            executor_up: Family::default(),
            requests: Family::default(),
            request_time: Family::new_with_constructor(fast),
            streams: Gauge::default(),
        };
        shared.register();
        shared.begin_at_zero();
        Self(Arc::new(shared))
    }
}

impl Shared {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("runs", "Runs that wait or are executed", self.runs.clone());
        let age = "For how long the oldest run has waited";
        registry.register_with_unit("queue_age", age, Unit::Seconds, self.queue_age.clone());
        registry.register("runs_ended", "Runs that have ended", self.ended.clone());
        for (name, help, family) in [
            ("run_queue", "For how long runs waited, without their downloads", &self.queue_time),
            ("run_download", "For how long the files of runs were fetched", &self.download_time),
            ("run_execution", "For how long runs were executed", &self.execution_time),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        }
        let node = "For how long nodes of a class were executed";
        registry.register_with_unit("node", node, Unit::Seconds, self.node_time.clone());
        registry.register(
            "files",
            "Files that runs were given, by whether they were there",
            self.files.clone(),
        );
        let fetched = "What was fetched for runs";
        registry.register_with_unit("fetched", fetched, Unit::Bytes, self.fetched_bytes.clone());
        registry.register("webhook_attempts", "Attempts at webhooks", self.webhook_attempts.clone());
        let webhook = "How long attempts at webhooks took";
        registry.register_with_unit("webhook", webhook, Unit::Seconds, self.webhook_time.clone());
        let store = "How long the store took";
        registry.register_with_unit("store", store, Unit::Seconds, self.store_time.clone());
        registry.register("store_failures", "What the store could not do", self.store_failures.clone());
        registry.register("executor_up", "Whether an executor takes runs", self.executor_up.clone());
        registry.register("http_requests", "Requests that were answered", self.requests.clone());
        let request = "How long answers took to begin";
        registry.register_with_unit("http_request", request, Unit::Seconds, self.request_time.clone());
        registry.register("event_streams", "Readers of events", self.streams.clone());
    }
}

impl Shared {
    /// Has what can be known of beforehand begin at zero, so that its first increase is seen.
    fn begin_at_zero(&self) {
        for outcome in outbox::OUTCOMES {
            drop(self.webhook_attempts.get_or_create(&OutcomeLabels { outcome }));
        }
        for operation in ["insert", "change", "get"] {
            drop(self.store_failures.get_or_create(&OperationLabels { operation }));
        }
        for cache_hit in ["true", "false"] {
            drop(self.files.get_or_create(&CacheLabels { cache_hit: cache_hit.to_owned() }));
        }
    }
}

impl Metrics {
    /// Notes what waits and what is executed, as it is now; nothing, for the accelerators of which nothing is said.
    pub(crate) fn set_runs(&self, counts: &[RunCount], accelerators: &[String], now: Timestamp) {
        self.0.runs.clear();
        self.0.queue_age.clear();
        for accelerator in accelerators {
            for status in ["QUEUED", "STARTED"] {
                let labels = StateLabels { status: status.to_owned(), accelerator: accelerator.clone() };
                drop(self.0.runs.get_or_create(&labels));
            }
            let labels = AcceleratorLabels { accelerator: accelerator.clone() };
            drop(self.0.queue_age.get_or_create(&labels));
        }
        for RunCount { status, accelerator, count, oldest } in counts {
            let accelerator = accelerator.clone();
            let labels = StateLabels { status: status.as_str().to_owned(), accelerator: accelerator.clone() };
            self.0.runs.get_or_create(&labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
            if status.as_str() == "QUEUED" {
                let age = now.since(*oldest).as_secs_f64();
                self.0.queue_age.get_or_create(&AcceleratorLabels { accelerator }).set(age);
            }
        }
    }

    /// Notes whether an executor takes runs now.
    pub(crate) fn set_executor(&self, index: usize, device: &comfyicu_engine::Device, is_up: bool) {
        let labels = DeviceLabels {
            executor: index as u64,
            device: device.name.clone(),
            accelerator: device.accelerator.to_string(),
        };
        self.0.executor_up.get_or_create(&labels).set(i64::from(is_up));
    }

    /// Notes how many read events now.
    pub(crate) fn set_streams(&self, count: usize) {
        self.0.streams.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All metrics, in the text form of `OpenMetrics`.
    pub(crate) fn to_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    /// Notes the end of a run.
    fn run_ended(&self, run: &RunRecord) {
        let accelerator = run.accelerator.clone();
        let labels = EndLabels { status: run.status.as_str().to_owned(), accelerator: accelerator.clone() };
        self.0.ended.get_or_create(&labels).inc();
        let labels = AcceleratorLabels { accelerator };
        for (family, millis) in [
            (&self.0.queue_time, run.costs.queue_ms),
            (&self.0.download_time, run.costs.download_ms),
            (&self.0.execution_time, run.costs.execution_ms),
        ] {
            if let Some(millis) = millis {
                family.get_or_create(&labels).observe(Duration::from_millis(millis).as_secs_f64());
            }
        }
        for (_, cost) in &run.costs.files {
            self.0.files.get_or_create(&CacheLabels { cache_hit: cost.cache_hit.to_string() }).inc();
            if !cost.cache_hit {
                self.0.fetched_bytes.inc_by(cost.bytes);
            }
        }
    }

    /// Notes how long a node took. Classes come from prompts: there may be no end of them.
    fn node_ended(&self, class_type: &str, accelerator: &str, took: Duration) {
        let mut classes = self.0.classes.lock().unwrap_or_else(PoisonError::into_inner);
        if classes.len() < MAX_CLASSES && !classes.contains(class_type) {
            classes.insert(class_type.to_owned());
        }
        let class_type = if classes.contains(class_type) { class_type } else { OTHER }.to_owned();
        drop(classes);
        let labels = NodeLabels { class_type, accelerator: accelerator.to_owned() };
        self.0.node_time.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Notes what the store did, and how long it took.
    fn stored(&self, operation: &'static str, took: Duration, is_done: bool) {
        let labels = OperationLabels { operation };
        self.0.store_time.get_or_create(&labels).observe(took.as_secs_f64());
        if !is_done {
            self.0.store_failures.get_or_create(&labels).inc();
        }
    }
}
