//! A backup that is made while the server works is whole, and a server goes on from it.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use comfyicu_tests::{Finished, Host, PATIENCE, Server, ServerOptions, request, run_bounded};
use serde_json::json;

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from, photo_host};

fn server() -> ServerOptions {
    ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"])
}

fn comfyicu_server(verb: &str, folder: &Path, data_dir: &Path) -> Finished {
    let mut command = Command::new(PROGRAMS.server);
    command.arg(verb).arg(folder).arg("--data-dir").arg(data_dir).env_clear();
    run_bounded(&mut command, PATIENCE)
}

/// The run has ended well, and its outputs are all there.
#[track_caller]
fn assert_whole(server: &Server, id: &str) {
    let run = server.ended_run(id);
    assert_eq!(run["status"], "COMPLETED", "{run}");
    let outputs = run["output"].as_array().unwrap();
    assert!(!outputs.is_empty(), "{run}");
    for output in outputs {
        let answer = request("GET", output["url"].as_str().unwrap(), &[], b"").expect_status(200);
        assert!(answer.body.starts_with(b"\x89PNG"), "{output}");
    }
}

#[test]
fn a_server_goes_on_from_a_backup_that_was_made_under_load() {
    let host = photo_host();
    let first = server().start();
    let (copy, restored) = (first.options().folder().join("copy"), first.options().folder().join("restored"));
    let submit = || first.submit(&json!({"prompt": inverted_photo(), "files": photo_from(&host)}));
    let mut before: Vec<String> = (0..3).map(|_| submit()).collect();
    for id in &before {
        assert_whole(&first, id);
    }
    comfyicu_server("backup", &copy, first.data()).succeeded();

    // One backup over another one, while runs come in and end.
    before.extend((0..10).map(|_| submit()));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let submitting = scope.spawn(|| {
            for _ in (0..200).take_while(|_| !done.load(Ordering::Relaxed)) {
                first.submit(&json!({"prompt": empty_image()}));
            }
        });
        let backed_up = comfyicu_server("backup", &copy, first.data());
        done.store(true, Ordering::Relaxed);
        submitting.join().unwrap();
        assert!(backed_up.stderr.contains("backed up"), "{}", backed_up.stderr);
        backed_up.succeeded();
    });

    comfyicu_server("restore", &copy, &restored).succeeded();
    // Those that waited or were executed when the copy was made go on, without the first server. Its folder stays.
    let _folder = first.options().clone();
    drop(first);
    let second = server().data_dir(&restored).start();
    for id in &before {
        assert_whole(&second, id);
    }
    let all = second.get("/workflows/default/runs").expect_status(200).json();
    for run in all.as_array().unwrap() {
        assert_whole(&second, run["id"].as_str().unwrap());
    }
}

#[test]
fn a_backup_is_not_restored_over_runs() {
    let first = Server::start(PROGRAMS);
    let receiver = Host::receiver();
    let id = first.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    assert_whole(&first, &id);
    let copy = first.options().folder().join("copy");
    comfyicu_server("backup", &copy, first.data()).succeeded();

    let refused = comfyicu_server("restore", &copy, first.data()).ended_with(2);
    assert!(refused.stderr.contains("is in use by another comfyicu-server"), "{}", refused.stderr);
    let (data, folder) = (first.data().to_owned(), first.options().clone());
    assert_eq!(first.end_with("TERM"), Some(0));
    let refused = comfyicu_server("restore", &copy, &data).ended_with(2);
    assert!(refused.stderr.contains("holds runs already"), "{}", refused.stderr);
    assert_whole(&folder.start(), &id);
}
