//! What goes wrong on purpose: on the wire, and for the client programs of the book's page.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use comfyicu_tests::{Finished, Host, PATIENCE, Received, Server, ServerOptions, repository, run_bounded};
use serde_json::json;

use crate::PROGRAMS;
use crate::prompts::empty_image;

/// Options of a server on which this goes wrong.
fn options(faults: &str) -> ServerOptions {
    let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1", "--dev", "--faults"]);
    let file = options.folder().join("faults.toml");
    fs::write(&file, faults).unwrap();
    options.arg(file)
}

/// Sends a request as it stands, and gives all that comes back until the connection is closed.
fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Whether it was closed or reset is the same to who asked.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

fn submit() -> String {
    let body = json!({ "prompt": empty_image() }).to_string();
    let path = "/api/v1/workflows/w/runs";
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn count_of_runs(server: &Server) -> usize {
    server.get("/workflows/w/runs").json().as_array().unwrap().len()
}

#[test]
fn connections_close_before_and_after_the_server_has_acted_and_within_answers() {
    let fault = |act: &str| format!("[[fault]]\non = \"submit\"\ndo = \"{act}\"\ntimes = 1\n");
    let server = options(&[fault("drop"), fault("lose-answer"), fault("cut")].concat()).start();
    assert_eq!(exchange(&server, &submit()), "");
    assert_eq!(count_of_runs(&server), 0);
    assert_eq!(exchange(&server, &submit()), "");
    assert_eq!(count_of_runs(&server), 1);
    let cut = exchange(&server, &submit());
    let (head, body) = cut.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{cut}"));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-comfyicu-fault: "), "{head}");
    assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2, "{cut}");
    assert_eq!(count_of_runs(&server), 2);
    assert!(server.log().contains("a fault on purpose"), "{}", server.log());
}

#[test]
fn webhooks_get_lost_and_come_twice() {
    let server = options(
        "[[fault]]\non = \"webhook\"\ndo = \"lose\"\nevent = \"started\"\n\n\
         [[fault]]\non = \"webhook\"\ndo = \"double\"\nevent = \"completed\"\n",
    )
    .start();
    let receiver = Host::receiver();
    server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    let received = receiver.await_requests(2);
    let told: Vec<_> = received.iter().map(|request| request.json()["status"].clone()).collect();
    assert_eq!(told, ["COMPLETED", "COMPLETED"]);
    let ids: Vec<_> = received.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert_eq!(ids[0], ids[1], "it is the same message");
}

#[test]
fn faults_are_refused_without_dev_and_where_they_are_not_understood() {
    let without = ServerOptions::new(PROGRAMS).args(["--faults", "scenario:busy"]);
    let said = run_bounded(&mut without.command(), PATIENCE).ended_with(2).stderr;
    assert!(said.contains("--dev"), "{said}");
    let unknown = ServerOptions::new(PROGRAMS).args(["--dev", "--faults", "scenario:bussy"]);
    let said = run_bounded(&mut unknown.command(), PATIENCE).ended_with(2).stderr;
    assert!(said.contains("did you mean `busy`?"), "{said}");
    let wrong = options("[[fault]]\non = \"submit\"\ndo = \"refuse\"\nstatsu = 429\n");
    let said = run_bounded(wrong.command().args(["--listen", "127.0.0.1:0"]), PATIENCE).ended_with(2).stderr;
    assert!(said.contains("faults.toml:4:1: there is no key `statsu`; did you mean `status`?"), "{said}");
    let missing = ServerOptions::new(PROGRAMS).args(["--dev", "--faults", "no-such-file.toml"]);
    let said =
        run_bounded(missing.command().args(["--listen", "127.0.0.1:0"]), PATIENCE).ended_with(2).stderr;
    assert!(said.contains("no-such-file.toml cannot be read"), "{said}");
}

/// A section of the page: the flags of its server, and the lines for the second terminal.
struct Section {
    title: String,
    flags: Vec<String>,
    lines: Vec<String>,
}

fn sections() -> Vec<Section> {
    let page = fs::read_to_string(repository().join("docs/src/test-your-integration.md")).unwrap();
    let of = |section: &str| {
        let blocks = section.split("```sh\n").skip(1).filter_map(|part| part.split("```").next());
        let (servers, lines): (Vec<&str>, Vec<&str>) =
            blocks.flat_map(str::lines).partition(|line| line.starts_with("comfyicu-server serve "));
        let [server] = servers[..] else { return None };
        Some(Section {
            title: section.lines().next().unwrap_or_default().to_owned(),
            flags: server.split(' ').skip(2).map(str::to_owned).collect(),
            lines: lines.into_iter().map(str::to_owned).collect(),
        })
    };
    page.split("\n## ").filter_map(of).collect()
}

/// A folder with the examples, and the command.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["negative.json", "blue.json", "photo.jpg", "faults.toml"] {
        fs::copy(repository().join("docs/examples").join(name), folder.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(PROGRAMS.cli, folder.path().join("comfyicu")).unwrap();
    folder
}

/// Runs the lines of a section on its server, and gives what they wrote.
fn try_out(section: &Section, folder: &Path, receiver: &Host) -> Vec<String> {
    let options = section.flags.iter().filter(|flag| *flag != "--no-auth");
    let options = options.fold(ServerOptions::new(PROGRAMS), |options, flag| {
        let path = folder.join(flag);
        if path.is_file() { options.arg(path) } else { options.arg(flag) }
    });
    let server = options.start();
    let run = |line: &String| {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(folder).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).env("HOME", folder);
        command.env("COMFYICU_BASE_URL", server.base_url()).env("RECEIVER", receiver.url("/hook"));
        let Finished { code, stdout, stderr, .. } = run_bounded(&mut command, PATIENCE);
        assert_eq!(code, Some(0), "{}\n{line}\n{stdout}{stderr}\n{}", section.title, server.log());
        stdout
    };
    let said = section.lines.iter().map(run).collect();
    if section.title == "Webhooks" {
        // The end of the first run is told twice, and its start is lost.
        let told: Vec<_> = receiver.await_requests(2).iter().map(Received::json).collect();
        assert!(told.len() == 2 && told.iter().all(|run| run["status"] == "COMPLETED"), "{told:?}");
    }
    said
}

#[test]
fn every_line_of_the_page_works() {
    let (folder, receiver) = (folder(), Host::receiver());
    let sections = sections();
    assert_eq!(sections.len(), 8, "a section is not seen");
    for section in &sections {
        let said = try_out(section, folder.path(), &receiver);
        let last = said.last().map(|said| said.trim().to_owned()).unwrap_or_default();
        match section.title.as_str() {
            "A submit whose answer is lost" => assert_eq!(last, "1"),
            "A run that never ends" => assert_eq!(said[1].trim(), "exit code 5"),
            "A run that fails" | "Faults of your own" => assert_eq!(said[0].trim(), "exit code 3"),
            _ => {}
        }
    }
    for made in ["flaky", "busy", "once", "second", "own"] {
        assert!(folder.path().join(made).join("quickstart/negative_00001_.png").exists(), "{made}");
    }
    assert!(folder.path().join("hosted/quickstart/blue_00001_.png").exists());
}
