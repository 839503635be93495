//! A worker that hangs loses its run, and cannot end it when it comes back.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use comfyicu_engine::{Device, EventSink, ExecutionError, Job, Output, OutputKind, OutputSink};
use comfyicu_model::json::Object;
use comfyicu_model::{Accelerator, ObjectInfo, OutputPath, RunStatus};
use url::Url;

use super::*;
use crate::accelerators::Accelerators;
use crate::bus::Bus;
use crate::data_dir::DataDir;
use crate::files::{BlobStore, Cache, Credentials, Fetcher, Revalidate, SourceLimits};
use crate::guard::Guard;
use crate::run::EventKind::{Completed, Queued, Started};
use crate::run::Outcome;
use crate::store::{FileIndex, Scope, SqliteStore};

/// Its first execution hangs until it is released, and then goes on as if nothing had been.
#[derive(Debug)]
struct Hanging {
    device: Device,
    begun: AtomicUsize,
    ended: AtomicUsize,
    released: Mutex<bool>,
    changed: Condvar,
}

impl Default for Hanging {
    fn default() -> Self {
        let device = Device::new("CPU", Accelerator::Cpu);
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { device, begun, ended, released: Mutex::new(false), changed: Condvar::new() }
    }
}

impl Hanging {
    fn release(&self) {
        *self.released.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Blocks its thread, so that its worker gives no sign of life.
    fn hang(&self) {
        let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(released, BOUND, |released| !*released);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

#[async_trait]
impl Executor for Hanging {
    fn device(&self) -> &Device {
        &self.device
    }

    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        Ok(Arc::new(ObjectInfo::new(Object::new())))
    }

    async fn execute(
        &self,
        _job: Job,
        _events: &dyn EventSink,
        outputs: &dyn OutputSink,
        _cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let attempt = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        if attempt == 1 {
            tokio::task::block_in_place(|| self.hang());
        }
        let path = OutputPath::parse("made_00001_.png").unwrap();
        let content = format!("by attempt {attempt}");
        outputs.save(Output::new("9".into(), OutputKind::Output, path, "image/png", content)).await?;
        self.ended.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// How long anything may take.
const BOUND: Duration = Duration::from_mins(1);

async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < BOUND, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn worker(folder: &Path, data: &DataDir, store: &SqliteStore, bus: &Bus, executor: Arc<Hanging>) -> Worker {
    let (guard, urls) = (Guard::new([]), PublicUrls::new(Url::parse("http://localhost").unwrap(), None));
    let blobs = BlobStore::open(data.blobs(), 1000).unwrap();
    let index: Arc<dyn FileIndex> = Arc::new(store.clone());
    let (cache, credentials) = (Cache::open(data.cache(), 1000).unwrap(), Credentials::default());
    let (when, limits) = (Revalidate::Always, SourceLimits::default());
    let fetcher =
        Fetcher::new(guard.clone(), credentials, cache.clone(), Arc::clone(&index), when, limits).unwrap();
    Worker {
        store: Arc::new(store.clone()),
        share: Accelerators::new(None, &[Accelerator::Cpu]).share(None),
        vault: bus.vault.clone(),
        executor,
        files: FileProvider {
            fetcher,
            blobs,
            cache,
            guard,
            index,
            uploads: urls.uploads(),
            model_folders: Arc::default(),
        },
        outputs: OutputStore::in_folder(&folder.join("outputs")).unwrap(),
        urls,
        queue: Arc::clone(&bus.queue),
        idle: IdleWorkers::default(),
        live: bus.live.clone(),
        running: Running::default(),
        shutdown: Shutdown::default(),
        lease: Lease { length: Duration::from_millis(300), heartbeat: Duration::from_millis(50) },
        max_execution: BOUND,
        max_output_bytes: u64::MAX,
    }
}

/// A worker, and all that it needs.
struct Setup {
    folder: tempfile::TempDir,
    _data: DataDir,
    bus: Bus,
    executor: Arc<Hanging>,
    store: SqliteStore,
    worker: Worker,
}

impl Setup {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::lock(folder.path()).unwrap();
        let (bus, executor) = (Bus::default(), Arc::new(Hanging::default()));
        let store = SqliteStore::open(&data.database(), Arc::new(bus.clone())).await.unwrap();
        let worker = worker(folder.path(), &data, &store, &bus, Arc::clone(&executor));
        Self { folder, _data: data, bus, executor, store, worker }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_without_a_sign_of_life_loses_its_run_and_cannot_end_it() {
    let setup = Setup::new().await;
    let Setup { folder, executor, store, worker, .. } = &setup;
    let accepted = crate::run::tests::accepted();
    let run = RunRecord { files: Object::new(), created_at: clock::now(), ..accepted };
    store.insert(run.clone().into(), None).await.unwrap();
    for _ in 0..2 {
        tokio::spawn(worker.clone().work());
    }
    tokio::spawn(worker.clone().reap());

    let find = async || store.get(&run.key()).await.unwrap().unwrap();
    eventually("the other worker ends the run", async || find().await.status.is_terminal()).await;
    let ended = find().await;
    assert_eq!((&ended.status, ended.attempt), (&RunStatus::Completed, 2));
    assert!(matches!(&ended.outcome, Some(Outcome::Files(files)) if files.len() == 1));
    let output = folder.path().join("outputs").join(run.id.as_str()).join("2/made_00001_.png");
    assert_eq!(std::fs::read(&output).unwrap(), b"by attempt 2");

    executor.release();
    let late = folder.path().join("outputs").join(run.id.as_str()).join("1");
    eventually("the first worker comes back and is refused", async || {
        executor.ended.load(Ordering::SeqCst) == 2 && !late.exists()
    })
    .await;
    assert_eq!(find().await, ended, "nothing that it did counts");
    assert_eq!(std::fs::read(&output).unwrap(), b"by attempt 2");
    let events = store.events(&Scope::Run(run.id.clone()), 0, 100).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Queued, Started, Queued, Started, Completed]);
    worker.shutdown.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_is_cancelled_while_it_is_being_begun_leaves_nothing() {
    let setup = Setup::new().await;
    let Setup { folder, bus, executor, store, worker, .. } = &setup;
    executor.release();
    let run = RunRecord { files: Object::new(), ..crate::run::tests::accepted() };
    store.insert(run.clone().into(), None).await.unwrap();
    let (waiting, _) = bus.queue.take(|_| true, clock::now()).unwrap();
    let start = worker.claim(waiting).await.unwrap();
    let cancelled = run.cancel(clock::now()).unwrap();
    assert!(store.change(&run, &cancelled, None).await.unwrap());

    let executing = worker.running.enter(&run.id, &worker.shutdown);
    let (given, begun) = ((Prepared::default(), Ticket::default()), worker.write_start(&start));
    worker.attempt(&start.started, given, &executing, begun).await.unwrap();
    assert_eq!(store.get(&run.key()).await.unwrap(), Some(cancelled));
    assert!(!folder.path().join("outputs").join(run.id.as_str()).join("1").exists());
    let events = store.events(&Scope::Run(run.id.clone()), 0, 100).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Queued, crate::run::EventKind::Cancelled]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_worker_takes_a_run_in_and_executes_it() {
    let setup = Setup::new().await;
    let Setup { executor, store, worker, .. } = &setup;
    executor.release();
    tokio::spawn(worker.clone().work());
    for number in 0..20 {
        let id = comfyicu_model::RunId::parse(&format!("run{number}")).unwrap();
        let accepted = crate::run::tests::accepted();
        let accelerator = "CPU".to_owned();
        // Now and then the clock was set back: such a run waits, and is executed all the same.
        let created_at = if number % 4 == 3 { accepted.created_at } else { clock::now() };
        let run = RunRecord { id, files: Object::new(), created_at, accelerator, ..accepted };
        let run = Arc::new(run);
        // Every other one comes by the queue, which the worker looks at besides.
        if number % 2 == 0 {
            store.insert(Arc::clone(&run), None).await.unwrap();
        } else {
            let mut answered = None;
            eventually("the worker is idle", async || {
                answered = worker.idle.offer(&run, None);
                answered.is_some()
            })
            .await;
            assert_eq!(answered.unwrap().await.unwrap().unwrap(), Claimed::New);
        }
        let ended = async || store.get(&run.key()).await.unwrap().unwrap().status == RunStatus::Completed;
        eventually("the run ends", ended).await;
        let events = store.events(&Scope::Run(run.id.clone()), 0, 100).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [Queued, Started, Completed]);
    }
    assert_eq!(executor.ended.load(Ordering::SeqCst), 20);

    // A worker that stops takes nothing any more.
    worker.shutdown.stop();
    let run = Arc::new(RunRecord { accelerator: "CPU".to_owned(), ..crate::run::tests::accepted() });
    if let Some(answered) = worker.idle.offer(&run, None) {
        assert!(answered.await.is_err(), "whoever submits it hears that nobody took it");
    }
    assert_eq!(store.get(&run.key()).await.unwrap(), None);
}
