//! On a terminal: progress, tables, questions, Ctrl-C.

use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::{Command, Response, Service};

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command on a terminal of 60 columns.
pub(crate) struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    output: mpsc::Receiver<Vec<u8>>,
    seen: String,
    // What is typed goes nowhere once it is dropped.
    master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(command: &Command, args: &[&str]) -> Self {
        Self::of(env!("CARGO_BIN_EXE_comfyicu"), command, args, &[])
    }

    /// Another program, in the command's folder.
    pub(crate) fn of(program: &str, command: &Command, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 60, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut builder = CommandBuilder::new(program);
        builder.args(args);
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.environment() {
            builder.env(name, value);
        }
        for (name, value) in variables {
            builder.env(name, value);
        }
        builder.cwd(command.folder.path());
        let child = pair.slave.spawn_command(builder).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, output, seen: String::new(), master: pair.master }
    }

    /// Waits until a text has been shown.
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.output.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("`{text}` is not shown, but\n{}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits until what is typed is not shown any more.
    fn is_silent(&self) {
        // `ECHO`, the same on Linux and macOS.
        const ECHO: u64 = 0o10;
        let deadline = Instant::now() + PATIENCE;
        while u64::from(self.master.get_termios().unwrap().local_flags.bits()) & ECHO != 0 {
            assert!(Instant::now() < deadline, "what is typed is shown, after\n{}", self.seen);
            std::thread::yield_now();
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end, and gives the exit code and all that was shown.
    pub(crate) fn end(mut self) -> (u32, String) {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.child.wait().unwrap().exit_code(), self.seen)
    }
}

/// Tells of a run that it is at a node, at a step, and then no more.
fn service() -> Service {
    Service::start(|request, _| {
        let path = request.line.split_once(' ').unwrap().1;
        match path.rsplit('/').next().unwrap() {
            "capabilities" => Response::ok(r#"{"events": true, "idempotency_keys": true}"#),
            "events" => Response::events(&[
                ("queued", r#"{"run_id":"run1","status":"QUEUED","position":2}"#),
                ("started", r#"{"run_id":"run1","status":"STARTED"}"#),
                ("node", r#"{"run_id":"run1","node_id":"3","class_type":"KSampler","done":0,"total":2}"#),
                ("progress", r#"{"run_id":"run1","node_id":"3","value":7,"max":20}"#),
            ]),
            "runs" if request.line.starts_with("POST") => Response::ok(r#"{"id": "run1"}"#),
            "workflows" => Response::ok(
                r#"[{"id":"w1","name":"狐狸 with a name that is far too long for a terminal as narrow as this one"}]"#,
            ),
            _ => Response::ok(r#"{"id": "run1", "status": "STARTED"}"#),
        }
    })
}

#[test]
fn progress_shows_the_node_and_the_step_and_ctrl_c_leaves_the_run_alone() {
    let service = service();
    let command = Command::on(&service);
    let mut terminal = Terminal::start(&command, &["run", "prompt.json"]);
    terminal.shows("KSampler, node 1 of 2");
    terminal.shows("7/20");
    terminal.press("\u{3}");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
    assert!(
        seen.contains("interrupted; the run goes on") && seen.contains("comfyicu runs wait -w default run1"),
        "{seen}"
    );
    assert!(command.files().is_empty());
}

#[test]
fn without_progress_nothing_moves() {
    let service = service();
    let command = Command::on(&service);
    let mut terminal = Terminal::start(&command, &["run", "prompt.json", "--no-progress", "--timeout", "1s"]);
    terminal.shows("has not ended within 1.0 s");
    let (code, seen) = terminal.end();
    assert_eq!(code, 5);
    assert!(!seen.contains("KSampler") && !seen.contains("\u{1b}[2K"), "{seen:?}");
}

#[test]
fn a_table_has_headings_and_fits() {
    let service = service();
    let (code, seen) = Terminal::start(&Command::on(&service), &["workflows", "list"]).end();
    assert_eq!(code, 0);
    let plain = console_free(&seen);
    assert!(plain.starts_with("WORKFLOW  UPDATED  VISIBILITY  NAME"), "{plain}");
    assert!(plain.contains('…') && plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
    assert!(seen.contains("\u{1b}[1m"), "headings are bold");
    let (_, seen) =
        Terminal::start(&Command::on(&service).env("NO_COLOR", "1"), &["workflows", "list"]).end();
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
}

#[test]
fn a_key_is_asked_for_and_not_shown() {
    let service = Service::start(|request, _| {
        let is_good = request.authorization.as_deref() == Some("Bearer k3y-of-mine");
        if is_good { Response::ok("[]") } else { Response::new(401, "") }
    });
    let command = Command::bare().env("COMFYICU_BASE_URL", &service.url);
    let mut terminal = Terminal::start(&command, &["auth", "login"]);
    terminal.shows("API key for http://127.0.0.1");
    terminal.is_silent();
    terminal.press("k3y-of-mine\r");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("takes the key") && !seen.contains("k3y-of-mine"), "{seen}");
}

/// What is shown, without colours.
fn console_free(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
