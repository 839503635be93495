//! `cargo xtask bench files`: how fast the server fetches the files of runs, beside curl and aria2c.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// Measures one large file, cold and again, and many smaller ones.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let [mut large, mut many, mut each, mut rounds] = ["2048", "200", "10", "3"].map(str::to_owned);
    let mut known = [
        ("--large-mib", &mut large),
        ("--many", &mut many),
        ("--each-mib", &mut each),
        ("--rounds", &mut rounds),
    ];
    options::read("bench files", args, &mut known)?;
    for number in [&large, &many, &each, &rounds] {
        if !number.parse().is_ok_and(|number: u32| number > 0) {
            return Err(Failure::usage(format!("`{number}` is no number above 0")));
        }
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-bench-files", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, true, &interrupt)?;
    let [bench, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    let folder = workspace.target_dir(&interrupt)?.join("bench-files");
    process::run(Command::new(bench).arg(server).arg(folder).args([large, many, each, rounds]), &interrupt)
}
