//! How fast files of runs are fetched, beside what else fetches files.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::host::accept;
use crate::server::{Programs, Server, ServerOptions};

const MIB: u64 = 1024 * 1024;
/// How many files curl and aria2c fetch at once, as the server does.
const PARALLEL: &str = "6";
/// How often a file that is there is asked for.
const HITS: usize = 5;

/// What is fetched.
#[derive(Clone, Debug)]
pub struct FilesBenchOptions {
    /// Where everything goes: the sources and what is made of them.
    pub folder: PathBuf,
    /// The size of the one file, in MiB.
    pub large_mib: u64,
    /// How many small files there are.
    pub many: usize,
    /// The size of each, in MiB.
    pub each_mib: u64,
    /// How often each is measured; the median counts.
    pub rounds: usize,
}

/// Measures a server beside curl and aria2c, and gives the lines of the report.
///
/// # Panics
/// When a program does not do what it is asked.
pub fn bench_files(programs: Programs, options: &FilesBenchOptions) -> Vec<String> {
    let folder = &options.folder;
    fs::create_dir_all(folder).expect("a folder");
    let sources = Sources::new(folder, options);
    let large = vec![sources.url("large")];
    let small: Vec<String> = (0..options.many).map(|index| sources.url(&format!("small/{index}"))).collect();
    let mut lines = Vec::new();
    for (what, urls, mib) in [
        (format!("one file of {} MiB", options.large_mib), &large, options.large_mib),
        (
            format!("{} files of {} MiB", options.many, options.each_mib),
            &small,
            options.each_mib * options.many as u64,
        ),
    ] {
        lines.push(format!("{what}:"));
        lines.extend(measure(programs, folder, urls, options.rounds).lines(mib));
    }
    fs::remove_dir_all(folder).expect("it can be removed");
    lines
}

/// What was measured of one set of files.
struct Measured {
    server: Duration,
    hit: Duration,
    memory_before: u64,
    memory_peak: u64,
    others: Vec<(&'static str, Duration)>,
}

impl Measured {
    fn lines(&self, mib: u64) -> Vec<String> {
        let rate = |time: Duration| {
            let mib = u32::try_from(mib).map_or(f64::INFINITY, f64::from);
            format!("{:.2} s, {:.0} MiB/s", time.as_secs_f64(), mib / time.as_secs_f64())
        };
        let mut lines = vec![format!("  comfyicu-server: {}", rate(self.server))];
        lines.extend(self.others.iter().map(|(name, time)| format!("  {name}: {}", rate(*time))));
        if let Some(best) = self.others.iter().map(|(_, time)| *time).min() {
            let ratio = best.as_secs_f64() / self.server.as_secs_f64();
            lines.push(format!("  {ratio:.2} of the better one's speed"));
        }
        let times = self.server.as_secs_f64() / self.hit.as_secs_f64();
        lines.push(format!(
            "  again (hit): {:.1} ms, {times:.0} times as fast",
            self.hit.as_secs_f64() * 1000.0
        ));
        let (before, peak) = (self.memory_before, self.memory_peak);
        lines.push(format!("  memory: {before} MiB before, {peak} MiB at most"));
        lines
    }
}

fn measure(programs: Programs, folder: &Path, urls: &[String], rounds: usize) -> Measured {
    let (mut servers, mut hits, mut curls, mut arias) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut memory_before, mut memory_peak) = (0, 0);
    let has_aria = has("aria2c");
    for _ in 0..rounds {
        settle(folder);
        curls.push(fetched_by(curl(urls), folder));
        if has_aria {
            settle(folder);
            arias.push(fetched_by(aria(urls, folder), folder));
        }
        settle(folder);
        let args = ["--allow-host", "127.0.0.1", "--cache-size", "1TiB"];
        let server = ServerOptions::new(programs).args(args).data_dir(folder.join("data")).start();
        memory_before = memory(&server, "VmRSS:");
        servers.push(fetch(&server, urls));
        memory_peak = memory_peak.max(memory(&server, "VmHWM:"));
        hits.extend((0..HITS).map(|_| fetch(&server, urls)));
    }
    let mut others = vec![("curl, then sync", median(curls))];
    others.extend(has_aria.then(|| ("aria2c, then sync", median(arias))));
    Measured { server: median(servers), hit: median(hits), memory_before, memory_peak, others }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Removes what the one before left, and waits until the disk has nothing to do.
fn settle(folder: &Path) {
    for name in ["data", "out"] {
        let path = folder.join(name);
        if path.exists() {
            fs::remove_dir_all(path).expect("it can be removed");
        }
    }
    assert!(Command::new("sync").status().expect("sync").success());
}

fn has(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Lets a run bring the files, and gives how long that took: a millisecond at least, which is what the server counts in.
fn fetch(server: &Server, urls: &[String]) -> Duration {
    let path = |(index, url): (usize, &String)| (format!("/models/loras/{index}.safetensors"), json!(url));
    let files: Map<String, Value> = urls.iter().enumerate().map(path).collect();
    let prompt = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    });
    let id = server.submit(&json!({"prompt": prompt, "files": files}));
    let run = loop {
        let run = server.run(&id);
        match run["status"].as_str() {
            Some("COMPLETED") => break run,
            Some("QUEUED" | "STARTED") => std::thread::sleep(Duration::from_millis(20)),
            _ => panic!("{run}"),
        }
    };
    let millis = run["x"]["download_ms"].as_u64().expect("a time");
    Duration::from_millis(millis.max(1))
}

