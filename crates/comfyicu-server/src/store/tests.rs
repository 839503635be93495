//! What every store must do. A new one gets a `Backend` and a line at the end.

use std::sync::{Arc, Mutex, PoisonError};

use comfyicu_model::OutputPath;

use super::*;
use crate::run::{Costs, EventKind, Loss, Outcome};
use interleavings::a_run_ends_once_whatever_happens_in_whatever_order;
use owners::{
    a_key_is_known_by_its_digest_and_a_secret_is_kept,
    a_key_is_rotated_with_or_without_a_time_to_change_over_and_revoked_once,
    what_ended_runs_used_is_summed_up, what_one_owner_has_is_not_there_for_another,
};
use started::{
    a_run_is_taken_in_and_begun_with_one_change, a_run_that_is_not_taken_in_as_it_was_given_waits,
};

mod interleavings;
mod migrations;
mod owners;
mod started;

const LEASE: std::time::Duration = std::time::Duration::from_secs(30);

/// Keeps what it hears.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Committed>>);

impl Heard {
    fn take(&self) -> Vec<Committed> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Heard {
    fn committed(&self, change: Committed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}

/// A store under test, which can be closed and opened again.
trait Backend: Default {
    type Store: RunStore + Outbox + FileIndex + KeyStore + UsageStore;

    async fn open(&self) -> Self::Store;
    async fn close(&self, store: Self::Store);
    fn heard(&self) -> Vec<Committed>;
}

#[derive(Debug)]
struct Sqlite {
    folder: tempfile::TempDir,
    heard: Arc<Heard>,
}

impl Default for Sqlite {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), heard: Arc::default() }
    }
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.path().join("runs.db"), Arc::clone(&self.heard) as _).await.unwrap()
    }

    async fn close(&self, store: SqliteStore) {
        store.close().await;
    }

    fn heard(&self) -> Vec<Committed> {
        self.heard.take()
    }
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

fn workflow(id: &str) -> WorkflowKey {
    WorkflowKey { owner: Owner::local(), id: WorkflowId::parse(id).unwrap() }
}

fn message(body: &str) -> NewDelivery {
    NewDelivery {
        id: format!("msg_{body}"),
        url: "http://example.com/hook".to_owned(),
        body: body.to_owned(),
    }
}

async fn a_run_comes_back_whole_after_the_store_was_opened_again<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = run("r1", "w1", 5);
    store.insert(queued.clone().into(), None).await.unwrap();
    let started = queued.start("CPU", at(6), LEASE).unwrap();
    assert!(store.change(&queued, &started, None).await.unwrap());
    let costs = Costs { execution_ms: Some(9), ..Costs::default() };
    let ended =
        started.finish(Outcome::Files(vec![OutputPath::parse("a/b.png").unwrap()]), costs, at(7)).unwrap();
    assert!(store.change(&started, &ended, None).await.unwrap());
    backend.close(store).await;

    let store = backend.open().await;
    assert_eq!(store.get(&ended.key()).await.unwrap(), Some(ended.clone()));
    let elsewhere = RunKey { workflow_id: WorkflowId::parse("w2").unwrap(), ..ended.key() };
    assert_eq!(store.get(&elsewhere).await.unwrap(), None, "another workflow does not have it");
}

async fn an_old_attempt_changes_nothing_and_tells_nobody<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = run("r1", "w1", 0);
    store.insert(queued.clone().into(), None).await.unwrap();
    let first = queued.start("CPU", at(1), LEASE).unwrap();
    assert!(store.change(&queued, &first, Some(message("start"))).await.unwrap());
    let again = first.lose(Loss::Stopped, at(2)).unwrap();
    assert!(store.change(&first, &again, None).await.unwrap());
    let second = again.start("CPU", at(3), LEASE).unwrap();
    assert!(store.change(&again, &second, None).await.unwrap());

    let late = first.finish(Outcome::Files(Vec::new()), Costs::default(), at(4)).unwrap();
    assert!(!store.change(&first, &late, Some(message("late"))).await.unwrap());
    assert_eq!(store.get(&second.key()).await.unwrap(), Some(second));
    let ids: Vec<_> = store.deliveries(&first.id).await.unwrap().into_iter().map(|told| told.id).collect();
    assert_eq!(ids, ["msg_start"]);
}

fn ids(page: Page<RunRecord>) -> Vec<String> {
    page.items.into_iter().map(|run| run.id.to_string()).collect()
}

fn query(limit: u32) -> ListQuery {
    ListQuery { limit, ..ListQuery::default() }
}

