//! Odd places: full disks, folders that cannot be, names with everything in them.

use std::fs;
use std::process::Stdio;

use crate::command::Outcome;
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
    hint: send it elsewhere: > FILE on a disk with room
    ");
}

/// Runs the command where no file can grow, as on a full disk. What it says goes through pipes.
fn on_a_full_disk(command: &Command, args: &[&str]) -> Outcome {
    let mut shell = std::process::Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_comfyicu")]).args(args);
    shell.env_clear().envs(command.environment()).current_dir(&command.folder);
    command.end(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn on_a_full_disk_files_stay_as_they_were() {
    let service = service();
    let command = Command::on(&service);
    let old = fs::read_to_string(command.path("prompt.json")).unwrap();
    let set = on_a_full_disk(&command, &["prompt", "set", "-i", "prompt.json", "3.seed=2"]);
    assert_eq!(set.code, Some(2));
    let words = ["error: `prompt.json` cannot be written\n", "hint: it is as it was; leave -i out"];
    assert!(words.iter().all(|word| set.stderr.contains(word)), "{set:?}");
    assert_eq!(fs::read_to_string(command.path("prompt.json")).unwrap(), old);

    let run = on_a_full_disk(&command, &["run", "prompt.json", "-o", "out"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(run.stderr, @r#"
    error: `out/狐 'n' "fox"/a b.png` cannot be written
      caused by: File too large (os error 27)
    hint: choose another folder: -o DIR
    hint: save its outputs: comfyicu runs download -w default run1
    "#);

    command.run(&["config", "set", "workflow", "kept"]);
    let set = on_a_full_disk(&command, &["config", "set", "workflow", "lost"]);
    assert_eq!(set.code, Some(2));
    assert!(set.stderr.contains("cannot be written") && set.stderr.contains("hint: "), "{set:?}");
    assert_eq!(command.run(&["config", "get", "workflow"]).stdout, "kept\n");
    assert_eq!(command.files(), ["home/.config/comfyicu/config.toml"], "nothing half written is left");
}

#[test]
fn where_nothing_can_be_written_that_is_said() {
    let command = Command::bare().env("COMFYICU_CONFIG", "/proc/nowhere/config.toml");
    for args in
        [&["config", "set", "workflow", "w"][..], &["prompt", "strip", "prompt.json", "-o", "/proc/a.png"]]
    {
        let outcome = command.run(args);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains("hint: "), "{outcome:?}");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let outcome = Command::bare().run(&["auth", "login"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(outcome.stderr, @"
    error: no key was given
      caused by: the API key is empty
    hint: type or paste it when you are asked, or pipe it in: comfyicu auth login < FILE
    ");
}

#[test]
fn huge_values_arrive_as_they_are() {
    let service = service();
    let command = Command::on(&service);
    // As long as one word of a command line may be, and longer.
    let (word, text) = ("狐".repeat(40_000), "a \"red\" fox\n".repeat(200_000));
    let seed = "123456789012345678901234567890";
    fs::write(command.path("text.txt"), &text).unwrap();
    let (word_edit, seed_edit) = (format!("3.word={word}"), format!("3.seed={seed}"));
    let args = [
        "run",
        "prompt.json",
        "--detach",
        "--set",
        &word_edit,
        "--set",
        &seed_edit,
        "--set-file",
        "3.text=@text.txt",
    ];
    let outcome = command.run(&args);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let seen = service.seen();
    let body = &seen.iter().find(|request| request.line.starts_with("POST ")).unwrap().body;
    assert!(body.contains(&format!(r#""seed":{seed}"#)));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let inputs = &body["prompt"]["3"]["inputs"];
    assert!(inputs["word"].as_str() == Some(&word) && inputs["text"].as_str() == Some(&text));
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
