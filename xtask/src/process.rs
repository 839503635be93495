//! Child processes that never outlive this one: each is stopped when it goes out of scope, on Ctrl-C too.

use std::io::{self, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::TERM_SIGNALS;

use crate::failure::Failure;

/// How often a running child and the interrupt are looked at.
const TICK: Duration = Duration::from_millis(20);

/// How long a child may take to end by itself once asked to.
const GRACE: Duration = Duration::from_secs(10);

/// Whether Ctrl-C, or a request to end, has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over Ctrl-C and the signals that ask for an end.
    pub(crate) fn watch() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in TERM_SIGNALS {
            signal_hook::flag::register(*signal, Arc::clone(&flag))
                .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        }
        Ok(Self(flag))
    }

    /// Fails once the interrupt has arrived.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) { Err(Failure::interrupted()) } else { Ok(()) }
    }
}

/// A child process, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a command, with nothing to read on its standard input.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Ok(Self { child, name }),
            Err(error) => Err(Failure::new(format!("cannot start `{name}`: {error}"))),
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, where that is a pipe: once.
    pub(crate) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child
            .try_wait()
            .map_err(|error| Failure::new(format!("cannot wait for `{}`: {error}", self.name)))
    }

    /// Waits for its end, or for the interrupt.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
        loop {
            if let Some(status) = self.ended()? {
                interrupt.check()?;
                return Ok(status);
            }
            interrupt.check()?;
            thread::sleep(TICK);
        }
    }

    /// Asks it to end, waits, and ends it by force when it does not.
    pub(crate) fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if ask_to_end(self.child.id()) {
            let asked = Instant::now();
            while asked.elapsed() < GRACE {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                thread::sleep(TICK);
            }
        }
        // Either call fails only when the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends the signal that asks a process to end; the standard library can only kill.
fn ask_to_end(id: u32) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -TERM \"$1\"", "sh", &id.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a command to its end, its output going where ours goes. Fails unless it succeeds.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<(), Failure> {
    let status = Running::start(command)?.wait(interrupt)?;
    succeeded(command, status)
}

/// Runs a command to its end and gives its standard output. Fails unless it succeeds.
pub(crate) fn capture(command: &mut Command, interrupt: &Interrupt) -> Result<String, Failure> {
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let mut stdout = running.take_stdout();
    let reader = thread::spawn(move || -> io::Result<String> {
        let mut text = String::new();
        if let Some(stdout) = stdout.as_mut() {
            stdout.read_to_string(&mut text)?;
        }
        Ok(text)
    });
    let status = running.wait(interrupt)?;
    let read = reader.join().map_err(|_| Failure::new("the thread that reads the output ended early"))?;
    succeeded(command, status)?;
    read.map_err(|error| Failure::new(format!("cannot read the output of `{}`: {error}", shown(command))))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` failed ({status})", shown(command))))
    }
}

/// A command as it could be typed.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word as `sh` takes it back unchanged.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::quoted;

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(quoted("/input/photo.jpg=docs/photo.jpg"), "/input/photo.jpg=docs/photo.jpg");
    }

    #[test]
    fn a_quoted_word_comes_out_of_the_shell_unchanged() {
        for word in ["", "two words", "it's", "$HOME `id` \"x\" \\ * ~ #", "näh", "a\nb"] {
            let echo = format!("printf %s {}", quoted(word));
            let output = Command::new("sh").args(["-c", &echo]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
