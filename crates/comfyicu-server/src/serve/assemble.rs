//! Puts the parts of a server together, and sets them to work.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_engine::Executor;
use comfyicu_transport::ReqwestTransport;
use tokio_util::task::TaskTracker;
use url::Url;

use super::ServeError;
use crate::accelerators::Accelerators;
use crate::api::Streams;
use crate::app::{App, Parts};
use crate::args::Serve;
use crate::bus::Bus;
use crate::data_dir::DataDir;
use crate::executors::Executors;
use crate::faults::Faults;
use crate::files::{BlobStore, Cache, Credentials, CredentialsError, Fetcher, FileProvider, SourceLimits};
use crate::guard::Guard;
use crate::keys::KeyRing;
use crate::metrics::{MeasuredExecutor, MeasuredOutbox, MeasuredRuns, Metrics};
use crate::outputs::{OutputStore, OutputsLocation, Thumbnails};
use crate::positions::Positions;
use crate::random;
use crate::reload::Reload;
use crate::retention::Collector;
use crate::shutdown::Shutdown;
use crate::store::{FileIndex, KeyStore as _, RetentionStore, SqliteStore};
use crate::urls::{PublicUrls, Signer};
use crate::webhook::{self, SharedSecrets, WebhookSecrets, WebhookSender, load_outgoing};
use crate::worker::{IdleWorkers, Lease, Running, Worker};

/// How long a bucket may be silent.
const STORE_TIMEOUT: Duration = Duration::from_secs(30);
/// For how many runs files are fetched at once.
const FETCHERS: usize = 8;

/// Makes the parts, puts back what an earlier process left running, and sets the workers to work.
pub(crate) async fn assemble(
    args: &Serve,
    address: SocketAddr,
    data_dir: &DataDir,
    (store, bus): (&SqliteStore, Bus),
    tasks: &TaskTracker,
) -> Result<App, ServeError> {
    let secrets = SharedSecrets::new(webhook_secrets(args.webhook_secret_file.as_deref())?);
    let index: Arc<dyn FileIndex> = Arc::new(store.clone());
    let executors = Executors::connect(&args.comfyui).await?;
    let guard = Guard::new(args.allow_host.clone());
    let outputs = open_outputs(args.output.outputs.as_ref(), data_dir).await?;
    let lifetime = args.output.output_url_lifetime;
    let signer = if args.no_auth {
        None
    } else {
        Some(Signer::new(&store.secret("urls", &random::secret()).await?, lifetime))
    };
    let urls = PublicUrls::new(args.public_url.clone().map_or_else(|| listen_url(address), Ok)?, signer);
    let blobs = BlobStore::open(data_dir.blobs(), args.limits.max_file_size.0)?;
    let credentials = read_credentials(args.files.credentials.as_deref())?;
    let files = file_provider(args, data_dir, (&guard, &index, &blobs), urls.uploads(), credentials.clone())?;
    let keys = if args.no_auth {
        None
    } else {
        Some(KeyRing::open(Arc::new(store.clone()), data_dir.keys_stamp()).await?)
    };
    let metrics = Metrics::default();
    let measured = |executor| Arc::new(MeasuredExecutor::new(executor, metrics.clone())) as Arc<dyn Executor>;
    let executors = Executors { all: executors.all.into_iter().map(measured).collect(), ..executors };
    let app = App::from(Parts {
        runs: Arc::new(MeasuredRuns::new(Arc::new(store.clone()), metrics.clone())),
        keys,
        index,
        outbox: Arc::new(MeasuredOutbox::new(Arc::new(store.clone()), metrics.clone())),
        accelerators: Accelerators::new(args.accelerators.clone(), &executors.accelerators()),
        executor: Arc::clone(&executors.front),
        executors: executors.all.clone().into(),
        limits: args.limits,
        metrics,
        files,
        blobs,
        thumbnails: Thumbnails::new(outputs.clone()),
        outputs,
        guard,
        urls,
        positions: Positions::new(&store.secret("positions", &random::secret()).await?),
        bus,
        idle: IdleWorkers::default(),
        running: Running::default(),
        streams: Streams::new(args.limits.max_streams),
        shutdown: Shutdown::default(),
        faults: Faults::load(args.faults.as_ref())?,
    });
    set_to_work(&app, &executors, secrets.clone(), tasks).await?;
    keep_up(args, &app, store, (secrets, credentials), tasks);
    Ok(app)
}

/// Sets to work what keeps a server as it is to be: its secrets as they are on disk, and its data within the rules.
fn keep_up(
    args: &Serve,
    app: &App,
    store: &SqliteStore,
    (secrets, credentials): (SharedSecrets, Credentials),
    tasks: &TaskTracker,
) {
    let reload = Reload {
        keys: app.keys.clone(),
        secrets,
        secret_file: args.webhook_secret_file.clone(),
        credentials,
        credentials_file: args.files.credentials.clone(),
    };
    tasks.spawn(reload.on_signals(app.shutdown.clone()));
    let kept: Arc<dyn RetentionStore> = Arc::new(store.clone());
    let (rules, outputs) = (args.retention.rules.clone(), app.outputs.clone());
    let collector = Collector { store: kept, outputs, rules };
    tasks.spawn(collector.work(args.retention.gc_every, app.shutdown.clone()));
}

