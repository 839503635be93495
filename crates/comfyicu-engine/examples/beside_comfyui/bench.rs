//! Measures nodes, and a real ComfyUI beside them where one is named: `cargo xtask bench native`.
//!
//! Both get the same prompts: an image of a colour that is another one each time, so that nothing can be
//! kept, the node, and a preview of one pixel of its result. What is measured is from handing the prompt over
//! to its end, in this process and over HTTP on this machine. Before, each side runs them for a while, as a server does:
//! what a process grows by when it does something first is not what a node takes. While this process is measured, the
//! other one is at rest.

mod cancel;
mod machine;
mod prompt;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use comfyicu_engine::{Executor as _, InputFile, InputFiles, Job, MemoryOutputs, NativeExecutor, NoEvents};
use comfyicu_model::{DestPath, Prompt, RunId};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::comfyui::ComfyUi;
use machine::{Bandwidth, Peak, processor_time};
use prompt::{FILE, What};

/// How many times each prompt is measured at most; the median counts.
const ROUNDS: usize = 5;

/// How long each side runs a prompt before it is measured, at least once: so long that what is kept of results has its
/// full size, and that memory of one result goes to the next.
const WARM_UP: Duration = Duration::from_millis(400);

/// How long the other process gets to come to rest.
const PATIENCE: Duration = Duration::from_secs(1);

/// No further round begins when both sides together have taken so long: so all of it takes about a quarter of an hour.
const ENOUGH: Duration = Duration::from_secs(2);

/// The largest batch that is measured, in pixels.
const MAX_PIXELS: u64 = 8 * 2048 * 2048;

/// What is measured, and beside what.
struct Plan {
    comfyui: Option<ComfyUi>,
    /// The process of the real ComfyUI, to see its memory and its processor time.
    pid: Option<u32>,
    sides: Vec<u32>,
    /// The real ComfyUI that was started for this, and is stopped behind it.
    started: Option<Started>,
    /// What the names of the prompts have in them that are measured.
    only: String,
}

impl Plan {
    /// The address, the sides with commas between, the process, the script, a part of names; each may be empty.
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let [comfyui, sides, pid, script, only] = arguments else {
            return Err("needed: ADDRESS SIDES PID SCRIPT NAME".into());
        };
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let started = given(script).map(|script| Started::new(script.into())).transpose()?;
        let pid = given(pid).map(|pid| pid.parse()).transpose()?;
        let (comfyui, pid) = match (given(comfyui), &started) {
            (None, Some(started)) => (Some(format!("127.0.0.1:{PORT}")), started.pid),
            (given, _) => (given, pid),
        };
        Ok(Self {
            comfyui: comfyui.map(|address| ComfyUi::at(&address)),
            pid,
            sides: sides.split(',').map(str::parse).collect::<Result<_, _>>()?,
            started,
            only: only.clone(),
        })
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if arguments.first().is_some_and(|what| what == "first") {
        return first_image();
    }
    let plan = Plan::read(arguments)?;
    let bench = Bench::new(&plan)?;
    println!(
        "memory bandwidth: {:.1} GB/s (a copy on all processors, bytes read and written)",
        bench.bandwidth.0
    );
    println!(
        "| prompt | side | batch | native, ms | ComfyUI, ms | times as fast | the node alone | times less processor time | of bandwidth | peak, MiB | ComfyUI's peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for side in &plan.sides {
        for batch in [1, 8] {
            if u64::from(*side).pow(2) * u64::from(batch) <= MAX_PIXELS.max(u64::from(*side).pow(2)) {
                bench.size(*side, batch)?;
            }
        }
    }
    if !plan.only.is_empty() {
        return Ok(());
    }
    first(plan.started.as_ref())?;
    cancel::run()
}

/// Both sides, ready to run.
struct Bench<'p> {
    plan: &'p Plan,
    runtime: Runtime,
    executor: NativeExecutor,
    bandwidth: Bandwidth,
    place: tempfile::TempDir,
}

/// What is measured, at one size.
struct Case {
    what: What,
    side: u32,
    batch: u32,
    /// The file that it reads.
    picture: Option<Vec<u8>>,
}

