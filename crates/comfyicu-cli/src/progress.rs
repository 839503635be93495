//! What moves on stderr while one waits, on a terminal only.

use std::time::Duration;

use comfyicu_client::{DownloadProgress, UploadProgress};
use comfyicu_model::{Run, RunStatus};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// A line that says what is going on. Clones share it; without a terminal it is silent.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(is_terminal: bool) -> Self {
        Self(is_terminal.then(|| {
            let bar = ProgressBar::no_length();
            // The template is ours, and is covered by a test.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar
        }))
    }

    /// Says what is going on, and begins to count the time anew when `phase` begins.
    pub(crate) fn begin(&self, phase: &str) {
        if let Some(bar) = &self.0 {
            bar.reset_elapsed();
            bar.enable_steady_tick(TICK);
            bar.set_message(phase.to_owned());
        }
    }

    /// Says what is going on within the phase.
    pub(crate) fn say(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.to_owned());
        }
    }

    /// Says how the run is.
    pub(crate) fn run(&self, run: &Run) {
        let status = run.status();
        self.say(match &status {
            Some(RunStatus::Queued) => "waiting in the queue",
            Some(RunStatus::Started | RunStatus::Running) => "running",
            Some(other) => other.as_str(),
            None => "submitted",
        });
    }

    /// Says how far an upload is.
    pub(crate) fn uploading(&self, name: &str, at: UploadProgress) {
        self.say(&format!("uploading {name}: {} of {}", HumanBytes(at.bytes), HumanBytes(at.total_bytes)));
    }

    /// Says how far a download is.
    pub(crate) fn downloading(&self, at: DownloadProgress<'_>) {
        let total = at.total_bytes.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
        let bytes = HumanBytes(at.bytes);
        self.say(&format!("downloading {} ({} of {}): {bytes}{total}", at.name, at.file, at.files));
    }

    /// Writes something above the line.
    pub(crate) fn above(&self, write: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }
}

const TEMPLATE: &str = "{spinner} {msg} ({elapsed})";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
