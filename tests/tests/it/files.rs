//! The files of runs: fetched once for all, kept within bounds, and nobody else's.

use std::fs;
use std::path::Path;

use comfyicu_tests::{Host, PATIENCE, Reply, Server, ServerOptions, eventually, run_bounded};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from, photo_host};

fn server() -> Server {
    ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]).start()
}

/// A prompt that needs no files, with one of so many bytes from a host.
fn with_model(host: &Host) -> Value {
    json!({"prompt": empty_image(), "files": {"/models/loras/a.safetensors": host.url("/a")}})
}

fn model_host(bytes: usize) -> Host {
    Host::start(move |_| Reply::ok(vec![7; bytes]).header("etag", "\"v\""))
}

/// Why a run failed.
fn failure(run: &Value) -> String {
    assert_eq!(run["status"], "ERROR", "{run}");
    run["output"]["error"]["exception_message"].as_str().unwrap().to_owned()
}

#[test]
fn runs_share_one_transfer_which_goes_on_when_the_first_is_cancelled() {
    let (server, host) = (server(), model_host(1000));
    host.hold();
    let first = server.submit(&with_model(&host));
    host.await_requests(1);
    let second = server.submit(&with_model(&host));
    let cancel = format!("/workflows/default/runs/{first}/cancel");
    assert_eq!(server.post(&cancel, &Value::Null).status, 200);
    host.release();
    let run = server.ended_run(&second);
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let file = &run["x"]["files"]["/models/loras/a.safetensors"];
    assert_eq!(file["bytes"], 1000);
    assert!(file["ms"].is_u64(), "{file}");
    // The second run may have come to its turn only when the first was gone; then it asked by itself.
    assert!(host.received().len() <= 2);
    assert_eq!(server.run(&first)["status"], "CANCELLED");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Whether it is written down below a folder how much of a file came.
fn is_noted(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => is_noted(&entry.path()),
        _ => entry.path().extension().is_some_and(|extension| extension == "json"),
    })
}

#[test]
fn a_transfer_goes_on_where_it_was_when_the_server_was_killed_in_the_middle() {
    // What came is brought to the disk every 32 MiB.
    const WHOLE: usize = 48 << 20;
    const MOST: usize = 40 << 20;
    let bytes: Vec<u8> = (0..WHOLE).map(|at| (at % 251).try_into().unwrap()).collect();
    let digest = hex(&Sha256::digest(&bytes));
    let host = Host::start(move |request| {
        let from =
            request.header("range").map(|range| range.trim_start_matches("bytes=").trim_end_matches('-'));
        let reply = match from.and_then(|from| from.parse().ok()) {
            Some(from) => Reply::part(&bytes, from),
            None => Reply::ok(&*bytes).stalling_after(MOST),
        };
        reply.header("etag", "\"v\"").header("accept-ranges", "bytes")
    });
    let server = server();
    // The pin holds the bytes against what they are.
    let url = format!("{}#sha256={digest}", host.url("/a"));
    let run = json!({"prompt": empty_image(), "files": {"/models/loras/a.safetensors": url}});
    let id = server.submit(&run);
    let cache = server.data().join("cache");
    eventually("a part of the file", || is_noted(&cache).then_some(()));
    let server = server.crash_and_restart();
    let run = server.ended_run(&id);
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let asked: Vec<_> =
        host.received().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let from: usize =
        asked[1].as_deref().unwrap().trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    assert!(from > 0, "what was there is not fetched again: {asked:?}");
}

#[test]
fn a_run_sees_its_own_inputs_only() {
    let (server, host) = (server(), photo_host());
    let own = json!({"prompt": inverted_photo(), "files": photo_from(&host)});
    assert_eq!(server.ended_run(&server.submit(&own))["status"], "COMPLETED");
    let others = json!({"prompt": inverted_photo()});
    let refused = server.post("/workflows/default/runs", &others).expect_status(422).json();
    assert!(refused["error"].to_string().contains("custom_validation_failed"), "{refused}");
}

#[test]
fn destinations_are_known_folders_and_pins_are_digests() {
    let (server, host) = (server(), model_host(10));
    let refusal = |path: &str, url: String| {
        let body = json!({"prompt": empty_image(), "files": {path: url}});
        let answer = server.post("/workflows/default/runs", &body);
        assert!(matches!(answer.status, 400 | 422), "{path}");
        answer.json()["error"].to_string()
    };
    for path in
        ["/models/custom_nodes/evil.py", "/input/../evil", "/input/nul.png", "/input/a\u{202e}gnp.exe"]
    {
        assert!(refusal(path, host.url("/a")).contains('/'), "{path}");
    }
    assert!(refusal("/models/mine/a.pt", host.url("/a")).contains("--model-folder mine"));
    assert!(refusal("/models/loras/a.pt", host.url("/a#sha256=abc")).contains("64 hexadecimal digits"));
    assert!(host.received().is_empty());

    let pinned = json!({"prompt": empty_image(), "files": {
        "/models/loras/a.pt": host.url(&format!("/a#sha256={}", "0".repeat(64)))
    }});
    let said = failure(&server.ended_run(&server.submit(&pinned)));
    assert!(said.contains("is pinned"), "{said}");
}

