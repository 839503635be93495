//! A ComfyUI of one's own: started, watched, started again when it ends, and ended with everything it started.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{ComfyClient, ComfyError, limit, with_causes};

/// How long ComfyUI may take to answer after its start: it loads its custom nodes first.
const READY: Duration = Duration::from_secs(600);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a ComfyUI that ended is left alone at first; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that it is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long it has to work for its next end to count as the first one.
const STABLE: Duration = Duration::from_secs(120);
/// How long it may take to end once it was told to.
const FAREWELL: Duration = Duration::from_secs(5);
/// The most bytes that count as one line.
const LINE_BYTES: u64 = 64 * 1024;
/// How long what it said last may be on its way.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How many lines of what it says are kept, for when it ends.
const LINES: usize = 50;

/// How a ComfyUI of one's own is started.
#[derive(Clone, Debug)]
#[must_use]
pub struct OwnedComfy {
    folder: PathBuf,
    python: PathBuf,
    args: Vec<String>,
}

/// A ComfyUI that was started. [`end`](Self::end) it: what is only dropped is ended without being waited for.
#[derive(Debug)]
pub struct RunningComfy {
    url: Url,
    stop: CancellationToken,
    watch: JoinHandle<()>,
}

/// What a ComfyUI said last.
#[derive(Clone, Debug, Default)]
struct Said {
    lines: Arc<Mutex<VecDeque<String>>>,
    readers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// How long a ComfyUI that ends is left alone.
#[derive(Debug)]
struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Backoff {
    /// It worked for so long before it ended.
    fn worked_for(&mut self, time: Duration) {
        if time >= STABLE {
            *self = Self::default();
        }
    }

    /// The pause before it is started again: twice the last one.
    fn pause(&mut self) -> Duration {
        let longer = self.0.saturating_mul(2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.0, longer)
    }
}

impl OwnedComfy {
    /// The ComfyUI in this folder, which has its `main.py`, run by this Python.
    pub fn new(folder: impl Into<PathBuf>, python: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), python: python.into(), args: Vec::new() }
    }

    /// Adds arguments for ComfyUI, such as `--cpu`.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts it on a free port of this machine, and waits until it answers. From then on it is watched, and
    /// started again on the same port whenever it ends.
    ///
    /// # Errors
    /// When it cannot be started, ends before it answers, or does not answer within ten minutes.
    pub async fn start(self) -> Result<RunningComfy, ComfyError> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?.port();
        let url = Url::parse(&format!("http://127.0.0.1:{port}"))
            .map_err(|_| ComfyError::Address(port.to_string()))?;
        let client = ComfyClient::connect(&url)?;
        let said = Said::default();
        let mut child = self.spawn(port, &said)?;
        if let Err(error) = ready(&client, &mut child, &said).await {
            end(child).await;
            return Err(error);
        }
        let stop = CancellationToken::new();
        let watch = tokio::spawn(self.watch(child, (port, client), said, stop.clone()));
        Ok(RunningComfy { url, stop, watch })
    }

    fn spawn(&self, port: u16, said: &Said) -> Result<Child, ComfyError> {
        let mut command = Command::new(&self.python);
        command.arg("main.py").args(["--listen", "127.0.0.1", "--disable-auto-launch", "--port"]);
        command.arg(port.to_string()).args(&self.args).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own, so that what it starts can be ended with it.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        said.listen(child.stdout.take());
        said.listen(child.stderr.take());
        Ok(child)
    }

    /// Waits for its end, and starts it again, until it is told to stop.
    async fn watch(
        self,
        mut child: Child,
        (port, client): (u16, ComfyClient),
        said: Said,
        stop: CancellationToken,
    ) {
        let (mut backoff, mut begun) = (Backoff::default(), Instant::now());
        loop {
            let status = tokio::select! {
                () = stop.cancelled() => return end(child).await,
                status = child.wait() => status,
            };
            let how = status.map_or_else(|error| error.to_string(), described);
            let last = said.last().await;
            tracing::error!(how, last, "ComfyUI ended; it is started again");
            end(child).await;
            backoff.worked_for(begun.elapsed());
            child = loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(backoff.pause()) => {}
                }
                match self.spawn(port, &said) {
                    Ok(child) => break child,
                    Err(error) => tracing::error!(error = with_causes(&error), "ComfyUI cannot be started"),
                }
            };
            begun = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return end(child).await,
                answers = ready(&client, &mut child, &said) => match answers {
                    Ok(()) => tracing::info!("ComfyUI answers again"),
                    Err(error) => tracing::error!(error = with_causes(&error), "ComfyUI does not answer"),
                }
            }
        }
    }
}

