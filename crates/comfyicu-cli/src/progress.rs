//! What moves on stderr while one waits, on a terminal only: a line for each thing that goes on.

use std::time::Duration;

use comfyicu_client::{DownloadProgress, RunEvent, RunEventKind, UploadProgress};
use comfyicu_model::{Run, RunStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// How much of a name a line shows, in characters.
const LONGEST_NAME: usize = 40;

const SPINNER: &str = "{spinner} {prefix}{msg} ({elapsed})";
const STEPS: &str = "{spinner} {prefix}{msg} {bar:20.cyan/dim} {pos}/{len} ({elapsed})";
const BYTES: &str =
    "{spinner} {prefix}{msg} {bar:20.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} ({elapsed})";

/// The lines. Clones share them; without a terminal there are none.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Option<MultiProgress>);

/// One line. Clones share it; it goes when the last of them is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Line(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(is_shown: bool) -> Self {
        Self(is_shown.then(MultiProgress::new))
    }

    /// Adds a line, which counts the time from now.
    pub(crate) fn line(&self, text: &str) -> Line {
        Line(self.0.as_ref().map(|lines| {
            let bar = ProgressBar::no_length().with_finish(ProgressFinish::AndClear);
            let bar = lines.add(bar);
            bar.set_style(style(SPINNER));
            bar.set_message(text.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        }))
    }

    /// Adds a line about one of several things.
    pub(crate) fn named(&self, name: &str, text: &str) -> Line {
        let line = self.line(text);
        line.name(&name.chars().take(LONGEST_NAME).collect::<String>());
        line
    }

    /// Writes something above the lines.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(lines) => lines.suspend(write),
            None => write(),
        }
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        if let Some(lines) = &self.0 {
            // There is nowhere left to say that stderr cannot be written.
            lines.clear().unwrap_or_default();
        }
    }
}

impl Line {
    /// Says what the line is about, in front of all else.
    pub(crate) fn name(&self, name: &str) {
        if let Some(bar) = &self.0 {
            bar.set_prefix(format!("{name} "));
        }
    }

    /// Says what is going on, without a measure.
    pub(crate) fn say(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_style(style(SPINNER));
            bar.set_message(text.to_owned());
        }
    }

    fn measure(&self, template: &'static str, text: &str, at: u64, of: u64) {
        if let Some(bar) = &self.0 {
            bar.set_style(style(template));
            bar.set_length(of);
            bar.set_position(at);
            bar.set_message(text.to_owned());
        }
    }

    /// Says how the run is.
    pub(crate) fn run(&self, run: &Run) {
        if let Some(status) = run.status() {
            self.status(&status, None);
        }
    }

    fn status(&self, status: &RunStatus, position: Option<u64>) {
        match (status, position) {
            (RunStatus::Queued, Some(1)) => self.say("waiting in the queue, behind 1 run"),
            (RunStatus::Queued, Some(before)) if before > 1 => {
                self.say(&format!("waiting in the queue, behind {before} runs"));
            }
            (RunStatus::Queued, _) => self.say("waiting in the queue"),
            (RunStatus::Started | RunStatus::Running, _) => self.say("running"),
            (other, _) => self.say(other.as_str()),
        }
    }

    /// Says what happened to the run.
    pub(crate) fn event(&self, event: &RunEvent) {
        match &event.kind {
            RunEventKind::Status { status, position } => self.status(status, *position),
            RunEventKind::Node { node_id, class_type, done, total } => {
                let node = if class_type.is_empty() { node_id } else { class_type };
                self.say(&format!("running {node}, node {} of {total}", (done + 1).min(*total)));
            }
            RunEventKind::Progress { node_id, value, max } => {
                let text = self.0.as_ref().map(ProgressBar::message).unwrap_or_default();
                let text = if text.is_empty() { format!("running node {node_id}") } else { text };
                self.measure(STEPS, &text, *value, *max);
            }
            RunEventKind::Output { filename } => {
                let name = filename.rsplit('/').next().unwrap_or_default();
                self.say(&format!("running, saved {name}"));
            }
            _ => {}
        }
    }

    /// Says how far an upload is.
    pub(crate) fn uploading(&self, name: &str, at: UploadProgress) {
        self.measure(BYTES, &format!("uploading {name}"), at.bytes, at.total_bytes);
    }

    /// Says how far a download of several files is, all of them together.
    pub(crate) fn downloading(&self, so_far: &Downloads) {
        let text = match so_far.files.len() {
            1 => "downloading 1 file".to_owned(),
            files => format!("downloading {files} files"),
        };
        match so_far.bytes() {
            (bytes, Some(total)) => self.measure(BYTES, &text, bytes, total),
            (bytes, None) => self.say(&format!("{text}: {}", indicatif::HumanBytes(bytes))),
        }
    }
}

/// How far the files of a download are, which come several at once.
#[derive(Debug, Default)]
pub(crate) struct Downloads {
    /// What has arrived of each, and of how much; none where the file has not begun.
    files: Vec<Option<(u64, Option<u64>)>>,
}

impl Downloads {
    /// Takes note of how far one of them is.
    pub(crate) fn note(&mut self, at: DownloadProgress<'_>) {
        self.files.resize(at.files.max(self.files.len()), None);
        if let Some(file) = at.file.checked_sub(1).and_then(|index| self.files.get_mut(index)) {
            *file = Some((at.bytes, at.total_bytes));
        }
    }

    /// What has arrived of all, and of how much, once that is known of each that has begun.
    fn bytes(&self) -> (u64, Option<u64>) {
        let begun = self.files.iter().flatten();
        let arrived = begun.clone().map(|(bytes, _)| bytes).sum();
        (arrived, begun.map(|(_, total)| *total).sum())
    }
}

/// The templates are ours, and are covered by a test.
fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_some() {
        for template in [SPINNER, STEPS, BYTES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn files_that_come_at_once_are_counted_together() {
        let downloads = |files: &[Option<(u64, Option<u64>)>]| Downloads { files: files.to_vec() }.bytes();
        assert_eq!(downloads(&[Some((3, Some(10))), None, Some((5, Some(5)))]), (8, Some(15)));
        assert_eq!(downloads(&[Some((3, None)), Some((5, Some(5)))]), (8, None));
    }

    #[test]
    fn without_a_terminal_nothing_is_shown_and_all_is_written() {
        let progress = Progress::new(false);
        let line = progress.line("x");
        line.say("y");
        assert!(line.0.is_none());
        assert_eq!(progress.above(|| 7), 7);
    }
}