impl Case {
    fn new(what: What, side: u32, batch: u32) -> Result<Self, Failure> {
        let picture = what.reads_file().then(|| prompt::picture(side)).transpose()?;
        Ok(Self { what, side, batch, picture })
    }

    fn prompt(&self, turn: u32) -> String {
        // The first colours are those of other prompts.
        self.what.prompt(self.side, self.batch, turn + 3)
    }

    /// A file of its own bytes for each turn, so that nothing can be kept: what stands behind its end.
    fn file(&self, turn: u32) -> Option<Vec<u8>> {
        let picture = self.picture.as_ref()?;
        Some([picture, turn.to_le_bytes().as_slice()].concat())
    }
}

/// The medians of both sides in milliseconds, and their peaks in MiB.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    own: f64,
    theirs: Option<f64>,
    own_peak: Option<u64>,
    their_peak: Option<u64>,
    /// How much more processor time the other side took for all its rounds.
    processor: Option<f64>,
}

impl<'p> Bench<'p> {
    fn new(plan: &'p Plan) -> Result<Self, Failure> {
        Ok(Self {
            plan,
            runtime: tokio::runtime::Builder::new_multi_thread().build()?,
            executor: NativeExecutor::new(),
            bandwidth: Bandwidth::measure()?,
            place: tempfile::tempdir()?,
        })
    }

    /// Measures everything at one size.
    fn size(&self, side: u32, batch: u32) -> Result<(), Failure> {
        let empty = self.measure(&Case::new(What::NONE, side, batch)?)?;
        for what in What::all().filter(|what| what.name().contains(&self.plan.only)) {
            if what.reads_file() && batch > 1 {
                continue;
            }
            let case = Case::new(what, side, batch)?;
            let measured = if what == What::NONE { empty } else { self.measure(&case)? };
            self.print(what, (side, batch), measured, empty);
        }
        Ok(())
    }

    fn measure(&self, case: &Case) -> Result<Measured, Failure> {
        let mut turn = self.warm_up(case)?;
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        let started = Instant::now();
        let (peak, their_peak) = (Peak::of(std::process::id()), self.plan.pid.map(Peak::of));
        let both = [Some(std::process::id()), self.plan.pid];
        let before = both.map(|pid| pid.and_then(processor_time));
        while own.len() < ROUNDS && (own.is_empty() || started.elapsed() < ENOUGH) {
            self.plan.pid.inspect(|pid| machine::wait_for_rest(*pid, PATIENCE));
            own.push(self.native(case, turn)?);
            theirs.extend(self.comfyui(case, turn)?);
            turn += 1;
        }
        let after = both.map(|pid| pid.and_then(processor_time));
        let [own_time, their_time] = [0, 1].map(|side| Some(after[side]?.saturating_sub(before[side]?)));
        let ratio = |(theirs, own): (Duration, Duration)| theirs.as_secs_f64() / own.as_secs_f64();
        Ok(Measured {
            // The processor's clock ticks a hundred times a second.
            processor: their_time.zip(own_time.filter(|own| own.as_millis() >= 50)).map(ratio),
            own: median(own),
            theirs: (!theirs.is_empty()).then(|| median(theirs)),
            own_peak: peak.mib(),
            their_peak: their_peak.and_then(|peak| peak.mib()),
        })
    }

    /// Runs a case on each side for a while, and says how many turns it has had.
    fn warm_up(&self, case: &Case) -> Result<u32, Failure> {
        let mut turn = 0;
        let started = Instant::now();
        while started.elapsed() < WARM_UP {
            self.native(case, turn)?;
            turn += 1;
        }
        let started = Instant::now();
        while started.elapsed() < WARM_UP && self.comfyui(case, turn)?.is_some() {
            turn += 1;
        }
        Ok(turn)
    }

    fn native(&self, case: &Case, turn: u32) -> Result<Duration, Failure> {
        let mut inputs = InputFiles::default();
        if let Some(file) = case.file(turn) {
            let path = self.place.path().join(FILE);
            std::fs::write(&path, file)?;
            inputs = InputFiles::from_iter([(DestPath::input(FILE)?, InputFile::of(path)?)]);
        }
        let prompt = case.prompt(turn);
        let started = Instant::now();
        execute(&self.runtime, &self.executor, &prompt, inputs, &CancellationToken::new())?;
        Ok(started.elapsed())
    }

