//! A server that is started for a while, and stopped again whatever happens.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process::{Interrupt, Running};

/// How long the server may take to listen. It does so within a second, even on a slow machine.
const START_WITHIN: Duration = Duration::from_secs(30);

/// How often the interrupt is looked at meanwhile.
const TICK: Duration = Duration::from_millis(50);

/// How many lines of the log are shown when a step fails.
const TAIL: usize = 20;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Running,
    base_url: String,
    log: PathBuf,
}

impl Server {
    /// Starts the server on a free port of the loopback interface, and waits until it listens. What it says goes
    /// to the file `log`.
    pub(crate) fn start(
        program: &Path,
        data: &Path,
        flags: &[&str],
        log: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let cannot = |error| Failure::new(format!("cannot write {}: {error}", log.display()));
        let file = File::create(log).map_err(cannot)?;
        let copy = file.try_clone().map_err(cannot)?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).args(flags);
        let mut process = Running::start(command.stdout(Stdio::piped()).stderr(copy))?;
        let Some(stdout) = process.take_stdout() else {
            return Err(Failure::new("the server has no output"));
        };
        let lines = first_line(stdout, file);
        let base_url = address(&lines, &mut process, interrupt)
            .map_err(|failure| failure.with_lines("the end of the server's log", &tail(log)))?;
        Ok(Self { process, base_url, log: log.to_path_buf() })
    }

    /// Where it is reached.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Stops it.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }
}

fn tail(log: &Path) -> String {
    let log = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
}

/// Sends the first line of the output on, and writes what follows to the log, so that the pipe never fills.
fn first_line(stdout: ChildStdout, mut log: File) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        // Nobody listens any more when the start was given up.
        sender.send(read.map(|_| line.clone())).ok();
        log.write_all(line.as_bytes()).ok();
        io::copy(&mut stdout, &mut log).ok();
    });
    receiver
}

/// Waits for the line that says where the server listens.
fn address(
    lines: &Receiver<io::Result<String>>,
    process: &mut Running,
    interrupt: &Interrupt,
) -> Result<String, Failure> {
    let begun = Instant::now();
    let line = loop {
        interrupt.check()?;
        match lines.recv_timeout(TICK) {
            Ok(line) => break line.unwrap_or_default(),
            Err(RecvTimeoutError::Disconnected) => break String::new(),
            Err(RecvTimeoutError::Timeout) if begun.elapsed() > START_WITHIN => {
                let waited = START_WITHIN.as_secs();
                return Err(Failure::new(format!("the server did not listen within {waited} s")));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    if let Some(url) = line.trim_end().strip_prefix("listening on ") {
        return Ok(url.to_owned());
    }
    if line.is_empty() {
        let status = process.wait(interrupt)?;
        return Err(Failure::new(format!("the server ended instead of listening ({status})")));
    }
    Err(Failure::new(format!("the server said `{}` instead of where it listens", line.trim_end())))
}
