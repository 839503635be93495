//! The real answers of the hosted service under `tests/data/samples`.

#![cfg(test)]

use std::path::Path;

use comfyicu_model::json::{Limits, Value, read};
use comfyicu_model::{Accelerator, ParsePromptError, Prompt, Run, RunOutput, RunStatus};

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/samples");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_sample_comes_back_byte_for_byte() {
    for name in ["run-completed.json", "run-error.json", "create-answer.json"] {
        let bytes = sample(name);
        let value = read(&bytes, Limits::default()).unwrap();
        let run = Run::from_value(value.clone()).unwrap();
        assert_eq!(Value::from(run.into_object()), value);
        if name.starts_with("run") {
            assert_eq!(
                value.to_json_pretty().trim_end(),
                String::from_utf8(bytes).unwrap().trim_end(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_completed_run_has_its_files() {
    let run = Run::parse(&sample("run-completed.json")).unwrap();
    assert_eq!(run.status(), Some(RunStatus::Completed));
    assert_eq!(run.accelerator(), Some(Accelerator::L4));
    assert_eq!(run.queue_time().map(|time| time.as_millis()), Some(1463));
    assert_eq!(run.execution_time().map(|time| time.as_millis()), Some(7624));
    let RunOutput::Files(files) = run.output() else { panic!("files are expected") };
    assert_eq!(files[0].path().map(|path| path.to_string()).as_deref(), Some("ComfyUI_00001_.png"));
    assert!(files[0].url.as_ref().is_some_and(|url| url.scheme() == "https"));
    assert_eq!(run.failure(), None);
}

#[test]
fn a_failed_run_says_why() {
    let run = Run::parse(&sample("run-error.json")).unwrap();
    assert_eq!(run.status(), Some(RunStatus::Error));
    let failure = run.failure().expect("it failed");
    assert_eq!(failure.message(), "Cannot execute because node xx does not exist.: Node ID '#7'");
    assert_eq!(failure.exception_type(), Some("invalid_prompt"));
    assert_eq!(failure.traceback().count(), 2);
}

#[test]
fn the_answer_to_a_create_is_a_run_of_which_only_the_id_is_known() {
    let run = Run::parse(&sample("create-answer.json")).unwrap();
    assert_eq!(run.id().as_str(), "APCmAT2lf8O6sAgk2Svf2");
    assert_eq!((run.status(), run.output()), (None, RunOutput::None));
}

#[test]
fn the_prompt_and_the_ui_workflow_in_a_run_are_told_apart() {
    let run = Run::parse(&sample("run-completed.json")).unwrap();
    let data = run.as_object().get("data").and_then(Value::as_object).unwrap();
    let prompt = Prompt::from_value(data.get("prompt").unwrap().clone()).unwrap();
    assert_eq!(prompt.nodes().count(), 7);
    let order = prompt.execution_order(["9"]).unwrap();
    assert_eq!(order.last().map(comfyicu_model::Node::id), Some("9"));
    let workflow = ["extra_data", "extra_pnginfo", "workflow"]
        .iter()
        .try_fold(data.clone(), |object, key| object.get(key)?.as_object().cloned())
        .unwrap();
    assert!(
        matches!(Prompt::try_from(workflow), Err(ParsePromptError::UiWorkflow { path }) if path.is_root())
    );
}
