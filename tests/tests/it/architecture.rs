//! The arrows between the crates point down, and what a user of one crate compiles stays small.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use comfyicu_tests::repository;

/// Each crate, and the crates that it may depend on. A new crate has to be given its place here.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("comfyicu-model", &[]),
    ("comfyicu-transport", &[]),
    ("comfyicu-client", &["comfyicu-model", "comfyicu-transport"]),
    ("comfyicu-cli", &["comfyicu-client", "comfyicu-model", "comfyicu-transport"]),
    ("comfyicu-engine", &["comfyicu-model", "comfyicu-transport"]),
    ("comfyicu-server", &["comfyicu-engine", "comfyicu-model", "comfyicu-transport"]),
    ("xtask", &[]),
    ("comfyicu-tests", &["comfyicu-cli", "comfyicu-client", "comfyicu-model", "comfyicu-server"]),
];

/// A dependency: from, to.
type Arrow = (String, String);

/// What is wrong with these crates and the arrows between them.
fn violations(crates: &[String], arrows: &[Arrow]) -> Vec<String> {
    let allowed = |name: &str| ALLOWED.iter().find(|(known, _)| *known == name).map(|(_, below)| *below);
    let mut found: Vec<String> = crates
        .iter()
        .filter(|name| allowed(name).is_none())
        .map(|name| format!("{name} has no place among the layers"))
        .collect();
    found.extend(
        arrows
            .iter()
            .filter(|(from, to)| !allowed(from).unwrap_or_default().contains(&to.as_str()))
            .map(|(from, to)| format!("{from} may not depend on {to}")),
    );
    found
}

/// The crates of the workspace, and the arrows between them. What only tests need is no arrow.
fn workspace(metadata: &Metadata) -> (Vec<String>, Vec<Arrow>) {
    let crates: Vec<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let mut arrows = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Development && crates.contains(&dependency.name) {
                arrows.push((package.name.to_string(), dependency.name.clone()));
            }
        }
    }
    (crates, arrows)
}

#[test]
fn dependencies_point_down_only() {
    let manifest = repository().join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let (crates, arrows) = workspace(&metadata);
    assert!(arrows.len() >= 7, "the arrows of the workspace are not seen: {arrows:?}");
    assert_eq!(violations(&crates, &arrows), Vec::<String>::new());
}

#[test]
fn an_arrow_that_points_up_or_sideways_is_found() {
    let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
    let bad = [
        ("comfyicu-model", "comfyicu-transport"),
        ("comfyicu-transport", "comfyicu-client"),
        ("comfyicu-client", "comfyicu-engine"),
        ("comfyicu-cli", "comfyicu-server"),
        ("comfyicu-engine", "comfyicu-client"),
        ("comfyicu-server", "comfyicu-client"),
        ("comfyicu-server", "comfyicu-tests"),
    ];
    for arrow in bad {
        assert_eq!(violations(&[], &[owned(arrow)]).len(), 1, "{arrow:?}");
    }
    assert_eq!(violations(&[], &[owned(("comfyicu-cli", "comfyicu-client"))]).len(), 0);
    assert_eq!(violations(&["comfyicu-new".to_owned()], &[]), ["comfyicu-new has no place among the layers"]);
}

/// The packages that somebody compiles who depends on this one alone.
fn compiled_by_users_of(package: &str, flags: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", package]);
    let output = tree.args(flags).current_dir(repository()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[track_caller]
fn assert_without(package: &str, flags: &[&str], unwanted: &[&str]) {
    let compiled = compiled_by_users_of(package, flags);
    assert!(compiled.contains(package), "the tree of {package} is not seen: {compiled:?}");
    let found: Vec<&&str> = unwanted.iter().filter(|name| compiled.contains(**name)).collect();
    assert!(found.is_empty(), "who uses {package} {flags:?} compiles {found:?}");
}

#[test]
fn users_of_the_model_compile_no_runtime_and_no_http() {
    assert_without(
        "comfyicu-model",
        &[],
        &["tokio", "futures-util", "http", "hyper", "reqwest", "axum", "rusqlite"],
    );
}

#[test]
fn users_of_the_client_compile_no_server() {
    let server = ["comfyicu-server", "comfyicu-engine", "axum", "rusqlite", "mozjpeg", "png", "clap"];
    assert_without("comfyicu-client", &[], &server);
    // The check can fail: the server does compile these.
    assert!(
        compiled_by_users_of("comfyicu-server", &[])
            .is_superset(&["axum", "rusqlite"].map(str::to_owned).into())
    );
}

#[test]
fn users_of_the_client_may_bring_their_own_transport() {
    assert_without("comfyicu-client", &["--no-default-features"], &["reqwest", "hyper", "rustls", "ring"]);
    assert!(compiled_by_users_of("comfyicu-client", &[]).contains("reqwest"));
}
