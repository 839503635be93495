//! A system whose clock is set while the server runs.

use std::fs;
use std::path::{Path, PathBuf};

use comfyicu_tests::{Host, Server, ServerOptions, eventually, in_ci};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::empty_image;
use crate::shutdown::endless;

/// What lets a process see another time, where Debian has it for the processors that tests run on.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// A server whose clock can be set.
struct Timed {
    server: Server,
    offset: PathBuf,
}

impl Timed {
    /// Starts it, where the library is installed.
    fn start(folder: &Path) -> Option<Self> {
        let Some(library) = LIBRARIES.into_iter().find(|library| Path::new(library).exists()) else {
            assert!(!in_ci(), "libfaketime has to be installed here");
            eprintln!("SKIPPED: libfaketime is not installed");
            return None;
        };
        let offset = folder.join("offset");
        fs::write(&offset, "+0").unwrap();
        let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]).variables([
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]);
        Some(Self { server: options.start(), offset })
    }

    fn set(&self, offset: &str) {
        fs::write(&self.offset, offset).unwrap();
    }

    /// The year in which a new run is begun.
    fn completes_a_run(&self) -> String {
        let run = self.server.ended_run(&self.server.submit(&json!({"prompt": empty_image()})));
        assert_eq!(run["status"], "COMPLETED", "{run}");
        run["started_at"].as_str().unwrap()[..4].to_owned()
    }
}

#[test]
fn a_clock_that_is_put_on_takes_no_run_from_its_worker() {
    let folder = tempfile::tempdir().unwrap();
    let Some(timed) = Timed::start(folder.path()) else { return };
    let before = timed.completes_a_run();
    let id = timed.server.submit(&json!({"prompt": endless()}));
    eventually("an attempt", || (timed.server.run(&id)["status"] == "STARTED").then_some(()));
    timed.set("+400d");
    eventually("the clock that was set is seen", || {
        timed.server.log().contains("the system's clock was set").then_some(())
    });
    let run = timed.server.run(&id);
    assert_eq!((&run["status"], &run["retry_count"]), (&json!("STARTED"), &json!(0)), "{run}");
    let cancel = format!("/workflows/default/runs/{id}/cancel");
    assert_eq!(timed.server.post(&cancel, &Value::Null).expect_status(200).json()["status"], "CANCELLED");
    assert_ne!(timed.completes_a_run(), before);
}

#[test]
fn a_clock_that_is_put_back_holds_up_neither_runs_nor_what_is_told_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(timed) = Timed::start(folder.path()) else { return };
    let receiver = Host::receiver();
    let before = timed.completes_a_run();
    timed.set("-400d");
    assert_ne!(timed.completes_a_run(), before);
    let id = timed.server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    assert_eq!(timed.server.ended_run(&id)["status"], "COMPLETED");
    receiver.await_requests(2);
    let listed = timed.server.get("/workflows/default/runs?limit=1").json();
    assert_eq!(listed[0]["id"], json!(id), "the newest run is the one that was taken in last");
}
