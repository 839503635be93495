//! A ComfyUI that the server has for itself: a fake one, in a process of its own.

use comfyicu_tests::{Server, ServerOptions};

use super::*;
use crate::PROGRAMS;

/// A folder with a ComfyUI that a shell starts.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let main = format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_e2e-fake-comfyui"));
    std::fs::write(folder.path().join("main.py"), main).unwrap();
    folder
}

fn serve(folder: &Path) -> Server {
    let folder = folder.to_string_lossy().into_owned();
    let args = ["--comfyui-dir", &folder, "--python", "sh", "--comfyui-arg=--lowvram"];
    ServerOptions::new(PROGRAMS).args(args).start()
}

/// What the ComfyUI wrote into its folder.
fn noted(folder: &Path, name: &str) -> String {
    eventually(name, || std::fs::read_to_string(folder.join(name)).ok().filter(|text| text.ends_with('\n')))
        .trim()
        .to_owned()
}

fn is_there(process: &str) -> bool {
    // One that ended and was not waited for is gone as well.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn it_is_started_again_when_it_is_killed_in_the_middle_of_a_run_which_ends_well() {
    let folder = folder();
    std::fs::write(folder.path().join("hold"), "").unwrap();
    let server = serve(folder.path());
    let prompt = recorded("0.3.75 h_outputs: filename_prefix with tokens").prompt;
    let id = server.submit(&json!({"prompt": prompt}));
    let address = format!("http://127.0.0.1:{}", noted(folder.path(), "port"));
    eventually("a prompt that runs", || {
        let queue = comfyicu_tests::get(&format!("{address}/queue")).json();
        queue["queue_running"].as_array().is_some_and(|running| !running.is_empty()).then_some(())
    });
    let first = noted(folder.path(), "pid");
    std::process::Command::new("kill").args(["-9", &first]).status().unwrap();
    let run = eventually("the end of the run", || {
        let run = server.run(&id);
        (run["status"] == "COMPLETED").then_some(run)
    });
    assert_eq!(run["output"].as_array().map(Vec::len), Some(1), "{run}");
    assert_ne!(noted(folder.path(), "pid"), first);
    let log = server.log();
    assert!(log.contains("it was killed, as Linux does when memory runs out"), "{log}");
    assert!(log.contains("hello from the fake"), "its last words are told: {log}");
    // One that is killed could not end its ComfyUI.
    assert_eq!(server.end_with("TERM"), Some(0));
}

#[test]
fn it_ends_with_the_server_and_what_it_started_ends_too() {
    let folder = folder();
    let server = serve(folder.path());
    let processes = [noted(folder.path(), "pid"), noted(folder.path(), "child")];
    assert!(processes.iter().all(|process| is_there(process)), "{processes:?}");
    assert!(noted(folder.path(), "args").contains("--lowvram"));
    assert_eq!(server.end_with("TERM"), Some(0));
    for process in &processes {
        eventually("the end of a process", || (!is_there(process)).then_some(()));
    }
}
