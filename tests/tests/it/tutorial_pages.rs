//! The tutorial and the recipes are run line by line, as they stand in the book, on a real server.

use std::fs;
use std::path::Path;
use std::process::Command;

use comfyicu_tests::{Host, Server, repository};

use crate::PROGRAMS;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The lines of a page that a shell is to run.
fn lines(page: &str) -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/src").join(page)).unwrap();
    let blocks = page.split("```sh\n").skip(1).filter_map(|part| part.split("```").next());
    blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// A folder with what the pages need, and the command.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["negative.json", "photo.jpg"] {
        fs::copy(repository().join("docs/examples").join(name), folder.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(PROGRAMS.cli, folder.path().join("comfyicu")).unwrap();
    folder
}

/// Runs a line, which has to succeed, and gives what it wrote.
#[track_caller]
fn shell(line: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env_clear().env("PATH", path).env("HOME", folder);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{line}\n{stdout}{stderr}");
    stdout
}

#[test]
fn every_line_of_the_tutorial_works() {
    let (server, folder) = (Server::start(PROGRAMS), folder());
    let variables = [("COMFYICU_BASE_URL", server.base_url())];
    let lines = lines("tutorial.md");
    assert!(lines.len() > 15, "{lines:?}");
    let said: Vec<(String, String)> =
        lines.into_iter().map(|line| (line.clone(), shell(&line, folder.path(), &variables))).collect();
    let of = |begin: &str| &said.iter().find(|(line, _)| line.starts_with(begin)).unwrap().1;
    assert_eq!(of("comfyicu runs list --jq"), "COMPLETED\n");
    assert_eq!(of("comfyicu prompt get"), "640\n");
    assert_eq!(of("comfyicu prompt check"), "no problems found\n");
    for image in [
        "images/quickstart/square_00001_.png",
        "small/quickstart/negative_00001_.png",
        "later/quickstart/square_00001_.png",
        "sizes/4-2.width=400/quickstart/square_00001_.png",
        "again/quickstart/square_00001_.png",
        "clean.png",
    ] {
        assert!(folder.path().join(image).exists(), "{image}");
    }
    // Runs of the tutorial: images, small, run.txt, three and one of the batch, again.
    let runs = server.get("/workflows/default/runs").json();
    assert_eq!(runs.as_array().unwrap().len(), 8);
}

#[test]
fn every_recipe_works() {
    let (server, folder) = (Server::start(PROGRAMS), folder());
    let receiver = Host::receiver();
    let hook = receiver.url("/hook");
    let variables =
        [("COMFYICU_BASE_URL", server.base_url()), ("RECEIVER", hook.as_str()), ("SECRET", SECRET)];
    let first = "comfyicu run negative.json --file /input/photo.jpg=photo.jpg --jq '.downloaded[0]'";
    let image = shell(first, folder.path(), &variables);
    fs::copy(folder.path().join(image.trim()), folder.path().join("photo-of-yesterday.png")).unwrap();
    let lines = lines("recipes.md");
    assert!(lines.len() > 7, "{lines:?}");
    for line in &lines {
        shell(line, folder.path(), &variables);
    }
    assert!(folder.path().join("good.json").exists() && folder.path().join("again/quickstart").is_dir());
}
