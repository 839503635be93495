//! Outputs: where they lie, how they are read, and how long they stay.

use std::fs;
use std::process::Command;

use comfyicu_client::Client;
use comfyicu_model::{RunId, WorkflowId};
use comfyicu_tests::{Host, PATIENCE, S3, Server, ServerOptions, eventually, get, request, run_bounded};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::{empty_image, photo_from, photo_host};

/// The photo, made so large that it has some bytes for each pixel.
fn large_photo(host: &Host, side: usize) -> Value {
    let prompt = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.jpg"}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "upscale_method": "bicubic",
              "width": side, "height": side, "crop": "disabled"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "large"}}
    });
    json!({"prompt": prompt, "files": photo_from(host)})
}

fn made_of_nothing() -> Value {
    json!({"prompt": empty_image()})
}

fn completed(server: &Server, request: &Value) -> Value {
    let run = server.ended_run(&server.submit(request));
    assert_eq!(run["status"], "COMPLETED", "{run}");
    run
}

fn url<'a>(run: &'a Value, field: &str) -> &'a str {
    run["output"][0][field].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_live_in_a_bucket_and_go_with_their_runs() {
    let Some(s3) = S3::start() else { return };
    let location = s3.location("team/renders");
    let options = ServerOptions::new(PROGRAMS).args(["--outputs", &location]).variables(s3.variables());
    let server = options.start();
    let run = completed(&server, &made_of_nothing());
    let id = run["id"].as_str().unwrap().to_owned();
    assert_eq!(s3.keys(), [format!("team/renders/{id}/1/made/of_nothing_00001_.png")]);
    assert!(!server.data().join("outputs").join(&id).exists(), "nothing of it is here");
    let whole = get(url(&run, "url")).expect_status(200);
    assert!(whole.body.starts_with(b"\x89PNG") && whole.header("content-type") == Some("image/png"));
    let part = request("GET", url(&run, "url"), &[("range", "bytes=-4")], b"").expect_status(206);
    assert_eq!(part.body, whole.body[whole.body.len() - 4..]);
    let range = part.header("content-range").unwrap();
    assert!(range.ends_with(&format!("-{0}/{1}", whole.body.len() - 1, whole.body.len())), "{range}");
    let beyond = request("GET", url(&run, "url"), &[("range", "bytes=9999999-")], b"");
    assert_eq!((beyond.status, beyond.header("content-range").unwrap().starts_with("bytes */")), (416, true));
    let mut curl = Command::new("curl");
    let head = run_bounded(curl.args(["--silent", "--head", url(&run, "url")]), PATIENCE).succeeded();
    assert!(head.contains(&format!("content-length: {}\r\n", whole.body.len())), "{head}");
    assert!(get(url(&run, "thumbnail_url")).expect_status(200).body.starts_with(b"RIFF"));
    assert_eq!(s3.keys().len(), 2, "the thumbnail is kept beside it: {:?}", s3.keys());

    // Over a restart the runs keep their outputs, and the client saves them.
    let server = server.crash_and_restart();
    let client = Client::builder().base_url(server.base_url()).build().unwrap();
    let (workflow_id, run_id) = (WorkflowId::parse("default").unwrap(), RunId::parse(&id).unwrap());
    let run = client.run(workflow_id, run_id).get().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saved = client.download(run, folder.path()).await.unwrap();
    assert_eq!(fs::read(&saved[0].path).unwrap(), whole.body);

    let mut gc = server.options().gc();
    let said = run_bounded(gc.args(["--outputs", &location, "--keep-runs", "0"]), PATIENCE).succeeded();
    assert!(said.contains("removed 1 run,"), "{said}");
    assert_eq!(s3.keys(), Vec::<String>::new());
    assert_eq!(server.get(&format!("/workflows/default/runs/{id}")).status, 404);
    assert!(!server.log().contains("secret-of-the-bucket"));
}

#[test]
fn a_large_output_goes_to_a_bucket_in_parts() {
    let Some(s3) = S3::start() else { return };
    let options =
        ServerOptions::new(PROGRAMS).args(["--outputs", &s3.location("")]).variables(s3.variables());
    let server = options.args(["--allow-host", "127.0.0.1"]).start();
    let host = photo_host();
    let run = completed(&server, &large_photo(&host, 4096));
    let size = run["x"]["output_bytes"].as_u64().unwrap();
    assert!(size > 8 * 1024 * 1024, "{size} bytes are one part");
    let whole = get(url(&run, "url")).expect_status(200);
    assert_eq!(whole.body.len() as u64, size);
    assert_eq!(s3.unfinished(), Vec::<String>::new());
}

#[test]
fn a_bucket_that_is_not_there_is_said_at_once() {
    let Some(s3) = S3::start() else { return };
    let options =
        ServerOptions::new(PROGRAMS).args(["--outputs", "s3://nowhere/x"]).variables(s3.variables());
    let said = options.try_start().unwrap_err();
    assert!(said.contains("s3://nowhere/x") && !said.contains("secret-of-the-bucket"), "{said}");
}

