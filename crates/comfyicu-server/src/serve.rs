//! `comfyicu-server serve`: has the parts put together, answers requests, and takes the parts apart again at the end.

mod assemble;
mod error;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

pub(crate) use assemble::{assemble, open_outputs, read_credentials, webhook_secrets};
pub(crate) use error::ServeError;

use crate::api::{self, TrustedHosts};
use crate::args::Serve;
use crate::bus::Bus;
use crate::connections;
use crate::data_dir::DataDir;
use crate::executors::start_owned;
use crate::faults::Faults;
use crate::keys::make_first_key;
use crate::shutdown::Shutdown;
use crate::store::SqliteStore;

/// How long requests and executions may go on after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long executions may take to end once they were told to; with [`GRACE`] less than the ten seconds after
/// which process managers kill.
const ABORT_GRACE: Duration = Duration::from_secs(3);

/// Says what is wrong with settings, as far as it can be said before anything is begun.
pub(crate) fn check(args: &Serve) -> Result<(), ServeError> {
    if args.no_auth && !args.listen.ip().is_loopback() {
        return Err(ServeError::OpenToAll(args.listen));
    }
    read_credentials(args.files.credentials.as_deref())?;
    Faults::check(args.faults.as_ref())?;
    webhook_secrets(args.webhook_secret_file.as_deref()).map(drop)
}

/// Serves until the process is asked to stop.
pub(crate) async fn serve(mut args: Serve) -> Result<(), ServeError> {
    check(&args)?;
    let data_dir = DataDir::lock(&args.data_dir)?;
    let bus = Bus::default();
    let store = SqliteStore::open(&data_dir.database(), Arc::new(bus.clone())).await?;
    let fail = |source| ServeError::Listen { address: args.listen, source };
    let listener = connections::listen(args.listen).map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    if !args.no_auth {
        make_first_key(&store, io::stderr().is_terminal(), &data_dir.first_key()).await?;
    }
    let owned = start_owned(&mut args).await?;
    let tasks = TaskTracker::new();
    let app = assemble(&args, address, &data_dir, (&store, bus), &tasks).await?;
    let trusted_hosts = args.no_auth.then(|| TrustedHosts::new(app.urls.base()));
    if args.public_url.is_none() && args.listen.ip().is_unspecified() {
        tracing::warn!("without --public-url, addresses of outputs lead to this machine only");
    }
    let shutdown = app.shutdown.clone();
    let stopping = shutdown.clone();
    let router = api::router(app, trusted_hosts);
    say_ready(address)?;
    let mut answered = Box::pin(connections::answer(listener, router, &args.limits, &stopping));
    tokio::select! {
        () = &mut answered => {}
        () = stop_signal() => tracing::info!("stopping; a second signal stops at once"),
    }
    shutdown.stop();
    tasks.close();
    let done = async {
        answered.await;
        tasks.wait().await;
    };
    let ended = end(done, &shutdown).await;
    if let Some(owned) = owned {
        owned.end().await;
    }
    if ended.is_some() {
        store.close().await;
    }
    Ok(())
}

/// Waits for what is being done, and after a while tells it to end. `None` when it did not.
async fn end<T>(done: impl Future<Output = T>, shutdown: &Shutdown) -> Option<T> {
    let mut done = std::pin::pin!(done);
    tokio::select! {
        result = &mut done => return Some(result),
        () = grace(GRACE) => shutdown.abort(),
    }
    tokio::select! {
        result = &mut done => Some(result),
        () = grace(ABORT_GRACE) => {
            tracing::warn!("some runs did not stop in time; they are taken up again at the next start");
            None
        }
    }
}

/// A time to wait, unless a second signal cuts it short.
async fn grace(time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop_signal() => {}
    }
}

/// Ends when the process is asked to stop.
async fn stop_signal() {
    let interrupt = async { tokio::signal::ctrl_c().await.is_ok() };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await.is_some(),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<bool>();
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}

/// Says, in a line that a program can wait for, that requests are answered.
fn say_ready(address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()
}
