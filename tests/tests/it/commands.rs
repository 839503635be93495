//! Every command, as it is typed: its help, a line that works, a line that fails, and what `--json` writes. A command
//! that is added without these fails the first test.

mod cases;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use comfyicu_model::{ImageMetadata, Prompt};
use comfyicu_tests::{Host, Server, ServerOptions, repository, run_bounded};

use crate::PROGRAMS;
use cases::{CASES, Json};

/// How long a line may take.
const BOUND: std::time::Duration = comfyicu_tests::PATIENCE;

/// The names of the commands that `--help` lists, each below the one it belongs to.
fn commands_of_help() -> BTreeSet<String> {
    let (mut commands, mut open) = (BTreeSet::new(), vec![String::new()]);
    while let Some(command) = open.pop() {
        let help = help_of(&command);
        let names: Vec<&str> = listed(&help);
        if names.is_empty() {
            commands.insert(command);
        } else {
            open.extend(names.iter().map(|name| format!("{command} {name}").trim().to_owned()));
        }
    }
    commands
}

/// The commands in the list that a help has.
fn listed(help: &str) -> Vec<&str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, behind)| behind);
    let list = list.split("\n\n").next().unwrap_or_default();
    let lines = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

fn help_of(command: &str) -> String {
    let mut program = Command::new(PROGRAMS.cli);
    program.args(command.split_whitespace()).arg("--help").env_clear();
    run_bounded(&mut program, BOUND).succeeded()
}

#[test]
fn every_command_has_its_lines() {
    let covered: BTreeSet<String> = CASES.iter().map(|case| case.command.to_owned()).collect();
    assert_eq!(commands_of_help(), covered, "`commands/cases.rs` has a line for each command");
}

#[test]
fn every_command_has_a_help_that_the_book_has_too() {
    let page = fs::read_to_string(repository().join("docs/src/reference/cli.md")).unwrap();
    for case in CASES {
        let (command, help) = (case.command, help_of(case.command));
        // The program under test has another name.
        assert!(help.contains(&format!("comfyicu {command} [OPTIONS]")), "{command}: {help}");
        assert!(page.contains(&format!("`comfyicu {command}`\n")), "{command} is not in the book");
        let mut typo = Command::new(PROGRAMS.cli);
        typo.args(command.split(' ')).arg("--jsn").env_clear();
        let typo = run_bounded(&mut typo, BOUND).ended_with(2);
        // What may be an id cannot be told from a flag so well.
        let ways = ["a similar argument exists: '--json'", "it is neither a flag of this command nor an id"];
        assert!(ways.iter().any(|way| typo.stderr.contains(way)), "{command}: {typo:?}");
    }
}

#[test]
fn every_schema_is_that_of_some_command() {
    let used: BTreeSet<String> =
        CASES.iter().flat_map(|case| case.json.schemas()).map(|name| format!("{name}.json")).collect();
    let there = fs::read_dir(repository().join("docs/schema")).unwrap();
    let there: BTreeSet<String> =
        there.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(used, there);
}

/// What the lines are typed in: a folder with files, two servers, a receiver of webhooks.
struct Scene {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
    /// They run as long as the scene is there.
    _servers: [Server; 2],
    _receiver: Host,
}

impl Scene {
    fn new() -> Self {
        let (open, locked) = (Server::start(PROGRAMS), ServerOptions::with_keys(PROGRAMS).start());
        let receiver = Host::receiver();
        let key = fs::read_to_string(locked.data().join("first-key")).unwrap().trim().to_owned();
        let variables = vec![
            ("COMFYICU_BASE_URL", open.base_url().to_owned()),
            ("LOCKED", locked.base_url().to_owned()),
            ("KEY", key),
            ("HOOK", receiver.url("/hook")),
            ("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            ("MARKER", "0123456789abcdef0123456789abcdef".to_owned()),
        ];
        let folder = folder();
        let mut scene = Self { folder, variables, _servers: [open, locked], _receiver: receiver };
        let run = scene.line("comfyicu run small.json --jq .run.id -o first").0;
        scene.variables.push(("RUN", run.trim().to_owned()));
        scene
    }

    /// Runs a line in a shell: what it wrote to stdout and stderr, and its exit code.
    fn line(&self, line: &str) -> (String, String, Option<i32>) {
        let path = self.folder.path();
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(path).env_clear().env("HOME", path.join("home"));
        command.env("PATH", format!("{}:/usr/bin:/bin", path.display()));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let ended = run_bounded(&mut command, BOUND);
        (ended.stdout, ended.stderr, ended.code)
    }
}

/// A folder with what the lines name, and the command.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["negative.json", "photo.jpg"] {
        fs::copy(repository().join("docs/examples").join(name), at(name)).unwrap();
    }
    fs::write(at("small.json"), cases::SMALL).unwrap();
    fs::write(at("workflow.json"), cases::UI_WORKFLOW).unwrap();
    fs::write(at("broken.json"), cases::BROKEN).unwrap();
    fs::write(at("other.json"), r#"{"name": "fox", "steps": 20}"#).unwrap();
    fs::write(at("broken.toml"), "[profiles\n").unwrap();
    let mut image = Vec::new();
    let prompt = Prompt::parse(cases::SMALL.as_bytes()).unwrap();
    let pixels = fs::File::open(repository().join("tests/data/pixels/animpng_0/gradient.png")).unwrap();
    ImageMetadata::new().with_prompt(&prompt).write_png(pixels, &mut image).unwrap();
    fs::write(at("fox.png"), image).unwrap();
    std::os::unix::fs::symlink(PROGRAMS.cli, at("comfyicu")).unwrap();
    folder
}

