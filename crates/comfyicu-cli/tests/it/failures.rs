//! What goes wrong, each with its exit code and its words.

use std::net::TcpListener;

use crate::{Command, Response, Service};

/// Runs the prompt on a service that answers each submit in one way, and has nothing else.
fn run(status: u16, body: &'static str) -> (Option<i32>, String) {
    let service = Service::start(move |request, _| {
        if request.line.starts_with("POST ") { Response::new(status, body) } else { Response::new(404, "") }
    });
    let outcome = Command::on(&service).run(&["run", "prompt.json"]);
    assert_eq!(outcome.stdout, "");
    assert_eq!(service.lines(), ["POST /api/v1/workflows/default/runs"], "a submit is sent once");
    (outcome.code, outcome.stderr)
}

#[test]
fn a_refused_key_is_4_and_not_shown() {
    let (code, stderr) = run(
        401,
        r#"{"error": {"code": "unauthorized", "message": "this key is not known", "request_id": "q1"}}"#,
    );
    assert_eq!(code, Some(4));
    insta::assert_snapshot!(stderr, @"
    error: the service at http://service refused the API key
      caused by: POST http://service/api/v1/workflows/default/runs answered 401 Unauthorized: this key is not known (request q1)
    hint: give a key of this service: comfyicu auth login, or COMFYICU_API_KEY; a server of your own writes its first key to the terminal, or to `first-key` in its data folder
    ");
}

#[test]
fn a_key_that_no_header_carries_is_2_and_not_shown() {
    let command = Command::bare().env("COMFYICU_BASE_URL", "http://127.0.0.1:1");
    let outcome = command.run(&["run", "prompt.json", "--api-key", "two\nlines"]);
    assert_eq!(outcome.code, Some(2));
    assert!(!outcome.stderr.contains("two"), "{outcome:?}");
}

#[test]
fn no_key_is_4_on_the_hosted_service_before_anything_is_sent() {
    let command = Command::bare().env("COMFYICU_API_KEY", "");
    let outcome = command.run(&["run", "prompt.json", "-w", "w"]);
    assert_eq!(outcome.code, Some(4));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the hosted service wants an API key, and none was given
    hint: make a key in the account settings of https://comfy.icu and keep it: comfyicu auth login, or set COMFYICU_API_KEY to it; a server of your own is named with --base-url
    ");
}

#[test]
fn the_hosted_service_needs_a_workflow() {
    let outcome = Command::bare().env("COMFYICU_WORKFLOW", "").run(&["run", "prompt.json"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the hosted service needs to know the workflow that runs belong to
    hint: name it with -w ID or COMFYICU_WORKFLOW, or keep it: comfyicu config set workflow ID
    hint: the id stands on the workflow's page on https://comfy.icu: open one of its runs, then “View API code”; `comfyicu workflows list` has it too
    hint: a server of your own needs none: name that with --base-url (COMFYICU_BASE_URL)
    ");
}

#[test]
fn the_hosted_service_takes_no_local_files() {
    let command = Command::bare().env("COMFYICU_API_KEY", "x");
    let outcome = command.run(&["run", "prompt.json", "-w", "w", "--file", "/input/a.json=prompt.json"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    warning[unused_file]: input files: no node uses the file /input/a.json
     |
     = help: take it out, or name it in the prompt
    error: the hosted service takes files by URL only: put the file where a public URL leads to it, and give that URL
    hint: give the URL in place of the path: --file DEST=URL
    ");
}

#[test]
fn findings_are_7_line_by_line() {
    let (code, stderr) = run(
        422,
        r#"{"error": {"code": "prompt_invalid", "message": "the prompt has 2 problems", "request_id": "q1", "details": [
            {"code": "unknown_class", "message": "there is no class `KSampler`", "node_id": "3", "class_type": "KSampler", "suggestion": "serve --comfyui URL runs the rest"},
            {"code": "required_input_missing", "message": "a required input is missing", "node_id": "9", "class_type": "SaveImage", "input": "images"}]}}"#,
    );
    assert_eq!(code, Some(7));
    insta::assert_snapshot!(stderr, @"
    error: the service rejected the run
      caused by: POST http://service/api/v1/workflows/default/runs answered 422 Unprocessable Entity: the prompt has 2 problems (request q1)
      - node 3 (KSampler): there is no class `KSampler` (serve --comfyui URL runs the rest)
      - node 9 (SaveImage), input `images`: a required input is missing
    hint: change what is named above and run it again; an input is set with --set NODE.INPUT=VALUE
    ");
}

#[test]
fn what_is_not_there_is_8() {
    let (code, stderr) = run(404, r#"{"error": {"code": "not_found", "message": "no such workflow"}}"#);
    assert_eq!(code, Some(8));
    insta::assert_snapshot!(stderr, @"
    error: there is no workflow default at http://service
      caused by: POST http://service/api/v1/workflows/default/runs answered 404 Not Found: no such workflow
    hint: check the id of the run, the workflow (-w) and the service (--base-url); `comfyicu runs list` and `comfyicu workflows list` have what there is
    ");
}

#[test]
fn a_submit_whose_outcome_is_not_known_is_75() {
    let (code, stderr) = run(502, "<html><title>Bad gateway</title></html>");
    assert_eq!(code, Some(75));
    insta::assert_snapshot!(stderr, @"
    error: the service at http://service is having problems; the run may exist all the same
      caused by: POST http://service/api/v1/workflows/default/runs answered 502 Bad Gateway: an HTML page, “Bad gateway”
    hint: look for the run before you run it again: it may be there, and cost
    hint: it has the marker MARKER: comfyicu runs find -w default MARKER
    ");
}

#[test]
fn nobody_listening_is_6() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = Command::bare().env("COMFYICU_BASE_URL", &url).run(&["run", "prompt.json"]);
    assert_eq!(outcome.code, Some(6));
    assert!(
        outcome.stderr.starts_with("error: the service at http://service cannot be reached\n"),
        "{outcome:?}"
    );
}

#[test]
fn something_else_than_the_service_is_1() {
    let (code, stderr) = run(200, "<!doctype html><title>Welcome</title>");
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(stderr, @"
    error: the answer is not the one of a ComfyICU service: check the base URL
      caused by: POST http://service/api/v1/workflows/default/runs should have answered a run, but what arrived is an HTML page, “Welcome”
    hint: check that --base-url (COMFYICU_BASE_URL) leads to the service
    ");
}

#[test]
fn a_run_that_fails_is_3_and_still_an_object() {
    let service = Service::start(|request, _| {
        if request.line.starts_with("POST") {
            return Response::ok(r#"{"id": "run1"}"#);
        }
        Response::ok(r#"{"id":"run1","status":"CANCELLED"}"#)
    });
    let outcome = Command::on(&service).run(&["run", "prompt.json", "--json"]);
    assert_eq!(outcome.code, Some(3));
    assert_eq!(outcome.stdout, "{\"run\":{\"id\":\"run1\",\"status\":\"CANCELLED\"},\"downloaded\":[]}\n");
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run run1 ended in CANCELLED
    hint: see all that is known of it: comfyicu runs get -w default run1 --json
    ");
}

#[test]
fn an_account_without_credit_is_4() {
    let service = Service::start(|_, _| Response::ok(r#"{"id": "run1", "status": "INSUFFICIENT_CREDIT"}"#));
    let outcome = Command::on(&service).run(&["run", "prompt.json"]);
    assert_eq!(outcome.code, Some(4));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run run1 ended in INSUFFICIENT_CREDIT
    hint: add credit to the account on https://comfy.icu, then run it again
    ");
}

#[test]
fn an_output_that_does_not_come_says_how_to_get_it() {
    let service = Service::start(|request, url| match request.line.as_str() {
        "GET /a.png?sig=1" => Response::new(404, ""),
        line if line.starts_with("POST") => Response::ok(r#"{"id": "run1"}"#),
        _ => Response::ok(format!(
            r#"{{"id":"run1","status":"COMPLETED","output":[{{"filename":"/workflows/w/output/run1/a.png","url":"{url}/a.png?sig=1"}}]}}"#
        )),
    });
    let command = Command::on(&service);
    let outcome = command.run(&["run", "prompt.json"]);
    assert_eq!(outcome.code, Some(1));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the output cannot be fetched, so `./a.png` was not saved
      caused by: GET http://service/a.png answered 404 Not Found
    hint: save its outputs: comfyicu runs download -w default run1
    ");
    assert!(command.files().is_empty());
}

/// Runs each on a service that must not hear of it, and gives what was said.
fn refused(lines: &[&[&str]]) -> String {
    let service = Service::start(|_, _| Response::new(500, ""));
    let command = Command::on(&service);
    std::fs::write(command.path("other.json"), r#"{"name": "fox", "steps": 20}"#).unwrap();
    let mut texts = Vec::new();
    for args in lines {
        let outcome = command.run(args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        texts.push(format!("$ comfyicu {}\n{}", args.join(" "), outcome.stderr));
    }
    assert!(service.lines().is_empty());
    texts.join("\n")
}

#[test]
fn a_file_that_cannot_be_used_is_2_before_anything_is_sent() {
    insta::assert_snapshot!(refused(&[
        &["run", "none.json"],
        &["run", "other.json"],
        &["run", "prompt.json", "--file", "/input/a=~/none.png"],
        &["run", "prompt.json", "-o", "prompt.json"],
    ]), @"
    $ comfyicu run none.json
    error: `none.json` cannot be read
      caused by: No such file or directory (os error 2)
    hint: give the path of a prompt: in ComfyUI, Workflow → Export (API) writes one

    $ comfyicu run other.json
    error: `other.json` holds no prompt
      caused by: no entry is a node: a node is an object with `class_type` and `inputs`
    hint: give the path of a prompt: in ComfyUI, Workflow → Export (API) writes one

    $ comfyicu run prompt.json --file /input/a=~/none.png
    error: `~/none.png` cannot be read
      caused by: No such file or directory (os error 2)
    hint: check the path: it is taken as it stands, and the shell does not expand ~ behind `=`

    $ comfyicu run prompt.json -o prompt.json
    error: the folder `prompt.json` cannot be made
      caused by: File exists (os error 17)
    hint: choose another folder: -o DIR
    ");
}

#[test]
fn an_argument_that_cannot_be_used_is_2_before_anything_is_sent() {
    insta::assert_snapshot!(refused(&[
        &["run", "prompt.json", "--set", "seed=1"],
        &["run", "prompt.json", "--set", "4.seed=1"],
        &["run", "prompt.json", "--file", "a.png=b.png"],
        &["run", "prompt.json", "--timeout", "soon"],
        &["run", "prompt.json", "-w", "a/b"],
        &["run", "prompt.json", "--file", "/input/a=https://h/1", "--file", "/input/a=https://h/2"],
    ]), @r#"
    $ comfyicu run prompt.json --set seed=1
    error: --set seed: `seed` is not NODE.INPUT, such as 6.text
    hint: see the nodes and their inputs: comfyicu prompt show prompt.json

    $ comfyicu run prompt.json --set 4.seed=1
    error: --set 4.seed: no node has the id `4`; the prompt has: 3 (KSampler), 9 (SaveImage)
    hint: see the nodes and their inputs: comfyicu prompt show prompt.json

    $ comfyicu run prompt.json --file a.png=b.png
    error: invalid value 'a.png=b.png' for '--file <DEST=URL|PATH>': `a.png` cannot be a destination: it must start with /input/ or /models/FOLDER/

    For more information, try '--help'.

    $ comfyicu run prompt.json --timeout soon
    error: invalid value 'soon' for '--timeout <DURATION>': it is not a duration, such as 90s, 10m or 1h30m

    For more information, try '--help'.

    $ comfyicu run prompt.json -w a/b
    error: the workflow cannot be used
      caused by: "a/b" is not a workflow id: it has 1 to 64 of the characters A-Z, a-z, 0-9, `_` and `-`
    hint: correct -w or COMFYICU_WORKFLOW

    $ comfyicu run prompt.json --file /input/a=https://h/1 --file /input/a=https://h/2
    error: --file names /input/a twice: a destination takes one file
    hint: leave one of them out
    "#);
}
