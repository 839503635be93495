//! Runs as text. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use comfyicu_model::{Run, RunOutput};

/// What a person wants to know of a run, a line each.
pub(crate) fn run(run: &Run) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        writeln!(text, "{name:<12}{value}").unwrap_or_default();
    };
    line("run", run.id().as_str());
    if let Some(workflow) = run.workflow_id() {
        line("workflow", workflow.as_str());
    }
    line("status", &run.status().map_or_else(|| "not known yet".to_owned(), |status| status.to_string()));
    for (name, time) in [("queued for", run.queue_time()), ("ran for", run.execution_time())] {
        if let Some(time) = time {
            line(name, &seconds(time));
        }
    }
    if let Some(accelerator) = run.accelerator() {
        line("accelerator", accelerator.as_str());
    }
    if let Some(device) = run.device() {
        line("device", device);
    }
    if let Some(failure) = run.failure() {
        line("failure", failure.message());
    }
    if let RunOutput::Files(files) = run.output() {
        for file in files {
            let name =
                file.path().map_or_else(|| file.filename.escape_debug().to_string(), |path| path.to_string());
            let url = file.url.map(|url| format!("  {url}")).unwrap_or_default();
            line("output", &format!("{name}{url}"));
        }
    }
    text.trim_end().to_owned()
}

/// What is known of the node that failed, and how.
pub(crate) fn failed_node(run: &Run) -> Option<String> {
    let failure = run.failure()?;
    let class = failure.node_type().map(|class| format!(" ({class})")).unwrap_or_default();
    match (failure.node_id(), failure.exception_type()) {
        (Some(id), Some(exception)) => Some(format!("node {id}{class}: {exception}")),
        (Some(id), None) => Some(format!("node {id}{class}")),
        (None, exception) => exception.map(str::to_owned),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETED: &[u8] = br#"{"id": "r", "workflow_id": "w", "status": "COMPLETED",
        "created_at": "2025-05-23T15:08:18.297Z", "started_at": "2025-05-23T15:08:19.760Z",
        "completed_at": "2025-05-23T15:08:27.384Z", "accelerator": "L4", "device": "NVIDIA L4",
        "output": [{"filename": "/workflows/w/output/r/a/b_00001_.png", "url": "https://example.com/b.png"}]}"#;
    const FAILED: &[u8] =
        br#"{"id": "r", "status": "ERROR", "output": {"error": {"exception_message": "boom",
        "exception_type": "ValueError", "node_id": "3", "node_type": "KSampler"}}}"#;

    #[test]
    fn a_run_is_shown_with_what_is_known() {
        insta::assert_snapshot!(run(&Run::parse(COMPLETED).unwrap()), @"");
        insta::assert_snapshot!(run(&Run::parse(FAILED).unwrap()), @"");
        insta::assert_snapshot!(run(&Run::parse(br#"{"id": "r"}"#).unwrap()), @"");
    }

    #[test]
    fn the_node_that_failed_is_named() {
        insta::assert_snapshot!(failed_node(&Run::parse(FAILED).unwrap()).unwrap(), @"");
        assert_eq!(failed_node(&Run::parse(COMPLETED).unwrap()), None);
    }
}