#[test]
fn curl_goes_on_with_a_download() {
    let (server, host) = (Server::start(PROGRAMS), photo_host());
    let run = completed(&server, &large_photo(&host, 512));
    let whole = get(url(&run, "url")).expect_status(200).body;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("part.png");
    fs::write(&file, &whole[..100]).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--continue-at", "-", "--output"]).arg(&file);
    run_bounded(curl.arg(url(&run, "url")), PATIENCE).succeeded();
    assert_eq!(fs::read(&file).unwrap(), whole);
    let named = tempfile::tempdir().unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--remote-name", "--remote-header-name", "--output-dir"])
        .arg(named.path());
    run_bounded(curl.arg(url(&run, "url")), PATIENCE).succeeded();
    assert_eq!(fs::read(named.path().join("large_00001_.png")).unwrap(), whole);
}

fn gc(server: &Server, args: &[&str]) -> String {
    run_bounded(server.options().gc().args(args), PATIENCE).succeeded()
}

#[test]
fn gc_says_what_would_go_and_then_does_it_beside_a_running_server() {
    let server = ServerOptions::new(PROGRAMS).start();
    let ids: Vec<String> =
        (0..3).map(|_| completed(&server, &made_of_nothing())["id"].as_str().unwrap().to_owned()).collect();
    let would = gc(&server, &["--keep-runs", "1", "--dry-run"]);
    assert!(
        would.contains("would remove 2 runs") && would.contains(&ids[0]) && !would.contains(&ids[2]),
        "{would}"
    );
    assert!(ids.iter().all(|id| server.run(id)["status"] == "COMPLETED"), "nothing went");

    let lines = gc(&server, &["--keep-runs", "1", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, second, summary] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&first["run_id"], &second["run_id"]), (&json!(ids[0]), &json!(ids[1])), "the oldest first");
    assert_eq!(
        (&first["removed"], &first["rule"], &summary["summary"]["runs"]),
        (&json!("run"), &json!("count"), &json!(2))
    );
    assert_eq!(server.get(&format!("/workflows/default/runs/{}", ids[0])).status, 404);
    let left: Vec<_> = fs::read_dir(server.data().join("outputs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [ids[2].as_str()]);

    // The outputs of a run that is kept.
    let said = gc(&server, &["--keep-output-bytes", "0"]);
    assert!(said.contains("the outputs of 1 other run,"), "{said}");
    let kept = server.run(&ids[2]);
    assert!(kept["x"]["outputs_removed_at"].is_string(), "{kept}");
    let gone = get(url(&kept, "url")).expect_status(410).json();
    assert_eq!(gone["error"]["code"], "gone");

    let nothing = run_bounded(Command::new(PROGRAMS.server).args(["gc", "--data-dir", "/nowhere"]), PATIENCE);
    assert_eq!(nothing.code, Some(2), "{}", nothing.stderr);
}

#[test]
fn a_server_removes_what_its_rules_do_not_keep() {
    let server = ServerOptions::new(PROGRAMS).args(["--keep-runs", "1", "--gc-every", "1s"]).start();
    let first = completed(&server, &made_of_nothing())["id"].as_str().unwrap().to_owned();
    let second = completed(&server, &made_of_nothing())["id"].as_str().unwrap().to_owned();
    let path = format!("/workflows/default/runs/{first}");
    eventually("the first run goes", || (server.get(&path).status == 404).then_some(()));
    eventually("its files go", || (!server.data().join("outputs").join(&first).exists()).then_some(()));
    assert_eq!(server.run(&second)["status"], "COMPLETED");
}

#[test]
fn a_gc_that_is_killed_at_any_moment_leaves_no_run_without_its_outputs() {
    let server = ServerOptions::new(PROGRAMS).start();
    let count = 24;
    for _ in 0..count {
        server.submit(&json!({"prompt": empty_image()}));
    }
    let runs = || server.get("/workflows/default/runs?limit=1000").expect_status(200).json();
    let runs = || runs().as_array().unwrap().clone();
    eventually("all runs end", || runs().iter().all(|run| run["status"] == "COMPLETED").then_some(()));
    for (kept, millis) in
        (0..count).rev().step_by(2).zip([0_u64, 1, 2, 3, 5, 8, 13, 21, 34, 55].into_iter().cycle())
    {
        let mut gc = server.options().gc().args(["--keep-runs", &kept.to_string()]).spawn().unwrap();
        // Any moment will do; none has to be met.
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_millis(millis * 3)
            && gc.try_wait().unwrap().is_none()
        {
            std::thread::yield_now();
        }
        gc.kill().unwrap();
        gc.wait().unwrap();
        for run in runs() {
            assert_eq!(get(url(&run, "url")).status, 200, "{run}");
        }
    }
    gc(&server, &["--keep-runs", "1"]);
    let (left, known) = (fs::read_dir(server.data().join("outputs")).unwrap().count(), runs().len());
    assert_eq!((left, known), (1, 1), "no files stay behind");
}
