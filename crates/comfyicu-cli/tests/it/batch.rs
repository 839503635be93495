//! Many runs of one prompt.

use std::fs;
use std::sync::Mutex;

use crate::{Command, Response, Service};

/// Makes a run of each submit, named after its seed; seed 13 fails. Each has one output.
fn service() -> Service {
    let runs = Mutex::new(0);
    Service::start(move |request, url| {
        let (method, path) = request.line.split_once(' ').unwrap();
        let last = path.rsplit('/').next().unwrap();
        match (method, last) {
            ("POST", "runs") => {
                *runs.lock().unwrap() += 1;
                let seed = request.body.split_once("\"seed\":").unwrap().1;
                let seed: String = seed.chars().take_while(char::is_ascii_digit).collect();
                Response::ok(format!(r#"{{"id":"run{seed}"}}"#))
            }
            ("GET", "fox.png") => Response::ok("png"),
            ("GET", "run13") => Response::ok(
                r#"{"id":"run13","status":"ERROR","output":{"error":{"exception_message":"unlucky"}}}"#,
            ),
            ("GET", run) if run.starts_with("run") && run != "runs" => Response::ok(format!(
                r#"{{"id":"{run}","status":"COMPLETED","output":[{{"filename":"/workflows/default/output/{run}/fox.png","url":"{url}/fox.png"}}]}}"#
            )),
            _ => Response::new(404, ""),
        }
    })
}

fn submits(service: &Service) -> usize {
    service.lines().iter().filter(|line| line.starts_with("POST ")).count()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_value_is_a_run_with_a_folder_of_its_own() {
    let service = service();
    let command = Command::on(&service);
    let outcome = command.run(&["batch", "prompt.json", "--vary", "3.seed=1..3", "-o", "out", "-j", "2"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), "note: 3 of 3 done\n"), "{outcome:?}");
    let paths = ["out/1-3.seed=1/fox.png", "out/2-3.seed=2/fox.png", "out/3-3.seed=3/fox.png"];
    assert_eq!(sorted(&outcome.stdout), paths);
    assert_eq!(command.files(), paths);
    assert_eq!(submits(&service), 3);
}

#[test]
fn one_that_fails_is_named_and_the_others_go_on() {
    let service = service();
    let outcome = Command::on(&service).run(&["batch", "prompt.json", "--vary", "3.seed=12..14", "--json"]);
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stderr.contains("unlucky") && outcome.stderr.contains("the item `3.seed=13`"),
        "{outcome:?}"
    );
    assert!(outcome.stderr.ends_with("note: 2 of 3 done\n"), "{outcome:?}");
    let lines = sorted(&outcome.stdout);
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with(r#"{"index":0,"item":"3.seed=12","run":{"id":"run12""#), "{lines:?}");
    assert!(
        lines[1].contains(r#""status":"ERROR""#) && lines[1].ends_with(r#""downloaded":[]}"#),
        "{lines:?}"
    );
}

#[test]
fn a_manifest_goes_on_where_it_was() {
    let service = service();
    let command = Command::on(&service);
    let batch = |more: &[&str], range: &str| {
        let vary = format!("3.seed={range}");
        command.run(&[&["batch", "prompt.json", "--manifest", "m.jsonl", "--vary", &vary], more].concat())
    };
    assert_eq!(batch(&["--resume"], "1..2").code, Some(2), "there is nothing to go on with");
    assert_eq!(batch(&[], "1..2").code, Some(0));
    let again = batch(&[], "1..2");
    assert_eq!(again.code, Some(2));
    insta::assert_snapshot!(again.stderr, @"
    error: there is a manifest `m.jsonl` already
    hint: go on with it: --resume; or begin anew with another file
    ");
    assert_eq!(batch(&["--resume"], "1..3").code, Some(0));
    assert_eq!(submits(&service), 3, "what has run is not run again");
}

#[test]
fn values_come_from_files_tables_and_side_by_side() {
    let command = Command::bare();
    fs::write(command.path("prefixes.txt"), "a fox\n\n\"b\"\n").unwrap();
    fs::write(command.path("runs.csv"), "3.seed, 9.filename_prefix\n1,\"a, b\"\n2,\n").unwrap();
    let planned =
        |args: &[&str]| command.run(&[&["batch", "prompt.json", "--dry-run"], args].concat()).stdout;
    insta::assert_snapshot!(planned(&["--vary", "3.seed=1,2", "--vary", "9.filename_prefix=@prefixes.txt"]), @r#"
    3.seed=1, 9.filename_prefix="a fox"
    3.seed=1, 9.filename_prefix="b"
    3.seed=2, 9.filename_prefix="a fox"
    3.seed=2, 9.filename_prefix="b"
    "#);
    insta::assert_snapshot!(planned(&["--vary", "3.seed=1,2", "--vary", "9.filename_prefix=@prefixes.txt", "--zip"]), @r#"
    3.seed=1, 9.filename_prefix="a fox"
    3.seed=2, 9.filename_prefix="b"
    "#);
    insta::assert_snapshot!(planned(&["--csv", "runs.csv", "--json"]), @r#"{"items":["3.seed=1, 9.filename_prefix=\"a, b\"","3.seed=2"]}"#);
}

#[test]
fn what_cannot_vary_is_said_before_anything_is_sent() {
    let service = service();
    let command = Command::on(&service);
    let said = |args: &[&str]| {
        let outcome = command.run(&[&["batch", "prompt.json"], args].concat());
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        outcome.stderr
    };
    insta::assert_snapshot!(said(&[]), @"
    error: nothing varies
    hint: say what varies: --vary 3.seed=1..4, or --csv FILE; `comfyicu prompt show` has the inputs
    ");
    insta::assert_snapshot!(said(&["--vary", "4.seed=1"]), @"
    error: 4.seed: no node has the id `4`; the prompt has: 3 (KSampler), 9 (SaveImage)
    hint: say what varies: --vary 3.seed=1..4, or --csv FILE; `comfyicu prompt show` has the inputs
    ");
    insta::assert_snapshot!(said(&["--vary", "3.seed=1,2", "--vary", "3.steps=1,2,3", "--zip"]), @"
    error: side by side there must be as many values everywhere, but there are 2 and 3
    hint: say what varies: --vary 3.seed=1..4, or --csv FILE; `comfyicu prompt show` has the inputs
    ");
    assert_eq!(submits(&service), 0);
}
