//! `cargo xtask dist`: both programs for others to use, in one archive: stripped, with completions and checksums.
//! Where the target with musl is installed they are linked statically, and run on any Linux.

mod glibc;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cargo::{Workspace, executable};
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// What shells there are completions for, and the names that they look for.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "comfyicu.bash"),
    ("zsh", "_comfyicu"),
    ("fish", "comfyicu.fish"),
    ("powershell", "comfyicu.ps1"),
    ("elvish", "comfyicu.elv"),
];
/// What lies beside the programs.
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Builds the archive.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let target = match args {
        [] => None,
        [flag, target] if flag == "--target" => Some(target.as_str()),
        _ => {
            return Err(Failure::usage(
                "the only flag is --target TARGET, such as x86_64-unknown-linux-musl",
            ));
        }
    };
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let host = host(&workspace, &interrupt)?;
    let portable = portable(&host);
    let target = target.or(portable.as_deref()).unwrap_or(&host);
    let programs = build(&workspace, target, &interrupt)?;
    let name = format!("comfyicu-{}-{target}", version(&workspace, &interrupt)?);
    let dist = workspace.target_dir(&interrupt)?.join("dist");
    let folder = dist.join(&name);
    clear(&folder)?;
    fill(&workspace, &folder, &programs)?;
    if runs_here(&folder) {
        completions(&folder, &interrupt)?;
    } else {
        println!("completions are left out: the programs for {target} do not run here");
    }
    checksums(&folder)?;
    let archive = pack(&dist, &name, &interrupt)?;
    println!("{}", archive.display());
    println!("{}", needs(&programs, target)?);
    Ok(())
}

/// The target whose programs run on any Linux, where it is installed.
fn portable(host: &str) -> Option<String> {
    let target = host.strip_suffix("-gnu").map(|system| format!("{system}-musl"))?;
    let asked =
        Command::new("rustc").args(["--print", "target-libdir", "--target", &target]).output().ok()?;
    let libraries = String::from_utf8(asked.stdout).ok()?;
    Path::new(libraries.trim()).is_dir().then_some(target)
}

/// What a system has to have to run the programs.
fn needs(programs: &[PathBuf], target: &str) -> Result<String, Failure> {
    let mut newest = None;
    for program in programs {
        let bytes = fs::read(program).map_err(|error| failed(program, &error))?;
        newest = newest.max(glibc::newest(&bytes));
    }
    Ok(match newest {
        Some((major, minor)) => format!(
            "they need glibc {major}.{minor} or newer; those for {} run on any Linux: `rustup target add` it, and install musl-gcc",
            target.replace("-gnu", "-musl")
        ),
        None if target.contains("-linux-") => "they are linked statically, and run on any Linux".to_owned(),
        None => format!("they run on {target}"),
    })
}

/// Whether the programs run on this machine.
fn runs_here(folder: &Path) -> bool {
    let mut version = Command::new(folder.join("comfyicu"));
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// The kind of machine that this is.
fn host(workspace: &Workspace, interrupt: &Interrupt) -> Result<String, Failure> {
    let said = process::capture(workspace.cargo().args(["--version", "--verbose"]), interrupt)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("`cargo --version --verbose` names no host"))
}

fn version(workspace: &Workspace, interrupt: &Interrupt) -> Result<String, Failure> {
    let metadata = workspace.metadata(interrupt)?;
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    let mut named =
        packages.filter(|package| package.get("name").and_then(Value::as_str) == Some("comfyicu-cli"));
    let version = named.next().and_then(|package| package.get("version")?.as_str());
    version.map(str::to_owned).ok_or_else(|| Failure::new("`cargo metadata` does not know comfyicu-cli"))
}

fn build(workspace: &Workspace, target: &str, interrupt: &Interrupt) -> Result<Vec<PathBuf>, Failure> {
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
    build.args(["-p", "comfyicu-cli", "-p", "comfyicu-server", "--target", target]);
    let messages = process::capture(&mut build, interrupt)?;
    let program = |name: &str| {
        executable(&messages, name).ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
    };
    Ok(vec![program("comfyicu")?, program("comfyicu-server")?])
}

fn clear(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    fs::create_dir_all(folder.join("completions")).map_err(|error| failed(folder, &error))
}

fn fill(workspace: &Workspace, folder: &Path, programs: &[PathBuf]) -> Result<(), Failure> {
    let documents = DOCUMENTS.iter().map(|name| workspace.root().join(name));
    for file in programs.iter().cloned().chain(documents) {
        let name = file.file_name().ok_or_else(|| Failure::new("a program has no name"))?;
        fs::copy(&file, folder.join(name)).map_err(|error| failed(&file, &error))?;
    }
    Ok(())
}

fn completions(folder: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    for (shell, name) in COMPLETIONS {
        let script =
            process::capture(Command::new(folder.join("comfyicu")).args(["completions", shell]), interrupt)?;
        let file = folder.join("completions").join(name);
        fs::write(&file, script).map_err(|error| failed(&file, &error))?;
    }
    Ok(())
}

/// Writes the digests of all files, as `sha256sum --check` reads them.
fn checksums(folder: &Path) -> Result<(), Failure> {
    let mut names = Vec::new();
    for below in [PathBuf::new(), PathBuf::from("completions")] {
        let entries = fs::read_dir(folder.join(&below)).map_err(|error| failed(folder, &error))?;
        for entry in entries {
            let name = entry.map_err(|error| failed(folder, &error))?.file_name();
            if folder.join(&below).join(&name).is_file() {
                names.push(below.join(name));
            }
        }
    }
    names.sort();
    let mut lines = String::new();
    for name in names {
        let bytes = fs::read(folder.join(&name)).map_err(|error| failed(&name, &error))?;
        lines.push_str(&checksum(&bytes, &name.display().to_string()));
    }
    let file = folder.join("SHA256SUMS");
    fs::write(&file, lines).map_err(|error| failed(&file, &error))
}

fn checksum(bytes: &[u8], name: &str) -> String {
    let digest = Sha256::digest(bytes);
    let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("{hex}  {name}\n")
}

/// Packs the folder with tar, which every system has, and writes the archive's digest beside it.
fn pack(dist: &Path, name: &str, interrupt: &Interrupt) -> Result<PathBuf, Failure> {
    let file = format!("{name}.tar.gz");
    let archive = dist.join(&file);
    process::run(Command::new("tar").arg("-C").arg(dist).arg("-czf").arg(&archive).arg(name), interrupt)?;
    let bytes = fs::read(&archive).map_err(|error| failed(&archive, &error))?;
    let sums = dist.join(format!("{file}.sha256"));
    fs::write(&sums, checksum(&bytes, &file)).map_err(|error| failed(&sums, &error))?;
    Ok(archive)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_as_sha256sum_reads_them() {
        let line = checksum(b"abc", "a b");
        assert_eq!(line, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a b\n");
    }

    #[test]
    fn every_file_has_its_line() {
        let folder = std::env::temp_dir().join(format!("comfyicu-dist-{}", std::process::id()));
        clear(&folder).unwrap();
        fs::write(folder.join("b"), "1").unwrap();
        fs::write(folder.join("completions").join("a"), "2").unwrap();
        checksums(&folder).unwrap();
        let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        let names: Vec<_> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
        assert_eq!(names, ["b", "completions/a"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
