//! The server in front of a ComfyUI, beside that ComfyUI alone: the same prompts, straight and through the server.

mod direct;
mod least;
mod served;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::measure::{Figures, per_second};
use super::{memory, sqlite};
use crate::comfyui::{ComfyFault, FakeComfy, recordings};
use crate::server::{Programs, Server, ServerOptions};
use direct::Direct;
use least::{Least, Used};
use served::Served;

/// How many runs are made one after the other before the other contender has its turn: what disturbs the machine
/// meanwhile disturbs both.
const TURN: usize = 10;
/// How often all is measured, for the same reason.
const ROUNDS: usize = 5;
/// How many runs are in flight where it is several.
const FLIGHT: usize = 8;
/// How many runs nobody counts.
const WARM_UP: usize = 5;
/// How long the disk is measured.
const DISK: Duration = Duration::from_secs(2);
/// The recorded prompt that the fake plays: one image, saved.
const RECORDED: &str = "0.3.75 h_outputs: filename_prefix with tokens";

/// How long one run took.
#[derive(Clone, Copy, Debug)]
struct Trip {
    /// Until its end was told.
    told: Duration,
    /// Until its file was there, too.
    file: Duration,
}

/// Whoever runs prompts.
trait Contender: Send {
    /// Runs one to its end, and fetches what it saved.
    fn run(&mut self, prompt: &Value) -> Trip;
}

/// Where prompts are executed.
#[derive(Debug)]
enum Comfy {
    /// A real ComfyUI: each prompt is a new one, and saves into the folder of this measurement.
    Real { url: String, folder: String },
    /// A fake one, which knows one prompt.
    Fake(Box<FakeComfy>, Value),
}

impl Comfy {
    fn fake() -> Self {
        let recorded = recordings().into_iter().find(|recorded| recorded.name.starts_with(RECORDED));
        let recorded = recorded.expect("the recorded prompt");
        let definitions = json!({
            "EmptyImage": {"input": {"required": {}}, "output": ["IMAGE"], "output_node": false},
            "SaveImage": {
                "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}},
                "output": [], "output_node": true
            }
        });
        let prompt = recorded.prompt.clone();
        Self::Fake(Box::new(FakeComfy::start(vec![recorded], &definitions, ComfyFault::None)), prompt)
    }

    fn real(url: &str) -> Self {
        let folder = format!("comfyicu-bench-{}", first_number());
        Self::Real { url: url.trim_end_matches('/').to_owned(), folder }
    }

    fn url(&self) -> String {
        match self {
            Self::Real { url, .. } => url.clone(),
            Self::Fake(fake, _) => fake.url(),
        }
    }

    /// A prompt that was not run before, where that makes a difference. All save into one folder, as people's
    /// prompts do: ComfyUI lists it to find the next number.
    fn prompt(&self, number: usize) -> Value {
        match self {
            Self::Real { folder, .. } => json!({
                "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": number % 0x00ff_ffff}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": format!("{folder}/image")}}
            }),
            Self::Fake(_, prompt) => prompt.clone(),
        }
    }
}

/// What was measured of one contender.
#[derive(Debug, Default)]
struct Measured {
    trips: Vec<Trip>,
    alone: Duration,
    together: Duration,
    /// How long the processors worked for the server meanwhile.
    processor_alone: Duration,
    processor_together: Duration,
    /// How much memory it has at the end.
    memory_mib: u64,
}

impl Measured {
    fn figures(&self, of: impl Fn(&Trip) -> Duration) -> Figures {
        Figures::new(self.trips.iter().map(of).collect(), self.alone)
    }
}

/// How the server in front is told of a ComfyUI.
#[derive(Clone, Copy, Debug)]
pub struct RealComfy<'a> {
    /// Its address.
    pub url: &'a str,
    /// Its folder, where the server sees it.
    pub folder: Option<&'a str>,
}

