//! The crash test: runs are submitted and cancelled without a pause while the server is killed again and again;
//! in the end every promise is checked.

mod check;
mod load;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::server::{Programs, ServerOptions};
use load::{Load, Random};

/// How many submit at the same time.
const SUBMITTERS: u64 = 3;
/// How long a server lives at most before it is killed.
const LONGEST_LIFE: u64 = 700;

/// What came of a crash test.
#[derive(Clone, Debug)]
pub struct ChaosReport {
    /// How often the server was killed.
    pub kills: usize,
    /// How many runs it had accepted.
    pub accepted: usize,
    /// How many of them ended as `COMPLETED`.
    pub completed: usize,
    /// How many ended as `ERROR` because each of their attempts was killed.
    pub given_up: usize,
    /// How many webhooks arrived.
    pub webhooks: usize,
    /// Folders of outputs that no run shows: what a kill left between the end of a run and the removal.
    pub orphans: usize,
    /// Each promise that was broken.
    pub violations: Vec<String>,
}

/// Kills a server for a while, and checks it.
///
/// # Panics
/// When the server does not start.
pub fn chaos(programs: Programs, time: Duration, seed: u64) -> ChaosReport {
    let receiver = Host::receiver();
    let options = ServerOptions::new(programs).args([
        "--allow-host",
        "127.0.0.1",
        "--public-url",
        "http://comfy.example",
    ]);
    let mut server = options.start();
    let load = Arc::new(Load::new(server.base_url(), receiver.url("/hook")));
    let submitters: Vec<_> = (1..=SUBMITTERS)
        .map(|number| {
            let load = Arc::clone(&load);
            thread::spawn(move || {
                load.submit_until_stopped(Random::new(seed.wrapping_mul(31).wrapping_add(number)));
            })
        })
        .collect();
    let (begun, mut random, mut kills) = (Instant::now(), Random::new(seed), 0);
    while begun.elapsed() < time {
        thread::sleep(Duration::from_millis(random.below(LONGEST_LIFE)));
        server = server.crash_and_restart();
        load.moved_to(server.base_url());
        kills += 1;
    }
    load.stop();
    for submitter in submitters {
        submitter.join().expect("a submitter");
    }
    check::check(&server, &receiver, &load.accepted(), kills)
}