impl RunningComfy {
    /// Where it is reached.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Ends it, with everything it started.
    pub async fn end(self) {
        self.stop.cancel();
        // It ends within a bound, or panicked, and then it is gone.
        self.watch.await.ok();
    }
}

/// Waits until it answers.
async fn ready(client: &ComfyClient, child: &mut Child, said: &Said) -> Result<(), ComfyError> {
    let asked = async {
        loop {
            if timeout(FAREWELL, client.system_stats()).await.is_ok_and(|stats| stats.is_ok()) {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = asked => Ok(()),
        status = child.wait() => {
            let how = status.map_or_else(|error| error.to_string(), described);
            Err(ComfyError::Ended { how, last: said.last().await })
        }
        () = sleep(READY) => Err(ComfyError::Timeout { call: "GET /system_stats", seconds: READY.as_secs() }),
    }
}

/// How a process ended, for a person.
fn described(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if status.signal() == Some(9) {
            return "it was killed, as Linux does when memory runs out".to_owned();
        }
    }
    status.to_string()
}

/// Ends a process and its group: asked first, killed after a while.
async fn end(mut child: Child) {
    #[cfg(unix)]
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    #[cfg(unix)]
    if let Some(group) = group {
        // What is gone already needs no signal.
        rustix::process::kill_process_group(group, rustix::process::Signal::TERM).ok();
    }
    if timeout(FAREWELL, child.wait()).await.is_err() {
        child.kill().await.ok();
    }
    #[cfg(unix)]
    if let Some(group) = group {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
}

impl Said {
    /// Keeps the last lines of a stream, which is read to its end so that nobody waits to write.
    fn listen(&self, stream: Option<impl AsyncRead + Send + Unpin + 'static>) {
        let (Some(stream), lines) = (stream, Arc::clone(&self.lines)) else { return };
        let reader = tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(read) = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line).await {
                if read == 0 {
                    return;
                }
                let text =
                    limit::excerpt(String::from_utf8_lossy(&line).trim_end(), limit::TRACEBACK_LINE_CHARS);
                tracing::debug!(target: "comfyui", "{text}");
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() >= LINES {
                    lines.pop_front();
                }
                lines.push_back(text);
                line.clear();
            }
        });
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }

    /// What a process said last that has ended. What it said in the end may still be on its way.
    async fn last(&self) -> String {
        let readers = std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in readers {
            // What it started may still hold the other end.
            timeout(LAST_WORDS, reader).await.ok();
        }
        self.text()
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_comfyui_that_ends_at_once_says_why() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.py"), "echo \"no module named torch, $1 $2\"; exit 3")
            .unwrap();
        let error = OwnedComfy::new(folder.path(), "sh").start().await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.ends_with("no module named torch, --listen 127.0.0.1"),
            "{text}"
        );
        let nowhere = OwnedComfy::new(folder.path(), "no-such-python").start().await.unwrap_err();
        assert!(with_causes(&nowhere).contains("No such file"), "{nowhere:?}");
    }

    #[tokio::test]
    async fn of_what_it_says_the_last_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let script = "for i in $(seq 1 5000); do echo line $i; done; head -c 1000000 /dev/zero | tr '\\0' x; echo; exit 1";
        std::fs::write(folder.path().join("main.py"), script).unwrap();
        let error = OwnedComfy::new(folder.path(), "sh").start().await.unwrap_err();
        let ComfyError::Ended { last, .. } = error else { panic!("{error}") };
        assert!(last.lines().count() <= LINES, "{} lines", last.lines().count());
        assert!(last.len() <= LINES * (limit::TRACEBACK_LINE_CHARS + 4), "{} bytes", last.len());
        assert!(last.contains("line 5000") && !last.contains("line 4000\n"));
    }

    #[test]
    fn one_that_ends_again_and_again_is_left_alone_for_longer_and_longer() {
        let mut backoff = Backoff::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            backoff.worked_for(Duration::from_secs(3));
            pauses.push(backoff.pause().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.worked_for(STABLE);
        assert_eq!(backoff.pause(), FIRST_PAUSE);
    }

    #[test]
    fn a_kill_is_told_as_what_it_mostly_is() {
        use std::os::unix::process::ExitStatusExt as _;
        assert!(described(ExitStatus::from_raw(9)).contains("memory"));
        assert_eq!(described(ExitStatus::from_raw(256)), "exit status: 1");
    }
}