async fn runs_are_listed_newest_first_page_by_page<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    for number in 1..=5 {
        store.insert(run(&format!("r{number}"), "w1", number).into(), None).await.unwrap();
    }
    store.insert(run("other", "w2", 9).into(), None).await.unwrap();
    let w1 = workflow("w1");
    let mut cursor = None;
    let mut pages = Vec::new();
    loop {
        let page = store.list(&w1, &ListQuery { cursor, ..query(2) }).await.unwrap();
        cursor = page.next;
        pages.push(ids(page));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["r5", "r4"], vec!["r3", "r2"], vec!["r1"]]);
    assert_eq!(store.list(&w1, &query(5)).await.unwrap().next, None, "no empty page at the end");
    let since = ListQuery { since: Some(at(4)), ..query(10) };
    assert_eq!(ids(store.list(&w1, &since).await.unwrap()), ["r5", "r4"]);
    let none = ListQuery { since: Some(at(6)), ..query(10) };
    assert_eq!(ids(store.list(&w1, &none).await.unwrap()), Vec::<String>::new());
}

async fn a_clock_that_is_set_back_makes_no_run_older_than_those_before_it<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    for (id, workflow, millis) in [("r1", "w1", 50), ("r2", "w1", 20), ("r3", "w2", 20), ("r4", "w1", 60)] {
        store.insert(run(id, workflow, millis).into(), None).await.unwrap();
    }
    let w1 = workflow("w1");
    let listed = store.list(&w1, &query(10)).await.unwrap().items;
    let times: Vec<i64> = listed.iter().map(|run| run.created_at.as_unix_millis()).collect();
    assert_eq!(times, [60, 50, 50]);
    let since = ListQuery { since: Some(at(50)), ..query(10) };
    assert_eq!(ids(store.list(&w1, &since).await.unwrap()), ["r4", "r2", "r1"]);
}

async fn runs_are_listed_by_status<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    for id in ["r1", "r2", "r3"] {
        store.insert(run(id, "w1", 0).into(), None).await.unwrap();
    }
    let (before, w1) = (run("r2", "w1", 0), workflow("w1"));
    store.change(&before, &before.cancel(at(1)).unwrap(), None).await.unwrap();
    for (status, expected) in [
        (RunStatus::Cancelled, vec!["r2"]),
        (RunStatus::Queued, vec!["r3", "r1"]),
        (RunStatus::Error, vec![]),
    ] {
        let query = ListQuery { status: Some(status), ..query(10) };
        assert_eq!(ids(store.list(&w1, &query).await.unwrap()), expected);
    }
}

async fn workflows_are_listed_newest_first<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    for (id, workflow) in [("r1", "w1"), ("r2", "w2"), ("r3", "w1")] {
        store.insert(run(id, workflow, 0).into(), None).await.unwrap();
    }
    let page = store.workflows(&Owner::local(), &query(1)).await.unwrap();
    assert_eq!(page.items[0].id.as_str(), "w2");
    let page = store.workflows(&Owner::local(), &ListQuery { cursor: page.next, ..query(1) }).await.unwrap();
    assert_eq!((page.items[0].id.as_str(), page.next), ("w1", None));
    assert!(store.workflow(&workflow("w3")).await.unwrap().is_none());
}

async fn what_waits_is_found_in_the_order_of_acceptance<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    for id in ["r1", "r2", "r3"] {
        store.insert(run(id, "w1", 0).into(), None).await.unwrap();
    }
    let first = run("r1", "w1", 0);
    let started = first.start("CPU", at(1), LEASE).unwrap();
    store.change(&first, &started, None).await.unwrap();
    let waiting = store.waiting_runs(0, 1).await.unwrap();
    assert_eq!((waiting[0].key.run_id.as_str(), waiting[0].has_files), ("r2", true));
    let rest = store.waiting_runs(waiting[0].seq, 10).await.unwrap();
    assert_eq!(rest.iter().map(|run| run.key.run_id.as_str()).collect::<Vec<_>>(), ["r3"]);
    store.change(&started, &started.lose(Loss::Gone, at(2)).unwrap(), None).await.unwrap();
    let again = &store.waiting_runs(0, 1).await.unwrap()[0];
    assert_eq!((again.key.run_id.as_str(), again.not_before), ("r1", Some(at(1_002))), "where it stood");
}

