//! Child processes that are bounded in time and never outlive a test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::wait::eventually;

/// How often a running child is looked at.
const TICK: Duration = Duration::from_millis(10);

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// Gives standard output, where the command succeeded.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn succeeded(self) -> String {
        self.ended_with(0).stdout
    }

    /// Gives itself, where the command ended with this code.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A child process in the background, killed when dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    // Output goes to files: a pipe that nobody reads would hold the child up.
    output: TempDir,
}

impl Background {
    /// Starts a command, with nothing to read on its standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let output = TempDir::new().expect("a temporary folder");
        let file = |name: &str| File::create(output.path().join(name)).expect("a file for the output");
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        let child = command.spawn();
        Self { child: child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")), output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        self.text("stdout")
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.text("stderr")
    }

    /// The file that holds its standard error.
    pub fn stderr_path(&self) -> PathBuf {
        self.output.path().join("stderr")
    }

    /// Waits until it has written this to standard output or standard error, and gives what it wrote.
    ///
    /// # Panics
    /// When it ends before, or takes too long.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> String {
        eventually(&format!("`{text}` in the output"), || {
            // Ended first, output second: what it wrote last is seen then.
            let ended = self.ended();
            let said = format!("{}{}", self.stdout(), self.stderr());
            assert!(said.contains(text) || ended.is_none(), "ended ({ended:?}) without `{text}`:\n{said}");
            said.contains(text).then_some(said)
        })
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes longer than `bound`.
    #[track_caller]
    pub fn finish(mut self, bound: Duration) -> Finished {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr() };
            }
            assert!(
                begun.elapsed() < bound,
                "no end within {bound:?}\nstdout:\n{}\nstderr:\n{}",
                self.stdout(),
                self.stderr()
            );
            thread::sleep(TICK);
        }
    }

    /// Sends it a signal, such as `INT`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, signal: &str) {
        let line = format!("kill -{signal} {}", self.id());
        let sent = Command::new("sh").args(["-c", &line]).status().expect("a shell");
        assert!(sent.success(), "`{line}` failed");
    }

    /// Ends it at once, as a crash would, and waits until it is gone.
    pub fn kill_hard(&mut self) {
        // Either call fails only when the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.output.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.kill_hard();
        if thread::panicking() {
            eprintln!("── output of the child {}\n{}{}", self.id(), self.stdout(), self.stderr());
        }
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it takes longer than `bound`.
#[track_caller]
pub fn run_bounded(command: &mut Command, bound: Duration) -> Finished {
    Background::start(command).finish(bound)
}
