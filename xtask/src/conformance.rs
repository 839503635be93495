//! `cargo xtask conformance native`: random prompts here and in a real ComfyUI, compared.

mod api;
mod comfyui;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// Compares what is named first.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let rest = match args.split_first() {
        Some((what, rest)) if what == "native" => rest,
        Some((what, rest)) if what == "comfyui" => return comfyui::run(rest),
        Some((what, rest)) if what == "api" => return api::run(rest),
        _ => return Err(Failure::usage("what conforms? There are `native`, `comfyui` and `api`")),
    };
    let arguments = Arguments::read(rest)?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let mut command = workspace.cargo();
    command.args(["run", "-p", "comfyicu-engine", "--example", "beside_comfyui", "--", "conformance"]);
    command.args([&arguments.url, &arguments.seed, &arguments.cases, &arguments.classes, &arguments.keep]);
    process::run(&mut command, &interrupt)
}

/// What is drawn.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    /// Where the real ComfyUI listens.
    url: String,
    seed: String,
    /// How many cases of each class.
    cases: String,
    /// Only these classes, with commas between; all where it is empty.
    classes: String,
    /// Where cases that differ are stored; nowhere where it is empty.
    keep: String,
}

impl Arguments {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let mut read = Self {
            url: String::new(),
            seed: "1".to_owned(),
            cases: "20".to_owned(),
            classes: String::new(),
            keep: String::new(),
        };
        let targets = &mut [
            ("--url", &mut read.url),
            ("--seed", &mut read.seed),
            ("--cases", &mut read.cases),
            ("--classes", &mut read.classes),
            ("--keep", &mut read.keep),
        ];
        options::read("conformance native", args, targets)?;
        if read.url.is_empty() {
            return Err(Failure::usage("--url is needed: where a real ComfyUI 0.3.75 listens"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn read(line: &str) -> Result<Arguments, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::read(&args).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_url_is_needed_and_the_rest_is_not() {
        let drawn = read("--url localhost:8188 --classes Canny,ImageBlur --seed 7").unwrap();
        assert_eq!(
            (&*drawn.url, &*drawn.classes, &*drawn.seed, &*drawn.cases),
            ("localhost:8188", "Canny,ImageBlur", "7", "20")
        );
        assert!(read("").is_err() && read("--url").is_err() && read("--url a --speed 3").is_err());
    }
}
