//! What is in use is never touched, what is over a limit goes, and a crash in between loses nothing.

use std::collections::BTreeSet;

use comfyicu_engine::{Output, OutputKind, OutputSink as _};
use comfyicu_model::{OutputPath, WorkflowId};
use proptest::prelude::*;

use super::*;
use crate::bus::Bus;
use crate::live::Live;
use crate::owner::{Owner, WorkflowKey};
use crate::run::{Costs, Outcome, RunRecord};
use crate::store::{NewDelivery, RunStore as _, Scope, SqliteStore};

/// The moment at which the rules are applied, in milliseconds.
const NOW: i64 = 1_000_000;

/// A run as a test makes it.
#[derive(Clone, Debug)]
struct Made {
    /// How long ago it ended, in seconds; `None` while it is executed, or waits.
    ended: Option<i64>,
    started: bool,
    bytes: usize,
    /// Whether a webhook has not been sent yet.
    untold: bool,
}

/// A store with runs, and their outputs in a folder.
struct World {
    folder: tempfile::TempDir,
    store: SqliteStore,
    outputs: OutputStore,
    runs: Vec<RunRecord>,
}

impl World {
    async fn new(made: &[Made]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            SqliteStore::open(&folder.path().join("runs.db"), Arc::new(Bus::default())).await.unwrap();
        std::fs::create_dir(folder.path().join("outputs")).unwrap();
        let outputs = OutputStore::in_folder(&folder.path().join("outputs")).unwrap();
        let mut world = Self { folder, store, outputs, runs: Vec::new() };
        for (number, made) in made.iter().enumerate() {
            let run = world.make(number, made).await;
            world.runs.push(run);
        }
        world
    }

    async fn make(&self, number: usize, made: &Made) -> RunRecord {
        let run_id = RunId::parse(&format!("r{number}")).unwrap();
        let queued = RunRecord { id: run_id, ..crate::run::tests::accepted() };
        self.store.insert(queued.clone().into(), None).await.unwrap();
        if !made.started && made.ended.is_none() {
            return queued;
        }
        let started = queued.start("CPU", Timestamp::from_unix_millis(0), Duration::ZERO).unwrap();
        assert!(self.store.change(&queued, &started, None).await.unwrap());
        let attempt = self.outputs.begin((&started.id, 1), u64::MAX, Live::default().of_run(started.key()));
        if made.bytes > 0 {
            let path = OutputPath::parse("a/b.bin").unwrap();
            let output = Output::new("1".into(), OutputKind::Output, path, "image/png", vec![7; made.bytes]);
            attempt.save(output).await.unwrap();
        }
        let Some(ended) = made.ended else { return started };
        let saved = attempt.saved();
        let costs = Costs { output_bytes: Some(saved.bytes), ..Costs::default() };
        let now = Timestamp::from_unix_millis(NOW - ended * 1000);
        let ended = started.finish(Outcome::Files(saved.paths), costs, now).unwrap();
        let told = NewDelivery {
            id: format!("msg_{number}"),
            url: "http://example.com/".to_owned(),
            body: String::new(),
        };
        assert!(self.store.change(&started, &ended, made.untold.then_some(told)).await.unwrap());
        ended
    }

    fn collector(&self, rules: RetentionRules) -> Collector {
        Collector { store: Arc::new(self.store.clone()), outputs: self.outputs.clone(), rules }
    }

    async fn collect(&self, rules: &RetentionRules, dry_run: bool) -> (Summary, Vec<String>) {
        let mut told = Vec::new();
        let mut tell = |gone: Collected<'_>| told.push(format!("{:?} {}", gone.what, gone.run.run_id));
        let collector = self.collector(rules.clone());
        let now = Timestamp::from_unix_millis(NOW);
        let summary = collector.collect(now, dry_run, &mut tell).await.unwrap();
        (summary, told)
    }

    /// The runs that are there, and those whose files are.
    async fn left(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut rows, mut files) = (BTreeSet::new(), BTreeSet::new());
        for (number, run) in self.runs.iter().enumerate() {
            if self.store.get(&run.key()).await.unwrap().is_some() {
                rows.insert(number);
            }
            if self.folder.path().join(format!("outputs/r{number}")).exists() {
                files.insert(number);
            }
        }
        (rows, files)
    }
}

/// Which runs go, and which lose their outputs, by the words of the documentation.
fn expected(made: &[Made], rules: &RetentionRules) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut newest_first: Vec<(usize, &Made)> =
        made.iter().enumerate().filter(|(_, run)| run.ended.is_some()).collect();
    newest_first.sort_by_key(|(number, run)| (run.ended, std::cmp::Reverse(*number)));
    let too_old = |run: &Made, age: Option<Duration>| {
        age.is_some_and(|age| run.ended.unwrap() * 1000 > i64::try_from(age.as_millis()).unwrap())
    };
    let goes = |(rank, (_, run)): &(usize, &(usize, &Made))| {
        let too_many = rules.keep_runs.is_some_and(|count| *rank as u64 >= count);
        !run.untold && (too_many || too_old(run, rules.keep_runs_for))
    };
    let runs: BTreeSet<usize> =
        newest_first.iter().enumerate().filter(goes).map(|(_, (number, _))| *number).collect();
    let (mut sum, mut outputs) = (0, BTreeSet::new());
    for (number, run) in newest_first.iter().filter(|(number, run)| !runs.contains(number) && run.bytes > 0) {
        sum += run.bytes as u64;
        let too_much = rules.keep_output_bytes.is_some_and(|bytes| sum > bytes);
        if !run.untold && (too_much || too_old(run, rules.keep_outputs_for)) {
            outputs.insert(*number);
        }
    }
    (runs, outputs)
}

