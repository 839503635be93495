//! The soak: a server that everything is asked of for a long time, and what of its memory, files and data grows
//! meanwhile.

mod load;
mod sample;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::repository;
use crate::host::{Host, Reply};
use crate::server::{Programs, Server, ServerOptions};
pub use sample::{Measure, Sample};

/// How many ask at the same time.
const CLIENTS: usize = 3;
/// How many looks there are at the server.
const SAMPLES: u32 = 120;
/// Runs, outputs, events and files go soon, so that all of it comes and goes many times.
const SETTINGS: [&str; 12] = [
    "--allow-host",
    "127.0.0.1",
    "--public-url",
    "http://comfy.example",
    "--keep-runs",
    "200",
    "--keep-events-for",
    "30s",
    "--gc-every",
    "5s",
    "--cache-size",
    "8MiB",
];

/// What came of a soak.
#[derive(Clone, Debug)]
pub struct SoakReport {
    /// What was seen, in order.
    pub samples: Vec<Sample>,
    /// How many rounds the clients made, each of two runs and some twelve requests.
    pub rounds: usize,
    /// What grew from the second quarter of the time to the last one, by more than it may.
    pub grown: Vec<String>,
}

/// Lets clients ask a server for a while, and tells each look at it.
///
/// # Panics
/// When the server does not start, or a client is not answered as it has to be.
pub fn soak(programs: Programs, time: Duration, mut told: impl FnMut(&Sample)) -> SoakReport {
    let server = ServerOptions::new(programs).args(SETTINGS).start();
    // Each address gives other bytes: what follows the end of a JPEG is passed over.
    let photo = fs::read(repository().join("docs/examples/photo.jpg")).expect("the photo of the examples");
    let (photos, receiver) = (
        Host::start(move |request| Reply::ok([&*photo, request.path.as_bytes()].concat())),
        Host::receiver(),
    );
    let load = Arc::new(load::Load::new(&server, &photos, &receiver));
    let (stop, rounds) = (Arc::new(AtomicBool::default()), Arc::new(AtomicUsize::default()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (load, stop, rounds) = (Arc::clone(&load), Arc::clone(&stop), Arc::clone(&rounds));
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    load.round(rounds.fetch_add(1, Ordering::SeqCst));
                }
            })
        })
        .collect();
    let samples = watch(&server, time, &mut told);
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().expect("a client that is answered");
    }
    let grown = Measure::ALL.into_iter().filter_map(|measure| measure.growth(&samples)).collect();
    SoakReport { samples, rounds: rounds.load(Ordering::SeqCst), grown }
}

fn watch(server: &Server, time: Duration, told: &mut impl FnMut(&Sample)) -> Vec<Sample> {
    let begun = Instant::now();
    (1..=SAMPLES)
        .map(|number| {
            let due = time * number / SAMPLES;
            thread::sleep(due.saturating_sub(begun.elapsed()));
            let sample = Sample::of(server.id(), server.data(), begun.elapsed());
            told(&sample);
            sample
        })
        .collect()
}