/// The memory of a server, in MiB.
fn memory(server: &Server, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Runs a program that fetches into `out`, and has what it fetched on disk.
fn fetched_by(mut command: Command, folder: &Path) -> Duration {
    let out = folder.join("out");
    fs::create_dir_all(&out).expect("a folder");
    let begun = Instant::now();
    let status = command.current_dir(&out).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("it starts").success(), "{command:?}");
    let files = fs::read_dir(&out).expect("the folder").map(|entry| entry.expect("an entry").path());
    assert!(Command::new("sync").args(files).status().expect("sync").success());
    begun.elapsed()
}

fn curl(urls: &[String]) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--parallel", "--parallel-max", PARALLEL]);
    for (index, url) in urls.iter().enumerate() {
        command.args(["--output", &index.to_string(), url]);
    }
    command
}

fn aria(urls: &[String], folder: &Path) -> Command {
    let entry = |(index, url): (usize, &String)| format!("{url}\n out={index}");
    let list: Vec<String> = urls.iter().enumerate().map(entry).collect();
    let file = folder.join("list");
    fs::write(&file, list.join("\n")).expect("a list");
    let mut command = Command::new("aria2c");
    command.args(["--no-conf", "--quiet", "--file-allocation=none", "--max-concurrent-downloads", PARALLEL]);
    command.args(["--max-connection-per-server", "4", "--split", "4", "--input-file"]).arg(file);
    command
}

/// A host that gives two files under any name, straight from the disk's cache.
struct Sources(SocketAddr);

impl Sources {
    fn new(folder: &Path, options: &FilesBenchOptions) -> Self {
        let (large, small) = (folder.join("large.source"), folder.join("small.source"));
        write_noise(&large, options.large_mib);
        write_noise(&small, options.each_mib);
        Self(accept("127.0.0.1:0", move |stream| serve(stream, &large, &small)))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.0)
    }
}

fn write_noise(path: &Path, mib: u64) {
    let mut file = File::create(path).expect("a file");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..mib {
        let block: Vec<u8> = (0..MIB / 8)
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            })
            .collect();
        file.write_all(&block).expect("room");
    }
    file.sync_all().expect("room");
}

/// Answers what comes over a connection, one request after the other.
fn serve(stream: TcpStream, large: &Path, small: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut path, mut range, mut known) = (String::new(), None, None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("get ") {
                rest.split(' ').next().unwrap_or_default().clone_into(&mut path);
            }
            range = range.or_else(|| line.strip_prefix("range: bytes=").map(str::to_owned));
            known = known.or_else(|| line.strip_prefix("if-none-match: ").map(str::to_owned));
        }
        if known.is_some_and(|known| known == format!("\"{path}\"")) {
            stream.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")?;
            continue;
        }
        let source = if path == "/large" { large } else { small };
        send(&mut stream, source, &path, range.as_deref())?;
    }
}

fn send(stream: &mut TcpStream, source: &Path, path: &str, range: Option<&str>) -> io::Result<()> {
    let mut file = File::open(source)?;
    let total = file.metadata()?.len();
    let (first, last) = range.and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let first: u64 = first.parse().unwrap_or(0);
    let last: u64 = last.parse().unwrap_or(total - 1).min(total - 1);
    let length = last + 1 - first;
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\naccept-ranges: bytes\r\netag: \"{path}\"\r\n{}\r\n",
        range.map_or(String::new(), |_| format!("content-range: bytes {first}-{last}/{total}\r\n")),
    );
    stream.write_all(head.as_bytes())?;
    file.seek(SeekFrom::Start(first))?;
    io::copy(&mut file.take(length), stream).map(drop)
}