/// Runs so many prompts one after the other, and as many with eight in flight, straight on a ComfyUI and through a
/// server in front of it. Without a real one, a fake plays a recording. Gives the lines of the report.
///
/// # Panics
/// When a run does not end well.
pub fn bench_gateway(programs: Programs, comfyui: Option<RealComfy<'_>>, runs: usize) -> Vec<String> {
    let comfy = comfyui.map_or_else(Comfy::fake, |real| Comfy::real(real.url));
    let folder = comfyui.and_then(|real| real.folder).map(|folder| format!(",folder={folder}"));
    let backend = format!("{}{}", comfy.url(), folder.unwrap_or_default());
    let mut both = Both { comfy: &comfy, programs, backend, next: first_number() };
    let (mut direct, mut served) = (Measured::default(), Measured::default());
    let runs = runs.div_ceil(ROUNDS * TURN) * TURN;
    both.one_by_one(ROUNDS * runs, &mut direct, &mut served);
    let least = both.least(ROUNDS * runs, comfyui.and_then(|real| real.folder));
    for _ in 0..ROUNDS {
        both.all_at_once(runs, &mut direct, &mut served);
    }
    let mut lines = vec![format!("{} runs each, on {}", direct.trips.len(), what(&comfy))];
    lines.extend(report(&direct, &served, least.per_run()));
    lines.push(format!(
        "a commit of SQLite alone on this disk: {:.2} ms",
        1_000.0 / sqlite::commits(DISK).single
    ));
    lines
}

/// A ComfyUI, and how a server in front of it is started.
#[derive(Debug)]
struct Both<'a> {
    comfy: &'a Comfy,
    programs: Programs,
    /// What the server is told of the ComfyUI.
    backend: String,
    /// The number of the next prompt.
    next: usize,
}

impl Both<'_> {
    fn prompts(&mut self, count: usize) -> Vec<Value> {
        self.next += count;
        (self.next - count..self.next).map(|number| self.comfy.prompt(number)).collect()
    }

    fn direct(&mut self) -> Direct {
        let mut direct = Direct::connect(&self.comfy.url());
        one_by_one(&mut direct, &self.prompts(WARM_UP));
        direct
    }

    /// A server that has had its first runs.
    fn server(&mut self) -> (Server, Served) {
        let server = ServerOptions::new(self.programs).args(["--comfyui", &self.backend]).start();
        let mut served = Served::connect(server.base_url(), "bench");
        one_by_one(&mut served, &self.prompts(WARM_UP));
        (server, served)
    }

    fn one_by_one(&mut self, runs: usize, direct: &mut Measured, served: &mut Measured) {
        let mut straight = self.direct();
        let (server, mut through) = self.server();
        for _ in 0..runs / TURN {
            let prompts = self.prompts(TURN);
            let begun = Instant::now();
            direct.trips.extend(one_by_one(&mut straight, &prompts));
            direct.alone += begun.elapsed();
            let prompts = self.prompts(TURN);
            let (begun, worked) = (Instant::now(), processor_time(&server));
            served.trips.extend(one_by_one(&mut through, &prompts));
            served.alone += begun.elapsed();
            served.processor_alone += processor_time(&server).saturating_sub(worked);
        }
    }

    /// The same runs through the least server that there can be, one after the other.
    fn least(&mut self, runs: usize, folder: Option<&str>) -> Used {
        let least = Least::start(&self.comfy.url(), folder, per(WARM_UP));
        let mut through = Served::connect(least.base_url(), "bench");
        one_by_one(&mut through, &self.prompts(WARM_UP + runs));
        drop(through);
        least.used()
    }

    /// Each has ComfyUI for itself, which tells everybody who listens how long its queue is: also a server that has
    /// nothing to do.
    fn all_at_once(&mut self, runs: usize, direct: &mut Measured, served: &mut Measured) {
        let straight: Vec<_> = (0..FLIGHT).map(|_| self.direct()).collect();
        direct.together += all_at_once(straight, &self.prompts(runs));
        let (server, _) = self.server();
        let through =
            (0..FLIGHT).map(|number| Served::connect(server.base_url(), &format!("bench{number}"))).collect();
        let worked = processor_time(&server);
        served.together += all_at_once(through, &self.prompts(runs));
        served.processor_together += processor_time(&server).saturating_sub(worked);
        served.memory_mib = memory(&server);
    }
}

