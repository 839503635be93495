//! What would be published builds by itself: from the packed files alone, without the rest of the repository.
//!
//! `cargo package` can check that too, but it builds every dependency once for each crate, and takes the packed
//! crates of an earlier call for those of this one as long as their version stays.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// Packs the public crates, unpacks them side by side, and checks them there.
pub(super) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    let metadata = workspace.metadata(interrupt)?;
    let (public, private) = crates(&metadata);
    let target = workspace.target_dir(interrupt)?;

    let mut pack = workspace.cargo();
    pack.args(["package", "--workspace", "--allow-dirty", "--no-verify"]);
    for name in private {
        pack.args(["--exclude", name]);
    }
    process::run(&mut pack, interrupt)?;

    let folder = target.join("package-check");
    prepare(&folder, &public, workspace.root()).map_err(|error| {
        Failure::new(format!("cannot prepare {} for the check: {error}", folder.display()))
    })?;
    for package in &public {
        let archive = target.join("package").join(format!("{package}.crate"));
        let mut unpack = Command::new("tar");
        // Not with the archive's times, which never change: cargo would see no change either.
        unpack.arg("-xzmf").arg(archive).arg("-C").arg(&folder);
        process::run(&mut unpack, interrupt)?;
    }
    let mut check = workspace.cargo();
    check.args(["check", "--workspace", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    process::run(check.env("CARGO_TARGET_DIR", folder.join("target")), interrupt)
}

/// The crates that are published, as `NAME-VERSION`, and the names of those that are not.
fn crates(metadata: &Value) -> (Vec<String>, Vec<&str>) {
    let (mut public, mut private) = (Vec::new(), Vec::new());
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        // `publish = false` is an empty list of registries; without the key there is no list.
        match package.get("publish") {
            Some(Value::Array(registries)) if registries.is_empty() => private.push(text("name")),
            _ => public.push(format!("{}-{}", text("name"), text("version"))),
        }
    }
    (public, private)
}

/// Makes a workspace of the unpacked crates, in which they find each other and the dependencies of ours.
fn prepare(folder: &Path, public: &[String], root: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for stale in public.iter().map(|package| folder.join(package)).filter(|path| path.exists()) {
        fs::remove_dir_all(stale)?;
    }
    fs::write(folder.join("Cargo.toml"), manifest(public))?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn manifest(public: &[String]) -> String {
    let members: Vec<String> = public.iter().map(|package| format!("{package:?}")).collect();
    let patches: Vec<String> = public
        .iter()
        .filter_map(|package| Some((package.rsplit_once('-')?.0, package)))
        .map(|(name, package)| format!("{name} = {{ path = {package:?} }}\n"))
        .collect();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n{}",
        members.join(", "),
        patches.concat()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{crates, manifest};

    #[test]
    fn public_and_private_crates_are_told_apart() {
        let metadata = json!({"packages": [
            {"name": "comfyicu-model", "version": "0.1.0", "publish": null},
            {"name": "xtask", "version": "0.0.0", "publish": []},
        ]});
        assert_eq!(crates(&metadata), (vec!["comfyicu-model-0.1.0".to_owned()], vec!["xtask"]));
    }

    #[test]
    fn the_unpacked_crates_find_each_other() {
        let text = manifest(&["comfyicu-model-0.1.0".to_owned()]);
        assert!(text.contains("members = [\"comfyicu-model-0.1.0\"]"), "{text}");
        assert!(text.ends_with("comfyicu-model = { path = \"comfyicu-model-0.1.0\" }\n"), "{text}");
    }
}
