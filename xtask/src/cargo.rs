//! The cargo that called us, and what it knows of the workspace.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// Where the workspace lies, and how cargo is called in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

/// The two programs, built.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) cli: PathBuf,
    pub(crate) server: PathBuf,
}

impl Workspace {
    /// Finds the workspace from what cargo tells the programs it runs.
    pub(crate) fn find() -> Result<Self, Failure> {
        let own =
            variable("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let Some(root) = own.parent() else { return Err(Failure::new("the workspace has no folder")) };
        Ok(Self { root: root.to_path_buf(), cargo: variable("CARGO").unwrap_or_else(|| "cargo".into()) })
    }

    /// The repository's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A cargo command in the repository's root.
    ///
    /// `cargo xtask` runs us with variables about our own package; with those, build scripts that watch
    /// them would run again, and half the dependencies be compiled again, at each change between the two.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_about_our_package) {
                command.env_remove(name);
            }
        }
        command
    }

    /// What `cargo metadata` says of the workspace.
    pub(crate) fn metadata(&self, interrupt: &Interrupt) -> Result<Value, Failure> {
        let mut command = self.cargo();
        let json =
            process::capture(command.args(["metadata", "--format-version=1", "--no-deps"]), interrupt)?;
        serde_json::from_str(&json)
            .map_err(|error| Failure::new(format!("`cargo metadata` printed no JSON: {error}")))
    }

    /// Cargo's target folder, wherever it is configured to be.
    pub(crate) fn target_dir(&self, interrupt: &Interrupt) -> Result<PathBuf, Failure> {
        let metadata = self.metadata(interrupt)?;
        let folder = metadata.get("target_directory").and_then(Value::as_str);
        folder.map(PathBuf::from).ok_or_else(|| Failure::new("`cargo metadata` names no target folder"))
    }

    /// Builds both programs, with cargo's own progress on standard error.
    pub(crate) fn build_programs(&self, interrupt: &Interrupt) -> Result<Programs, Failure> {
        let mut build = self.cargo();
        build.args(["build", "--message-format=json-render-diagnostics"]);
        build.args(["-p", "comfyicu-cli", "-p", "comfyicu-server"]);
        let messages = process::capture(&mut build, interrupt)?;
        let program = |name: &str| {
            executable(&messages, name)
                .ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
        };
        Ok(Programs { cli: program("comfyicu")?, server: program("comfyicu-server")? })
    }

    /// Builds the programs of the crate `tests`, and gives those of these names, in their order.
    pub(crate) fn build_test_programs(
        &self,
        names: &[&str],
        release: bool,
        interrupt: &Interrupt,
    ) -> Result<Vec<PathBuf>, Failure> {
        let mut build = self.cargo();
        build.args(["build", "--message-format=json-render-diagnostics", "-p", "comfyicu-tests", "--bins"]);
        build.args(release.then_some("--release"));
        let messages = process::capture(&mut build, interrupt)?;
        let program = |name: &&str| {
            executable(&messages, name)
                .ok_or_else(|| Failure::new(format!("cargo built no program `{name}`")))
        };
        names.iter().map(program).collect()
    }

    /// Whether `cargo NAME` exists.
    pub(crate) fn has_subcommand(&self, name: &str) -> bool {
        let asked = self.cargo().args([name, "--version"]).output();
        asked.is_ok_and(|output| output.status.success())
    }
}

fn is_about_our_package(name: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&name)
}

/// The path of a program in cargo's messages.
pub(crate) fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let built = message.get("reason")?.as_str()? == "compiler-artifact";
        let named = message.get("target")?.get("name")?.as_str()? == name;
        if built && named { message.get("executable")?.as_str().map(PathBuf::from) } else { None }
    })
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads a variable")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{executable, is_about_our_package};

    #[test]
    fn the_program_is_found_and_its_library_is_not() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"comfyicu"},"executable":null}
{"reason":"build-script-executed","package_id":"x"}
not json
{"reason":"compiler-artifact","target":{"name":"comfyicu"},"executable":"/t/debug/comfyicu"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "comfyicu"), Some(PathBuf::from("/t/debug/comfyicu")));
        assert_eq!(executable(messages, "comfyicu-server"), None);
    }

    #[test]
    fn the_settings_of_cargo_itself_are_kept() {
        assert!(is_about_our_package("CARGO_PKG_VERSION"));
        assert!(is_about_our_package("CARGO_MANIFEST_DIR"));
        for kept in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO"] {
            assert!(!is_about_our_package(kept), "{kept}");
        }
    }
}
