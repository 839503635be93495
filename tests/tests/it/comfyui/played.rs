//! Every recorded prompt of every version, through the executor: the end is the one that ComfyUI wrote down.

use comfyicu_tests::{ComfyMessage, RecordedEnd};

use super::*;

fn paths(outputs: &[Output]) -> Vec<String> {
    let mut paths: Vec<String> = outputs.iter().map(|output| output.path.to_string()).collect();
    paths.sort();
    paths
}

/// Whether somebody listened to the prompt: of the others nothing but progress was sent. Where an id was used twice,
/// as the executor never does, the messages are those of two prompts.
fn is_told(recorded: &RecordedPrompt) -> bool {
    let is_end = |message: &&ComfyMessage| matches!(message, ComfyMessage::Text(text) if text.contains("\"node\": null"));
    recorded.status != 200 || recorded.messages.iter().filter(is_end).count() == 1
}

/// How a run ended, in the words of the recordings.
fn end(ran: &Ran) -> RecordedEnd {
    match &ran.result {
        Ok(()) => RecordedEnd::Files(paths(&ran.outputs)),
        Err(ExecutionError::Refused(findings)) => {
            RecordedEnd::Refused(findings.iter().map(|finding| finding.code.to_string()).collect())
        }
        Err(ExecutionError::Node(failure)) if failure.exception_type == "InterruptProcessingException" => {
            RecordedEnd::Interrupted(failure.node_id.to_string())
        }
        Err(ExecutionError::Node(failure)) => {
            RecordedEnd::Failed(failure.node_id.to_string(), failure.exception_type.to_string())
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_prompt_ends_as_it_did() {
    let recordings = recordings();
    assert!(recordings.len() > 200, "{}", recordings.len());
    let mut kinds = [0; 4];
    for recorded in &recordings {
        // Who is not told asks.
        let fault = if is_told(recorded) { ComfyFault::None } else { ComfyFault::NoSocket };
        let comfy = playing(recorded, fault);
        let folder = TempDir::new().unwrap();
        let Some(job) = try_job(recorded, inputs(recorded, &folder)) else { continue };
        let ran = run(&executor(&[&comfy]).await, job).await;
        let (ours, theirs) = (end(&ran), recorded.end());
        assert_eq!(ours, theirs, "{}", recorded.name);
        assert_eq!(comfy.complaints(), Vec::<String>::new(), "{}", recorded.name);
        kinds[match theirs {
            RecordedEnd::Refused(_) => 0,
            RecordedEnd::Files(_) => 1,
            RecordedEnd::Failed(..) => 2,
            RecordedEnd::Interrupted(_) => 3,
        }] += 1;
        for output in &ran.outputs {
            let bytes = output.content.as_bytes().unwrap();
            let theirs = recorded.files.get(output.path.file_name());
            assert!(theirs.is_none_or(|theirs| theirs == bytes), "{}: {}", recorded.name, output.path);
        }
    }
    assert!(kinds.iter().all(|count| *count >= 3), "all ends are there: {kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_ids_files_and_a_folder_of_its_own() {
    let recorded = recorded("0.3.75 a1_success");
    let comfy = playing(&recorded, ComfyFault::None);
    let folder = TempDir::new().unwrap();
    let executor = executor(&[&comfy]).await;
    for _ in 0..2 {
        run(&executor, job(&recorded, inputs(&recorded, &folder))).await.result.unwrap();
    }
    let [first, second] = &comfy.submitted()[..] else { panic!("two runs") };
    // Who listens is nobody else's meanwhile, and then listens for the next one.
    assert_eq!(first["client_id"], second["client_id"]);
    assert_ne!(first["prompt_id"], second["prompt_id"]);
    assert_ne!(
        first["prompt"]["4"]["inputs"]["filename_prefix"],
        second["prompt"]["4"]["inputs"]["filename_prefix"]
    );
    assert_eq!(first["prompt"]["1"]["inputs"]["image"], second["prompt"]["1"]["inputs"]["image"]);
    let uploads = comfy.uploads();
    assert_eq!(uploads.len(), 1, "equal bytes are put there once: {uploads:?}");
    assert!(uploads[0].0.contains("_gradient.png") && uploads[0].1 == b"the bytes of gradient.png");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_how_far_it_is() {
    let recorded = recorded("0.21.0 k1_ksampler");
    let comfy = playing(&recorded, ComfyFault::None);
    let ran = run(&executor(&[&comfy]).await, job(&recorded, InputFiles::default())).await;
    ran.result.unwrap();
    let begun =
        |event: &&Event| matches!(event, Event::NodeStarted { class_type, .. } if class_type == "KSampler");
    assert_eq!(ran.events.iter().filter(begun).count(), 1);
    let steps = ran.events.iter().filter(|event| matches!(event, Event::Progress { max: 4, .. }));
    assert!(steps.count() >= 4, "{:?}", ran.events);
    let percents = ran.events.iter().filter_map(|event| match event {
        Event::Overall { percent } => Some(*percent),
        _ => None,
    });
    let percents: Vec<u8> = percents.collect();
    assert!(percents.is_sorted() && percents.last() > Some(&80), "{percents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_node_is_told_and_the_run_goes_on() {
    let recorded = recorded("0.21.0 j2_expansion: execution blocker, verbose");
    let comfy = playing(&recorded, ComfyFault::None);
    let ran = run(&executor(&[&comfy]).await, job(&recorded, InputFiles::default())).await;
    ran.result.unwrap();
    let blocked =
        |event: &&Event| matches!(event, Event::NodeBlocked { message, .. } if message.contains("Blocked"));
    assert_eq!(ran.events.iter().filter(blocked).count(), 1, "{:?}", ran.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_comfyui_drops_are_told() {
    let mut recorded = recorded("0.21.0 a1_success");
    // As it was recorded of a prompt with one good output and one bad.
    let dropped = r#""node_errors": {"6": {"errors": [{"type": "value_bigger_than_max", "message": "Value 99999 bigger than max of 16384",
        "details": "width", "extra_info": {"input_name": "width", "received_value": 99999}}], "dependent_outputs": ["7"], "class_type": "ImageScale"}}"#;
    recorded.answer = recorded.answer.replace(r#""node_errors": {}"#, dropped);
    let comfy = playing(&recorded, ComfyFault::None);
    let ran = run(&executor(&[&comfy]).await, job(&recorded, InputFiles::default())).await;
    ran.result.unwrap();
    let refused = ran.events.iter().find_map(|event| match event {
        Event::OutputsRefused { findings } => Some(findings[0].code.to_string()),
        _ => None,
    });
    assert_eq!(refused.as_deref(), Some("value_bigger_than_max"));
}
