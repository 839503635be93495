//! The project's own commands, one file each: `cargo xtask --help`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the person at the shell is its job"
)]

mod bench;
mod cargo;
mod chaos;
mod ci;
mod conformance;
mod dist;
mod failure;
mod hostile;
mod options;
mod process;
mod quickstart;
mod server;
mod soak;
mod test;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <COMMAND>

Commands:
  quickstart [--dir DIR]  build the two programs, start a server, run a prompt on a photo, show what came out
                          (everything it writes lies under DIR, by default target/quickstart)
  test [ARGS…]            all tests: the doctests, then the others with cargo-nextest where it is installed, else
                          cargo test; with ARGS only what they select, no doctests (such as `-p comfyicu-model`)
  bench native [--comfyui HOST:PORT] [--pid PID] [--script FILE] [--sides N,N…] [--only NAME]
                          how fast the native nodes are, in a release build, beside a real ComfyUI if one is named: its
                          memory too with its PID, and its first image where FILE starts and stops one at a port
  conformance native --url URL [--seed N] [--cases N] [--classes A,B…] [--keep DIR]
                          run random prompts of each native node here and in the real ComfyUI 0.3.75 that listens at
                          URL, compare pixels, names, texts and errors, print a table; DIR gets what differs
  bench client [RUNS]     how soon clients see the end of a run, and at what cost: the documentation's loop in Python
                          and JavaScript, and this one (half a minute each); then how fast outputs come to the
                          disk, beside curl (needs a quiet machine)
  bench gateway [--url URL [--folder DIR]] [--runs N]
                          the same prompts straight to the ComfyUI at URL and through the server in front of it:
                          added time, prompts a second, processor time; without URL, a fake ComfyUI is used
  bench cli [--python VENV]
                          how long whole processes of the command take, beside comfy-lint and comfy-cli of a virtual
                          environment if one is named
  bench files [--large-mib N] [--many N] [--each-mib N] [--rounds N]
                          how fast the server fetches one large file and many smaller ones, cold and from its cache,
                          beside curl and aria2c
  ci [PART…]              what has to pass before a change goes in; the parts, in order:
                          fmt, clippy, doc, deny, package, test
  dist [--target T]       both programs for others to use: one archive with completions and checksums, in target/dist
                          (where the target with musl is installed, programs that run on any Linux)
  chaos [--seconds N] [--seed N]
                          kill a server again and again while runs are submitted, and check that it kept every
                          promise
  conformance comfyui --url URL | --comfyui-dir DIR [--python PATH] [--comfyui-arg ARG]…
                          [--checkpoint FILE [--lora FILE]] [--only TEXT]
                          run prompts on the ComfyUI that listens there, or on some that are started from DIR, through
                          the server, and check what becomes of them: ends, pixels, errors, cancels, a sampler, 200
                          runs with one of two ComfyUIs killed
  conformance api [--max-examples N] [--seed N]
                          send a server what schemathesis makes of its OpenAPI document, good and bad, and hold its
                          answers against it (schemathesis is installed below the target folder the first time)
  hostile [--requests N]  attack a server in eight ways (slow heads, ten thousand idle connections, bodies without an
                          end…), and see how others are served meanwhile
  soak [--minutes N]      ask everything of a server for half an hour, and look whether its memory, open files or data
                          grow
  bench server [--stored N]
                          what the server does in a second, beside what SQLite alone does on this disk

Options:
  -h, --help              this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(args: &[String]) -> Result<(), Failure> {
    let Some((verb, rest)) = args.split_first() else {
        print!("{HELP}");
        return Err(Failure::usage("no command given"));
    };
    if verb == "help" || args.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!("{HELP}");
        return Ok(());
    }
    match verb.as_str() {
        "quickstart" => quickstart::run(rest),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "chaos" => chaos::run(rest),
        "hostile" => hostile::run(rest),
        "soak" => soak::run(rest),
        "dist" => dist::run(rest),
        "ci" => ci::run(rest),
        "conformance" => conformance::run(rest),
        other => Err(Failure::usage(format!("no command `{other}`; `cargo xtask --help` lists them"))),
    }
}