    /// The time that the other side takes, where there is one.
    fn comfyui(&self, case: &Case, turn: u32) -> Result<Option<Duration>, Failure> {
        let Some(comfyui) = &self.plan.comfyui else { return Ok(None) };
        if let Some(file) = case.file(turn) {
            comfyui.upload("", FILE, &file)?;
        }
        comfyui.time(&case.prompt(turn)).map(Some)
    }

    fn print(&self, what: What, (side, batch): (u32, u32), measured: Measured, empty: Measured) {
        let Measured { own, theirs, own_peak, their_peak, processor } = measured;
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let net = own - empty.own;
        let alone = theirs.zip(empty.theirs).filter(|_| net > 0.05 && what.is_node());
        let part = what.bytes(side, batch).filter(|_| net > 0.05);
        println!(
            "| {} | {side} | {batch} | {own:.1} | {} | {} | {} | {} | {} | {} | {} |",
            what.name(),
            shown(theirs.map(|theirs| format!("{theirs:.1}"))),
            shown(theirs.map(|theirs| format!("{:.1}", theirs / own))),
            shown(alone.map(|(theirs, empty)| format!("{:.1}", (theirs - empty) / net))),
            shown(processor.map(|times| format!("{times:.1}"))),
            shown(part.map(|bytes| format!("{:.0} %", self.bandwidth.part(bytes, net) * 100.0))),
            shown(own_peak.map(|peak| peak.to_string())),
            shown(their_peak.map(|peak| peak.to_string())),
        );
    }
}

/// The port of the real ComfyUI that is started for this.
const PORT: &str = "18719";

/// A real ComfyUI that was started by a script, which is called with `start PORT` and `stop PORT`.
struct Started {
    script: PathBuf,
    pid: Option<u32>,
    /// How long after its start it had made an image.
    first_image: Duration,
}

impl Started {
    fn new(script: PathBuf) -> Result<Self, Failure> {
        let began = Instant::now();
        let answer = Command::new("bash").arg(&script).args(["start", PORT]).output()?;
        let text = String::from_utf8_lossy(&answer.stdout);
        if !answer.status.success() {
            return Err(format!("{} did not start a ComfyUI: {text}", script.display()).into());
        }
        let mut words = text.split_whitespace();
        let pid =
            words.find(|word| *word == "pid").and_then(|_| words.next()).and_then(|pid| pid.parse().ok());
        let mut started = Self { script, pid, first_image: Duration::ZERO };
        ComfyUi::at(&format!("127.0.0.1:{PORT}")).time(&What::Save.prompt(64, 1, 1))?;
        started.first_image = began.elapsed();
        Ok(started)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let stopped = Command::new("bash").arg(&self.script).args(["stop", PORT]).status();
        if !stopped.is_ok_and(|status| status.success()) {
            println!("the ComfyUI on port {PORT} goes on: it could not be stopped");
        }
    }
}

/// How long after the start of a process there is an image.
fn first(started: Option<&Started>) -> Result<(), Failure> {
    let times = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        let status = Command::new(std::env::current_exe()?).args(["bench", "first"]).status()?;
        if status.success() { Ok(started.elapsed()) } else { Err(Failure::from("it failed")) }
    });
    let own = median(times.collect::<Result<_, _>>()?);
    println!("first image from process start: native {own:.1} ms");
    let Some(Started { first_image, .. }) = started else { return Ok(()) };
    let theirs = first_image.as_secs_f64() * 1000.0;
    println!("first image from process start: ComfyUI {theirs:.1} ms, {:.0} times as long", theirs / own);
    Ok(())
}

/// Makes one image and ends: what a process does that was started for it.
fn first_image() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let prompt = What::Save.prompt(64, 1, 1);
    execute(&runtime, &NativeExecutor::new(), &prompt, InputFiles::default(), &CancellationToken::new())
}

fn execute(
    runtime: &Runtime,
    executor: &NativeExecutor,
    prompt: &str,
    inputs: InputFiles,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let job = Job::new(RunId::parse("bench")?, Prompt::parse(prompt.as_bytes())?).inputs(inputs);
    let outputs = MemoryOutputs::default();
    Ok(runtime.block_on(executor.execute(job, &NoEvents, &outputs, cancel))?)
}

/// The median in milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
