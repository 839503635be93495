//! Takes the programs out of the documentation's text, step by step, and fills in what it leaves open.

use std::fs;

use comfyicu_tests::repository;
use serde_json::{Value, json};

/// The programs use both `require` and `await` at the top level: this makes each a module. Then the proof
/// that it came to its end.
const PRELUDE: &str =
    "import { createRequire } from \"node:module\";\nconst require = createRequire(import.meta.url);\n";
const END: &str = "\nprocess.on(\"exit\", (code) => code === 0 && console.log(\"the last line\"));\n";

/// The text of the documentation.
pub(crate) struct Documentation(String);

/// What is put in the places that the documentation leaves open.
pub(crate) struct Places {
    pub(crate) host: String,
    pub(crate) workflow_id: String,
    pub(crate) files: String,
    pub(crate) webhook_host: String,
    pub(crate) webhook_port: u16,
}

impl Documentation {
    /// Reads it, where it lies beside the repository.
    pub(crate) fn read() -> Option<Self> {
        let path = repository().parent()?.join("shared").join("seed").join("comfyicu-api.txt");
        fs::read_to_string(path).ok().map(Self)
    }

    /// Steps 2, 3 and 4: run a prompt, and ask for its status until it has ended.
    pub(crate) fn polling(&self, places: &Places) -> String {
        let steps = [
            self.step(2).snippet("const workflow_id", "};"),
            self.step(3).snippet("const fetch", "console.log(run);"),
            self.step(4).snippet("async function getRunStatus", "console.log(status);"),
            self.step(4).snippet("async function pollRunStatus", "main();"),
        ];
        places.fill(&steps, &crate::prompts::empty_image())
    }

    /// Step 4: the receiver of webhooks.
    pub(crate) fn express(&self, places: &Places) -> String {
        let program = self.step(4).before("The request body is").snippet_to_end("const express");
        places.fill(&[program], &Value::Null)
    }

    /// Step 4: a run that tells a webhook; its files are those of step 5.
    pub(crate) fn webhook(&self, places: &Places) -> String {
        let run = self.step(4).snippet("// This webhook endpoint", "console.log(run);");
        places.fill(&[self.functions(), self.input_files(), run], &save_of("45"))
    }

    /// Step 5: input files.
    pub(crate) fn files(&self, places: &Places) -> String {
        let step = self.step(5).snippet("const files", "console.log(run);");
        places.fill(&[self.functions(), step], &save_of("45"))
    }

    /// Step 6: custom models.
    pub(crate) fn models(&self, places: &Places) -> String {
        let step = self.step(6).snippet("const files", "console.log(run);");
        places.fill(&[self.functions(), step], &save_of("43"))
    }

    /// Step 7: an accelerator, with the files and the prompt of step 5.
    pub(crate) fn accelerator(&self, places: &Places) -> String {
        let run = self.step(7).snippet("const accelerator", "console.log(run);");
        places.fill(&[self.functions(), self.input_files(), run], &save_of("45"))
    }

    /// The workflow id of step 2 and the function of step 3, without its first use.
    fn functions(&self) -> Text {
        let id = self.step(2).snippet("const workflow_id", "const workflow_id");
        let function = self.step(3).before("const run = ").snippet_to_end("const fetch");
        Text(format!("{}\n{}", id.0, function.0))
    }

    /// The files and the prompt of step 5, without the run.
    fn input_files(&self) -> Text {
        self.step(5).before("const run = ").snippet_to_end("const files")
    }

    /// A step: what lies between its number, alone in a line, and the next one.
    fn step(&self, number: u32) -> Text {
        let (own, next) = (number.to_string(), (number + 1).to_string());
        let lines = self.0.lines().skip_while(|line| line.trim() != own).skip(1);
        let lines: Vec<&str> = lines.take_while(|line| line.trim() != next).collect();
        assert!(!lines.is_empty(), "the documentation has no step {number}");
        Text(lines.join("\n"))
    }
}

/// The prompt that saves the image of a node.
fn save_of(node: &str) -> Value {
    json!({"46": {"class_type": "SaveImage", "inputs": {"images": [node, 0], "filename_prefix": "documented"}}})
}

/// A piece of the documentation.
struct Text(String);

impl Text {
    /// The lines from the first one that begins so, to the first one from there on that begins so.
    #[track_caller]
    fn snippet(&self, from: &str, to: &str) -> Self {
        let all = self.snippet_to_end(from);
        let last = all.0.lines().position(|line| line.starts_with(to));
        let last = last.unwrap_or_else(|| panic!("no line `{to}` after `{from}`"));
        Self(all.0.lines().take(last + 1).collect::<Vec<_>>().join("\n"))
    }

    /// The lines from the first one that begins so.
    #[track_caller]
    fn snippet_to_end(&self, from: &str) -> Self {
        let lines: Vec<&str> = self.0.lines().skip_while(|line| !line.starts_with(from)).collect();
        assert!(!lines.is_empty(), "no line `{from}`");
        Self(lines.join("\n"))
    }

    /// The lines before the first one that begins so.
    fn before(&self, end: &str) -> Self {
        Self(self.0.lines().take_while(|line| !line.starts_with(end)).collect::<Vec<_>>().join("\n"))
    }
}

impl Places {
    /// Makes a program of pieces of the documentation.
    fn fill(&self, pieces: &[Text], prompt: &Value) -> String {
        let text: String = pieces.iter().map(|piece| piece.0.as_str()).collect::<Vec<_>>().join("\n\n");
        let files = format!("\"{}", self.files);
        let filled = text
            .replace("https://comfy.icu", &self.host)
            .replace("\"XXX\"", &format!("\"{}\"", self.workflow_id))
            .replace("\"http://public-url-for-assets.com", &files)
            .replace("\"https://civitai.com", &files)
            .replace("\"https://...\"", &format!("{files}/other\""))
            .replace("https://your-public-web-server.com", &self.webhook_host)
            .replace("const port = 5000;", &format!("const port = {};", self.webhook_port))
            .replacen("// ComfyUI API JSON", &nodes(prompt), 1);
        for open in ["comfy.icu", "XXX", "public-url", "your-public"] {
            assert!(!filled.contains(open), "`{open}` is left open in:\n{filled}");
        }
        format!("{PRELUDE}{END}{filled}\n")
    }
}

/// The nodes of a prompt, as they stand within its braces.
fn nodes(prompt: &Value) -> String {
    let nodes = prompt.as_object().into_iter().flatten();
    nodes.map(|(id, node)| format!("{}: {node},", Value::from(id.as_str()))).collect::<Vec<_>>().join("\n")
}
