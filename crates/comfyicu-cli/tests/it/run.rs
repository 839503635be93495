//! `comfyicu run`, from the prompt to the files.

use std::fs;

use crate::command::{KEY, PROMPT};
use crate::{Command, Request, Response, Service};

/// Answers a submit with the id alone, is QUEUED once, then COMPLETED with two outputs.
fn service() -> Service {
    let looks = std::sync::Mutex::new(0);
    Service::start(move |request, url| {
        let path = request.line.split_once(' ').unwrap().1;
        match path {
            "/api/v1/capabilities" => {
                Response::ok(r#"{"server": "comfyicu-server", "uploads": true, "idempotency_keys": true}"#)
            }
            "/a.png" => Response::ok("png"),
            "/b.png" => Response::ok("PNG"),
            _ if request.line.starts_with("HEAD ") => Response::new(404, ""),
            "/api/v1/uploads" => Response::ok(format!(
                r#"{{"url": "{url}/api/v1/uploads/2cf2", "size": 5, "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}"#
            )),
            _ if request.line.starts_with("POST ") => Response::ok(r#"{"id": "run1"}"#),
            _ => {
                let mut looks = looks.lock().unwrap();
                *looks += 1;
                if *looks % 2 == 1 {
                    Response::ok(r#"{"id": "run1", "status": "QUEUED"}"#)
                } else {
                    Response::ok(completed(url))
                }
            }
        }
    })
}

/// A run as the service writes it, to be printed as it is.
fn completed(url: &str) -> String {
    format!(
        r#"{{"id":"run1","status":"COMPLETED","run_time":1.0,"seed":18446744073709551616,"output":[{{"filename":"/workflows/default/output/run1/sub/a_00001_.png","url":"{url}/a.png","thumbnail_url":null}},{{"filename":"/workflows/default/output/run1/b_00001_.png","url":"{url}/b.png","thumbnail_url":null}}]}}"#
    )
}

#[test]
fn a_prompt_goes_in_and_files_come_out() {
    let service = service();
    let command = Command::on(&service);
    let outcome = command.run(&["run", "prompt.json", "-o", "out"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "out/sub/a_00001_.png\nout/b_00001_.png\n");
    assert_eq!(outcome.stderr, "");
    assert_eq!(command.files(), ["out/b_00001_.png", "out/sub/a_00001_.png"]);
    let mut lines = service.lines();
    // The files are fetched at once, in whatever order.
    lines.sort_by_key(|line| line.contains(".png").then(|| line.clone()));
    insta::assert_snapshot!(lines.join("\n"), @"
    POST /api/v1/workflows/default/runs
    GET /api/v1/workflows/default/runs/run1
    GET /api/v1/workflows/default/runs/run1
    GET /a.png
    GET /b.png
    ");
    let seen = service.seen();
    let has_key = |request: &&Request| request.line.contains("/api/");
    for request in seen.iter().filter(has_key) {
        assert_eq!(request.authorization, Some(format!("Bearer {KEY}")));
    }
    assert!(seen.iter().filter(|request| !has_key(request)).all(|request| request.authorization.is_none()));
}

#[test]
fn again_into_the_same_folder_keeps_what_is_there() {
    let service = service();
    let command = Command::on(&service);
    fs::write(command.path("b_00001_.png"), "another").unwrap();
    for _ in 0..2 {
        let outcome = command.run(&["run", "prompt.json"]);
        assert_eq!(outcome.stdout, "./sub/a_00001_.png\n./b_00001_ (2).png\n");
    }
    assert_eq!(command.files(), ["b_00001_ (2).png", "b_00001_.png", "sub/a_00001_.png"]);
    assert_eq!(fs::read(command.path("b_00001_.png")).unwrap(), b"another");
}

#[test]
fn json_is_the_run_as_it_was_answered() {
    let service = service();
    let outcome = Command::on(&service).run(&["run", "prompt.json", "--json"]);
    let expected = format!(
        r#"{{"run":{},"downloaded":["./sub/a_00001_.png","./b_00001_.png"]}}"#,
        completed("http://service")
    );
    assert_eq!(outcome.stdout.trim_end(), expected);
}

#[test]
fn everything_that_is_asked_for_is_sent() {
    let service = service();
    let command = Command::on(&service);
    fs::write(command.path("photo one.jpg"), "hello").unwrap();
    let outcome = command.run_with(
        &[
            "run",
            "-",
            "-w",
            "-posters",
            "--set",
            "3.seed=18446744073709551616",
            "--set",
            "3.step=8",
            "--set",
            "9.filename_prefix=a red=fox",
            "--file",
            "input/a.jpg=photo one.jpg",
            "--file",
            "/models/loras/x=https://example.com/x?a=b",
            "--accelerator",
            "A100_40GB",
            "--webhook",
            "https://example.com/hook",
            "--detach",
        ],
        PROMPT,
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "run1\n"));
    insta::assert_snapshot!(outcome.stderr, @"
    note: --set 3.step: the node had no such input, it is added; did you mean `steps`?
    note: --set 9.filename_prefix: the node had no such input, it is added
    warning[unused_file]: input files: no node uses the file /input/a.jpg
     |
     = help: take it out, or name it in the prompt
    warning[unused_file]: input files: no node uses the file /models/loras/x
     |
     = help: take it out, or name it in the prompt
    ");
    insta::assert_snapshot!(service.lines().join("\n"), @"
    HEAD /api/v1/uploads/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    POST /api/v1/uploads
    POST /api/v1/workflows/-posters/runs
    ");
    let seen = service.seen();
    assert_eq!(seen[2].body, "hello");
    let body = crate::command::without_markers(&seen[3].body.replace(&service.url, "http://service"));
    insta::assert_snapshot!(body, @r#"{"workflow_id":"-posters","prompt":{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551616,"steps":20,"step":8}},"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"a red=fox"}}},"files":{"/input/a.jpg":"http://service/api/v1/uploads/2cf2","/models/loras/x":"https://example.com/x?a=b"},"webhook":"https://example.com/hook","accelerator":"A100_40GB","extra_data":{"comfyicu_submit":"MARKER"}}"#);
}

#[test]
fn a_detached_run_is_its_ids_as_json() {
    let outcome = Command::on(&service()).run(&["run", "prompt.json", "--detach", "--json"]);
    assert_eq!(outcome.stdout, "{\"id\":\"run1\",\"workflow_id\":\"default\"}\n");
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let service = service();
    let command = Command::on(&service);
    let mut child = command.start(&["run", "prompt.json"]);
    drop(child.stdout.take());
    let outcome = command.end(child);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}
