//! Prompts as they are found: wrapped, in strings, with keys that stand twice.

use super::*;

const PROMPT: &str = r#"{"1":{"class_type":"A","inputs":{"seed":18446744073709551616,"cfg":1.0}}}"#;
const UI_WORKFLOW: &str = r#"{"nodes":[],"links":[],"version":0.4}"#;

fn read(text: &str) -> Result<ReadPrompt, ParsePromptError> {
    Prompt::read(text.as_bytes(), ReadOptions::default().source_map(true))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_json()
}

#[test]
fn a_prompt_is_found_in_whatever_is_around_it() {
    let text = quoted(PROMPT);
    let in_text = quoted(&format!(r#"{{"prompt":{PROMPT}}}"#));
    for (file, wrapper) in [
        (PROMPT.to_owned(), None),
        (format!("\u{feff}\n {PROMPT}\r\n"), None),
        (
            format!(r#"{{"prompt":{PROMPT},"client_id":"x","extra_data":{{"workflow":{UI_WORKFLOW}}}}}"#),
            Some("`prompt`"),
        ),
        (
            format!(r#"{{"workflow_id":"w","prompt":{PROMPT},"files":{{}},"accelerator":"L4"}}"#),
            Some("`prompt`"),
        ),
        (format!(r#"{{"workflow_api":{PROMPT}}}"#), Some("`workflow_api`")),
        (
            format!(r#"{{"id":"r","data":{{"prompt":{PROMPT}}},"workflow":{UI_WORKFLOW},"output":[]}}"#),
            Some("`data.prompt`"),
        ),
        (
            format!(r#"{{"id":"r","workflow_api":null,"data":{{"workflow_api":{PROMPT}}}}}"#),
            Some("`data.workflow_api`"),
        ),
        (format!(r#"{{"input":{{"workflow":{PROMPT}}}}}"#), Some("`input.workflow`")),
        (format!(r#"{{"input":{{"prompt":{PROMPT}}}}}"#), Some("`input.prompt`")),
        (format!(r#"{{"workflow":{UI_WORKFLOW},"output":{PROMPT}}}"#), Some("`output`")),
        (format!(r#"{{"workflow":{PROMPT}}}"#), Some("`workflow`")),
        (format!(r#"{{"prompt":"a red fox","workflow":{PROMPT}}}"#), Some("`workflow`")),
        (format!(r#"{{"prompt":{text}}}"#), Some("`prompt`, as JSON text in a string")),
        (format!(r#"{{"input":{in_text}}}"#), None),
        (text.clone(), Some("the top level, as JSON text in a string")),
        (in_text.clone(), Some("`prompt`, as JSON text in a string")),
        (format!(r#"{{"prompt":{in_text}}}"#), Some("`prompt.prompt`, as JSON text in a string")),
        (quoted(&text), Some("the top level, as JSON text in a string")),
    ] {
        if file.starts_with(r#"{"input":""#) {
            assert_eq!(read(&file).unwrap_err(), ParsePromptError::NoNodes, "it is not a place for prompts");
            continue;
        }
        let read = read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(read.prompt.to_json(), PROMPT, "{file}");
        assert_eq!(read.wrapper.as_ref().map(Wrapper::to_string).as_deref(), wrapper, "{file}");
        let in_string = read.wrapper.is_some_and(|wrapper| wrapper.is_in_string());
        assert_eq!(read.source_map.is_none(), in_string, "{file}");
        if let Some(map) = read.source_map {
            assert_eq!(
                &file[map.input("1", "seed").unwrap().value.range()],
                "18446744073709551616",
                "{file}"
            );
        }
    }
}

#[test]
fn an_entry_with_a_class_makes_it_a_prompt_whatever_it_is_called() {
    let file =
        format!(r#"{{"prompt":{{"class_type":"A","inputs":{{}}}},"workflow":{PROMPT},"_comment":"x"}}"#);
    let read = read(&file).unwrap();
    assert_eq!((read.prompt.to_json(), read.wrapper), (file, None));
}

#[test]
fn what_holds_no_prompt_is_named() {
    let error = |text: &str| read(text).expect_err("must be refused");
    let ui = |path: &[&str]| ParsePromptError::UiWorkflow { path: JsonPath::of_keys(path) };
    assert_eq!(error(UI_WORKFLOW), ui(&[]));
    assert_eq!(error(&quoted(UI_WORKFLOW)), ui(&[]));
    assert_eq!(error(&format!(r#"{{"workflow":{UI_WORKFLOW}}}"#)), ui(&["workflow"]));
    assert_eq!(
        error(&format!(r#"{{"input":{{"workflow":{}}}}}"#, quoted(UI_WORKFLOW))),
        ui(&["input", "workflow"])
    );
    for text in [r#"{"prompt":"a red fox"}"#, r#"{"prompt":null,"output":[]}"#, r#"{"workflow":"{"}"#] {
        assert_eq!(error(text), ParsePromptError::NoNodes, "{text}");
    }
    let deep = quoted(&quoted(&quoted(PROMPT)));
    assert!(
        matches!(error(&deep), ParsePromptError::NotAnObject { .. }),
        "there is an end to strings in strings"
    );
}

#[test]
fn doubled_keys_are_warned_of() {
    let file = "{\"prompt\": {\n  \"1\": {\"class_type\": \"A\", \"inputs\": {\"x\": 1, \"x\": 2},\n    \"_meta\": {\"title\": \"t\", \"title\": \"T\"}}},\n \"n\": 1, \"n\": 2}";
    let read = read(file).unwrap();
    let lines: Vec<_> = read
        .findings
        .iter()
        .map(|finding| format!("{} {} {finding}", finding.severity, finding.position.unwrap()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(read.findings.iter().all(|finding| finding.code == "doubled_key"));
    assert_eq!(read.prompt.to_json(), r#"{"1":{"class_type":"A","inputs":{"x":2},"_meta":{"title":"T"}}}"#);
    let inside = Prompt::read(quoted(file).as_bytes(), ReadOptions::default()).unwrap();
    let places = inside.findings.iter().map(|finding| finding.position);
    assert_eq!(places.collect::<Vec<_>>(), [None; 3], "the positions would not be those of the file");
}

#[test]
fn a_doubled_node_in_a_wrapper_names_both_places() {
    let file = "{\"prompt\": {\"1\": {\"class_type\": \"A\"},\n\"1\": {\"class_type\": \"B\"}}}";
    insta::assert_snapshot!(read(file).unwrap_err(), @"the node id `1` stands twice, at 1:13 and 2:1: give one of the two nodes another id");
    insta::assert_snapshot!(read(&quoted(file)).unwrap_err(), @"the node id `1` stands twice: give one of the two nodes another id");
}

#[test]
fn the_limits_are_those_that_are_asked_for() {
    let options = ReadOptions::default().limits(Limits::default().max_bytes(10));
    insta::assert_snapshot!(
        std::error::Error::source(&Prompt::read(PROMPT.as_bytes(), options).unwrap_err()).unwrap(),
        @"the document has 73 bytes; at most 10 are read"
    );
}
