//! The two commands of the README begin with this one: it has to work, and what it prints has to work too.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use comfyicu_tests::{
    Background, Finished, Image, eventually, in_ci, repository, run_bounded, without_package_variables,
};
use tempfile::TempDir;

/// How long it may take: it builds both programs, which is minutes on a slow machine.
const BOUND: Duration = Duration::from_mins(20);

/// A folder whose name needs quoting at the shell.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::with_prefix("quick start's $folder ").unwrap())
    }

    fn quickstart(&self) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.args(["xtask", "quickstart", "--dir"]).arg(self.0.path()).current_dir(repository());
        without_package_variables(&mut command);
        command
    }

    fn image(&self, name: &str) -> Image {
        Image::read(&self.0.path().join("images").join(name))
    }
}

/// The command lines in what was printed: indented by two spaces, and no comment.
fn commands(stdout: &str) -> Vec<&str> {
    let (_, next) = stdout.split_once("What to try next").expect("what to try next");
    let indented = next.lines().filter_map(|line| line.strip_prefix("  "));
    indented.filter(|line| !line.starts_with([' ', '#'])).collect()
}

fn shell(line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir("/");
    shell
}

/// The address in the command that starts the server again.
fn address(server: &str) -> &str {
    server.split_whitespace().skip_while(|word| *word != "--listen").nth(1).expect("an address")
}

#[track_caller]
fn assert_nobody_listens(address: &str) {
    assert!(TcpStream::connect(address).is_err(), "somebody still listens on {address}");
}

#[test]
fn an_image_comes_out_and_every_printed_command_works() {
    let folder = Folder::new();
    let said = run_bounded(&mut folder.quickstart(), BOUND).succeeded();
    for part in ["queueing", "download", "execution", "the whole"] {
        let line = said.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}:\n{said}"));
        assert!(line.contains(" ms") || line.contains(" s "), "{line}");
    }
    let square = folder.image("quickstart/square_00001_.png");
    assert_eq!((square.width, square.height), (640, 640));
    assert!(square.colours() > 10_000, "only {} colours", square.colours());
    assert!(folder.image("quickstart/negative_00001_.png").is_negative_of(&square));
    assert!(
        said.contains(folder.0.path().join("images/quickstart/square_00001_.png").to_str().unwrap()),
        "{said}"
    );

    let lines = commands(&said);
    let (server, others) = lines.split_first().expect("commands");
    assert!(others.len() >= 4, "{lines:?}");
    assert!(said.lines().last().unwrap().contains("workflow_api.json"), "{said}");
    assert_nobody_listens(address(server));

    // The shell becomes the server, so that the server ends with it.
    let mut running = Background::start(&mut shell(&format!("exec {server}")));
    running.says(&format!("listening on http://{}", address(server)));
    for line in others {
        try_out(line);
    }
    let wide = folder.image("wide/quickstart/square_00001_.png");
    assert_eq!((wide.width, wide.height), (960, 320));
    let again = folder.image("again/quickstart/square_00001_.png");
    assert_eq!(again.pixels, square.pixels);

    // Beside a server that has the folder, another quickstart says so.
    let second = run_bounded(&mut folder.quickstart(), BOUND);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains(folder.0.path().join("data").to_str().unwrap()), "{second:?}");
    drop(running);

    // Once it is gone, the command works again, over its earlier outputs.
    run_bounded(&mut folder.quickstart(), BOUND).succeeded();
    assert!(folder.image("quickstart/negative_00001_.png").is_negative_of(&square));
}

fn try_out(line: &str) {
    let has_curl = Path::new("/usr/bin/curl").exists();
    if line.starts_with("curl ") && !has_curl && !in_ci() {
        println!("skipped, curl is not installed: {line}");
        return;
    }
    let Finished { code, stdout, stderr } = run_bounded(&mut shell(line), BOUND);
    assert_eq!(code, Some(0), "{line}\n{stdout}{stderr}");
    if line.starts_with("curl ") {
        assert!(stdout.contains("COMPLETED"), "{line}\n{stdout}");
    }
}

#[test]
fn nothing_keeps_running_after_an_interrupt() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::new();
        let mut quickstart = Background::start(&mut folder.quickstart());
        let said = eventually_within(BOUND, &mut quickstart, "it listens on http://");
        let (_, rest) = said.split_once("it listens on http://").unwrap();
        let address = rest.split_whitespace().next().unwrap().to_owned();
        quickstart.signal(signal);
        let finished = quickstart.finish(BOUND);
        assert_nobody_listens(&address);
        // It may have come to its end just before the signal.
        assert!(matches!(finished.code, Some(0 | 130)), "{finished:?}");
        // The folder is free for the next one.
        run_bounded(&mut folder.quickstart(), BOUND).succeeded();
    }
}

/// Waits for a whole line of the output, for as long as a build may take.
fn eventually_within(bound: Duration, process: &mut Background, text: &str) -> String {
    let begun = std::time::Instant::now();
    while !process.stderr().contains(text) && process.ended().is_none() && begun.elapsed() < bound {
        std::thread::sleep(Duration::from_millis(20));
    }
    eventually("the line", || {
        let said = process.stderr();
        let (_, rest) = said.split_once(text)?;
        rest.contains('\n').then_some(said.clone())
    })
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for args in [&["quickstart", "--no-such-flag"][..], &["no-such-verb"], &["ci", "no-such-part"], &[]] {
        let mut command = Command::new(env!("CARGO"));
        command.arg("xtask").args(args).current_dir(repository());
        let refused = run_bounded(without_package_variables(&mut command), BOUND).ended_with(2);
        assert!(refused.stderr.contains("error: "), "{refused:?}");
    }
}
