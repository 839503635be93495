//! From a prompt at the shell to an image on disk.

use std::path::Path;

use comfyicu_tests::{Cli, Image, Server};
use serde_json::Value;
use tempfile::TempDir;

use crate::PROGRAMS;
use crate::prompts::{empty_image, examples, photo, photo_host};

/// Writes a prompt where the command line finds it.
fn saved(folder: &TempDir, prompt: &Value) -> String {
    let path = folder.path().join("prompt.json");
    std::fs::write(&path, prompt.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs the example of the documentation.
fn run_example(cli: &Cli, folder: &TempDir, more: &[&str]) -> String {
    let prompt = examples().join("negative.json");
    let file = format!("/input/photo.jpg={}", text(&photo()));
    let mut args = vec!["run", text(&prompt), "--file", &file, "-o", text(folder.path())];
    args.extend(more);
    cli.run(args).succeeded()
}

#[test]
fn a_prompt_goes_in_and_an_image_comes_out() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    run_example(&server.cli(), &folder, &[]);

    let square = Image::read(&folder.path().join("quickstart/square_00001_.png"));
    let negative = Image::read(&folder.path().join("quickstart/negative_00001_.png"));
    assert_eq!((square.width, square.height), (640, 640));
    assert!(square.colours() > 10_000, "only {} colours", square.colours());
    assert!(negative.is_negative_of(&square));
    assert!(!square.is_negative_of(&square));
}

#[test]
fn an_image_carries_the_prompt_it_was_made_with() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    let prompt = empty_image();
    let path = saved(&folder, &prompt);
    server.cli().run(["run", &path, "-o", text(folder.path())]).succeeded();

    let image = Image::read(&folder.path().join("made/of_nothing_00001_.png"));
    assert_eq!((image.width, image.height, image.pixels[0]), (64, 48, [0x33, 0x66, 0x99]));
    assert_eq!(serde_json::from_str::<Value>(image.text("prompt").unwrap()).unwrap(), prompt);
}

#[test]
fn an_input_of_a_node_can_be_set_at_the_shell() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    run_example(&server.cli(), &folder, &["--set", "2.width=200", "--set", "2.height=120"]);
    let square = Image::read(&folder.path().join("quickstart/square_00001_.png"));
    assert_eq!((square.width, square.height), (200, 120));
}

#[test]
fn json_is_the_run_with_what_it_cost() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    let printed: Value = serde_json::from_str(&run_example(&server.cli(), &folder, &["--json"])).unwrap();
    let downloaded: Vec<&str> =
        printed["downloaded"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(downloaded.len(), 2);
    assert!(downloaded.iter().all(|path| Path::new(path).exists()), "{downloaded:?}");
    let first = &printed["run"];
    assert_eq!(first["status"], "COMPLETED");
    assert_eq!(first["output"].as_array().unwrap().len(), 2);
    for part in ["queue_ms", "download_ms", "execution_ms"] {
        assert!(first["x"][part].is_u64(), "{part}: {}", first["x"]);
    }
    let photo_bytes = std::fs::metadata(photo()).unwrap().len();
    assert_eq!(first["x"]["files"]["/input/photo.jpg"]["bytes"], photo_bytes);
}

#[test]
fn a_file_from_elsewhere_is_sent_once() {
    let (server, folder, host) = (Server::start(PROGRAMS), TempDir::new().unwrap(), photo_host());
    let prompt = examples().join("negative.json");
    let file = format!("/input/photo.jpg={}", host.url("/somewhere/photo.jpg"));
    let run = |out: &str| -> Value {
        let out = folder.path().join(out);
        let args = ["run", text(&prompt), "--file", &file, "-o", text(&out), "--json"];
        let printed: Value = serde_json::from_str(&server.cli().run(args).succeeded()).unwrap();
        printed["run"].clone()
    };
    assert_eq!(run("one")["x"]["files"]["/input/photo.jpg"]["cache_hit"], false);
    assert_eq!(run("two")["x"]["files"]["/input/photo.jpg"]["cache_hit"], true);
    let sent = host.received().iter().filter(|request| request.header("if-none-match").is_none()).count();
    assert_eq!(sent, 1, "{:?}", host.received());
}

#[test]
fn a_detached_run_is_found_again() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    let path = saved(&folder, &empty_image());
    let detached: Value =
        serde_json::from_str(&server.cli().run(["run", &path, "--detach", "--json"]).succeeded()).unwrap();
    let id = detached["id"].as_str().unwrap();

    let waited: Value =
        serde_json::from_str(&server.cli().run(["runs", "wait", id, "--json"]).succeeded()).unwrap();
    assert_eq!((&waited["id"], &waited["status"]), (&detached["id"], &Value::from("COMPLETED")));
    let got: Value =
        serde_json::from_str(&server.cli().run(["runs", "get", id, "--json"]).succeeded()).unwrap();
    assert_eq!(got, server.run(id));

    server.cli().run(["runs", "download", id, "-o", text(folder.path())]).succeeded();
    let image = Image::read(&folder.path().join("made/of_nothing_00001_.png"));
    assert_eq!((image.width, image.height), (64, 48));
}

#[test]
fn text_for_people_names_the_run_and_the_files() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    let path = saved(&folder, &empty_image());
    let finished = server.cli().run(["run", &path, "-o", text(folder.path())]).ended_with(0);
    assert!(finished.stdout.contains("of_nothing_00001_.png"), "{finished:?}");
    assert!(!finished.stdout.contains('{'), "{finished:?}");

    let detached = server.cli().run(["run", &path, "--detach"]).succeeded();
    let id = detached.split_whitespace().find(|word| word.len() == 21).expect("the id of the run");
    server.cli().run(["runs", "wait", id]).succeeded();
    let shown = server.cli().run(["runs", "get", id]).succeeded();
    assert!(shown.contains("COMPLETED") && shown.contains(id), "{shown}");
}

#[test]
fn runs_belong_to_the_workflow_that_was_named() {
    let (server, folder) = (Server::start(PROGRAMS), TempDir::new().unwrap());
    let path = saved(&folder, &empty_image());
    let args = ["run", &path, "-w", "posters", "--detach", "--json"];
    let run: Value = serde_json::from_str(&server.cli().run(args).succeeded()).unwrap();
    let id = run["id"].as_str().unwrap();
    server.cli().run(["runs", "wait", "-w", "posters", id]).succeeded();
    // The variable names it as well.
    server.cli().env("COMFYICU_WORKFLOW", "posters").run(["runs", "get", id]).succeeded();
    let elsewhere = server.cli().run(["runs", "get", id]).ended_with(8);
    assert!(elsewhere.stderr.contains(id), "{elsewhere:?}");
}

#[test]
fn the_programs_introduce_themselves() {
    let cli = Cli::new(PROGRAMS);
    let help = cli.run(["--help"]).succeeded();
    for word in ["run", "runs"] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
    let help = cli.run(["run", "--help"]).succeeded();
    for flag in ["--file", "--set", "--accelerator", "--webhook", "--detach", "--json", "-o", "-w"] {
        assert!(help.contains(flag), "{flag} is missing in:\n{help}");
    }
    assert!(cli.run(["--version"]).succeeded().starts_with("comfyicu "));
}
