//! Who may speak to the server, and to whom the server speaks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use comfyicu_tests::{Finished, Host, PATIENCE, Reply, Server, ServerOptions, get, request, run_bounded};
use serde_json::json;

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from, photo_host};

/// Submits and waits for the end, and gives all that was answered, for a body that has to be refused either
/// at once or when the run is about to use what it must not.
fn refusal(server: &Server, body: &serde_json::Value) -> String {
    let answer = server.post("/workflows/default/runs", body);
    if answer.status == 422 {
        return answer.json()["error"].to_string();
    }
    let id = answer.expect_status(200).json()["id"].as_str().unwrap().to_owned();
    let run = server.ended_run(&id);
    assert_eq!(run["status"], "ERROR", "{run}");
    run["output"].to_string()
}

#[test]
fn files_come_from_private_addresses_only_where_that_is_allowed() {
    let (host, closed) = (photo_host(), ServerOptions::new(PROGRAMS).start());
    let port = host.url("").rsplit(':').next().unwrap().to_owned();
    let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0", "0x7f.1"];
    for name in hosts {
        let url = format!("http://{name}:{port}/photo.jpg");
        let body = json!({"prompt": inverted_photo(), "files": {"/input/photo.jpg": url}});
        let said = refusal(&closed, &body);
        assert!(said.contains("--allow-host"), "{name}: {said}");
    }
    for url in
        ["http://169.254.169.254/latest/meta-data", "http://10.1.2.3/a.jpg", "http://192.168.0.1/a.jpg"]
    {
        let body = json!({"prompt": inverted_photo(), "files": {"/input/photo.jpg": url}});
        assert!(refusal(&closed, &body).contains("--allow-host"), "{url}");
    }
    assert!(host.received().is_empty(), "{:?}", host.received());

    let open = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.0/8"]).start();
    let id = open.submit(&json!({"prompt": inverted_photo(), "files": photo_from(&host)}));
    assert_eq!(open.ended_run(&id)["status"], "COMPLETED");
}

#[test]
fn a_redirect_does_not_lead_around_the_guard() {
    let inner = Host::start_at("127.0.0.2:0", |_| Reply::ok("secret"));
    let target = inner.url("/secret");
    let outer = Host::start(move |_| Reply::status(302).header("location", &target));
    let server = Server::start(PROGRAMS);
    let said = refusal(&server, &json!({"prompt": inverted_photo(), "files": photo_from(&outer)}));
    assert!(said.contains("--allow-host"), "{said}");
    assert_eq!(outer.received().len(), 1);
    assert!(inner.received().is_empty(), "{:?}", inner.received());
}

#[test]
fn webhooks_go_to_private_addresses_only_where_that_is_allowed() {
    let (receiver, closed) = (Host::receiver(), ServerOptions::new(PROGRAMS).start());
    let body = json!({"prompt": empty_image(), "webhook": receiver.url("/hook")});
    let answer = closed.post("/workflows/default/runs", &body).expect_status(422).json();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("webhook") && message.contains("--allow-host"), "{message}");
    assert!(receiver.received().is_empty(), "{:?}", receiver.received());
}

/// The key that the server made at its first start.
fn first_key(server: &Server) -> (PathBuf, String) {
    let path = server.data().join("first-key");
    let key = fs::read_to_string(&path).unwrap().trim().to_owned();
    (path, key)
}

#[test]
fn the_first_key_is_made_once_and_only_its_owner_reads_it() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (path, key) = first_key(&server);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(key.len() >= 32, "a key of {} characters can be guessed", key.len());
    let log = server.log();
    assert!(log.contains(path.to_str().unwrap()), "{log}");
    assert!(!log.contains(&key), "the key is in the log");

    let server = server.crash_and_restart();
    assert_eq!(first_key(&server).1, key);
    assert!(!server.log().contains("first-key"), "{}", server.log());
    server.cli().env("COMFYICU_API_KEY", &key).run(["runs", "get", "AAAAAAAAAAAAAAAAAAAAA"]);
}

#[test]
fn nothing_is_answered_without_the_key() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (_, key) = first_key(&server);
    let paths =
        ["/workflows", "/workflows/default/runs", "/object_info", "/view/workflows/default/input/a.png"];
    for path in paths {
        for wrong in ["", "Bearer wrong", &key, &format!("Basic {key}"), "Bearer "] {
            let answer = request("GET", &server.url(path), &[("authorization", wrong)], b"");
            assert_eq!(answer.status, 401, "{path} with {wrong:?}");
            assert!(answer.json()["error"]["message"].is_string());
        }
    }
    let right = format!("Bearer {key}");
    let answer = request("GET", &server.url("/workflows"), &[("authorization", right.as_str())], b"");
    assert_eq!(answer.expect_status(200).json(), json!([]));
}

