//! Clients that mean the server ill: it lives, holds little, and others are served.

use std::fs;
use std::path::{Path, PathBuf};

use comfyicu_tests::{Attack, AttackReport, Server, ServerOptions, attack, eventually};

use crate::PROGRAMS;

/// The most memory of a server that is attacked, in MiB; a few requests at their limits have 32 each.
const MEMORY: u64 = 320;

fn server() -> Server {
    ServerOptions::new(PROGRAMS)
        .args(["--header-timeout", "2s", "--body-timeout", "1s", "--max-file-size", "8MiB"])
        .start()
}

#[track_caller]
fn others_are_served(server: &Server, kind: Attack) -> AttackReport {
    let report = attack(server, kind, 60);
    assert_eq!(report.served.failures, [""; 0], "{kind:?}");
    assert!(report.memory < MEMORY, "{kind:?}: {} MiB", report.memory);
    report
}

#[test]
fn heads_that_come_letter_by_letter() {
    others_are_served(&server(), Attack::SlowHeads(200));
}

#[test]
fn connections_on_which_nothing_comes() {
    let server = ServerOptions::new(PROGRAMS).start();
    let report = others_are_served(&server, Attack::Idle(2_000));
    assert!(report.connections > 1_000, "{report:?}");
}

#[test]
fn answers_that_nobody_reads() {
    others_are_served(&server(), Attack::NeverRead(60));
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[test]
fn bodies_that_are_too_large_or_do_not_end() {
    let server = server();
    for kind in [Attack::HugeBodies, Attack::EndlessBodies, Attack::EndlessUploads] {
        others_are_served(&server, kind);
    }
    let blobs = server.data().join("blobs");
    eventually("nothing is left of what was refused", || files_in(&blobs).is_empty().then_some(()));
}

#[test]
fn heads_that_are_too_large() {
    others_are_served(&server(), Attack::HeaderFloods);
}

#[test]
fn streams_of_http2_that_are_reset() {
    others_are_served(&server(), Attack::Http2Resets);
}
