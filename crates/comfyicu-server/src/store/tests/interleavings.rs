//! Whatever submits, workers, losses, cancels and crashes do, and in whatever order: no accepted run is lost,
//! each ends once, and each change that is told has its message.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

/// How many runs there are at most.
const RUNS: usize = 3;
/// How many interleavings are tried.
const CASES: usize = 24;

/// What can happen. A worker is one of those that ever began a run, and may be long out of date.
#[derive(Clone, Copy, Debug)]
enum Step {
    Submit(usize),
    Lease(usize),
    Heartbeat(usize),
    HeartbeatLoss(usize),
    Complete(usize),
    Cancel(usize),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..RUNS).prop_map(Step::Submit),
        4 => (0..RUNS).prop_map(Step::Lease),
        1 => (0..8_usize).prop_map(Step::Heartbeat),
        2 => (0..8_usize).prop_map(Step::HeartbeatLoss),
        2 => (0..8_usize).prop_map(Step::Complete),
        1 => (0..RUNS).prop_map(Step::Cancel),
        1 => Just(Step::Crash),
    ]
}

fn id(number: usize) -> String {
    format!("r{number}")
}

/// The store, and the workers that believe that a run is theirs.
struct World<B: Backend> {
    backend: B,
    store: B::Store,
    submitted: [bool; RUNS],
    workers: Vec<RunRecord>,
    now: i64,
    messages: usize,
}

impl<B: Backend> World<B> {
    async fn new() -> Self {
        let backend = B::default();
        let store = backend.open().await;
        Self { backend, store, submitted: [false; RUNS], workers: Vec::new(), now: 0, messages: 0 }
    }

    async fn stored(&self, number: usize) -> Option<RunRecord> {
        let run = run(&id(number), "w1", 0);
        self.store.get(&run.key()).await.unwrap()
    }

    fn worker(&self, number: usize) -> Option<RunRecord> {
        self.workers.get(number % self.workers.len().max(1)).cloned()
    }

    async fn change(&mut self, before: &RunRecord, after: Option<RunRecord>) -> bool {
        let Some(after) = after else { return false };
        self.messages += 1;
        let told = after.is_told().then(|| message(&self.messages.to_string()));
        self.store.change(before, &after, told).await.unwrap()
    }

    async fn take(&mut self, step: Step) {
        self.now += 1;
        let now = at(self.now);
        match step {
            Step::Submit(number) if self.submitted[number] => {}
            Step::Submit(number) => {
                self.store.insert(run(&id(number), "w1", self.now).into(), None).await.unwrap();
                self.submitted[number] = true;
            }
            Step::Lease(number) => {
                let Some(before) = self.stored(number).await else { return };
                let started = before.start("CPU", now, LEASE);
                if self.change(&before, started.clone()).await {
                    self.workers.extend(started);
                }
            }
            Step::Heartbeat(number) => {
                let Some(worker) = self.worker(number) else { return };
                let is_its = self.store.renew(&worker.id, worker.attempt, now).await.unwrap();
                let stored = self.store.get(&worker.key()).await.unwrap().unwrap();
                let expected = (&stored.status, stored.attempt) == (&RunStatus::Started, worker.attempt);
                assert_eq!(is_its, expected, "a lease is prolonged for its worker alone");
            }
            Step::HeartbeatLoss(number) => {
                let Some(before) = self.worker(number) else { return };
                let lost = before.lose(Loss::Gone, now);
                self.change(&before, lost).await;
            }
            Step::Complete(number) => {
                let Some(before) = self.worker(number) else { return };
                let ended = before.finish(Outcome::Files(Vec::new()), Costs::default(), now);
                self.change(&before, ended).await;
            }
            Step::Cancel(number) => {
                let Some(before) = self.stored(number).await else { return };
                let cancelled = before.cancel(now);
                self.change(&before, cancelled).await;
            }
            Step::Crash => self.crash().await,
        }
    }

    /// The process is gone with all its workers, and the next one puts back what they had.
    async fn crash(&mut self) {
        let store = std::mem::replace(&mut self.store, self.backend.open().await);
        self.backend.close(store).await;
        for key in self.store.expired(None, 100).await.unwrap() {
            let before = self.store.get(&key).await.unwrap().unwrap();
            let back = before.lose(Loss::Stopped, at(self.now));
            assert!(self.change(&before, back).await);
        }
        assert_eq!(self.store.expired(None, 100).await.unwrap(), []);
    }

    /// Lets every run come to its end.
    async fn finish(&mut self) {
        for number in 0..RUNS {
            self.take(Step::Lease(number)).await;
        }
        for number in 0..self.workers.len() {
            self.take(Step::Complete(number)).await;
        }
    }
}

/// The ends among the events of a run.
fn ends(events: &[LifecycleEvent]) -> usize {
    events.iter().filter(|event| event.kind.is_end()).count()
}

async fn check<B: Backend>(steps: &[Step]) {
    let mut world = World::<B>::new().await;
    let mut ended = [const { None::<RunRecord> }; RUNS];
    for step in steps {
        world.take(*step).await;
        for (number, ended) in ended.iter_mut().enumerate() {
            let stored = world.stored(number).await;
            assert_eq!(stored.is_some(), world.submitted[number], "{step:?} of {steps:?}");
            if ended.is_some() {
                assert_eq!(&stored, ended, "what has ended stays as it is: {step:?} of {steps:?}");
            }
            *ended = stored.filter(|run| run.status.is_terminal());
        }
    }
    world.finish().await;
    for number in (0..RUNS).filter(|number| world.submitted[*number]) {
        let run = world.stored(number).await.unwrap();
        assert!(run.status.is_terminal(), "{run:?} after {steps:?}");
        let events = world.store.events(&Scope::Run(run.id.clone()), 0, 1000).await.unwrap();
        assert_eq!((ends(&events), events.last().map(|last| last.kind)), (1, Some(run.last_event())));
        let starts = events.iter().filter(|event| event.kind == EventKind::Started).count();
        let told: Vec<_> =
            world.store.deliveries(&run.id).await.unwrap().iter().map(|told| told.event).collect();
        let expected = [(starts > 0).then_some(EventKind::Started), Some(run.last_event())];
        assert_eq!(told, expected.into_iter().flatten().collect::<Vec<_>>(), "{steps:?}");
    }
}

pub(super) async fn a_run_ends_once_whatever_happens_in_whatever_order<B: Backend>() {
    let (mut runner, steps) = (TestRunner::default(), prop::collection::vec(step(), 0..40));
    for _ in 0..CASES {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        println!("{steps:?}");
        check::<B>(&steps).await;
    }
}
