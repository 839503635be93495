//! Completions, asked for as each shell asks, and by a real bash where Tab is pressed.

use std::fs;
use std::path::PathBuf;

use crate::command::Outcome;
use crate::terminal::Terminal;
use crate::{Command, Response, Service};

const PROMPT: &str = r#"{
    "3": {"class_type": "KSampler", "inputs": {"seed": 42, "cfg": 7.5, "sampler_name": "euler", "positive": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox"}, "_meta": {"title": "Positive prompt"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "\"1\""}, "_meta": {"title": "It's \"bad\""}},
    "57:8": {"class_type": "LoadImage", "inputs": {"image": "photo.jpg"}, "_meta": {"title": "LoadImage"}}
}"#;

/// The command, in a folder with a prompt.
fn command() -> Command {
    let command = Command::bare();
    fs::write(command.path("fox.json"), PROMPT).unwrap();
    command
}

/// What zsh is answered for the last of the words, which are parted by `|`.
fn zsh(command: Command, line: &str) -> String {
    let words: Vec<&str> = line.split('|').collect();
    // The program's name is a word, too.
    let index = words.len().to_string();
    let args = [&["--", &index, "comfyicu"][..], &words].concat();
    let Outcome { code, stdout, stderr } = command.env("COMFYICU_COMPLETE", "zsh").run(&args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line}");
    stdout
}

