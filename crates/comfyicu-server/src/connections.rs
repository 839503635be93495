//! Connections: how many there are, and how long each may keep the server waiting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use crate::descriptors::room_for_connections;
use crate::limits::Limits;
use crate::shutdown::Shutdown;

/// How long nothing is accepted when the system has no room for one more connection.
const NO_ROOM: Duration = Duration::from_millis(200);
/// How many connections may wait to be accepted, as far as the system allows it: those beyond come a second later.
const BACKLOG: u32 = 4096;
/// The most header fields of a request.
const MAX_HEADERS: usize = 100;
/// The most bytes of the head of a request.
const MAX_HEAD: usize = 64 * 1024;

/// Listens at an address.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that a server that is started again gets the address that connections of the one before still use.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers requests until the server is asked to stop; those that came before are answered to their end.
pub(crate) async fn answer(listener: TcpListener, router: Router, limits: &Limits, shutdown: &Shutdown) {
    let slots = Arc::new(Semaphore::new(most_connections(limits)));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    http.max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (accept(&listener).await, slot)
        };
        let (stream, slot) = tokio::select! {
            () = shutdown.stopping() => break,
            accepted = accepted => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        let mut stream = TimeoutStream::new(stream);
        // Whoever asks and does not read the answer would keep the connection for ever.
        stream.set_write_timeout(Some(limits.body_timeout));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(slot);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// How many connections there may be: no more than the system has room for.
fn most_connections(limits: &Limits) -> usize {
    let wanted = limits.max_connections.min(Semaphore::MAX_PERMITS);
    let room = room_for_connections().unwrap_or(wanted);
    if room < wanted {
        tracing::warn!(room, "the system allows fewer open files than --max-connections would need");
    }
    wanted.min(room)
}

/// The next connection. One that failed before it was accepted is passed over.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and wanted at once; where it cannot be said, they come all the same.
                let _unsaid = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
