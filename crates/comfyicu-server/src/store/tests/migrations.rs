//! Stores that earlier versions left behind: `tests/data/stores` has one of each.

use super::*;
use crate::usage::Day;

/// A copy of an earlier version's store, opened by this version.
async fn upgraded(version: &str) -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let left = format!("{}/../../tests/data/stores/{version}.db", env!("CARGO_MANIFEST_DIR"));
    let file = folder.path().join("runs.db");
    std::fs::copy(left, &file).unwrap();
    let store = SqliteStore::open(&file, Arc::new(Heard::default())).await.unwrap();
    (folder, store)
}

async fn runs(store: &SqliteStore, workflow_id: &str) -> Vec<RunRecord> {
    store.list(&workflow(workflow_id), &query(10)).await.unwrap().items
}

#[tokio::test]
async fn the_first_version_left_runs_that_are_all_there() {
    let (_folder, store) = upgraded("0001").await;
    let statuses = |runs: &[RunRecord]| runs.iter().map(|run| run.status.to_string()).collect::<Vec<_>>();
    let (first, second) = (runs(&store, "w1").await, runs(&store, "w2").await);
    assert_eq!(statuses(&first), ["QUEUED", "STARTED", "STARTED", "COMPLETED"]);
    assert_eq!(statuses(&second), ["ERROR"]);
    let Some(Outcome::Files(files)) = &first[3].outcome else { panic!("{:?}", first[3]) };
    assert_eq!(files[0].as_str(), "x_00001_.png");
    assert!(first[3].data.get("prompt").unwrap().to_json().contains("18446744073709551616"));
    assert_eq!(
        store.expired(Some(at(0)..=at(i64::MAX)), 10).await.unwrap().len(),
        2,
        "whatever ran is nobody's"
    );
    assert_eq!(store.waiting_runs(0, 10).await.unwrap().len(), 1);
    let events = store.events(&Scope::Run(first[3].id.clone()), 0, 10).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Queued, EventKind::Started, EventKind::Completed]);
    assert_eq!(store.pending(0, 10).await.unwrap(), [], "what was tried is not sent again");
    let told = store.deliveries(&first[3].id).await.unwrap();
    assert_eq!(
        told.iter().map(|told| told.event).collect::<Vec<_>>(),
        [EventKind::Started, EventKind::Completed]
    );
    assert_eq!(told[0].state, DeliveryState::Failed);
    assert!(told[0].attempts[0].error.as_deref().unwrap().contains("Connection refused"));
}

#[tokio::test]
async fn the_second_version_left_leases_delays_and_webhooks_that_are_all_there() {
    let (_folder, store) = upgraded("0002").await;
    assert_eq!(runs(&store, "w1").await.len(), 4, "what the first version left");
    let of_second = runs(&store, "w2").await;
    let [waiting, leased, _error] = &of_second[..] else { panic!("{of_second:?}") };
    assert_eq!((leased.status.as_str(), leased.attempt), ("STARTED", 2));
    let lease = leased.lease_until.unwrap();
    assert!(
        store
            .expired(Some(lease..=at(i64::MAX)), 10)
            .await
            .unwrap()
            .iter()
            .all(|key| key.run_id != leased.id)
    );
    assert!(store.renew(&leased.id, 2, at(lease.as_unix_millis() + 1)).await.unwrap());
    let found = store.waiting_runs(0, 10).await.unwrap();
    let found = found.iter().find(|run| run.key.run_id == waiting.id).unwrap();
    assert_eq!((waiting.status.as_str(), found.not_before), ("QUEUED", waiting.not_before));
    assert!(found.not_before.is_some());

    let pending = store.pending(0, 10).await.unwrap();
    assert_eq!(pending.iter().map(|due| &due.run_id).collect::<Vec<_>>(), [&leased.id], "it is sent now");
    assert_eq!((pending[0].event, pending[0].step), (EventKind::Started, 0));
    let told = &store.deliveries(&waiting.id).await.unwrap()[0];
    assert_eq!((told.state, told.attempts[0].status), (DeliveryState::Delivered, Some(204)));
    let events = store.events(&Scope::Run(leased.id.clone()), 0, 10).await.unwrap();
    assert_eq!(events.len(), 4);
}

#[tokio::test]
async fn the_third_version_left_a_message_in_the_middle_of_its_schedule() {
    let (_folder, store) = upgraded("0003").await;
    let of_second = runs(&store, "w2").await;
    assert_eq!((of_second.len(), runs(&store, "w1").await.len()), (3, 4), "what earlier ones left");
    let pending = store.pending(0, 10).await.unwrap();
    let steps: Vec<_> = pending.iter().map(|due| (due.run_id.as_str(), due.step)).collect();
    assert_eq!(steps, [(of_second[1].id.as_str(), 2)]);
    let told = &store.deliveries(&of_second[1].id).await.unwrap()[0];
    assert_eq!(told.attempts.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(500), None]);
    let since = ListQuery { since: Some(of_second[1].created_at), ..query(10) };
    let listed = store.list(&workflow("w2"), &since).await.unwrap();
    assert_eq!(ids(listed), [of_second[0].id.as_str(), of_second[1].id.as_str()]);
}

