//! `cargo xtask bench native`: the native nodes, beside a real ComfyUI.

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// Measures the nodes, in a release build.
pub(super) fn run(args: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::read(args)?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let mut command = workspace.cargo();
    command.args(["run", "--release", "-p", "comfyicu-engine", "--example", "beside_comfyui", "--", "bench"]);
    command.args([arguments.comfyui, arguments.sides, arguments.pid, arguments.script, arguments.only]);
    process::run(&mut command, &interrupt)
}

/// What the benchmark of the native nodes is told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// Where a real ComfyUI listens, as `host:port`; empty where there is none.
    comfyui: String,
    /// The sides of the images, with commas between.
    sides: String,
    /// The process of that ComfyUI, to see its memory and processor time; empty where that is not asked for.
    pid: String,
    /// What starts and stops one instead, so that its first image is measured too: `SCRIPT start PORT`; empty
    /// likewise.
    script: String,
    /// What the names of the prompts have in them that are measured; empty for all.
    only: String,
}

impl Arguments {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let sides = "512,2048,4096".to_owned();
        let mut read = Self { sides, ..Self::default() };
        let targets = &mut [
            ("--comfyui", &mut read.comfyui),
            ("--sides", &mut read.sides),
            ("--pid", &mut read.pid),
            ("--script", &mut read.script),
            ("--only", &mut read.only),
        ];
        options::read("bench native", args, targets)?;
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
    fn options_are_read_and_others_refused() {
        let sides = |comfyui: &str, sides: &str| Arguments {
            comfyui: comfyui.into(),
            sides: sides.into(),
            ..Arguments::default()
        };
        assert_eq!(read("").unwrap(), sides("", "512,2048,4096"));
        assert_eq!(read("--pid 7 --script a.sh").unwrap().script, "a.sh");
        assert_eq!(read("--only Scale").unwrap().only, "Scale");
        assert_eq!(read("--sides 64 --comfyui [::1]:8188").unwrap(), sides("[::1]:8188", "64"));
        assert!(read("--comfyui").is_err() && read("--size 3").is_err());
    }
}