fn made() -> impl Strategy<Value = Made> {
    (prop::option::weighted(0.8, 0_i64..20), any::<bool>(), 0_usize..4, prop::bool::weighted(0.2))
        .prop_map(|(ended, started, bytes, untold)| Made { ended, started, bytes, untold })
}

fn rules() -> impl Strategy<Value = RetentionRules> {
    let age = || prop::option::of((0_u64..22).prop_map(Duration::from_secs));
    (age(), prop::option::of(0_u64..10), age(), prop::option::of(0_u64..12)).prop_map(
        |(keep_runs_for, keep_runs, keep_outputs_for, keep_output_bytes)| RetentionRules {
            keep_runs_for,
            keep_runs,
            keep_outputs_for,
            keep_output_bytes,
            keep_events_for: None,
        },
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_over_a_limit_goes_and_nothing_else(made in prop::collection::vec(made(), 0..14), rules in rules()) {
        block_on(async {
            let world = World::new(&made).await;
            let before = world.left().await;
            let would = world.collect(&rules, true).await;
            prop_assert_eq!(&world.left().await, &before, "a dry run does nothing");

            let (runs, outputs) = expected(&made, &rules);
            let did = world.collect(&rules, false).await;
            prop_assert_eq!(&did, &would, "a dry run says what would be done");
            let all: BTreeSet<_> = (0..made.len()).collect();
            let with_files: BTreeSet<_> = before.1.iter().copied()
                .filter(|number| !runs.contains(number) && !outputs.contains(number)).collect();
            let rows: BTreeSet<_> = all.difference(&runs).copied().collect();
            prop_assert_eq!(world.left().await, (rows, with_files));
            for number in &outputs {
                let run = &world.runs[*number];
                let kept = world.store.get(&run.key()).await.unwrap().unwrap();
                prop_assert!(kept.outputs_removed_at.is_some(), "the run says that its outputs are gone");
            }
            prop_assert_eq!(world.collect(&rules, false).await.0, Summary::default(), "nothing is left to do");
            Ok(())
        })?;
    }
}

fn ended(seconds_ago: i64) -> Made {
    Made { ended: Some(seconds_ago), started: true, bytes: 3, untold: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_between_rows_and_files_is_gone_on_with() {
    let world = World::new(&[ended(5), ended(6), ended(7)]).await;
    let now = Timestamp::from_unix_millis(NOW);
    // As far as a process gets that is killed before the files are gone.
    assert!(world.store.remove(Removable::Run, &world.runs[0].id, now).await.unwrap());
    assert!(world.store.remove(Removable::Outputs, &world.runs[1].id, now).await.unwrap());
    assert!(!world.store.remove(Removable::Outputs, &world.runs[1].id, now).await.unwrap(), "once");
    // And one that is killed after some files are gone.
    assert!(world.store.remove(Removable::Run, &world.runs[2].id, now).await.unwrap());
    world.outputs.remove_run(&world.runs[2].id).await.unwrap();

    let no_rules = RetentionRules::default();
    let (summary, told) = world.collect(&no_rules, true).await;
    assert_eq!((summary.unfinished, told.len()), (3, 0));
    assert_eq!(world.collect(&no_rules, false).await.0, Summary { unfinished: 3, ..Summary::default() });
    assert_eq!(world.left().await, ([1].into(), [].into()));
    assert_eq!(world.collect(&no_rules, false).await.0, Summary::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_removed_are_tried_again() {
    let world = World::new(&[ended(5)]).await;
    let folder = world.folder.path().join("outputs/r0");
    let aside = world.folder.path().join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    // A file where a folder should be cannot be removed as one.
    std::fs::write(&folder, "").unwrap();
    let rules = RetentionRules { keep_runs: Some(0), ..RetentionRules::default() };
    let (summary, _) = world.collect(&rules, false).await;
    assert_eq!((summary.runs, summary.failed), (1, 1));
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(world.collect(&rules, false).await.0, Summary { unfinished: 1, ..Summary::default() });
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_events_go_but_for_the_last_of_each_run() {
    let made = [ended(5), Made { ended: None, ..ended(0) }, Made { untold: true, ..ended(4) }];
    let world = World::new(&made).await;
    let rules = RetentionRules { keep_events_for: Some(Duration::from_secs(1)), ..RetentionRules::default() };
    let would = world.collect(&rules, true).await;
    assert_eq!(world.collect(&rules, false).await, would);
    assert_eq!(would.0, Summary { events: 2, ..Summary::default() });
    let mut left = Vec::new();
    for run in &world.runs {
        let events = world.store.events(&Scope::Run(run.id.clone()), 0, 10).await.unwrap();
        left.push(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>());
    }
    assert_eq!(left, [vec!["completed"], vec!["queued", "started"], vec!["queued", "started", "completed"]]);
    let workflow = WorkflowKey { owner: Owner::local(), id: WorkflowId::parse("w1").unwrap() };
    assert_eq!(world.store.events(&Scope::Workflow(workflow), 0, 10).await.unwrap().len(), 6);
}
