//! The README and the book say what is there: flags, exit codes, routes, files.

use std::fs;
use std::path::{Path, PathBuf};

use comfyicu_tests::{PATIENCE, repository, run_bounded};

use crate::PROGRAMS;

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Markdown that people read.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].iter().map(|name| repository().join(name)).collect();
    let mut folders = vec![repository().join("docs").join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Where the links of a document lead, those into the web left out.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The long flags in a help text.
fn flags(help: &str) -> Vec<&str> {
    let words =
        help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches("...")).collect()
}

#[test]
fn links_lead_to_files_that_exist() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            let path =
                document.parent().unwrap_or(Path::new("")).join(link.split('#').next().unwrap_or(link));
            assert!(path.exists(), "{} links to {link}", document.display());
            count += 1;
        }
    }
    assert!(count > 20, "the links are not seen");
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let summary = read("docs/src/SUMMARY.md");
    let listed = links(&summary);
    for document in documents() {
        let Ok(page) = document.strip_prefix(repository().join("docs").join("src")) else { continue };
        let page = page.to_str().unwrap();
        assert!(page == "SUMMARY.md" || listed.contains(&page), "{page} is not in the summary");
    }
}

#[test]
fn every_flag_of_the_server_is_in_the_reference() {
    let help = run_bounded(std::process::Command::new(PROGRAMS.server).args(["serve", "--help"]), PATIENCE);
    let (help, reference) = (help.succeeded(), read("docs/src/reference/server.md"));
    let flags = flags(&help);
    assert!(flags.len() >= 6, "the flags are not seen in:\n{help}");
    for flag in flags {
        assert!(
            flag == "--help" || reference.contains(&format!("`{flag}")),
            "{flag} is not in the reference"
        );
    }
}

#[test]
fn every_exit_code_is_in_the_reference() {
    let reference = read("docs/src/reference/exit-codes.md");
    for (status, meaning) in comfyicu_cli::ExitStatus::ALL {
        let (start, meaning) = (format!("| {} | ", status.code()), meaning.replace('`', ""));
        let row =
            reference.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{start}"));
        assert!(row.replace('`', "").starts_with(&format!("{start}{meaning}")), "{row} is not `{meaning}`");
    }
}

#[test]
fn every_route_is_in_the_protocol() {
    let (routes, protocol) = (read("crates/comfyicu-server/src/api.rs"), read("docs/src/protocol.md"));
    let paths: Vec<&str> =
        routes.split("\"/api/v1").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(paths.len() >= 10, "the routes are not seen: {paths:?}");
    for path in paths {
        let path = path.replace("{*path}", "{path}");
        assert!(protocol.contains(&format!("{path}`")), "{path} is not in the protocol");
    }
}

#[test]
fn the_nodes_that_are_promised_are_those_that_there_are() {
    let server = comfyicu_tests::Server::start(PROGRAMS);
    let nodes = server.get("/object_info").expect_status(200).json();
    let nodes: Vec<&String> = nodes.as_object().unwrap().keys().collect();
    for document in ["README.md", "docs/src/quickstart.md", "xtask/src/quickstart/next_steps.rs"] {
        let text = read(document);
        for node in &nodes {
            assert!(text.contains(node.as_str()), "{document} does not name {node}");
        }
    }
}
