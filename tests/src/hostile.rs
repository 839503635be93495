//! Clients that mean a server ill, and how others are served meanwhile.

mod attack;
mod bystander;

use std::fs;
use std::time::Duration;

use crate::server::Server;
pub use attack::Attack;
pub use bystander::Served;

/// How long an attack goes on before others are looked at: whatever it fills is full then.
const BUILD_UP: Duration = Duration::from_millis(1500);

/// What an attack did to a server.
#[derive(Clone, Debug)]
pub struct AttackReport {
    /// How others were served.
    pub served: Served,
    /// The memory that the server had at most since it was started, in MiB.
    pub memory: u64,
    /// How many connections the attack held in the end.
    pub connections: usize,
}

/// Attacks a server while somebody else asks it `requests` times.
///
/// # Panics
/// When nothing can be connected to it at all.
pub fn attack(server: &Server, attack: Attack, requests: usize) -> AttackReport {
    raise_limit_on_files();
    let pressure = attack.begin(server.base_url().trim_start_matches("http://"));
    pressure.await_full(BUILD_UP);
    let served = bystander::ask(server, requests);
    let connections = pressure.connections();
    pressure.end();
    AttackReport { served, memory: most_memory(server.id()), connections }
}

/// Has the system allow this process as many open files as it would: each connection that is held is one.
fn raise_limit_on_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // Where it stays as it was, fewer connections are held, and the report says so.
        let _unchanged = setrlimit(Resource::Nofile, raised);
    }
}

/// The most memory that a process ever had, in MiB.
fn most_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