/// The candidates alone.
fn values(command: Command, line: &str) -> Vec<String> {
    zsh(command, line).lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn the_nodes_of_the_prompt_on_the_line_are_offered_and_then_their_inputs() {
    insta::assert_snapshot!(zsh(command(), "run|fox.json|--set|"), @r#"
    3.	3 KSampler
    6.	6 CLIPTextEncode “Positive prompt”
    7.	7 CLIPTextEncode “It's "bad"”
    57:8.	57:8 LoadImage
    @Positive prompt.	6 CLIPTextEncode “Positive prompt”
    @LoadImage.	57:8 LoadImage
    KSampler.	3 KSampler
    LoadImage.	57:8 LoadImage
    "#);
    insta::assert_snapshot!(zsh(command(), "run|fox.json|--set|3."), @r#"
    3.seed=	42
    3.cfg=	7.5
    3.sampler_name=	"euler"
    3.positive=	← 6 CLIPTextEncode
    "#);
    assert_eq!(values(command(), "prompt|set|fox.json|3.seed=1|KSampler.c"), ["KSampler.cfg="]);
    assert_eq!(values(command(), "prompt|get|fox.json|@Pos"), ["@Positive prompt."]);
    assert_eq!(values(command(), "prompt|get|fox.json|@Positive prompt."), ["@Positive prompt.text"]);
    assert_eq!(values(command(), "prompt|get|fox.json|57:8."), ["57:8.image"]);
    // The file may stand behind it, and the flag may hold the word.
    assert_eq!(values(command(), "run|fox.json|--set=3.se"), ["--set=3.seed="]);
    assert_eq!(values(command(), "batch|--vary|3.se"), Vec::<String>::new(), "no prompt is named");
    assert_eq!(values(command(), "prompt|get|gone.json|3"), Vec::<String>::new());
}

#[test]
fn the_value_of_an_input_is_offered_to_be_changed() {
    assert_eq!(values(command(), "run|fox.json|--set|3.seed="), ["3.seed=42"]);
    assert_eq!(values(command(), "run|fox.json|--set|6.text=a r"), ["6.text=a red fox"]);
    // A text that looks like a number keeps its quotes.
    assert_eq!(values(command(), "run|fox.json|--set|7.text="), ["7.text=\"\\\"1\\\"\""]);
    assert_eq!(values(command(), "run|fox.json|--set-file|6.text=@fo"), ["6.text=@fox.json"]);
    assert_eq!(values(command(), "batch|fox.json|--vary|3.seed=@pr"), ["3.seed=@prompt.json"]);
}

#[test]
fn files_and_where_they_go_are_offered() {
    assert_eq!(values(command(), "run|fo"), ["fox.json"]);
    assert_eq!(values(command(), "run|fox.json|--file|/input/"), ["/input/photo.jpg=", "/input/"]);
    assert_eq!(
        values(command(), "run|fox.json|--file|/input/photo.jpg=pr"),
        ["/input/photo.jpg=prompt.json"]
    );
    assert_eq!(values(command(), "webhooks|verify|--secret|@fo"), ["@fox.json"]);
}

#[test]
fn what_the_settings_and_the_service_know_is_offered() {
    let service = Service::start(|request, _| {
        let path = request.line.split_once(' ').unwrap().1.split('?').next().unwrap().to_owned();
        match path.rsplit('/').next().unwrap() {
            "capabilities" => Response::ok(r#"{"accelerators": ["CPU", "L4"]}"#),
            "runs" => Response::ok(r#"[{"id":"run2","status":"QUEUED"},{"id":"run1","status":"COMPLETED"}]"#),
            "workflows" => Response::ok(r#"[{"id":"w1","name":"foxes"},{"id":"w2"}]"#),
            _ => Response::new(404, ""),
        }
    });
    let on = || Command::on(&service);
    assert_eq!(values(on(), "run|prompt.json|--accelerator|"), ["CPU", "L4"]);
    let runs = zsh(on(), "runs|get|");
    assert!(runs.starts_with("run2\tQUEUED\nrun1\tCOMPLETED\n"), "{runs}");
    assert_eq!(zsh(on(), "runs|list|-w|"), "w1\tfoxes\nw2\t\n");
    assert_eq!(values(on(), "runs|list|--status|C"), ["COMPLETED", "CANCELLED"]);
    let hosted = Command::bare().env("COMFYICU_BASE_URL", "http://127.0.0.1:1");
    assert_eq!(values(hosted, "run|prompt.json|--accelerator|A100"), ["A100_40GB", "A100_80GB"]);
    let command = Command::bare();
    for profile in ["home", "team"] {
        command.run(&["config", "set", "workflow", "w", "--profile", profile]);
    }
    assert_eq!(values(command, "runs|list|--profile|"), ["home", "team"]);
    assert_eq!(values(on(), "config|set|workflow|w2"), ["w2"]);
}

#[test]
fn commands_and_flags_are_offered_with_what_they_do() {
    let commands = zsh(command(), "prompt|ch");
    assert!(commands.starts_with("check\tLooks for what would be refused"), "{commands}");
    assert_eq!(values(command(), "prompt|graph|fox.json|--format|s"), ["svg"]);
    assert_eq!(values(command(), "run|--acc"), ["--accelerator"]);
}

#[test]
fn fish_powershell_and_elvish_are_answered_too() {
    for shell in ["fish", "powershell"] {
        let asked = command().env("COMFYICU_COMPLETE", shell);
        let outcome = asked.run(&["--", "comfyicu", "prompt", "get", "fox.json", "KS"]);
        assert_eq!(outcome.stdout, "KSampler.\t3 KSampler\n", "{shell}: {outcome:?}");
    }
    let asked = command().env("COMFYICU_COMPLETE", "fish");
    let outcome = asked.run(&["--", "comfyicu", "prompt", "get", "fox.json", r"@Positive\ prompt.t"]);
    assert_eq!(outcome.stdout, "@Positive prompt.text\t\"a red fox\"\n", "{outcome:?}");
    let asked = command().env("COMFYICU_COMPLETE", "elvish").env("_CLAP_COMPLETE_INDEX", "4");
    let outcome = asked.run(&["--", "comfyicu", "prompt", "get", "fox.json", "KS"]);
    assert_eq!(outcome.stdout, "KSampler.", "{outcome:?}");
    let outcome = command().env("COMFYICU_COMPLETE", "tcsh").run(&["--", "comfyicu", ""]);
    assert_eq!(outcome.code, Some(1));
}

/// What bash is answered: the line up to the cursor, and the end of it that readline means.
fn bash(command: Command, line: &str, end: &str, behind: &str) -> Vec<String> {
    let outcome = command.env("COMFYICU_COMPLETE", "bash").run(&["--", line, end, behind]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    outcome.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_gets_what_is_to_be_typed_in_place_of_what_it_means() {
    let run =
        |word: &str, end: &str| bash(command(), &format!("comfyicu run fox.json --set {word}"), end, "");
    assert_eq!(run("@Pos", "@Pos"), [r"@Positive\ prompt."]);
    assert_eq!(run("'@Pos", "@Pos"), ["@Positive prompt."]);
    assert_eq!(run(r"@Positive\ prompt.", r"@Positive\ prompt."), [r"@Positive\ prompt.text="]);
    assert_eq!(run("'@Positive prompt.'", ""), ["text="]);
    assert_eq!(run("57:8.", "8."), ["8.image="]);
    assert_eq!(run("6.text=", ""), [r"a\ red\ fox"]);
    assert_eq!(run("@It", "@It"), Vec::<String>::new(), "a title with quotes is named by its id");
    assert_eq!(
        bash(command(), "comfyicu prompt set --in-place fox.json 3.s", "3.s", " 6.text=x"),
        ["3.seed=", "3.sampler_name="]
    );
    assert_eq!(bash(command(), "comfyicu run --set 3.se", "3.se", " fox.json"), ["3.seed="]);
    let named = command();
    fs::write(named.path("a b.json"), PROMPT).unwrap();
    assert_eq!(bash(named, "comfyicu prompt get 'a b.json' KS", "KS", ""), ["KSampler."]);
}

/// A folder in which the shell finds the command, and the script for it.
fn shell_folder(command: &Command, shell: &str, script: &str) -> PathBuf {
    let folder = command.path("bin");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_comfyicu"), folder.join("comfyicu")).unwrap();
    fs::write(folder.join(script), command.run(&["completions", shell]).stdout).unwrap();
    folder
}

#[test]
fn a_real_bash_completes_when_tab_is_pressed() {
    let command = command();
    let folder = shell_folder(&command, "bash", "script.bash");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    if !["/bin/bash", "/usr/bin/bash"].iter().any(|bash| PathBuf::from(bash).exists()) {
        eprintln!("skipped: there is no bash");
        return;
    }
    let mut bash =
        Terminal::of("bash", &command, &["--norc", "--noprofile", "-i"], &[("PATH", &path), ("PS1", "> ")]);
    bash.press("bind 'set bell-style none'; source bin/script.bash; echo rea''dy\r");
    bash.shows("ready");
    bash.press("comfyicu prompt get fox.json @Pos\t");
    bash.shows(r"@Positive\ prompt.");
    bash.press("\t\r");
    bash.shows("a red fox");
    bash.press("exit\r");
    assert_eq!(bash.end().0, 0);
}