#[test]
fn the_command_line_says_what_is_wrong_with_the_key() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (_, key) = first_key(&server);
    let folder = tempfile::TempDir::new().unwrap();
    let prompt = folder.path().join("prompt.json");
    fs::write(&prompt, empty_image().to_string()).unwrap();
    let args = ["run", prompt.to_str().unwrap(), "-o", folder.path().to_str().unwrap()];
    let keyless = server.cli().run(args).ended_with(4);
    assert!(keyless.stderr.contains("COMFYICU_API_KEY"), "{keyless:?}");
    let wrong = server.cli().env("COMFYICU_API_KEY", "a-wrong-secret").run(args).ended_with(4);
    assert!(!wrong.stderr.contains("a-wrong-secret"), "{wrong:?}");
    server.cli().env("COMFYICU_API_KEY", &key).run(args).succeeded();
    assert!(folder.path().join("made/of_nothing_00001_.png").exists());
}

#[test]
fn an_output_opens_without_a_key_by_its_signed_address_alone() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (_, key) = first_key(&server);
    let headers = [("authorization", format!("Bearer {key}"))];
    let headers = [(headers[0].0, headers[0].1.as_str()), ("content-type", "application/json")];
    let body = json!({"prompt": empty_image()}).to_string();
    let created = request("POST", &server.url("/workflows/default/runs"), &headers, body.as_bytes());
    let path =
        format!("/workflows/default/runs/{}", created.expect_status(200).json()["id"].as_str().unwrap());
    let run = comfyicu_tests::eventually("the end of the run", || {
        let run = request("GET", &server.url(&path), &headers, b"").expect_status(200).json();
        (run["status"] == "COMPLETED").then_some(run)
    });
    let url = run["output"][0]["url"].as_str().unwrap();
    assert!(!url.contains(&key), "the key is in an address");
    assert!(get(url).expect_status(200).body.starts_with(b"\x89PNG"));
    let (plain, _) = url.split_once('?').expect("a signature");
    assert!(matches!(get(plain).status, 401 | 403 | 404));
    let last = if url.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &url[..url.len() - 1]);
    assert!(matches!(get(&forged).status, 401 | 403 | 404), "{forged}");
}

/// Whether any file below a folder, the given one apart, holds these bytes.
fn holds(folder: &Path, needle: &[u8], apart: &Path) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path != apart).find_map(
        |path| {
            if path.is_dir() {
                return holds(&path, needle, apart);
            }
            let bytes = fs::read(&path).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle).then_some(path)
        },
    )
}

#[test]
fn no_key_lies_in_clear_among_the_data() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (path, key) = first_key(&server);
    let right = format!("Bearer {key}");
    request("GET", &server.url("/workflows"), &[("authorization", right.as_str())], b"")
        .expect_status(200)
        .json();
    assert_eq!(holds(server.data(), key.as_bytes(), &path), None);
    assert_eq!(holds(server.data(), key.as_bytes(), Path::new("")), Some(path));
}

/// Starts a server that has to give up, and gives what it said.
fn serve(options: &ServerOptions, listen: &str) -> Finished {
    run_bounded(options.command().args(["--listen", listen]), PATIENCE)
}

#[test]
fn a_server_without_keys_stays_on_this_machine() {
    let refused = serve(&ServerOptions::new(PROGRAMS), "0.0.0.0:0").ended_with(2);
    assert!(refused.stderr.contains("--no-auth"), "{refused:?}");
    assert_eq!(refused.stdout, "");
}

#[test]
fn one_process_has_the_data_folder() {
    let server = Server::start(PROGRAMS);
    let second = serve(server.options(), "127.0.0.1:0").ended_with(2);
    assert!(second.stderr.contains(server.data().to_str().unwrap()), "{second:?}");
    // The first one is not disturbed.
    let id = server.submit(&json!({"prompt": empty_image()}));
    assert_eq!(server.ended_run(&id)["status"], "COMPLETED");
}

#[test]
fn a_web_page_cannot_use_a_server_without_keys() {
    let server = Server::start(PROGRAMS);
    let body = json!({"prompt": empty_image()}).to_string();
    let url = server.url("/workflows/default/runs");
    let foreign = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    assert!(request("POST", &url, &foreign, body.as_bytes()).status >= 400);
    assert_eq!(server.get("/workflows/default/runs").json(), json!([]));
}