/// Opens the place where outputs are kept.
pub(crate) async fn open_outputs(
    location: Option<&OutputsLocation>,
    data_dir: &DataDir,
) -> Result<OutputStore, ServeError> {
    let fail = |place: String| move |source| ServeError::Outputs { place, source };
    match location {
        None => OutputStore::in_folder(&data_dir.outputs())
            .map_err(fail(data_dir.outputs().display().to_string())),
        Some(location) => {
            let transport = Arc::new(ReqwestTransport::builder().read_timeout(STORE_TIMEOUT).build()?);
            OutputStore::in_bucket(location, transport).await.map_err(fail(location.to_string()))
        }
    }
}

/// The credentials of a file, and of the environment.
pub(crate) fn read_credentials(file: Option<&Path>) -> Result<Credentials, CredentialsError> {
    Credentials::read(file, variable)
}

/// What a variable of the environment holds.
#[expect(clippy::disallowed_methods, reason = "the one place where tokens of other sites are read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What gets the files of runs.
fn file_provider(
    args: &Serve,
    data_dir: &DataDir,
    (guard, index, blobs): (&Guard, &Arc<dyn FileIndex>, &BlobStore),
    uploads: Url,
    credentials: Credentials,
) -> Result<FileProvider, ServeError> {
    let settings = &args.files;
    let cache = Cache::open(data_dir.cache(), settings.cache_size.0)?;
    let limits = SourceLimits { max_bytes: args.limits.max_file_size.0, ..SourceLimits::default() };
    let fetcher = Fetcher::new(
        guard.clone(),
        credentials,
        cache.clone(),
        Arc::clone(index),
        settings.revalidate,
        limits,
    )?;
    Ok(FileProvider {
        fetcher,
        blobs: blobs.clone(),
        cache,
        guard: guard.clone(),
        index: Arc::clone(index),
        uploads,
        model_folders: settings.model_folder.clone().into(),
    })
}

async fn set_to_work(
    app: &App,
    executors: &Executors,
    secrets: SharedSecrets,
    tasks: &TaskTracker,
) -> Result<(), ServeError> {
    // What waited before comes first; what the recovery of runs tells comes behind it.
    load_outgoing(&*app.outbox, &app.bus.outgoing).await?;
    let worker = Worker {
        store: Arc::clone(&app.runs),
        executor: Arc::clone(&app.executor),
        share: app.accelerators.share(None),
        vault: app.bus.vault.clone(),
        files: app.files.clone(),
        outputs: app.outputs.clone(),
        urls: app.urls.clone(),
        queue: Arc::clone(&app.bus.queue),
        idle: app.idle.clone(),
        live: app.bus.live.clone(),
        running: app.running.clone(),
        shutdown: app.shutdown.clone(),
        lease: Lease::default(),
        max_execution: app.limits.max_execution,
        max_output_bytes: app.limits.max_output_size.0,
    };
    let left = worker.recover().await?;
    if left > 0 {
        tracing::info!(runs = left, "an earlier process left runs unfinished; they are queued again");
    }
    for executor in &executors.all {
        let share = app.accelerators.share(Some(&executor.device().accelerator));
        let executor = app.faults.around_executor(Arc::clone(executor));
        let worker = Worker { executor: Arc::clone(&executor), share, ..worker.clone() };
        for _ in 0..executor.parallel_runs().get() {
            tasks.spawn(worker.clone().work());
        }
    }
    for _ in 0..FETCHERS {
        tasks.spawn(worker.clone().fetch());
    }
    tasks.spawn(worker.reap());
    let sender = WebhookSender {
        outbox: Arc::clone(&app.outbox),
        outgoing: Arc::clone(&app.bus.outgoing),
        transport: app.faults.around_webhooks(webhook::transport(&app.guard)?),
        guard: app.guard.clone(),
        secrets,
        shutdown: app.shutdown.clone(),
    };
    tasks.spawn(sender.work());
    if let Some(keys) = &app.keys {
        tasks.spawn(keys.clone().note_uses(app.shutdown.clone()));
    }
    Ok(())
}

/// The secrets that sign webhooks; without a file there are none.
pub(crate) fn webhook_secrets(file: Option<&Path>) -> Result<WebhookSecrets, ServeError> {
    let Some(path) = file else { return Ok(WebhookSecrets::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| ServeError::SecretFile { path: path.to_owned(), source })?;
    WebhookSecrets::parse(&text).map_err(|source| ServeError::Secrets { path: path.to_owned(), source })
}

/// The URL of the listen address. One that stands for all addresses is not one to connect to.
fn listen_url(address: SocketAddr) -> Result<Url, url::ParseError> {
    let reachable = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], v6.port()))
        }
        other => other,
    };
    Url::parse(&format!("http://{reachable}"))
}
