//! Runs as text, for people.

use std::fmt::Write as _;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};
use comfyicu_model::{Run, RunOutput, RunStatus};

use super::prompt::printable;

/// Shows a run, a line a fact; what is not known is left out.
pub(crate) fn run(run: &Run) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _infallible = writeln!(text, "{name:<12} {value}");
        }
    };
    line("run", Some(run.id().to_string()));
    line("workflow", run.workflow_id().map(|id| id.to_string()));
    line("status", run.status().map(|status| status.to_string()));
    line("accelerator", run.accelerator().map(|name| name.to_string()));
    line("device", run.device().map(str::to_owned));
    line("created", run.created_at().map(|moment| moment.to_string()));
    line("queued for", run.queue_time().map(seconds));
    line("ran for", run.execution_time().map(seconds));
    match run.output() {
        RunOutput::Files(files) => {
            for file in files {
                line("output", Some(file.url.map_or(file.filename, |url| url.to_string())));
            }
        }
        _ => line("failed", run.failure().map(|failure| failure.message().to_owned())),
    }
    text
}

/// What a list says of a run: id, status, when it was created, how long it took, what it ran on, what came of it.
pub(crate) fn row(run: &Run) -> Vec<String> {
    let text = |text: Option<String>| text.unwrap_or_default();
    let outcome = match run.output() {
        RunOutput::Files(files) => match files.as_slice() {
            [] => String::new(),
            [file] => file.filename.rsplit('/').next().unwrap_or_default().to_owned(),
            files => format!("{} files", files.len()),
        },
        _ => {
            text(run.failure().map(|failure| failure.message().lines().next().unwrap_or_default().to_owned()))
        }
    };
    vec![
        run.id().to_string(),
        text(run.status().map(|status| status.to_string())),
        text(run.created_at().map(|moment| moment.to_string())),
        text(run.execution_time().map(seconds)),
        text(run.accelerator().map(|name| name.to_string())),
        printable(&outcome).into_owned(),
    ]
}

/// What is above such rows.
pub(crate) const COLUMNS: [&str; 6] = ["RUN", "STATUS", "CREATED", "TOOK", "ON", "OUTCOME"];

/// How a status is coloured.
pub(crate) fn colour(status: &str) -> Style {
    match RunStatus::from(status) {
        RunStatus::Completed => AnsiColor::Green.on_default(),
        RunStatus::Error | RunStatus::InsufficientCredit => AnsiColor::Red.on_default(),
        RunStatus::Cancelled => AnsiColor::Yellow.on_default(),
        RunStatus::Started | RunStatus::Running => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    }
}

/// The node that failed, and how, where it is known.
pub(crate) fn failed_node(run: &Run) -> Option<String> {
    let failure = run.failure()?;
    let class = failure.node_type().map(|class| format!(" ({class})")).unwrap_or_default();
    match (failure.node_id(), failure.exception_type()) {
        (Some(id), Some(exception)) => Some(format!("node {id}{class}: {exception}")),
        (Some(id), None) => Some(format!("node {id}{class}")),
        (None, exception) => exception.map(str::to_owned),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> String {
        let path = format!("{}/../../tests/data/samples/{name}", env!("CARGO_MANIFEST_DIR"));
        run(&Run::parse(&std::fs::read(path).unwrap()).unwrap())
    }

    #[test]
    fn what_is_known_of_a_run_is_shown() {
        insta::assert_snapshot!(sample("run-completed.json"));
        insta::assert_snapshot!(sample("run-error.json"));
        insta::assert_snapshot!(sample("create-answer.json"));
    }
    #[test]
    fn the_node_that_failed_is_named() {
        let failed = br#"{"id": "r", "status": "ERROR", "output": {"error": {"exception_message": "boom",
            "exception_type": "ValueError", "node_id": "3", "node_type": "KSampler"}}}"#;
        let named = failed_node(&Run::parse(failed).unwrap());
        assert_eq!(named.as_deref(), Some("node 3 (KSampler): ValueError"));
        assert_eq!(failed_node(&Run::parse(br#"{"id": "r"}"#).unwrap()), None);
    }
}
