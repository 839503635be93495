//! The server that quickstart starts, and stops again whatever happens.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process::{Interrupt, Running};
use crate::quickstart::place::{Place, cannot};

/// How long the server may take to listen. It does so within a second, even on a slow machine.
const START_WITHIN: Duration = Duration::from_secs(30);

/// How often the interrupt is looked at meanwhile.
const TICK: Duration = Duration::from_millis(50);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Running,
    base_url: String,
}

impl Server {
    /// Starts the server on a free port of the loopback interface, and waits until it listens.
    pub(crate) fn start(program: &Path, place: &Place, interrupt: &Interrupt) -> Result<Self, Failure> {
        let log = File::create(place.log()).map_err(|error| cannot("write", &place.log(), &error))?;
        let copy = log.try_clone().map_err(|error| cannot("write", &place.log(), &error))?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--no-auth", "--data-dir"]).arg(place.data());
        let mut process = Running::start(command.stdout(Stdio::piped()).stderr(copy))?;
        let Some(stdout) = process.take_stdout() else {
            return Err(Failure::new("the server has no output"));
        };
        let lines = first_line(stdout, log);
        let base_url = address(&lines, &mut process, interrupt)
            .map_err(|failure| failure.with_lines("the end of the server's log", &place.log_tail()))?;
        Ok(Self { process, base_url })
    }

    /// Where it is reached.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Stops it.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }
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
