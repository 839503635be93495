//! A real server in a process of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use crate::child::Background;
use crate::cli::Cli;
use crate::http::{Answer, request};
use crate::wait::{PATIENCE, eventually};

/// The programs under test, where cargo built them.
#[derive(Clone, Copy, Debug)]
pub struct Programs {
    /// The command `comfyicu`.
    pub cli: &'static str,
    /// The command `comfyicu-server`.
    pub server: &'static str,
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    programs: Programs,
    data: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(String, String)>,
    // Removes the folder when the last server on it is gone.
    folder: Arc<TempDir>,
}

/// A running server on a free port of the loopback interface, killed when dropped.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    process: Background,
    base_url: String,
}

impl ServerOptions {
    /// A server on a data folder of its own, without keys.
    ///
    /// # Panics
    /// When no folder can be made.
    pub fn new(programs: Programs) -> Self {
        Self::with_keys(programs).arg("--no-auth")
    }

    /// A server on a data folder of its own that asks for a key.
    ///
    /// # Panics
    /// When no folder can be made.
    pub fn with_keys(programs: Programs) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        Self { programs, data: folder.path().join("data"), args: Vec::new(), variables: Vec::new(), folder }
    }

    /// Adds an argument to `serve`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments to `serve`.
    #[must_use]
    pub fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.args.extend(args.map(OsString::from));
        self
    }

    /// Sets variables of its environment, which has no others.
    #[must_use]
    pub fn variables<const N: usize>(mut self, variables: [(&str, &str); N]) -> Self {
        self.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    /// Keeps its data elsewhere.
    #[must_use]
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = folder.into();
        self
    }

    /// The command, as yet without an address to listen on.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.programs.server);
        command.arg("serve").arg("--data-dir").arg(&self.data).args(&self.args);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The command `gc` on the same data, with the same environment.
    pub fn gc(&self) -> Command {
        let mut command = Command::new(self.programs.server);
        command.arg("gc").arg("--data-dir").arg(&self.data);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn start(self) -> Server {
        self.try_start().unwrap_or_else(|said| panic!("the server does not start:\n{said}"))
    }

    /// Starts it and waits until it listens, or ends.
    ///
    /// # Errors
    /// What it said, when it did not listen.
    ///
    /// # Panics
    /// When it does neither.
    pub fn try_start(self) -> Result<Server, String> {
        let mut process = Background::start(self.command().args(["--listen", "127.0.0.1:0"]));
        let first = eventually("the first line", || {
            // Ended first, output second: what it wrote last is seen then.
            let ended = process.ended();
            let line = process.stdout().split_once('\n').map(|(line, _)| line.to_owned());
            line.or_else(|| ended.map(|_| String::new()))
        });
        match first.strip_prefix("listening on ") {
            Some(base_url) => Ok(Server { base_url: base_url.to_owned(), options: self, process }),
            None => Err(format!("{}{}", process.stdout(), process.stderr())),
        }
    }
}

impl Server {
    /// Starts a server without keys that may speak to this machine, where the tests have their hosts.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(programs: Programs) -> Self {
        ServerOptions::new(programs).args(["--allow-host", "127.0.0.1"]).start()
    }

    /// Where it is reached.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it was started.
    pub const fn options(&self) -> &ServerOptions {
        &self.options
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.options.data
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        format!("{}{}", self.process.stdout(), self.process.stderr())
    }

    /// The command line, pointed at this server.
    pub fn cli(&self) -> Cli {
        Cli::new(self.options.programs).env("COMFYICU_BASE_URL", &self.base_url)
    }

    /// Ends it at once, as a power cut would, and starts it again on the same data.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn crash_and_restart(self) -> Self {
        let Self { options, mut process, .. } = self;
        process.kill_hard();
        drop(process);
        options.start()
    }

    /// Asks it to end with a signal, and gives its exit code.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn end_with(self, signal: &str) -> Option<i32> {
        self.process.signal(signal);
        self.process.finish(PATIENCE).code
    }

    /// Sends it a signal, such as `HUP`.
    ///
    /// # Panics
    /// When that cannot be done.
    #[track_caller]
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Asks the API for a path below `/api/v1`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        request("GET", &self.url(path), &[], b"")
    }

    /// Sends JSON to a path below `/api/v1`.
    #[track_caller]
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        let headers = [("content-type", "application/json")];
        request("POST", &self.url(path), &headers, body.to_string().as_bytes())
    }

    /// Submits a run to the workflow `default` and gives its id.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn submit(&self, body: &serde_json::Value) -> String {
        let answer = self.post("/workflows/default/runs", body).expect_status(200).json();
        answer["id"].as_str().expect("the id of the run").to_owned()
    }

    /// A run of the workflow `default`.
    #[track_caller]
    pub fn run(&self, id: &str) -> serde_json::Value {
        self.get(&format!("/workflows/default/runs/{id}")).expect_status(200).json()
    }

    /// Waits until a run has ended, and gives it.
    #[track_caller]
    pub fn ended_run(&self, id: &str) -> serde_json::Value {
        eventually("the end of the run", || {
            let run = self.run(id);
            let status = run["status"].as_str().unwrap_or_default();
            ["COMPLETED", "ERROR", "CANCELLED"].contains(&status).then_some(run)
        })
    }

    /// The URL of a path below `/api/v1`.
    pub fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base_url)
    }
}

impl ServerOptions {
    /// The folder around the data folder, for what a test keeps beside it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
