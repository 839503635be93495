//! The README and the book say what is there: flags, exit codes, routes, files.

use std::fs;
use std::path::{Path, PathBuf};

use comfyicu_tests::{PATIENCE, repository, run_bounded};
use serde_json::Value;

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
            } else if path.extension().is_some_and(|extension| extension == "md") {
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
    let words = words.filter(|word| word.starts_with("--"));
    words
        .map(|word| word.split_once('=').map_or(word, |(flag, _)| flag).trim_end_matches(['.', ',']))
        .collect()
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
fn every_test_that_the_page_of_comfyui_names_is_there() {
    let page = read("docs/src/reference/comfyui.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2);
    let mut sources = String::new();
    for folder in ["crates/comfyicu-engine/src/comfyui", "tests/tests/it/comfyui"] {
        append_sources(&repository().join(folder), &mut sources);
    }
    let mut count = 0;
    for row in rows.filter(|row| !row.starts_with("| ComfyUI | ")) {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in last.split(", ").map(|name| name.trim_matches('`')) {
            assert!(sources.contains(&format!("fn {name}()")), "there is no test {name}");
            count += 1;
        }
    }
    assert!(count > 30, "the tests are not seen");
}

fn append_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            append_sources(&path, sources);
        } else {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_flag_of_the_server_is_in_the_reference() {
    let help = run_bounded(std::process::Command::new(PROGRAMS.server).args(["serve", "--help"]), PATIENCE);
    let (help, reference) = (help.succeeded(), read("docs/src/reference/settings.md"));
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
    let (document, protocol) = (read("docs/src/reference/openapi.json"), read("docs/src/protocol.md"));
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .filter_map(|path| path.strip_prefix("/api/v1"))
        .collect();
    assert!(paths.len() >= 10, "the routes are not seen: {paths:?}");
    for path in paths {
        assert!(protocol.contains(&format!("{path}`")), "{path} is not in the protocol");
    }
}

/// The cells of the table of nodes: class, what it does, results, and how its recorded cases begin.
fn node_rows(page: &str) -> Vec<[&str; 4]> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("{row}"))
    })
    .collect()
}

#[test]
fn the_nodes_that_are_promised_are_those_that_there_are() {
    let server = comfyicu_tests::Server::start(PROGRAMS);
    let info = server.get("/object_info").expect_status(200).json();
    let info = info.as_object().unwrap();
    let page = read("docs/src/reference/nodes.md");
    let listed: Vec<(&str, &str)> =
        node_rows(&page).into_iter().map(|[class, does, ..]| (class.trim_matches('`'), does)).collect();
    let mut there: Vec<(&str, &str)> =
        info.iter().map(|(class, node)| (class.as_str(), node["description"].as_str().unwrap())).collect();
    there.sort_unstable();
    assert_eq!(listed, there);
}

#[test]
fn the_results_that_are_promised_are_tested() {
    let page = read("docs/src/reference/nodes.md");
    let cases: Vec<_> = fs::read_dir(repository().join("tests/data/pixels"))
        .unwrap()
        .map(|case| case.unwrap().path())
        .collect();
    for [class, _, results, beginnings] in node_rows(&page) {
        if results == "not compared" {
            assert_eq!(beginnings, "none", "{class}");
            continue;
        }
        assert!(["exact", "within 1/255", "exact but for ties"].contains(&results), "{class} is {results}");
        let node = format!("\"{}\"", class.trim_matches('`'));
        assert!(!beginnings.is_empty(), "{class} has no cases");
        for beginning in beginnings.split(", ").map(|beginning| beginning.trim_matches('`')) {
            let mut prompts = cases.iter().filter(|case| {
                case.file_name().is_some_and(|name| name.to_str().unwrap().starts_with(beginning))
            });
            let uses = |case: &PathBuf| fs::read_to_string(case.join("prompt.json")).unwrap().contains(&node);
            assert!(prompts.any(uses), "{class} is in no case that begins with {beginning}");
        }
    }
}
