//! Who is next, and who waits how long.

use std::sync::Arc;

use comfyicu_model::WorkflowId;
use proptest::prelude::*;

use super::*;
use crate::owner::Owner;
use crate::store::RunKey;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn run(seq: i64, workflow_id: &str, accelerator: &str) -> WaitingRun {
    let workflow_id = WorkflowId::parse(workflow_id).unwrap();
    let key =
        RunKey { owner: Owner::local(), workflow_id, run_id: RunId::parse(&format!("r{seq}")).unwrap() };
    WaitingRun {
        seq,
        key,
        accelerator: accelerator.to_owned(),
        has_files: false,
        not_before: None,
        record: None,
    }
}

fn with_files(seq: i64) -> WaitingRun {
    WaitingRun { has_files: true, ..run(seq, "w", "CPU") }
}

fn take(queue: &Queue<&'static str>) -> Option<i64> {
    queue.take(|_| true, at(0)).map(|(run, _)| run.seq)
}

fn drain(queue: &Queue<&'static str>) -> Vec<i64> {
    std::iter::from_fn(|| take(queue)).collect()
}

#[test]
fn workflows_take_turns_and_each_keeps_its_order() {
    let queue = Queue::default();
    for seq in 1..=4 {
        queue.push(run(seq, "busy", "CPU"));
    }
    queue.push(run(5, "small", "CPU"));
    queue.push(run(6, "other", "CPU"));
    assert_eq!(drain(&queue), [1, 5, 6, 2, 3, 4]);
}

#[test]
fn an_executor_gets_what_it_serves() {
    let queue = Queue::<()>::default();
    queue.push(run(1, "w", "H100"));
    queue.push(run(2, "w", "CPU"));
    let taken = queue.take(|accelerator| accelerator == "CPU", at(0)).unwrap().0;
    assert_eq!(taken.seq, 2);
    assert!(queue.take(|accelerator| accelerator == "CPU", at(0)).is_none());
    assert_eq!(queue.take(|_| true, at(0)).unwrap().0.seq, 1);
}

#[test]
fn few_wait_with_their_records_and_none_that_come_back() {
    let queue = Queue::default();
    let record = Arc::new(crate::run::tests::accepted());
    for seq in 0..100 {
        queue.push(WaitingRun { record: Some(Arc::clone(&record)), ..run(seq, "w", "CPU") });
    }
    let (first, _) = queue.take(|_| true, at(0)).unwrap();
    assert!(first.record.is_some());
    queue.push_later(first, at(0));
    let waiting = std::iter::from_fn(|| queue.take(|_| true, at(0)));
    let carried = waiting.filter(|(run, _): &(WaitingRun, Option<()>)| run.record.is_some()).count();
    assert_eq!(carried, RECORDS_AT_HAND - 1);
}

#[test]
fn a_download_holds_up_nobody_else() {
    let queue = Queue::default();
    queue.push(with_files(1));
    queue.push(run(2, "w", "CPU"));
    let first = queue.next_to_fetch().unwrap();
    assert_eq!((first.seq, queue.next_to_fetch()), (1, None), "each is fetched once");
    assert_eq!(take(&queue), Some(2));
    assert_eq!(take(&queue), None);
    queue.fetched(&first, "files");
    let (taken, prepared) = queue.take(|_| true, at(0)).unwrap();
    assert_eq!((taken.seq, prepared), (1, Some("files")));
}

#[test]
fn what_is_delayed_waits_and_then_stands_where_it_stood() {
    let queue = Queue::<()>::default();
    queue.push_later(run(1, "w", "CPU"), at(100));
    queue.push(run(2, "w", "CPU"));
    queue.push(run(3, "w", "CPU"));
    let take = |now| queue.take(|_| true, at(now)).map(|(run, _)| run.seq);
    assert_eq!(queue.position(&run(1, "w", "CPU").key.run_id), None);
    assert_eq!((take(99), take(100), take(100), take(100)), (Some(2), Some(1), Some(3), None));
}

#[test]
fn a_run_is_in_the_queue_once_and_can_be_taken_out() {
    let queue = Queue::default();
    for seq in [1, 2, 1] {
        queue.push(run(seq, "w", "CPU"));
    }
    queue.push_later(run(3, "w", "CPU"), at(5));
    queue.remove(&run(1, "w", "CPU").key.run_id);
    queue.remove(&run(3, "w", "CPU").key.run_id);
    assert_eq!(drain(&queue), [2]);
    assert!(queue.take(|_| true, at(9)).is_none());
    assert!(queue.lock().places.is_empty() && queue.lock().lines.is_empty());
}

#[tokio::test]
async fn whoever_looked_too_early_is_woken() {
    let queue = Queue::default();
    let ready = queue.ready();
    assert_eq!(take(&queue), None);
    queue.push(run(1, "w", "CPU"));
    ready.await;
    assert_eq!(take(&queue), Some(1));

    let (ready, unfetched) = (queue.ready(), queue.unfetched());
    assert!(queue.next_to_fetch().is_none());
    queue.push(with_files(2));
    unfetched.await;
    let waiting = queue.next_to_fetch().unwrap();
    queue.fetched(&waiting, "files");
    ready.await;
    assert_eq!(take(&queue), Some(2));
}

proptest! {
    /// The position that is told is the number of runs that are then taken before.
    #[test]
    fn positions_come_true(workflows in proptest::collection::vec(0..4_u8, 1..40), taken in 0..10_usize) {
        let queue = Queue::default();
        for (seq, workflow) in (1..).zip(&workflows) {
            queue.push(run(seq, &format!("w{workflow}"), "CPU"));
        }
        for _ in 0..taken {
            take(&queue);
        }
        let positions: HashMap<i64, usize> = (1..=i64::try_from(workflows.len()).unwrap())
            .filter_map(|seq| Some((seq, queue.position(&run(seq, "w", "CPU").key.run_id)?)))
            .collect();
        let order = drain(&queue);
        prop_assert_eq!(order.len(), positions.len());
        for (position, seq) in order.into_iter().enumerate() {
            prop_assert_eq!(positions.get(&seq), Some(&position));
        }
    }
}
