//! Runs that are cancelled, and the events of a whole workflow.

use comfyicu_client::{Error, ErrorKind, RunHandle, WaitError, WorkflowEventStream};
use comfyicu_model::{DestPath, Prompt, RunEventKind, RunStatus};
use comfyicu_tests::{Fault, Host, PATIENCE};

use crate::faults::{Bench, Mode, first};
use crate::prompts::{inverted_photo, photo_host};

/// Submits a run that waits for a file which the host holds back.
async fn held_run(bench: &Bench, host: &Host) -> RunHandle {
    host.hold();
    let prompt = Prompt::parse(inverted_photo().to_string().as_bytes()).unwrap();
    let source = host.url("/photo.jpg").parse().unwrap();
    let run = bench.workflow().run(prompt).file(DestPath::input("photo.jpg").unwrap(), source).await.unwrap();
    host.await_requests(1);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_ends_so_for_who_waits() {
    let (bench, host) = (Bench::new(Mode::Own, |_, _| Fault::None), photo_host());
    let run = held_run(&bench, &host).await;
    let (waited, cancelled) = tokio::join!(run.wait().max_wait(PATIENCE).into_future(), run.cancel());
    let cancelled = cancelled.unwrap();
    assert_eq!(cancelled.status(), Some(RunStatus::Cancelled));
    let Err(WaitError::Failed(failed)) = waited else { panic!("{waited:?}") };
    assert_eq!((failed.run.id(), failed.status()), (run.id(), RunStatus::Cancelled));
    assert_eq!(run.cancel().await.unwrap(), cancelled, "again does nothing more");
    host.release();
    assert_eq!(run.get().await.unwrap(), cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_cancel_is_not_asked_to_and_the_run_goes_on() {
    let (bench, host) = (Bench::new(Mode::Hosted, |_, _| Fault::None), photo_host());
    let run = held_run(&bench, &host).await;
    let error = run.cancel().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(!bench.proxy.seen().iter().any(|seen| seen.ends_with("/cancel")));
    host.release();
    run.wait().max_wait(PATIENCE).await.unwrap();
}

/// Reads until a run has ended, and gives the events of it with their ids.
async fn until_the_end(
    events: &mut WorkflowEventStream,
    run: &RunHandle,
) -> Result<Vec<(String, String)>, Error> {
    let mut told = Vec::new();
    while let Some(next) = events.try_next().await? {
        if next.event.run_id().as_ref() != Some(run.id()) {
            continue;
        }
        let is_change = !matches!(next.event.kind(), RunEventKind::Node | RunEventKind::Progress);
        if is_change && next.event.status().is_some() {
            told.push((next.event.kind().to_string(), next.id.unwrap_or_default()));
        }
        if next.event.is_terminal() {
            break;
        }
    }
    // A position that changes is told as `queued` once more.
    told.dedup_by(|one, other| one.0 == other.0);
    Ok(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_tells_of_all_runs_and_goes_on_behind_any_change() {
    let is_stream = |request: &comfyicu_tests::Received| request.path.ends_with("/workflows/default/events");
    let bench = Bench::new(Mode::Own, first(is_stream, [Fault::DropBefore]));
    let one = bench.run().await;
    // From the first change that the server has, though the first connection is lost.
    let mut events = bench.workflow().events().after("0").stream();
    let told = tokio::time::timeout(PATIENCE, until_the_end(&mut events, &one)).await.unwrap().unwrap();
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["queued", "started", "completed"]);

    let other = bench.submit().await.unwrap();
    let told_of_other = tokio::time::timeout(PATIENCE, until_the_end(&mut events, &other)).await.unwrap();
    assert_eq!(told_of_other.unwrap().last().unwrap().0, "completed");
    drop(events);

    // Another reader goes on behind the start of the first run.
    let mut events = bench.workflow().events().after(&told[1].1).stream();
    let told = tokio::time::timeout(PATIENCE, until_the_end(&mut events, &one)).await.unwrap().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extension_it_says_so() {
    let bench = Bench::new(Mode::Hosted, |_, _| Fault::None);
    let error = bench.workflow().events().stream().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
