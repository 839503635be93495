//! Completions: what a shell asks for when somebody presses Tab.
//!
//! A script, which `comfyicu completions` writes, makes the shell call this program with [`VARIABLE`] set and the
//! words of the line behind `--`. `clap_complete` knows which argument a word is; what may stand there is known here.

mod bash;
mod inputs;
mod line;
mod service;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::sync::Arc;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell};

use crate::args::Arguments;
use line::Line;

/// The variable by which the scripts say that they want candidates, and for which shell.
pub(crate) const VARIABLE: &str = "COMFYICU_COMPLETE";

/// What the shell is to call, found on its path.
const PROGRAM: &str = "comfyicu";

/// Asks for all of the line, which bash takes apart in its own way; quotes what has to be.
const BASH: &str = include_str!("complete/comfyicu.bash");
/// Tells what each candidate is, and puts no space behind what goes on.
const ZSH: &str = include_str!("complete/_comfyicu");

/// The script that makes a shell ask this program.
pub(crate) fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let own: &dyn EnvCompleter = match shell {
        Shell::Bash => return Ok(BASH.into()),
        Shell::Zsh => return Ok(ZSH.into()),
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::PowerShell => &Powershell,
        other => return Err(io::Error::other(format!("nothing is known of {other}"))),
    };
    let mut script = Vec::new();
    own.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    Ok(script)
}

/// Answers a shell that asks: writes the candidates to stdout.
pub(crate) fn answer(shell: &str, args: impl Iterator<Item = OsString>) -> io::Result<()> {
    let words: Vec<OsString> = args.skip_while(|word| word != "--").skip(1).collect();
    let answer = match shell {
        "bash" => bash::answer(&words),
        "zsh" => of_zsh(words)?,
        "fish" => by_library(&Fish, bash::unquoted(words))?,
        "powershell" => by_library(&Powershell, words)?,
        "elvish" => by_library(&Elvish, words)?,
        other => return Err(io::Error::other(format!("nothing is known of the shell `{other}`"))),
    };
    io::stdout().write_all(&answer)
}

/// The candidates for a word of a line.
fn candidates(line: Line) -> Vec<CompletionCandidate> {
    let line = Arc::new(line);
    let mut command = values::with_completers(Arguments::command(), &line);
    let folder = std::env::current_dir().ok();
    // Where nothing can stand, nothing is offered.
    complete(&mut command, line.words().to_vec(), line.index(), folder.as_deref()).unwrap_or_default()
}

/// Zsh says which word it is, and gives all of them; each line of the answer is a candidate and what it is.
fn of_zsh(mut words: Vec<OsString>) -> io::Result<Vec<u8>> {
    let index = words.first().and_then(|index| index.to_str()?.parse().ok());
    let index = index.ok_or_else(|| io::Error::other("the number of the word is missing"))?;
    words.remove(0);
    let mut answer = String::new();
    for candidate in candidates(Line::new(words, index)) {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        answer.push_str(&candidate.get_value().to_string_lossy());
        answer.push('\t');
        answer.push_str(help.lines().next().unwrap_or_default());
        answer.push('\n');
    }
    Ok(answer.into())
}

/// The others ask in the library's words, and for the last word.
fn by_library(shell: &dyn EnvCompleter, words: Vec<OsString>) -> io::Result<Vec<u8>> {
    let index = words.len().saturating_sub(1);
    let line = Arc::new(Line::new(words.clone(), index));
    let mut command = values::with_completers(Arguments::command(), &line);
    let (folder, mut answer) = (std::env::current_dir().ok(), Vec::new());
    shell.write_complete(&mut command, words, folder.as_deref(), &mut answer)?;
    Ok(answer)
}