async fn each_change_is_an_event_that_is_told_after_its_commit<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = run("r1", "w1", 0);
    store.insert(queued.clone().into(), None).await.unwrap();
    store.insert(run("r2", "w1", 0).into(), None).await.unwrap();
    let started = queued.start("CPU", at(1), LEASE).unwrap();
    store.change(&queued, &started, None).await.unwrap();
    let lost = started.lose(Loss::Stopped, at(2)).unwrap();
    store.change(&started, &lost, None).await.unwrap();
    store.change(&lost, &lost.cancel(at(3)).unwrap(), None).await.unwrap();
    assert!(!store.change(&lost, &lost.cancel(at(4)).unwrap(), None).await.unwrap());

    let kinds = |events: &[LifecycleEvent]| events.iter().map(|event| event.kind).collect::<Vec<_>>();
    let of_run = store.events(&Scope::Run(queued.id.clone()), 0, 10).await.unwrap();
    let all = [EventKind::Queued, EventKind::Started, EventKind::Queued, EventKind::Cancelled];
    assert_eq!(kinds(&of_run), all);
    assert_eq!((of_run[1].attempt, of_run[1].at), (1, at(1)));
    let rest = store.events(&Scope::Run(queued.id.clone()), of_run[1].seq, 1).await.unwrap();
    assert_eq!(rest, of_run[2..3]);
    let of_workflow = store.events(&Scope::Workflow(queued.key().workflow()), 0, 10).await.unwrap();
    assert_eq!(of_workflow.len(), 5);
    assert!(of_workflow.is_sorted_by_key(|event| event.seq));
    assert_eq!(store.latest_event().await.unwrap(), of_workflow[4].seq);

    let heard = backend.heard();
    assert_eq!(heard.iter().map(|change| change.event.clone()).collect::<Vec<_>>(), of_workflow);
    let waiting: Vec<bool> = heard.iter().map(|change| change.waiting.is_some()).collect();
    assert_eq!(waiting, [true, true, false, true, false]);
    let place = |change: &Committed| change.waiting.as_ref().map(|run| (run.seq, run.key.clone()));
    assert_eq!(place(&heard[0]), place(&heard[3]), "it waits where it stood");
}

async fn a_run_that_waits_is_at_hand_as_the_store_has_it<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let [mut large, mut with_files] = ["large", "with-files"].map(|id| run(id, "w1", 4));
    large.data.insert("note", "x".repeat(1_000_000));
    with_files.files.insert("/input/a.png", "x".repeat(1_000_000));
    for run in [run("r1", "w1", 3), run("set-back", "w1", 2), large, with_files] {
        store.insert(run.into(), None).await.unwrap();
    }
    let mut at_hand = Vec::new();
    for change in backend.heard() {
        let waiting = change.waiting.unwrap();
        if let Some(record) = waiting.record {
            assert_eq!(Some(RunRecord::clone(&record)), store.get(&waiting.key).await.unwrap());
            at_hand.push(record.id.to_string());
        }
    }
    assert_eq!(at_hand, ["r1"], "one that is large, or of another time than it says, is not");
}

async fn a_lease_ends_unless_it_is_prolonged<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = run("r1", "w1", 0);
    store.insert(queued.clone().into(), None).await.unwrap();
    let started = queued.start("CPU", at(0), LEASE).unwrap();
    store.change(&queued, &started, None).await.unwrap();
    assert_eq!(store.expired(Some(at(30_000)..=at(i64::MAX)), 10).await.unwrap(), []);
    assert_eq!(store.expired(Some(at(30_001)..=at(i64::MAX)), 10).await.unwrap(), [started.key()]);
    assert_eq!(store.expired(None, 10).await.unwrap(), [started.key()]);
    let set_back = store.expired(Some(at(0)..=at(29_999)), 10).await.unwrap();
    assert_eq!(set_back, [started.key()], "no lease ends so late, unless the clock was set back");
    assert!(store.renew(&started.id, 1, at(60_000)).await.unwrap());
    assert_eq!(store.expired(Some(at(60_000)..=at(i64::MAX)), 10).await.unwrap(), []);
    assert!(!store.renew(&started.id, 2, at(99_000)).await.unwrap(), "another attempt's");
    let ended = started.finish(Outcome::Files(Vec::new()), Costs::default(), at(9)).unwrap();
    store.change(&started, &ended, None).await.unwrap();
    assert!(!store.renew(&started.id, 1, at(99_000)).await.unwrap(), "it has ended");
    assert_eq!(store.expired(Some(at(99_999)..=at(i64::MAX)), 10).await.unwrap(), []);
}

fn claim(owner: &str, request: &[u8], oldest: i64) -> IdempotencyClaim {
    let (owner, key) = (Owner::parse(owner).unwrap(), "key".to_owned());
    IdempotencyClaim { owner, key, request: Sha256Hex::of(request), oldest: at(oldest) }
}

