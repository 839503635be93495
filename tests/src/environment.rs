//! What the tests know of the machine.

use std::path::PathBuf;
use std::process::Command;

/// The repository's root.
///
/// # Panics
/// When this package has no parent folder.
pub fn repository() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package lies in the repository").to_path_buf()
}

/// Whether this is a run that has to have everything, so that a missing tool is a failure and no reason to skip.
#[expect(clippy::disallowed_methods, reason = "the one variable that the tests read")]
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Takes away the variables in which cargo describes the package under test: a cargo below the test has to
/// find the same surroundings as one that a person calls, or it builds everything once more.
pub fn without_package_variables(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
                "CARGO_PRIMARY_",
                "NEXTEST",
                "LD_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        });
        if ours {
            command.env_remove(name);
        }
    }
    command
}
