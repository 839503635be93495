//! Runs random prompts here and in a real ComfyUI, and compares what comes out.
//!
//! Each case is one node of a drawn class with drawn inputs, between files that are loaded and nodes that save
//! every result. The same seed draws the same cases; `--keep` stores those that differ in the form of the
//! recordings in `tests/data/pixels`, so that one becomes a test by moving it there.

mod case;
mod files;
mod graph;
mod outcome;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfyicu_engine::{Executor as _, NativeExecutor};
use comfyicu_model::ObjectInfo;
use fastrand::Rng;

use crate::Failure;
use crate::comfyui::ComfyUi;
use case::Case;
use files::Files;

/// Where the input files lie below ComfyUI's folder of inputs.
const FOLDER: &str = "conformance";

/// How many differences are told of each class; all are counted.
const SHOWN: usize = 4;

/// What is drawn, and how often.
struct Plan {
    comfyui: ComfyUi,
    seed: u64,
    cases: u64,
    /// Only these classes; all where there is none.
    classes: Vec<String>,
    keep: Option<PathBuf>,
}

impl Plan {
    /// The address, the seed, the number of cases for each class, the classes with commas between, the folder.
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let [address, seed, cases, classes, keep] = arguments else {
            return Err("needed: ADDRESS SEED CASES CLASSES KEEP".into());
        };
        Ok(Self {
            comfyui: ComfyUi::at(address),
            seed: seed.parse()?,
            cases: cases.parse()?,
            classes: classes.split(',').filter(|class| !class.is_empty()).map(str::to_owned).collect(),
            keep: Some(PathBuf::from(keep)).filter(|keep| !keep.as_os_str().is_empty()),
        })
    }
}

/// How the cases of one class, or of one kind of file, went.
#[derive(Debug, Default)]
struct Tally {
    equal: u64,
    within_one: u64,
    /// Both failed, but with exceptions of other names.
    other_exception: u64,
    different: u64,
    failed_in_both: u64,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let plan = Plan::read(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let executor = NativeExecutor::new();
    let info = runtime.block_on(executor.object_info())?;
    let place = tempfile::tempdir()?;
    let files = Files::draw(plan.seed, place.path())?;
    for (name, bytes) in files.all() {
        plan.comfyui.upload(FOLDER, name, bytes)?;
    }
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for class in classes(&plan, &info) {
        if !plan.comfyui.has(class)? {
            println!("{class} is not in this ComfyUI");
            continue;
        }
        // There are many kinds of files, each of which counts as a class.
        let cases = if class.starts_with("LoadImage") { 8 * plan.cases } else { plan.cases };
        for number in 0..cases {
            let case = draw(&plan, class, number, &info, &files);
            let theirs = outcome::theirs(&plan.comfyui, &case)?;
            let ours = runtime.block_on(outcome::ours(&executor, &case, &files))?;
            let tally = tallies.entry(case.row.clone()).or_default();
            let differences = outcome::differences(&ours, &theirs);
            count(tally, &differences, theirs.failed());
            if !differences.is_equal() && tally.different + tally.other_exception <= SHOWN as u64 {
                println!("{} seed {} case {number}: {differences}", case.row, plan.seed);
            }
            if let Some(keep) = plan.keep.as_deref().filter(|_| !differences.is_equal()) {
                keep_case(keep, &plan, &case, number, &theirs, &files)?;
            }
        }
    }
    print(&tallies);
    Ok(())
}

fn classes<'i>(plan: &Plan, info: &'i ObjectInfo) -> Vec<&'i str> {
    let wanted = |class: &&str| plan.classes.is_empty() || plan.classes.iter().any(|wanted| wanted == class);
    info.class_types().filter(wanted).collect()
}

fn draw(plan: &Plan, class: &str, number: u64, info: &ObjectInfo, files: &Files) -> Case {
    // Each case can be drawn by itself.
    let name = class.bytes().fold(plan.seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut rng = Rng::with_seed(name.wrapping_mul(1_000_003).wrapping_add(number));
    Case::draw(class, number, info, files, &mut rng)
}

fn count(tally: &mut Tally, differences: &outcome::Differences, failed: bool) {
    let counter = if differences.is_equal() {
        &mut tally.equal
    } else if differences.only_exceptions() {
        &mut tally.other_exception
    } else if differences.within_one() {
        &mut tally.within_one
    } else {
        &mut tally.different
    };
    *counter += 1;
    tally.failed_in_both += u64::from(failed && (differences.is_equal() || differences.only_exceptions()));
}

fn keep_case(
    keep: &Path,
    plan: &Plan,
    case: &Case,
    number: u64,
    theirs: &outcome::Outcome,
    files: &Files,
) -> Result<(), Failure> {
    let folder = keep.join(format!("{}_{}_{number}", case.row.replace(' ', "_"), plan.seed));
    theirs.store(&folder, case, files)
}

fn print(tallies: &BTreeMap<String, Tally>) {
    println!("| class | cases | equal | within 1/255 | other exception | different | failed in both |");
    println!("|---|---|---|---|---|---|---|");
    let mut all = Tally::default();
    for (row, tally) in tallies {
        print_row(row, tally);
        all.equal += tally.equal;
        all.within_one += tally.within_one;
        all.other_exception += tally.other_exception;
        all.different += tally.different;
        all.failed_in_both += tally.failed_in_both;
    }
    print_row("all", &all);
}

fn print_row(row: &str, tally: &Tally) {
    let Tally { equal, within_one, other_exception, different, failed_in_both } = tally;
    let cases = equal + within_one + other_exception + different;
    println!(
        "| {row} | {cases} | {equal} | {within_one} | {other_exception} | {different} | {failed_in_both} |"
    );
}