/// What is wrong with lines of JSON by a schema.
fn misfits(schema: &str, text: &str) -> Vec<String> {
    let path: PathBuf = repository().join("docs/schema").join(format!("{schema}.json"));
    let schema = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    // One document, or one on each line.
    let whole = serde_json::from_str(text).map(|value| vec![value]);
    let values: Vec<serde_json::Value> =
        whole.unwrap_or_else(|_| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
    if values.is_empty() {
        return vec!["nothing was written".to_owned()];
    }
    values.iter().flat_map(|value| validator.iter_errors(value).map(|error| error.to_string())).collect()
}

#[test]
fn every_command_works_and_writes_json_and_says_what_to_do_when_it_fails() {
    let scene = Scene::new();
    let mut complaints = Vec::new();
    for case in CASES {
        let mut complain = |line: &str, what: &str, said: &(String, String, Option<i32>)| {
            complaints.push(format!("$ {line}\n{what}: {said:#?}"));
        };
        let (line, shown) = case.works;
        let said = scene.line(line);
        if said.2 != Some(0) || !said.0.contains(shown) {
            complain(line, &format!("does not work, or does not show `{shown}`"), &said);
        }
        let (line, code, shown) = case.fails;
        let said = scene.line(line);
        if said.2 != Some(code) || !said.1.contains(shown) {
            complain(line, &format!("does not end with {code}, or does not say `{shown}`"), &said);
        }
        if !tells_what_to_do(&format!("{}{}", said.0, said.1)) {
            complain(line, "does not say what to do next", &said);
        }
        for (line, schema) in case.json.lines(case) {
            let said = scene.line(&line);
            let misfits = misfits(schema, &said.0);
            if !misfits.is_empty() {
                complain(&line, &format!("does not fit {schema}: {misfits:?}"), &said);
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

/// Whether what a command said on its failure leads on.
fn tells_what_to_do(said: &str) -> bool {
    ["hint: ", "tip: ", "try '--help'", "= help: ", "comfyicu-server serve"]
        .iter()
        .any(|way| said.contains(way))
}

impl Json {
    fn schemas(&self) -> Vec<&'static str> {
        match self {
            Self::Fits(schema) => vec![schema],
            Self::Also(schema, more) => {
                [*schema].into_iter().chain(more.iter().map(|(_, schema)| *schema)).collect()
            }
            Self::Not(_) => Vec::new(),
        }
    }

    /// The lines whose output has a schema: that which works, with `--json`, and more.
    fn lines(&self, case: &cases::Case) -> Vec<(String, &'static str)> {
        let typed = format!("comfyicu {}", case.command);
        let as_json = |line: &str| line.replacen(&typed, &format!("{typed} --json"), 1);
        match self {
            Self::Fits(schema) => vec![(as_json(case.works.0), schema)],
            Self::Also(schema, more) => {
                let more = more.iter().map(|(line, schema)| (as_json(line), *schema));
                [(as_json(case.works.0), *schema)].into_iter().chain(more).collect()
            }
            Self::Not(reason) => {
                assert!(!reason.is_empty());
                Vec::new()
            }
        }
    }
}

#[test]
fn what_is_no_command_is_named_with_the_nearest_that_there_is() {
    for (typed, meant) in [("promtp", "prompt"), ("runs lits", "list"), ("prompt chekc", "check")] {
        let mut program = Command::new(PROGRAMS.cli);
        let ended = run_bounded(program.args(typed.split(' ')).env_clear(), BOUND).ended_with(2);
        assert!(ended.stderr.contains(&format!("similar subcommand exists: '{meant}'")), "{ended:?}");
    }
}