#[test]
fn what_is_kept_is_listed_pinned_and_makes_way() {
    let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1", "--cache-size", "1500B"]);
    let (server, host, other) = (options.start(), model_host(1000), model_host(1001));
    server.ended_run(&server.submit(&with_model(&host)));
    let cache = |args: &[&str]| {
        let mut command = std::process::Command::new(PROGRAMS.server);
        command.arg("cache").args(args).arg("--data-dir").arg(server.data());
        run_bounded(&mut command, PATIENCE).succeeded()
    };
    // The file is let go a moment after the run has ended.
    let listed = cache(&["list"]);
    assert!(listed.ends_with("1 files, 1000 bytes\n"), "{listed}");
    let sha256 = listed.split(' ').next().unwrap();
    cache(&["pin", sha256]);
    server.ended_run(&server.submit(&with_model(&other)));
    eventually("the one that is not pinned makes way", || {
        Some(cache(&["list"])).filter(|listed| listed.ends_with("1 files, 1000 bytes\n"))
    });
    cache(&["unpin", sha256]);
    server.ended_run(&server.submit(&with_model(&other)));
    assert!(cache(&["list"]).ends_with("1 files, 1001 bytes\n"));
}

/// A disk of so many bytes, in memory.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    /// Makes one, where that can be done.
    fn new(size: &str) -> Option<Self> {
        use nix::mount::{MsFlags, mount};
        let folder = tempfile::TempDir::new().unwrap();
        let options = format!("size={size}");
        let none = None::<&str>;
        match mount(none, folder.path(), Some("tmpfs"), MsFlags::empty(), Some(options.as_str())) {
            Ok(()) => Some(Self(folder)),
            Err(error) => {
                eprintln!("SKIPPED: no small disk can be mounted: {error}");
                None
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = nix::mount::umount2(self.0.path(), nix::mount::MntFlags::MNT_DETACH) {
            eprintln!("the disk at {} stays: {error}", self.0.path().display());
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_fails_the_run_and_the_server_lives() {
    const MIB: usize = 1024 * 1024;
    let Some(disk) = SmallDisk::new("24m") else {
        assert!(!comfyicu_tests::in_ci(), "small disks have to be mounted here");
        return;
    };
    let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]);
    let server = options.data_dir(disk.0.path().join("data")).start();
    let large = model_host(40 * MIB);
    let said = failure(&server.ended_run(&server.submit(&with_model(&large))));
    assert!(
        said.contains("/models/loras/a.safetensors") && said.contains("the server's disk is full"),
        "{said}"
    );

    // It lives, and what fits is fetched.
    let fits = model_host(12 * MIB);
    assert_eq!(server.ended_run(&server.submit(&with_model(&fits)))["status"], "COMPLETED");
    // What nobody uses makes room, though the cache has a bound that is far away.
    let other = model_host(13 * MIB);
    let run = server.ended_run(&server.submit(&with_model(&other)));
    assert_eq!(run["status"], "COMPLETED", "{run}");
}

/// Has the server read things again, and waits until it says what became of that.
#[cfg(unix)]
fn hang_up(server: &Server, said: &str) {
    let before = server.log().matches(said).count();
    server.signal("HUP");
    eventually("the signal is heard", || (server.log().matches(said).count() > before).then_some(()));
}

#[test]
#[cfg(unix)]
fn credentials_that_are_changed_are_used_once_the_server_is_told() {
    let host = Host::start(|request| match request.header("authorization") {
        Some("Bearer new") => Reply::ok("model"),
        _ => Reply::status(401),
    });
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("credentials.toml");
    let write = |token: &str| {
        let address = host.url("");
        let rule = format!("[[credentials]]\nhost = \"{address}\"\nbearer = \"{token}\"\n");
        fs::write(&file, rule).unwrap();
    };
    write("old");
    let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1", "--credentials"]);
    let server = options.arg(&file).start();
    let run = server.ended_run(&server.submit(&with_model(&host)));
    assert_eq!(run["status"], "ERROR", "{run}");
    // A file that cannot be used changes nothing.
    fs::write(&file, "[[").unwrap();
    hang_up(&server, "the credentials stay as they were");
    write("new");
    hang_up(&server, "keys, secrets and credentials were read again");
    eventually("the new token is used", || {
        let run = server.ended_run(&server.submit(&with_model(&host)));
        (run["status"] == "COMPLETED").then_some(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_has_no_room_for_the_database_refuses_runs_and_goes_on_when_there_is_some() {
    let Some(disk) = SmallDisk::new("16m") else {
        assert!(!comfyicu_tests::in_ci(), "small disks have to be mounted here");
        return;
    };
    let server = ServerOptions::new(PROGRAMS).data_dir(disk.0.path().join("data")).start();
    let run = json!({"prompt": empty_image()});
    let before = server.submit(&run);
    server.ended_run(&before);
    let filler = disk.0.path().join("filler");
    let written = fs::write(&filler, vec![0; 32 * 1024 * 1024]);
    assert!(written.is_err(), "the disk is full");
    let refused = eventually("a run that is refused", || {
        Some(server.post("/workflows/default/runs", &run)).filter(|answer| answer.status != 200)
    });
    assert_eq!(refused.status, 500, "{}", String::from_utf8_lossy(&refused.body));
    assert_eq!(server.run(&before)["status"], "COMPLETED", "what is there can be read");

    fs::remove_file(&filler).unwrap();
    let after = eventually("a run that is taken in", || {
        Some(server.post("/workflows/default/runs", &run)).filter(|answer| answer.status == 200)
    });
    assert_eq!(server.ended_run(after.json()["id"].as_str().unwrap())["status"], "COMPLETED");
}
