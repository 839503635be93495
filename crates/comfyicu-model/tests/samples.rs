//! The real answers of the hosted service under `tests/data/samples`.

#![cfg(test)]

use std::path::Path;

use comfyicu_model::json::{Limits, Value, read};
use comfyicu_model::{
    Accelerator, OutputKind, ParsePromptError, Prompt, Run, RunOutput, RunStatus, WebhookEvent,
};

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

/// Each field of the samples has an accessor, or is one of those that are null in both.
#[test]
fn every_field_of_a_run_is_told() {
    let run = Run::parse(&sample("run-completed.json")).unwrap();
    let id = |text: &str| comfyicu_model::WorkflowId::parse(text).ok();
    assert_eq!(
        (run.workflow_id(), run.kind(), run.device()),
        (id("xyz"), Some("comfyui"), Some("NVIDIA L4"))
    );
    let times = [run.created_at(), run.started_at(), run.completed_at(), run.updated_at()];
    assert!(times.is_sorted() && times.iter().all(Option::is_some));
    assert_eq!(run.deleted_at(), None);
    assert_eq!(run.run_time().map(ToString::to_string).as_deref(), Some("6357"));
    assert_eq!((run.view_count(), run.download_count(), run.retry_count()), (Some(0), Some(0), Some(1)));
    assert_eq!((run.is_nsfw(), run.visibility(), run.tags().count()), (Some(false), Some("PUBLIC"), 0));
    assert_eq!((run.name(), run.client_agent(), run.webhook()), (None, None, None));
    assert_eq!((run.parent_workflow_id(), run.parent_run_id(), run.api_key_id()), (None, None, None));
    assert_eq!((run.user_id(), run.project_id()), (Some("6VbYatQkJjualbDX84D2j"), Some(12_297)));
    let user = run.user().unwrap();
    assert_eq!(
        (user.id(), user.name(), user.image(), user.plan()),
        (run.user_id(), Some("John Doe"), None, Some("FREE"))
    );
    assert!(run.files().unwrap().is_empty());
    assert_eq!(run.prompt().unwrap().unwrap().nodes().count(), 7);
    assert_eq!(
        run.ui_workflow().and_then(|workflow| workflow.get("nodes")?.as_array()).map(<[_]>::len),
        Some(7)
    );
    let metadata = run.metadata().unwrap();
    assert_eq!(metadata.extensions().collect::<Vec<_>>(), ["comfyanonymous__ComfyUI"]);
    assert_eq!(metadata.checkpoints().collect::<Vec<_>>(), ["v1-5-pruned-emaonly-fp16.safetensors"]);
    assert_eq!(
        (metadata.nodes().count(), metadata.notes().next(), metadata.groups().len()),
        (6, Some("text, watermark"), 0)
    );
    assert_eq!(run.costs(), None);
    assert_eq!(run.outputs_of(OutputKind::Image), run.output().files());
    assert_eq!(run.outputs_of(OutputKind::Video), []);
    let failed = Run::parse(&sample("run-error.json")).unwrap();
    assert_eq!((failed.api_key_id(), failed.user()), (Some("GM2FYwGmgiNpXTNDqT6MT"), None));
    assert_eq!(failed.webhook(), None, "an empty address is nobody");
}

#[test]
fn the_node_that_failed_is_named_with_what_the_prompt_says_of_it() {
    let run = Run::parse(&sample("run-error.json")).unwrap();
    assert_eq!(run.failure().unwrap().details(), Some("Node ID '#7'"));
    let node = run.failing_node().unwrap();
    assert_eq!((node.id.as_str(), node.class_type.as_deref()), ("7", Some("xx")));
    assert_eq!(node.title.as_deref(), Some("CLIP Text Encode (Prompt)"));
}

#[test]
fn the_body_of_a_webhook_is_a_run() {
    let event = WebhookEvent::parse(&sample("run-completed.json")).unwrap();
    assert!(event.is_terminal() && event.is_news(Some(&RunStatus::Started)));
    assert_eq!(event.key().to_string(), "CNCr5a_lu6g9Nz3gqKC9P/COMPLETED");
    assert_eq!(
        Value::from(event.into_run().into_object()),
        read(&sample("run-completed.json"), Limits::default()).unwrap()
    );
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
