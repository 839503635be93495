//! Batches on a scripted service.

use std::path::Path;
use std::sync::Mutex;

use comfyicu_model::{Prompt, WorkflowId};
use comfyicu_transport::{Response, TransportError, TransportErrorKind};

use super::*;
use crate::fake::{self, json};
use crate::{Capabilities, Client, ErrorKind, Extension};

/// A service on which each submit makes a run named for its seed; `ends` says how it ends.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    runs: Vec<(String, String)>,
    under_way: usize,
    most: usize,
    lost: Option<String>,
}

impl Service {
    fn client(&self, keys: bool) -> Client {
        let service = self.clone();
        let capabilities = Capabilities::of(keys.then_some(Extension::IdempotencyKey));
        fake::client_with(
            |builder| builder.capabilities(capabilities),
            move |request| service.answer(&request),
        )
        .0
    }

    fn answer(&self, request: &comfyicu_transport::Request) -> Result<Response, TransportError> {
        let mut state = self.0.lock().unwrap();
        let path = request.uri().path();
        if request.method() == http::Method::POST {
            let body = String::from_utf8(request.body().as_bytes().unwrap().to_vec()).unwrap();
            let seed = body.split("\"seed\":").nth(1).unwrap().split(['}', ',']).next().unwrap().to_owned();
            if !state.runs.iter().any(|(known, _)| *known == seed) {
                state.runs.push((seed.clone(), body));
                state.under_way += 1;
                state.most = state.most.max(state.under_way);
            }
            if state.lost.as_ref() == Some(&seed) {
                return Err(TransportError::new(TransportErrorKind::Interrupted, "lost"));
            }
            return json(200, &format!(r#"{{"id": "run-{seed}"}}"#));
        }
        if path.ends_with("/runs") {
            let run = |(seed, body): &(String, String)| format!(r#"{{"id": "run-{seed}", "data": {body}}}"#);
            return json(200, &format!("[{}]", state.runs.iter().map(run).collect::<Vec<_>>().join(",")));
        }
        state.under_way = state.under_way.saturating_sub(1);
        let seed = path.rsplit("run-").next().unwrap();
        let status = if seed == "13" { "ERROR" } else { "COMPLETED" };
        json(200, &format!(r#"{{"id": "run-{seed}", "status": "{status}"}}"#))
    }

    fn submits(&self) -> Vec<String> {
        self.0.lock().unwrap().runs.iter().map(|(seed, _)| seed.clone()).collect()
    }
}

fn items(seeds: &[u64]) -> Vec<BatchItem> {
    let prompt = Prompt::parse(br#"{"3": {"class_type": "K", "inputs": {"seed": 0}}}"#).unwrap();
    BatchItem::variations(&prompt, "3.seed", seeds.iter().copied()).unwrap()
}

fn batch(client: &Client, seeds: &[u64]) -> Batch {
    client.workflow(WorkflowId::parse("w").unwrap()).batch(items(seeds))
}

/// One line a result.
fn lines(results: &[BatchResult]) -> Vec<String> {
    let line = |result: &BatchResult| {
        let outcome = match &result.outcome {
            Ok(run) => run.id().to_string(),
            Err(error) => error.to_string(),
        };
        format!("{} {} {outcome}", result.index, result.name)
    };
    results.iter().map(line).collect()
}

/// The steps of a manifest: item and step.
fn steps(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let field = |line: &str, name: &str| {
        line.split(&format!("\"{name}\":\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    text.lines().map(|line| format!("{} {}", field(line, "item"), field(line, "step"))).collect()
}

#[tokio::test(start_paused = true)]
async fn all_items_are_run_a_bounded_number_at_once() {
    let service = Service::default();
    let seeds: Vec<u64> = (100..120).collect();
    let results = batch(&service.client(true), &seeds).at_once(3).collect().await.unwrap();
    assert_eq!(results.len(), 20);
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    assert_eq!(service.submits().len(), 20);
    assert!(service.0.lock().unwrap().most <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_the_batch_or_it_goes_on() {
    let client = Service::default().client(true);
    let results = batch(&client, &[1, 13, 2]).collect().await.unwrap();
    assert_eq!(
        lines(&results),
        ["0 3.seed=1 run-1", "1 3.seed=13 the run run-13 ended in ERROR", "2 3.seed=2 run-2"]
    );

    let service = Service::default();
    let stopped = batch(&service.client(true), &[1, 13, 2, 3]).at_once(1).in_order().on_error(OnError::Stop);
    let results: Vec<BatchResult> = stopped.stream().await.unwrap().collect().await;
    assert_eq!(results.len(), 2);
    assert_eq!(service.submits(), ["1", "13"], "none is begun after it");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_has_ended_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.jsonl");
    let service = Service::default();
    for _ in 0..2 {
        let results = batch(&service.client(true), &[1, 13]).manifest(&path).collect().await.unwrap();
        assert_eq!(lines(&results), ["0 3.seed=1 run-1", "1 3.seed=13 the run run-13 ended in ERROR"]);
    }
    assert_eq!(service.submits().len(), 2);
    assert_eq!(steps(&path).len(), 6, "the second time nothing was done");
    let more = batch(&service.client(true), &[1, 13, 2]).manifest(&path).collect().await.unwrap();
    assert_eq!((more.len(), service.submits().len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_killed_goes_on_wherever_it_was() {
    for keys in [true, false] {
        let service = Service::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("batch.jsonl");
        batch(&service.client(keys), &[1, 2]).at_once(1).manifest(&path).collect().await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        let runs = service.0.lock().unwrap().runs.clone();
        // Whatever was on the disk when it was killed.
        for end in (0..whole.len()).step_by(31) {
            std::fs::write(&path, &whole[..end]).unwrap();
            let has_begun = steps_begun(&whole[..end]);
            // What had not been begun makes another run, of course.
            let made = runs.iter().filter(|(seed, _)| has_begun.contains(seed)).cloned().collect();
            service.0.lock().unwrap().runs = made;
            let results = batch(&service.client(keys), &[1, 2]).manifest(&path).collect().await.unwrap();
            assert_eq!(lines(&results), ["0 3.seed=1 run-1", "1 3.seed=2 run-2"], "{end}");
            assert_eq!(service.submits().len(), 2, "killed at byte {end}, keys {keys}");
        }
    }
}

/// The seeds whose submit stands in a whole line.
fn steps_begun(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| line.split("3.seed=").nth(1).unwrap().split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_submit_without_an_answer_is_not_repeated_by_the_next_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.jsonl");
    let service = Service::default();
    service.0.lock().unwrap().lost = Some("1".to_owned());
    let results = batch(&service.client(false), &[1]).manifest(&path).collect().await.unwrap();
    assert_eq!(lines(&results), ["0 3.seed=1 run-1"], "the run is found by its marker");
    assert_eq!(steps(&path), ["3.seed=1 submitting", "3.seed=1 submitted", "3.seed=1 ended"]);
}

#[tokio::test]
async fn a_manifest_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.jsonl");
    let service = Service::default();
    batch(&service.client(true), &[1]).manifest(&path).collect().await.unwrap();
    let client = service.client(true);
    let workflow = client.workflow(WorkflowId::parse("w").unwrap());
    let other = Prompt::parse(br#"{"3": {"class_type": "Other", "inputs": {}}}"#).unwrap();
    let error = workflow
        .batch([BatchItem::new("3.seed=1", other.clone())])
        .manifest(&path)
        .stream()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().ends_with("its item `3.seed=1` has another prompt"), "{error}");
    std::fs::write(&path, "not JSON\n").unwrap();
    let error =
        workflow.batch([BatchItem::new("a", other.clone())]).manifest(&path).stream().await.unwrap_err();
    assert!(error.to_string().starts_with("line 1 of the manifest"), "{error}");
    let twice = [BatchItem::new("a", other.clone()), BatchItem::new("a", other)];
    let error = workflow.batch(twice).stream().await.unwrap_err();
    insta::assert_snapshot!(error, @"two items of the batch are called `a`");
}
