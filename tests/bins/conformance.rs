//! Checks a real ComfyUI behind the server, for `cargo xtask conformance comfyui`:
//! `e2e-conformance SERVER [--url URL] [--comfyui-dir DIR --python PATH] [--comfyui-arg ARG]… [--checkpoint FILE]
//! [--lora FILE] [--only TEXT]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::path::PathBuf;
use std::process::ExitCode;

use comfyicu_tests::{ComfyFolder, ConformanceOptions, Programs, conformance};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((server, options)) = args.split_first().and_then(|(server, rest)| Some((server, read(rest)?)))
    else {
        eprintln!("usage: e2e-conformance SERVER --url URL | --comfyui-dir DIR [--python PATH] …");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    let is_good = conformance(programs, options, |check| {
        let (word, text) = match &check.result {
            Ok(seen) => ("ok", seen),
            Err(wrong) => ("WRONG", wrong),
        };
        println!("{word:<6} {:<38} {:>7.1} s  {text}", check.name, check.took.as_secs_f64());
    });
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(args: &[String]) -> Option<ConformanceOptions> {
    let mut options = ConformanceOptions::default();
    let (mut folder, mut python, mut comfy_args) = (None, PathBuf::from("python3"), Vec::new());
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--url" => options.url = Some(value.clone()),
            "--comfyui-dir" => folder = Some(PathBuf::from(value)),
            "--python" => python = PathBuf::from(value),
            "--comfyui-arg" => comfy_args.push(value.clone()),
            "--checkpoint" => options.checkpoint = Some(PathBuf::from(value)),
            "--lora" => options.lora = Some(PathBuf::from(value)),
            "--only" => options.only.clone_from(value),
            _ => return None,
        }
    }
    options.folder = folder.map(|folder| ComfyFolder { folder, python, args: comfy_args });
    (options.url.is_some() || options.folder.is_some()).then_some(options)
}