async fn a_key_makes_one_run_for_its_owner_and_its_time<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let insert = async |id: &str, millis, claim| {
        store.insert(run(id, "w1", millis).into(), Some(claim)).await.unwrap()
    };
    let same = Claimed::Same(RunId::parse("r1").unwrap());
    assert_eq!(insert("r1", 10, claim("a", b"x", 0)).await, Claimed::New);
    assert_eq!(insert("r2", 11, claim("a", b"x", 1)).await, same);
    assert_eq!(store.claimed(&claim("a", b"x", 1)).await.unwrap(), same);
    assert_eq!(insert("r3", 12, claim("a", b"y", 2)).await, Claimed::Other);
    assert_eq!(insert("r4", 13, claim("b", b"y", 3)).await, Claimed::New, "of another owner");
    assert_eq!(insert("r5", 21, claim("a", b"y", 11)).await, Claimed::New, "the first one is forgotten");
    let listed = store.list(&workflow("w1"), &query(10)).await.unwrap();
    assert_eq!(ids(listed), ["r5", "r4", "r1"]);
}

async fn what_is_written_at_once_is_written_whole<B: Backend>() {
    let backend = B::default();
    let store = Arc::new(backend.open().await);
    let insert = async |number: i64| {
        // Every third one is refused: its id is taken.
        let id = if number % 3 == 0 { "taken".to_owned() } else { format!("r{number}") };
        store.insert(run(&id, "w1", number).into(), None).await.is_ok()
    };
    let written = futures_util::future::join_all((0..60).map(insert)).await;
    let expected: Vec<bool> = (0..60).map(|number| number == 0 || number % 3 != 0).collect();
    assert_eq!(written, expected, "one that is refused takes no other with it");
    let listed = store.list(&workflow("w1"), &query(100)).await.unwrap();
    assert_eq!((listed.items.len(), backend.heard().len()), (41, 41));
}

async fn a_message_waits_until_it_arrived_and_can_be_sent_again<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    let queued = run("r1", "w1", 0);
    store.insert(queued.clone().into(), None).await.unwrap();
    let started = queued.start("CPU", at(1), LEASE).unwrap();
    assert!(store.change(&queued, &started, Some(message("start"))).await.unwrap());
    let pending = store.pending(0, 10).await.unwrap();
    assert_eq!(backend.heard()[1].delivery.as_ref(), pending.first(), "it is told with the change");
    let due = &pending[0];
    assert_eq!((due.receiver.as_str(), due.step, due.next_at), ("http://example.com", 0, at(1)));
    assert_eq!(due.event, EventKind::Started);
    let sent = store.message(due.seq).await.unwrap().unwrap();
    assert_eq!((sent.id.as_str(), sent.body.as_str()), ("msg_start", "start"));
    assert!(store.resend(&queued.id, "msg_start", at(2)).await.unwrap().is_none(), "it waits already");

    let failed =
        Attempt { at: at(2), duration_ms: Some(3), status: None, error: Some("no answer".to_owned()) };
    store.attempted(due.seq, failed.clone(), DeliveryState::Pending, Some(at(9))).await.unwrap();
    let again = &store.pending(0, 10).await.unwrap()[0];
    assert_eq!((again.step, again.next_at), (1, at(9)));
    let arrived = Attempt { at: at(9), duration_ms: Some(1), status: Some(200), error: None };
    store.attempted(due.seq, arrived.clone(), DeliveryState::Delivered, None).await.unwrap();
    assert_eq!(store.pending(0, 10).await.unwrap(), []);
    assert_eq!(store.message(due.seq).await.unwrap(), None);

    assert!(store.resend(&queued.id, "msg_other", at(10)).await.unwrap().is_none());
    let resent = store.resend(&queued.id, "msg_start", at(10)).await.unwrap().unwrap();
    assert_eq!((resent.seq, resent.step, resent.next_at), (due.seq, 0, at(10)));
    let records = store.deliveries(&queued.id).await.unwrap();
    assert_eq!((records.len(), records[0].state), (1, DeliveryState::Pending));
    assert_eq!(records[0].attempts, [failed, arrived]);
}

