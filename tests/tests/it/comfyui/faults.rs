//! What can go wrong with a ComfyUI, and what the run makes of it.

use super::*;

/// A prompt with a file, that succeeded.
fn good() -> RecordedPrompt {
    recorded("0.3.75 a1_success")
}

async fn run_with(fault: ComfyFault) -> (Ran, FakeComfy) {
    let recorded = good();
    let comfy = playing(&recorded, fault);
    let ran = run(&executor(&[&comfy]).await, job(&recorded, InputFiles::default())).await;
    (ran, comfy)
}

#[track_caller]
fn assert_good(ran: &Ran, what: &str) {
    assert!(ran.result.is_ok(), "{what}: {:?}", ran.result);
    assert_eq!(ran.outputs.len(), 1, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_at_any_message_loses_nothing() {
    for at in 0..good().messages.len() {
        let (ran, _comfy) = run_with(ComfyFault::DropSocket(at)).await;
        assert_good(&ran, &format!("broken at message {at}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_depends_on_the_order_or_the_number_of_messages() {
    for fault in [
        ComfyFault::NoSocket,
        ComfyFault::Double,
        ComfyFault::Reorder,
        ComfyFault::LateHistory(3),
        ComfyFault::NoHistory,
        ComfyFault::LostAnswer,
    ] {
        let (ran, comfy) = run_with(fault).await;
        assert_good(&ran, &format!("{fault:?}"));
        assert_eq!(comfy.submitted().len(), 1, "{fault:?}: it was submitted once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comfyui_that_starts_again_has_lost_the_prompt_and_is_not_believed_to_have_it() {
    // The one before the last tells the success.
    for at in [0, 3, good().messages.len() - 2] {
        let (ran, _comfy) = run_with(ComfyFault::Restart(at)).await;
        assert!(matches!(ran.result, Err(ExecutionError::Unavailable(_))), "{at}: {:?}", ran.result);
        assert!(ran.outputs.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_ended_when_comfyui_tells_its_success() {
    let (ran, comfy) = run_with(ComfyFault::HoldEnd).await;
    assert_good(&ran, "before it is over");
    let prompt_id = comfy.submitted()[0]["prompt_id"].as_str().unwrap().to_owned();
    let client = ComfyClient::connect(&comfy.url().parse().unwrap()).unwrap();
    assert!(client.history(&prompt_id).await.unwrap().is_none(), "ComfyUI has not put it away yet");
    comfy.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_comfyui_dies_ends_on_another_one() {
    let recorded = good();
    let dying = playing(&recorded, ComfyFault::Restart(4));
    let other = playing(&recorded, ComfyFault::None);
    let executor = executor(&[&dying, &other]).await;
    // Which of the two comes first is not said, so both have their turn.
    for _ in 0..2 {
        let ran = run(&executor, job(&recorded, InputFiles::default())).await;
        assert_good(&ran, "with another one");
    }
    assert!(dying.submitted().len() + other.submitted().len() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_not_the_prompts_fault() {
    for (path, count) in [("/prompt", 1), ("/view", 1), ("/queue", 1), ("/ws", 1)] {
        let (ran, _comfy) = run_with(ComfyFault::Trouble(path, count)).await;
        match ran.result {
            Ok(()) => assert_eq!(ran.outputs.len(), 1, "{path}"),
            Err(ExecutionError::Unavailable(reason)) => assert!(reason.contains("500"), "{path}: {reason}"),
            Err(other) => panic!("{path}: {other:?}"),
        }
    }
}

/// Begins a run and cancels it once ComfyUI has it.
async fn cancelled(fault: ComfyFault) -> (FakeComfy, Result<(), ExecutionError>) {
    let recorded = good();
    let comfy = playing(&recorded, fault);
    let executor = executor(&[&comfy]).await;
    let (outputs, heard, cancel) = (MemoryOutputs::default(), Heard::default(), CancellationToken::new());
    let executed = executor.execute(job(&recorded, InputFiles::default()), &heard, &outputs, &cancel);
    let arrived = async {
        while comfy.submitted().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        result = executed => result,
        () = arrived => unreachable!("it waits for ever"),
    };
    assert!(outputs.take().is_empty());
    (comfy, result)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_prompt_that_runs_is_interrupted_by_its_id() {
    let (comfy, result) = cancelled(ComfyFault::Hold).await;
    assert!(matches!(result, Err(ExecutionError::Cancelled)), "{result:?}");
    assert!(comfy.seen().contains(&"POST /interrupt".to_owned()), "{:?}", comfy.seen());
    assert_eq!(comfy.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_prompt_that_waits_is_deleted_and_nobody_else_is_interrupted() {
    let (comfy, result) = cancelled(ComfyFault::Pending).await;
    assert!(matches!(result, Err(ExecutionError::Cancelled)), "{result:?}");
    assert!(comfy.seen().contains(&"POST /queue".to_owned()));
    assert!(!comfy.seen().contains(&"POST /interrupt".to_owned()), "{:?}", comfy.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_input_names_is_there_under_its_own_name() {
    let recorded = good();
    let comfy = playing(&recorded, ComfyFault::None);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "list").unwrap();
    let mut files = InputFiles::default();
    files.insert(DestPath::input("lists/a.txt").unwrap(), InputFile::of(path).unwrap());
    let ran = run(&executor(&[&comfy]).await, job(&recorded, files)).await;
    assert_good(&ran, "with a list");
    assert_eq!(comfy.uploads(), [("lists/a.txt".to_owned(), b"list".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_may_have_happened_before_the_prompt_is_answered() {
    let (ran, comfy) = run_with(ComfyFault::LateAnswer).await;
    assert_good(&ran, "all messages came before the answer");
    assert!(
        !comfy.seen().iter().any(|line| line.contains("/history")),
        "and none was lost: {:?}",
        comfy.seen()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_takes_the_place_of_the_socket_without_a_word_does_no_harm() {
    let (ran, comfy) = run_with(ComfyFault::SilentSocket(5)).await;
    assert_good(&ran, "the end was asked for");
    assert!(comfy.seen().iter().any(|line| line.contains("/history")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_late_is_waited_for_where_messages_were_missed() {
    let recorded = good();
    let comfy =
        FakeComfy::start(vec![recorded.clone()], &definitions(), ComfyFault::NoSocketAndLateHistory(1));
    let ran = run(&executor(&[&comfy]).await, job(&recorded, InputFiles::default())).await;
    assert_good(&ran, "asked for");
    assert!(comfy.seen().iter().filter(|line| line.contains("/history")).count() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_whose_name_is_taken_has_the_name_that_comes_back() {
    let recorded = good();
    let comfy = playing(&recorded, ComfyFault::None);
    let folder = TempDir::new().unwrap();
    let files = inputs(&recorded, &folder);
    let digest = files.iter().map(|(_, file)| file.sha256[..16].to_owned()).next().unwrap();
    // Somebody has put other bytes there, under the very name.
    let path = folder.path().join("other");
    std::fs::write(&path, "other bytes").unwrap();
    let client = ComfyClient::connect(&comfy.url().parse().unwrap()).unwrap();
    client.upload(Upload::new(&path, 11, format!("{digest}_gradient.png"))).await.unwrap();
    let ran = run(&executor(&[&comfy]).await, job(&recorded, files)).await;
    assert_good(&ran, "with another name");
    assert_eq!(comfy.submitted()[0]["prompt"]["1"]["inputs"]["image"], format!("{digest}_gradient (1).png"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_with_a_word_about_it() {
    for (path, code) in [("/upload/image", "input_too_large"), ("/prompt", "prompt_too_large")] {
        let recorded = good();
        let comfy = playing(&recorded, ComfyFault::TooLarge(path));
        let folder = TempDir::new().unwrap();
        let ran = run(&executor(&[&comfy]).await, job(&recorded, inputs(&recorded, &folder))).await;
        let Err(ExecutionError::Refused(findings)) = ran.result else { panic!("{path}: {:?}", ran.result) };
        assert_eq!(findings[0].code, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_with_tokens_does_not_stay_in_the_history() {
    let recorded = good();
    let comfy = playing(&recorded, ComfyFault::HoldEnd);
    let tokens = comfyicu_model::json::Object::from_iter([("api_key_comfy_org", "comfyui-SECRET")]);
    let job = job(&recorded, InputFiles::default()).secrets(Secrets::new(tokens));
    let executor = executor(&[&comfy]).await;
    let asks_to_forget = || comfy.seen().contains(&"POST /history".to_owned());
    let patient = async {
        while !comfy.is_holding() {
            tokio::task::yield_now().await;
        }
        // The success is told, and the prompt is not in the history yet: whoever were too soon has the time to be.
        let client = ComfyClient::connect(&comfy.url().parse().unwrap()).unwrap();
        for _ in 0..50 {
            client.queue().await.unwrap();
        }
        assert!(!asks_to_forget(), "there is nothing to forget");
        comfy.release();
    };
    let (ran, ()) = tokio::join!(run(&executor, job), patient);
    assert_good(&ran, "with a token");
    assert_eq!(comfy.submitted()[0]["extra_data"]["api_key_comfy_org"], "comfyui-SECRET");
    assert!(asks_to_forget(), "{:?}", comfy.seen());
}
