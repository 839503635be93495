//! The command in a process of its own, with nothing but what the test gives it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::Service;

pub(crate) const KEY: &str = "sekrit-key";
pub(crate) const PROMPT: &str = r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}, "9": {"class_type": "SaveImage", "inputs": {}}}"#;

/// A command line in a folder of its own, which holds `prompt.json`.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Command {
    /// For a service, with a key.
    pub(crate) fn on(service: &Service) -> Self {
        Self::bare().env("COMFYICU_BASE_URL", &service.url).env("COMFYICU_API_KEY", KEY)
    }

    /// With an empty environment.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("prompt.json"), PROMPT).unwrap();
        Self { folder, variables: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All that the command finds in its environment: no settings of whoever runs the tests.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let home = ("HOME", self.folder.path().join("home").display().to_string());
        std::iter::once(home).chain(self.variables.iter().cloned()).collect()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        std::process::Command::new(env!("CARGO_BIN_EXE_comfyicu"))
            .args(args)
            .env_clear()
            .envs(self.environment())
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.end(self.start(args))
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> Outcome {
        let mut child = self.start(args);
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        self.end(child)
    }

    /// Waits for the end. No key is ever shown.
    pub(crate) fn end(&self, child: Child) -> Outcome {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(KEY), "{text}");
            let text = without_markers(&text);
            self.variables.iter().find(|(name, _)| *name == "COMFYICU_BASE_URL").map_or_else(
                || text.clone(),
                |(_, url)| text.replace(url, "http://service").replace(&url["http://".len()..], "service"),
            )
        };
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The files of the folder, `prompt.json` left out.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(&self.folder).unwrap().display().to_string());
                }
            }
        }
        names.retain(|name| name != "prompt.json");
        names.sort();
        names
    }
}

/// Markers of submits are drawn: `MARKER` stands in their places.
pub(crate) fn without_markers(text: &str) -> String {
    let is_hex = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_hex) {
        let (before, from) = rest.split_at(start);
        let (word, behind) = from.split_at(from.find(|letter| !is_hex(letter)).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(if word.len() == 32 { "MARKER" } else { word });
        rest = behind;
    }
    shown + rest
}
