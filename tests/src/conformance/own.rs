//! ComfyUIs that the checks start themselves, from a folder, and kill; and one that the server has for itself.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;

use super::{Bench, PAUSE, RUN, assert_colour, colour, ended, fresh, outputs, slow};
use crate::child::Background;
use crate::http::try_request;
use crate::server::ServerOptions;
use crate::wait::eventually;

/// How a ComfyUI is started.
#[derive(Clone, Debug)]
pub struct ComfyFolder {
    /// The folder with its `main.py`.
    pub folder: PathBuf,
    /// The Python that runs it.
    pub python: PathBuf,
    /// What it is told, such as `--cpu`.
    pub args: Vec<String>,
}

/// A ComfyUI in a process of its own, killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Background,
    url: String,
    _folder: TempDir,
}

impl Process {
    /// Starts one, and waits until it answers.
    pub(super) fn start(comfy: &ComfyFolder) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        drop(listener);
        let mut command = Command::new(&comfy.python);
        command.arg("main.py").args(["--listen", "127.0.0.1", "--disable-auto-launch", "--port"]);
        command.arg(address.port().to_string()).args(&comfy.args).current_dir(&comfy.folder);
        // A second one in the same folder empties the first one's temporary files.
        command.arg("--temp-directory").arg(folder.path());
        let mut started = Self {
            child: Background::start(&mut command),
            url: format!("http://{address}"),
            _folder: folder,
        };
        let begun = Instant::now();
        while try_request("GET", &format!("{}/system_stats", started.url), &[], b"").is_err() {
            let ended = started.child.ended();
            assert!(ended.is_none(), "ComfyUI ended: {}", started.child.stderr());
            assert!(begun.elapsed() < RUN, "ComfyUI does not answer: {}", started.child.stderr());
            thread::sleep(PAUSE);
        }
        started
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it as a crash would.
    pub(super) fn kill(mut self) {
        self.child.kill_hard();
    }
}

/// A server that starts a ComfyUI itself: it executes a run although it is killed in the middle of it, and is gone
/// with the server.
pub(super) fn owned(bench: &Bench) -> String {
    let Some(comfy) = &bench.options.folder else { return super::NO_FOLDER.to_owned() };
    let mut options = ServerOptions::new(bench.programs);
    options = options.args(["--comfyui-dir", &comfy.folder.to_string_lossy()]);
    options = options.args(["--python", &comfy.python.to_string_lossy()]);
    for arg in &comfy.args {
        options = options.args([format!("--comfyui-arg={arg}").as_str()]);
    }
    let server = options.start();
    let number = fresh();
    assert_colour(
        &outputs(&ended(&server, &server.submit(&json!({"prompt": colour(number, "own")}))))[0].1,
        number,
    );
    let run = server.submit(&json!({"prompt": slow(number)}));
    eventually("the start of the run", || (server.run(&run)["status"] == "STARTED").then_some(()));
    let child = children(server.id()).first().copied().expect("a ComfyUI");
    signal("KILL", child);
    let run = ended(&server, &run);
    assert_eq!(outputs(&run).len(), 1);
    let child = children(server.id()).first().copied().expect("a ComfyUI");
    let code = server.end_with("TERM");
    assert_eq!(code, Some(0), "the server ends in good order");
    eventually("the end of the ComfyUI", || {
        (!PathBuf::from(format!("/proc/{child}")).exists()).then_some(())
    });
    format!(
        "killed in the middle of a run, which was begun again ({} times), and gone with the server",
        run["retry_count"]
    )
}

fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let of_tasks =
        tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let all: Vec<String> =
        std::iter::once(std::fs::read_to_string(path).unwrap_or_default()).chain(of_tasks).collect();
    all.iter().flat_map(|text| text.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
}

fn signal(signal: &str, process: u32) {
    let sent =
        Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status().expect("a shell");
    assert!(sent.success());
}
