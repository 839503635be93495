//! What every store must do; run for each implementation.

use std::path::Path;

use comfyicu_model::OutputPath;

use super::*;
use crate::run::{Costs, Outcome};

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("runs.db")).await.unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn run(id: &str, workflow_id: &str, millis: i64) -> RunRecord {
    RunRecord {
        id: RunId::parse(id).unwrap(),
        workflow_id: WorkflowId::parse(workflow_id).unwrap(),
        created_at: at(millis),
        updated_at: at(millis),
        ..crate::run::tests::accepted()
    }
}

fn message(body: &str) -> NewDelivery {
    NewDelivery { url: "http://example.com/hook".to_owned(), body: body.to_owned() }
}

#[tokio::test]
async fn a_run_comes_back_whole_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let queued = run("r1", "w1", 5);
    store.insert(&queued).await.unwrap();
    let started = queued.start("CPU", at(6)).unwrap();
    assert!(store.change(&queued, &started, None).await.unwrap());
    let costs = Costs { execution_ms: Some(9), ..Costs::default() };
    let ended =
        started.finish(Outcome::Files(vec![OutputPath::parse("a/b.png").unwrap()]), costs, at(7)).unwrap();
    assert!(store.change(&started, &ended, None).await.unwrap());
    store.close().await;

    let store = open(folder.path()).await;
    assert_eq!(store.get(&ended.workflow_id, &ended.id).await.unwrap(), Some(ended.clone()));
    let elsewhere = WorkflowId::parse("w2").unwrap();
    assert_eq!(store.get(&elsewhere, &ended.id).await.unwrap(), None, "another workflow does not have it");
}

#[tokio::test]
async fn an_old_attempt_changes_nothing_and_tells_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let queued = run("r1", "w1", 0);
    store.insert(&queued).await.unwrap();
    let first = queued.start("CPU", at(1)).unwrap();
    assert!(store.change(&queued, &first, Some(message("start"))).await.unwrap());
    let again = first.requeue(at(2)).unwrap();
    assert!(store.change(&first, &again, None).await.unwrap());
    let second = again.start("CPU", at(3)).unwrap();
    assert!(store.change(&again, &second, None).await.unwrap());

    let late = first.finish(Outcome::Files(Vec::new()), Costs::default(), at(4)).unwrap();
    assert!(!store.change(&first, &late, Some(message("late"))).await.unwrap());
    assert_eq!(store.get(&second.workflow_id, &second.id).await.unwrap(), Some(second));
    let bodies: Vec<_> = store.waiting(10).await.unwrap().into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(bodies, ["start"]);
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_taken_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (id, workflow) in [("r1", "w1"), ("r2", "w2"), ("r3", "w1")] {
        store.insert(&run(id, workflow, 0)).await.unwrap();
    }
    let ids = |runs: Vec<RunRecord>| runs.into_iter().map(|run| run.id.to_string()).collect::<Vec<_>>();
    let keys = |keys: Vec<RunKey>| keys.into_iter().map(|key| key.run_id.to_string()).collect::<Vec<_>>();
    let workflow_id = WorkflowId::parse("w1").unwrap();
    assert_eq!(ids(store.list(&workflow_id, 10).await.unwrap()), ["r3", "r1"]);
    assert_eq!(ids(store.list(&workflow_id, 1).await.unwrap()), ["r3"]);
    assert_eq!(keys(store.oldest(RunStatus::Queued, 2).await.unwrap()), ["r1", "r2"]);
    assert_eq!(keys(store.oldest(RunStatus::Started, 2).await.unwrap()), Vec::<String>::new());
    assert_eq!(store.workflows(10).await.unwrap().len(), 2);
    assert!(store.workflow(&WorkflowId::parse("w3").unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_message_waits_until_it_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let queued = run("r1", "w1", 0);
    store.insert(&queued).await.unwrap();
    let started = queued.start("CPU", at(1)).unwrap();
    assert!(store.change(&queued, &started, Some(message("start"))).await.unwrap());
    let waiting = store.waiting(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    store.attempted(waiting[0].seq, "200", at(2)).await.unwrap();
    assert_eq!(store.waiting(10).await.unwrap(), []);
}

#[tokio::test]
async fn files_and_inputs_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.insert(&run("r1", "w1", 0)).await.unwrap();
    let file = FetchedFile {
        sha256: Sha256Hex::of(b"a"),
        bytes: 1,
        etag: Some("\"x\"".to_owned()),
        last_modified: None,
    };
    store.note_fetched("http://x/a", &file).await.unwrap();
    assert_eq!(store.fetched("http://x/a").await.unwrap(), Some(file.clone()));
    let workflow_id = WorkflowId::parse("w1").unwrap();
    let path = DestPath::parse("/input/a.png").unwrap();
    store.note_inputs(&workflow_id, &[(path.clone(), Sha256Hex::of(b"old"))]).await.unwrap();
    store.note_inputs(&workflow_id, &[(path.clone(), Sha256Hex::of(b"new"))]).await.unwrap();
    assert_eq!(store.input(&workflow_id, &path).await.unwrap(), Some(Sha256Hex::of(b"new")));
}

#[tokio::test]
async fn a_key_is_known_by_its_digest_and_a_secret_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert!(!store.has_keys().await.unwrap());
    store.insert_key("k1", &Sha256Hex::of(b"key"), at(0)).await.unwrap();
    assert!(store.has_keys().await.unwrap());
    assert_eq!(store.key_id(&Sha256Hex::of(b"key")).await.unwrap().as_deref(), Some("k1"));
    assert_eq!(store.key_id(&Sha256Hex::of(b"other")).await.unwrap(), None);
    assert_eq!(store.secret("signing", b"one").await.unwrap(), b"one");
    assert_eq!(store.secret("signing", b"two").await.unwrap(), b"one");
}

#[tokio::test]
async fn a_write_for_which_there_is_no_room_fails_and_the_next_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.limit_size().await;
    let mut large = run("r1", "w1", 0);
    large.data.insert("note", "x".repeat(10_000_000));
    assert!(matches!(store.insert(&large).await, Err(StoreError::Database(_))));
    let small = run("r2", "w1", 1);
    store.insert(&small).await.unwrap();
    assert_eq!(store.get(&small.workflow_id, &small.id).await.unwrap(), Some(small));
    assert_eq!(store.get(&large.workflow_id, &large.id).await.unwrap(), None);
}
