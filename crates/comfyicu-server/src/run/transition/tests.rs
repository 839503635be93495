//! The state machine, step by step and in any interleaving.

use comfyicu_model::RunId;
use proptest::prelude::*;

use super::*;
use crate::run::tests::accepted;

const LEASE: Duration = Duration::from_secs(30);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn done() -> Outcome {
    Outcome::Files(Vec::new())
}

#[test]
fn a_run_goes_its_way_and_ends_once() {
    let queued = accepted();
    assert!(queued.finish(done(), Costs::default(), at(1)).is_none());
    assert!(queued.lose(Loss::Gone, at(1)).is_none());
    let started = queued.start("CPU", at(2), LEASE).unwrap();
    assert_eq!(started.lease_until, Some(at(30_002)));
    assert!(started.start("CPU", at(3), LEASE).is_none());
    let ended = started.finish(done(), Costs::default(), at(4)).unwrap();
    assert_eq!((ended.status.as_str(), ended.completed_at), ("COMPLETED", Some(at(4))));
    assert!(ended.start("CPU", at(5), LEASE).is_none() && ended.lose(Loss::Stopped, at(5)).is_none());
    assert!(ended.finish(done(), Costs::default(), at(6)).is_none() && ended.cancel(at(6)).is_none());
}

#[test]
fn a_second_attempt_has_another_token_and_its_start_is_not_told_again() {
    let first = accepted().start("CPU", at(1), LEASE).unwrap();
    let second = first.lose(Loss::Stopped, at(2)).unwrap().start("CPU", at(3), LEASE).unwrap();
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(first.is_told() && !second.is_told());
    assert!(second.finish(done(), Costs::default(), at(4)).unwrap().is_told());
}

#[test]
fn what_waits_and_what_runs_can_be_cancelled_and_says_so() {
    for run in [accepted(), accepted().start("CPU", at(1), LEASE).unwrap()] {
        let cancelled = run.cancel(at(9)).unwrap();
        assert_eq!((cancelled.status.as_str(), cancelled.completed_at), ("CANCELLED", Some(at(9))));
        assert!(cancelled.is_told() && cancelled.outcome.is_none() && cancelled.cancel(at(10)).is_none());
    }
}

#[test]
fn a_lost_run_waits_longer_each_time_and_not_for_ever() {
    let mut run = accepted();
    let mut waits = Vec::new();
    loop {
        run = run.start("CPU", at(0), LEASE).unwrap().lose(Loss::Gone, at(0)).unwrap();
        let Some(not_before) = run.not_before else { break };
        waits.push(not_before.as_unix_millis() / 1000);
    }
    assert_eq!(run.status, RunStatus::Error);
    assert_eq!(waits.len(), 19);
    assert_eq!(waits[..4], [1, 2, 4, 8]);
    assert_eq!(waits[18], 300);
    let stopped = accepted().start("CPU", at(0), LEASE).unwrap().lose(Loss::Stopped, at(0)).unwrap();
    assert_eq!(stopped.not_before, None, "a restart of the server is nobody's fault");
}

/// What can happen to a run, by whom.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Finish(usize, bool),
    Lose(usize),
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Start),
        3 => (0..4_usize, any::<bool>()).prop_map(|(worker, well)| Step::Finish(worker, well)),
        2 => (0..4_usize).prop_map(Step::Lose),
        1 => Just(Step::Cancel),
    ]
}

/// The stored run, and the workers that still believe that it is theirs.
#[derive(Debug)]
struct World {
    stored: RunRecord,
    workers: Vec<RunRecord>,
    ends: usize,
}

impl World {
    /// What the store does: it takes a change only over the status and attempt that it began from.
    fn commit(&mut self, before: &RunRecord, after: Option<RunRecord>) {
        let Some(after) = after else { return };
        if (&self.stored.status, self.stored.attempt) == (&before.status, before.attempt) {
            self.ends += usize::from(after.status.is_terminal());
            self.stored = after;
        }
    }

    fn take(&mut self, step: Step, now: Timestamp) {
        let worker = |index: usize, workers: &[RunRecord]| workers.get(index % workers.len().max(1)).cloned();
        match step {
            Step::Start => {
                let before = self.stored.clone();
                let started = before.start("CPU", now, LEASE);
                self.workers.extend(started.clone());
                self.commit(&before, started);
            }
            Step::Finish(index, well) => {
                let Some(before) = worker(index, &self.workers) else { return };
                let failed = || Outcome::of_losses(&RunId::parse("r1").unwrap(), 1);
                let outcome = if well { done() } else { failed() };
                let after = before.finish(outcome, Costs::default(), now);
                self.commit(&before, after);
            }
            Step::Lose(index) => {
                let Some(before) = worker(index, &self.workers) else { return };
                let after = before.lose(Loss::Gone, now);
                self.commit(&before, after);
            }
            Step::Cancel => {
                let before = self.stored.clone();
                let after = before.cancel(now);
                self.commit(&before, after);
            }
        }
    }
}

proptest! {
    /// Whatever workers, losses and cancels do, and in whatever order: a run ends at most once, what has
    /// ended stays as it is, and attempts only grow.
    #[test]
    fn a_run_ends_once_in_any_interleaving(steps in proptest::collection::vec(step(), 0..60)) {
        let mut world = World { stored: accepted(), workers: Vec::new(), ends: 0 };
        let mut ended: Option<RunRecord> = None;
        for (now, step) in steps.into_iter().enumerate() {
            let attempt = world.stored.attempt;
            world.take(step, at(i64::try_from(now).unwrap()));
            prop_assert!(world.stored.attempt >= attempt && world.stored.attempt <= MAX_ATTEMPTS);
            prop_assert!(world.ends <= 1);
            prop_assert_eq!(world.ends == 1, world.stored.status.is_terminal());
            prop_assert_eq!(world.stored.completed_at.is_some(), world.stored.status.is_terminal());
            if let Some(ended) = &ended {
                prop_assert_eq!(ended, &world.stored);
            }
            ended = world.stored.status.is_terminal().then(|| world.stored.clone());
        }
        // Left alone, every run comes to its end: nothing is lost on the way.
        let mut now = 1_000;
        while !world.stored.status.is_terminal() {
            let step = if world.stored.status == RunStatus::Queued { Step::Start } else { Step::Finish(world.workers.len() - 1, true) };
            world.take(step, at(now));
            now += 1;
            prop_assert!(now < 1_010);
        }
        prop_assert_eq!(world.ends, 1);
    }
}