async fn files_and_inputs_are_found_again<B: Backend>() {
    let backend = B::default();
    let store = backend.open().await;
    store.insert(run("r1", "w1", 0).into(), None).await.unwrap();
    let file = FetchedFile {
        sha256: Sha256Hex::of(b"a"),
        bytes: 1,
        etag: Some("\"x\"".to_owned()),
        last_modified: None,
        checked_at: at(7),
    };
    let (ours, theirs) = (Owner::local(), Owner::parse("other").unwrap());
    store.note_fetched(&ours, "http://x/a", &file).await.unwrap();
    assert_eq!(store.fetched(&ours, "http://x/a").await.unwrap(), Some(file.clone()));
    assert_eq!(store.fetched(&theirs, "http://x/a").await.unwrap(), None);
    store.note_upload(&ours, &file.sha256, at(1)).await.unwrap();
    store.note_upload(&ours, &file.sha256, at(2)).await.unwrap();
    assert!(store.has_upload(&ours, &file.sha256).await.unwrap());
    assert!(!store.has_upload(&theirs, &file.sha256).await.unwrap());
    let w1 = workflow("w1");
    let path = DestPath::parse("/input/a.png").unwrap();
    store.note_inputs(&w1, &[(path.clone(), Sha256Hex::of(b"old"))]).await.unwrap();
    store.note_inputs(&w1, &[(path.clone(), Sha256Hex::of(b"new"))]).await.unwrap();
    assert_eq!(store.input(&w1, &path).await.unwrap(), Some(Sha256Hex::of(b"new")));
    let not_ours = WorkflowKey { owner: theirs, ..w1 };
    assert_eq!(store.input(&not_ours, &path).await.unwrap(), None);
}

/// Runs what every store must do with one of them.
macro_rules! contract {
    ($backend:ident, $module:ident: $($name:ident),* $(,)?) => {
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                super::$name::<super::$backend>().await;
            })*
        }
    };
}

contract! {
    Sqlite, sqlite:
    a_run_comes_back_whole_after_the_store_was_opened_again,
    an_old_attempt_changes_nothing_and_tells_nobody,
    runs_are_listed_newest_first_page_by_page,
    runs_are_listed_by_status,
    a_clock_that_is_set_back_makes_no_run_older_than_those_before_it,
    workflows_are_listed_newest_first,
    what_waits_is_found_in_the_order_of_acceptance,
    each_change_is_an_event_that_is_told_after_its_commit,
    a_run_that_waits_is_at_hand_as_the_store_has_it,
    a_lease_ends_unless_it_is_prolonged,
    a_key_makes_one_run_for_its_owner_and_its_time,
    what_is_written_at_once_is_written_whole,
    a_message_waits_until_it_arrived_and_can_be_sent_again,
    files_and_inputs_are_found_again,
    a_key_is_known_by_its_digest_and_a_secret_is_kept,
    a_key_is_rotated_with_or_without_a_time_to_change_over_and_revoked_once,
    what_one_owner_has_is_not_there_for_another,
    what_ended_runs_used_is_summed_up,
    a_run_ends_once_whatever_happens_in_whatever_order,
    a_run_is_taken_in_and_begun_with_one_change,
    a_run_that_is_not_taken_in_as_it_was_given_waits,
}

#[tokio::test]
async fn a_write_for_which_there_is_no_room_fails_and_the_next_one_is_kept() {
    let backend = Sqlite::default();
    let store = backend.open().await;
    store.limit_size().await;
    let mut large = run("r1", "w1", 0);
    large.data.insert("note", "x".repeat(10_000_000));
    assert!(matches!(store.insert(large.clone().into(), None).await, Err(StoreError::Database(_))));
    let small = run("r2", "w1", 1);
    store.insert(small.clone().into(), None).await.unwrap();
    assert_eq!(store.get(&small.key()).await.unwrap(), Some(small));
    assert_eq!(store.get(&large.key()).await.unwrap(), None);
}

#[tokio::test]
async fn what_urls_gave_is_remembered_of_those_that_were_asked_for_last() {
    let backend = Sqlite::default();
    let store = backend.open().await;
    let owner = Owner::local();
    let note = async |number: usize| {
        let file = FetchedFile {
            sha256: Sha256Hex::of(b"a"),
            bytes: 1,
            etag: None,
            last_modified: None,
            checked_at: at(0),
        };
        store.note_fetched(&owner, &format!("http://x/{number}"), &file).await.unwrap();
    };
    let remembered =
        async |number: usize| store.fetched(&owner, &format!("http://x/{number}")).await.unwrap().is_some();
    for number in [0, 1].into_iter().chain([2; 30]) {
        note(number).await;
    }
    assert!(remembered(0).await, "what is noted again and again drives out nothing else");
    for number in 3..30 {
        note(number).await;
        note(0).await;
    }
    assert!(remembered(0).await && remembered(29).await, "asked for just now");
    assert!(!remembered(1).await, "not asked for in a long time");
}
