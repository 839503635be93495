//! What the book's page on the shell shows of prompt files is run as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use comfyicu_model::{ImageMetadata, Prompt};
use comfyicu_tests::{Server, repository};

use crate::PROGRAMS;

const PROMPT: &str = r#"{
  "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20.0, "positive": ["6", 0]}},
  "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}, "_meta": {"title": "Positive prompt"}},
  "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "fox"}}
}
"#;

/// Definitions by which [`PROMPT`] is good.
const OBJECT_INFO: &str = r#"{
  "KSampler": {"input": {"required": {"seed": ["INT", {}], "steps": ["INT", {}], "positive": ["CONDITIONING"]}}, "output": ["IMAGE"], "output_node": false},
  "CLIPTextEncode": {"input": {"required": {"text": ["STRING", {}]}}, "output": ["CONDITIONING"], "output_node": false},
  "SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}}, "output": [], "output_node": true}
}"#;

/// The commands of a section, one a line, without the remarks.
fn commands(section: &str) -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/src/shell.md")).unwrap();
    let section = page.split("\n## ").find(|part| part.starts_with(section)).expect("the section is there");
    let blocks = section.split("```sh\n").skip(1).filter_map(|part| part.split("```").next());
    let lines = blocks.flat_map(str::lines).map(|line| line.split("  #").next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn folder_with_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prompt.json"), PROMPT).unwrap();
    fs::write(folder.path().join("object_info.json"), OBJECT_INFO).unwrap();
    let pixels = fs::File::open(repository().join("tests/data/pixels/animpng_0/gradient.png")).unwrap();
    let mut image = Vec::new();
    let prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
    let metadata = ImageMetadata::new().with_prompt(&prompt).with_workflow(prompt.as_object());
    metadata.write_png(pixels, &mut image).unwrap();
    fs::write(folder.path().join("fox.png"), image).unwrap();
    std::os::unix::fs::symlink(PROGRAMS.cli, folder.path().join("comfyicu")).unwrap();
    folder
}

/// Runs a line of the page, and gives its exit code and what it wrote.
fn shell(line: &str, folder: &Path, base_url: &str) -> (Option<i32>, String, String) {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env_clear().env("PATH", path);
    // No settings of whoever runs the tests.
    command.env("HOME", folder);
    let output = command.env("COMFYICU_BASE_URL", base_url).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_is_shown_of_prompt_files_works() {
    let (server, folder) = (Server::start(PROGRAMS), folder_with_files());
    let commands = commands("Work with prompt files");
    assert!(commands.len() > 9, "{commands:?}");
    for line in &commands {
        let (code, stdout, stderr) = shell(line, folder.path(), server.base_url());
        // The server's own nodes cannot sample.
        let expected = if line.contains("$COMFYICU_BASE_URL") { Some(7) } else { Some(0) };
        assert_eq!(code, expected, "{line}\n{stdout}{stderr}");
        if line.contains("--object-info object_info.json") {
            assert_eq!(stdout, "no problems found\n", "{stderr}");
        }
    }
    let file = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(file("prompt.json"), PROMPT.replace("20.0", "8"));
    assert_eq!(
        file("changed.json"),
        PROMPT.replace("\"seed\": 1", "\"seed\": 42").replace("a fox", "a red fox")
    );
    assert_eq!(Prompt::parse(file("prompt-of-fox.json").as_bytes()), Prompt::parse(PROMPT.as_bytes()));
    let clean = ImageMetadata::read(fs::File::open(folder.path().join("clean.png")).unwrap()).unwrap();
    assert_eq!((clean.prompt_text(), clean.workflow_text()), (None, None));
}