fn what(comfy: &Comfy) -> &str {
    match comfy {
        Comfy::Real { url, .. } => url,
        Comfy::Fake(..) => "a fake ComfyUI, which executes nothing",
    }
}

fn report(direct: &Measured, served: &Measured, least: Option<Duration>) -> Vec<String> {
    let told = |measured: &Measured| measured.figures(|trip| trip.told);
    let file = |measured: &Measured| measured.figures(|trip| trip.file);
    let (runs, mut lines) = (direct.trips.len(), Vec::new());
    for (what, direct, served) in
        [("the end is told", told(direct), told(served)), ("the file is there", file(direct), file(served))]
    {
        let [p50, p99] = [50, 99].map(|percent| (direct.percentile(percent), served.percentile(percent)));
        lines.push(format!(
            "until {what}: straight p50 {:.1} p99 {:.1} ms, through the server p50 {:.1} p99 {:.1} ms: added p50 {:.1} p99 {:.1} ms",
            p50.0, p99.0, p50.1, p99.1, p50.1 - p50.0, p99.1 - p99.0
        ));
    }
    for (what, direct, served) in [
        ("one after the other".to_owned(), direct.alone, served.alone),
        (format!("{FLIGHT} in flight"), direct.together, served.together),
    ] {
        let (direct, served) = (per_second(runs, direct), per_second(runs, served));
        lines.push(format!(
            "prompts a second, {what}: straight {direct:.0}, through the server {served:.0}: {:.2}",
            served / direct
        ));
    }
    let millis = |time: Duration| (time / per(runs)).as_secs_f64() * 1_000.0;
    lines.push(format!(
        "the server's processor time a run: {:.2} ms one after the other, {:.2} ms with {FLIGHT} in flight; its memory: {} MiB",
        millis(served.processor_alone),
        millis(served.processor_together),
        served.memory_mib
    ));
    lines.extend(least.map(|least| beside_least(least, served.processor_alone / per(runs))));
    lines
}

fn beside_least(least: Duration, served: Duration) -> String {
    format!(
        "  the least that a server takes here, with one thread, no checks and the same on disk: {:.2} ms one after the other, measured behind ours, which takes {:.1} times as much",
        least.as_secs_f64() * 1_000.0,
        served.as_secs_f64() / least.as_secs_f64()
    )
}

/// A number of runs, to divide by.
fn per(runs: usize) -> u32 {
    u32::try_from(runs).unwrap_or(u32::MAX).max(1)
}

fn one_by_one(contender: &mut impl Contender, prompts: &[Value]) -> Vec<Trip> {
    prompts.iter().map(|prompt| contender.run(prompt)).collect()
}

fn all_at_once<C: Contender>(mut contenders: Vec<C>, prompts: &[Value]) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for (contender, prompts) in contenders.iter_mut().zip(prompts.chunks(prompts.len().div_ceil(FLIGHT)))
        {
            scope.spawn(move || one_by_one(contender, prompts));
        }
    });
    begun.elapsed()
}

/// Prompts of another measurement may be in ComfyUI's cache.
fn first_number() -> usize {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| usize::try_from(now.as_millis() % 0x00ff_ffff).unwrap_or(0))
}

/// How long processors have worked for a server, in steps of a hundredth of a second.
fn processor_time(server: &Server) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap_or_default();
    // The name of the program, in brackets, may have blanks; utime and stime are the 12th and 13th behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
