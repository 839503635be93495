//! A way to a ComfyUI that can be cut, as if it had been killed.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes bytes on, until it is cut.
#[derive(Debug)]
pub(super) struct Way {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Way {
    /// A way to this address.
    pub(super) fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if theirs.is_cut.load(Ordering::Relaxed) {
                    return;
                }
                let (theirs, target) = (Arc::clone(&theirs), target.clone());
                // A peer that hangs up is its own business.
                thread::spawn(move || theirs.pass(&stream, &target).ok());
            }
        });
        Self { address, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection, and takes no more.
    pub(super) fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::Relaxed);
        for stream in self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
        // The listener is waiting for one more.
        TcpStream::connect(self.address).ok();
    }
}

impl Shared {
    fn pass(&self, client: &TcpStream, target: &str) -> io::Result<()> {
        let server = TcpStream::connect(target)?;
        {
            let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
            streams.extend([client.try_clone()?, server.try_clone()?]);
        }
        let (from, to) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || copy(from, to).ok());
        copy(client.try_clone()?, server)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(buffer.get(..read).unwrap_or_default())?;
    }
}