#[tokio::test]
async fn outputs_that_earlier_versions_saved_are_measured_once() {
    let (_folder, store) = upgraded("0003").await;
    let unmeasured = store.unmeasured(10).await.unwrap();
    let [(run_id, attempt)] = &unmeasured[..] else { panic!("{unmeasured:?}") };
    assert_eq!(*attempt, 1);
    let limits = Limits { output_bytes: Some(10), ..Limits::default() };
    assert_eq!(store.cuts(Removable::Outputs, &limits).await.unwrap(), Cuts::default());
    store.measured(run_id, 11).await.unwrap();
    assert_eq!(store.unmeasured(10).await.unwrap(), []);
    let cuts = store.cuts(Removable::Outputs, &limits).await.unwrap();
    let found = store.removable(Removable::Outputs, None, cuts.newest().unwrap(), 10).await.unwrap();
    assert_eq!(found.iter().map(|run| (&run.run_id, run.output_bytes)).collect::<Vec<_>>(), [(run_id, 11)]);
}

#[tokio::test]
async fn the_fourth_version_left_one_owner_who_has_everything() {
    let (_folder, store) = upgraded("0004").await;
    assert_eq!(
        (runs(&store, "w1").await.len(), runs(&store, "w2").await.len()),
        (4, 3),
        "what earlier ones left"
    );
    let [run] = &runs(&store, "w3").await[..] else { panic!("one run") };
    assert_eq!((run.owner.as_str(), run.status.as_str()), ("local", "COMPLETED"));
    let workflows = store.workflows(&Owner::local(), &query(10)).await.unwrap().items;
    let names: Vec<_> = workflows.iter().map(|workflow| workflow.id.as_str()).collect();
    assert_eq!(names, ["w3", "w2", "w1"], "newest first, as before");

    let digests = store.digests().await.unwrap();
    let [digest] = &digests[..] else { panic!("{digests:?}") };
    assert_eq!(digest.sha256, Sha256Hex::of(b"cicu_tyJ5lTs0IehMy_3kLcq0pItzB5AFg6o5h2Rzeoro"));
    assert_eq!(Some(&digest.key.id), run.api_key_id.as_ref());
    assert_eq!(
        (digest.key.owner.as_str(), digest.key.scopes.to_string().as_str()),
        ("local", "run,read,admin")
    );

    let again = claim_of("once", run.created_at);
    assert_eq!(store.claimed(&again).await.unwrap(), Claimed::Other, "the owner's key is taken");
    let path = DestPath::parse("/input/photo.jpg").unwrap();
    let sha256 = store.input(&workflow("w3"), &path).await.unwrap().unwrap();
    assert!(store.has_upload(&Owner::local(), &sha256).await.unwrap(), "a run came with it");

    let ended = Day::of(run.completed_at.unwrap());
    let rows = store.usage(&UsageQuery { from: ended, to: ended, owner: None }).await.unwrap();
    let row = rows.iter().find(|row| row.workflow_id.as_str() == "w3").unwrap();
    assert_eq!((row.completed, row.key_id.as_ref()), (1, Some(&digest.key.id)));
}

fn claim_of(key: &str, oldest: Timestamp) -> IdempotencyClaim {
    IdempotencyClaim { key: key.to_owned(), ..claim("local", b"another request", oldest.as_unix_millis()) }
}

#[tokio::test]
async fn a_store_of_a_later_version_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    let error = SqliteStore::open(&file, Arc::new(Heard::default())).await.unwrap_err();
    insta::assert_snapshot!(error, @"the database was written by a later version of comfyicu-server: its format is 1000, and this one knows 7; start that version");
    assert!(!SqliteStore::is_current(&file).await.unwrap());
}

#[tokio::test]
async fn a_store_is_of_this_version_once_it_was_opened_by_it() {
    let (folder, store) = upgraded("0001").await;
    let file = folder.path().join("runs.db");
    assert!(SqliteStore::is_current(&file).await.unwrap());
    store.close().await;
    // As an earlier version leaves it that was started once more, and failed.
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, success BOOLEAN NOT NULL)")
        .unwrap();
    drop(connection);
    let again = SqliteStore::open(&file, Arc::new(Heard::default())).await.unwrap();
    assert_eq!(runs(&again, "w1").await.len(), 4);
    let left = format!("{}/../../tests/data/stores/0001.db", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(left, &file).unwrap();
    assert!(!SqliteStore::is_current(&file).await.unwrap());
}
