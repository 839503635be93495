//! Measures nodes, and a real ComfyUI beside them where one is named: `cargo xtask bench native`.
//!
//! Both get the same prompts: an image of a colour that is another one each time, so that nothing can be
//! kept, the node, and a preview of one pixel of its result. What is measured is from handing the prompt over
//! to its end, in this process and over HTTP on this machine.

mod cancel;
mod machine;
mod prompt;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use comfyicu_engine::{Executor as _, InputFile, InputFiles, Job, MemoryOutputs, NativeExecutor, NoEvents};
use comfyicu_model::{DestPath, Prompt, RunId};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::comfyui::ComfyUi;
use machine::{Bandwidth, Peak};
use prompt::{FILE, What};

/// How many times each prompt runs at most; the median counts.
const ROUNDS: usize = 5;

/// No further round begins when both sides together have taken so long.
const ENOUGH: Duration = Duration::from_secs(6);

/// The largest batch that is measured, in pixels.
const MAX_PIXELS: u64 = 8 * 2048 * 2048;

/// What is measured, and beside what.
struct Plan {
    comfyui: Option<ComfyUi>,
    /// The process of the real ComfyUI, to see its memory.
    pid: Option<u32>,
    sides: Vec<u32>,
    /// What starts and stops a real ComfyUI: called with `start PORT` and `stop PORT`.
    script: Option<PathBuf>,
}

impl Plan {
    /// The address, the sides with commas between, the process, the script; each may be empty.
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let [comfyui, sides, pid, script] = arguments else {
            return Err("needed: ADDRESS SIDES PID SCRIPT".into());
        };
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(Self {
            comfyui: given(comfyui).map(|address| ComfyUi::at(&address)),
            pid: given(pid).map(|pid| pid.parse()).transpose()?,
            sides: sides.split(',').map(str::parse).collect::<Result<_, _>>()?,
            script: given(script).map(PathBuf::from),
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
        "| prompt | side | batch | native, ms | ComfyUI, ms | times as fast | the node alone | of bandwidth | peak, MiB | ComfyUI's peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for side in &plan.sides {
        for batch in [1, 8] {
            if u64::from(*side).pow(2) * u64::from(batch) <= MAX_PIXELS.max(u64::from(*side).pow(2)) {
                bench.size(*side, batch)?;
            }
        }
    }
    first(plan.script.as_deref())?;
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

/// The medians of both sides in milliseconds, and their peaks in MiB.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    own: f64,
    theirs: Option<f64>,
    own_peak: Option<u64>,
    their_peak: Option<u64>,
}

impl<'p> Bench<'p> {
    fn new(plan: &'p Plan) -> Result<Self, Failure> {
        Ok(Self {
            plan,
            runtime: tokio::runtime::Builder::new_multi_thread().build()?,
            executor: NativeExecutor::new(),
            bandwidth: Bandwidth::measure(),
            place: tempfile::tempdir()?,
        })
    }

    /// Measures everything at one size.
    fn size(&self, side: u32, batch: u32) -> Result<(), Failure> {
        let empty = self.measure(What::NONE, side, batch)?;
        for what in What::all() {
            if matches!(what, What::Load) && batch > 1 {
                continue;
            }
            let measured = if what == What::NONE { empty } else { self.measure(what, side, batch)? };
            self.print(what, (side, batch), measured, empty);
        }
        Ok(())
    }

    fn measure(&self, what: What, side: u32, batch: u32) -> Result<Measured, Failure> {
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        let started = Instant::now();
        let picture = (what == What::Load).then(|| prompt::picture(side)).transpose()?;
        let (peak, their_peak) = (Peak::of(std::process::id()), self.plan.pid.map(Peak::of));
        while own.len() < ROUNDS && (own.is_empty() || started.elapsed() < ENOUGH) {
            let prompt = what.prompt(side, batch, u32::try_from(own.len())? + 3);
            let inputs = picture.as_ref().map(|picture| self.input(picture, own.len())).transpose()?;
            own.push(self.native(&prompt, inputs.unwrap_or_default())?);
            if let Some(comfyui) = &self.plan.comfyui {
                theirs.push(comfyui.time(&prompt)?);
            }
        }
        Ok(Measured {
            own: median(own),
            theirs: (!theirs.is_empty()).then(|| median(theirs)),
            own_peak: peak.mib(),
            their_peak: their_peak.and_then(|peak| peak.mib()),
        })
    }

    /// A file of its own bytes for each round, so that nothing can be kept: what stands behind its end.
    fn input(&self, picture: &[u8], round: usize) -> Result<InputFiles, Failure> {
        let bytes = [picture, &[u8::try_from(round)?]].concat();
        if let Some(comfyui) = &self.plan.comfyui {
            comfyui.upload("", FILE, &bytes)?;
        }
        let path = self.place.path().join(FILE);
        std::fs::write(&path, bytes)?;
        Ok(InputFiles::from_iter([(DestPath::input(FILE)?, InputFile::of(path)?)]))
    }

    fn native(&self, prompt: &str, inputs: InputFiles) -> Result<Duration, Failure> {
        let started = Instant::now();
        execute(&self.runtime, &self.executor, prompt, inputs, &CancellationToken::new())?;
        Ok(started.elapsed())
    }

    fn print(&self, what: What, (side, batch): (u32, u32), measured: Measured, empty: Measured) {
        let Measured { own, theirs, own_peak, their_peak } = measured;
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let net = own - empty.own;
        let alone = theirs.zip(empty.theirs).filter(|_| net > 0.05 && what.is_node());
        let part = what.bytes(side, batch).filter(|_| net > 0.05);
        println!(
            "| {} | {side} | {batch} | {own:.1} | {} | {} | {} | {} | {} | {} |",
            what.name(),
            shown(theirs.map(|theirs| format!("{theirs:.1}"))),
            shown(theirs.map(|theirs| format!("{:.1}", theirs / own))),
            shown(alone.map(|(theirs, empty)| format!("{:.1}", (theirs - empty) / net))),
            shown(part.map(|bytes| format!("{:.0} %", self.bandwidth.part(bytes, net) * 100.0))),
            shown(own_peak.map(|peak| peak.to_string())),
            shown(their_peak.map(|peak| peak.to_string())),
        );
    }
}

/// The port of the real ComfyUI whose start is measured.
const PORT: &str = "18719";

/// How long after the start of a process there is an image.
fn first(script: Option<&Path>) -> Result<(), Failure> {
    let times = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        let status = Command::new(std::env::current_exe()?).args(["bench", "first"]).status()?;
        if status.success() { Ok(started.elapsed()) } else { Err(Failure::from("it failed")) }
    });
    let own = median(times.collect::<Result<_, _>>()?);
    println!("first image from process start: native {own:.1} ms");
    let Some(script) = script else { return Ok(()) };
    let started = Instant::now();
    let status = Command::new("bash").arg(script).args(["start", PORT]).status()?;
    let comfyui = ComfyUi::at(&format!("127.0.0.1:{PORT}"));
    let ran =
        if status.success() { comfyui.time(&What::Save.prompt(64, 1, 1)) } else { Err("no start".into()) };
    let theirs = started.elapsed().as_secs_f64() * 1000.0;
    Command::new("bash").arg(script).args(["stop", PORT]).status()?;
    ran?;
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
