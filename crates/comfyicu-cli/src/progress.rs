//! Progress, on a terminal: one line on stderr that goes away again. In a pipe there is none.

use std::time::Duration;

use comfyicu_client::{DownloadProgress, UploadProgress};
use comfyicu_model::{Run, RunStatus};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// The line. Clones are the same line.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Shows a line; indicatif draws to stderr, and to a terminal only.
    pub(crate) fn start(text: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner().with_message(text.into());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Says something else.
    pub(crate) fn say(&self, text: impl Into<String>) {
        self.0.set_message(text.into());
    }

    /// Says how the run is.
    pub(crate) fn say_run(&self, run: &Run) {
        let status = run.status();
        let words = match &status {
            Some(RunStatus::Queued) => "waiting in the queue",
            Some(RunStatus::Started | RunStatus::Running) => "running",
            Some(other) => other.as_str(),
            None => "submitted",
        };
        self.say(format!("run {}: {words}", run.id()));
    }

    /// Says how far a download is.
    pub(crate) fn say_download(&self, download: DownloadProgress<'_>) {
        let bytes = of_total(download.bytes, download.total_bytes);
        self.say(format!("download {} of {}: {} {bytes}", download.file, download.files, download.name));
    }

    /// Says how far an upload is.
    pub(crate) fn say_upload(&self, name: &str, upload: UploadProgress) {
        self.say(format!("upload {name} {}", of_total(upload.bytes, Some(upload.total_bytes))));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn of_total(bytes: u64, total: Option<u64>) -> String {
    total.map_or_else(
        || HumanBytes(bytes).to_string(),
        |total| format!("{} of {}", HumanBytes(bytes), HumanBytes(total)),
    )
}
