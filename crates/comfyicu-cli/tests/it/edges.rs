//! Odd places: full disks, folders that cannot be, names with everything in them.

use std::fs;
use std::process::Stdio;

use crate::{Command, Response, Service};

/// Has one complete run, whose output has a name with everything in it.
fn service() -> Service {
    Service::start(|request, url| match request.line.as_str() {
        "GET /a.png" => Response::ok("png"),
        line if line.starts_with("POST ") => Response::ok(r#"{"id": "run1"}"#),
        line if line.ends_with("/run1") => Response::ok(format!(
            r#"{{"id":"run1","status":"COMPLETED","output":[{{"filename":"/workflows/default/output/run1/狐 'n' \"fox\"/a b.png","url":"{url}/a.png"}}]}}"#
        )),
        _ => Response::new(404, ""),
    })
}

#[test]
fn a_full_disk_is_said() {
    let command = Command::bare();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_comfyicu"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    child.args(["prompt", "show", "prompt.json"]).env_clear().current_dir(&command.folder);
    let output = child.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(stderr, @"
    error: stdout cannot be written
      caused by: No space left on device (os error 28)
    ");
}

#[test]
fn a_folder_that_cannot_be_made_is_said_before_anything_is_sent() {
    let service = service();
    let outcome = Command::on(&service).run(&["run", "prompt.json", "-o", "/proc/nowhere"]);
    assert_eq!((outcome.code, service.lines().len()), (Some(2), 0));
    assert!(outcome.stderr.starts_with("error: the folder `/proc/nowhere` cannot be made\n"), "{outcome:?}");
}

#[test]
fn names_may_hold_anything() {
    let service = service();
    let command = Command::on(&service);
    fs::copy(command.path("prompt.json"), command.path("ein Füchschen 'n' \"so\".json")).unwrap();
    let outcome = command.run(&["run", "ein Füchschen 'n' \"so\".json", "-o", "aus gabe/狐"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "aus gabe/狐/狐 'n' \"fox\"/a b.png\n"));
    assert!(command.path("aus gabe/狐/狐 'n' \"fox\"/a b.png").exists());
}

#[test]
fn a_reader_that_takes_one_line_is_no_failure() {
    let command = Command::bare();
    let nodes: Vec<String> =
        (0..20_000).map(|id| format!(r#""{id}":{{"class_type":"SaveImage","inputs":{{}}}}"#)).collect();
    fs::write(command.path("long.json"), format!("{{{}}}", nodes.join(","))).unwrap();
    let mut child = command.start(&["prompt", "nodes", "long.json"]);
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    drop(child.stdout.take());
    let outcome = command.end(child);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}
