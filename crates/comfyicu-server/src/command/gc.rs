//! `comfyicu-server gc`: applies the rules of retention once, or says what that would do.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use comfyicu_model::Timestamp;
use comfyicu_model::json::{Object, Value};

use super::{CommandError, Data};
use crate::args::Gc;
use crate::clock;
use crate::retention::{Collected, Collector, Summary};
use crate::serve::open_outputs;
use crate::store::{Reason, Removable};

/// Removes what the rules do not keep. It may run beside a server: what that one needs is not touched.
pub(crate) async fn run(args: Gc) -> Result<(), CommandError> {
    let Data { store, folder } = Data::open(&args.data_dir).await?;
    let outputs = open_outputs(args.outputs.as_ref(), &folder).await?;
    let collector = Collector { store: Arc::new(store.clone()), outputs, rules: args.rules.clone() };
    let mut written = Ok(());
    let mut tell = |collected: Collected<'_>| {
        if written.is_ok() {
            written = say(&if args.json { json(&collected) } else { sentence(&collected, args.dry_run) });
        }
    };
    let collected = collector.collect(clock::now(), args.dry_run, &mut tell).await;
    store.close().await;
    let summary = collected?;
    written?;
    say(&if args.json { summary_json(&summary, args.dry_run) } else { sum(&summary, args.dry_run) })?;
    if summary.failed > 0 { Err(CommandError::FilesLeft(summary.failed)) } else { Ok(()) }
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

const fn rule(reason: Reason) -> &'static str {
    match reason {
        Reason::Age => "age",
        Reason::Count => "count",
        Reason::Bytes => "bytes",
    }
}

fn sentence(collected: &Collected<'_>, dry_run: bool) -> String {
    let run = collected.run;
    let verb = if dry_run { "would remove" } else { "removed" };
    let what = match collected.what {
        Removable::Run => "the run",
        Removable::Outputs => "the outputs of the run",
    };
    let ended = Timestamp::from_unix_millis(run.place.ended_at);
    let why = match collected.reason {
        Reason::Age => "too old",
        Reason::Count => "too many are newer",
        Reason::Bytes => "newer outputs fill the room",
    };
    let bytes = count(run.output_bytes, "byte");
    format!(
        "{verb} {what} {} of the workflow {}: ended {ended}, {bytes} of outputs, {why}",
        run.run_id, run.workflow_id
    )
}

fn json(collected: &Collected<'_>) -> String {
    let run = collected.run;
    let what = match collected.what {
        Removable::Run => "run",
        Removable::Outputs => "outputs",
    };
    let fields = [
        ("removed", Value::from(what)),
        ("workflow_id", run.workflow_id.as_str().into()),
        ("run_id", run.run_id.as_str().into()),
        ("ended_at", Timestamp::from_unix_millis(run.place.ended_at).to_string().into()),
        ("output_bytes", run.output_bytes.into()),
        ("rule", rule(collected.reason).into()),
    ];
    Value::from(Object::from_iter(fields)).to_json()
}

fn sum(summary: &Summary, dry_run: bool) -> String {
    let verb = if dry_run { "would remove" } else { "removed" };
    let Summary { runs, outputs, output_bytes, events, unfinished, .. } = *summary;
    let mut text = format!(
        "{verb} {}, the outputs of {}, {} in all, and {}",
        count(runs, "run"),
        count(outputs, "other run"),
        count(output_bytes, "byte"),
        count(events, "event")
    );
    if unfinished > 0 {
        // Writing to a string does not fail.
        let _infallible = write!(text, "; left over from before: {}", count(unfinished, "removal"));
    }
    text
}

/// So many of something, in words.
fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

fn summary_json(summary: &Summary, dry_run: bool) -> String {
    let fields = [
        ("dry_run", Value::from(dry_run)),
        ("runs", summary.runs.into()),
        ("outputs", summary.outputs.into()),
        ("output_bytes", summary.output_bytes.into()),
        ("events", summary.events.into()),
        ("unfinished", summary.unfinished.into()),
        ("failed", summary.failed.into()),
    ];
    let sum = Object::from_iter([("summary", Value::from(Object::from_iter(fields)))]);
    Value::from(sum).to_json()
}

#[cfg(test)]
mod tests {
    use comfyicu_model::{RunId, WorkflowId};

    use super::*;
    use crate::store::{EndedRun, Place};

    #[test]
    fn what_goes_is_said_to_people_and_to_programs() {
        let run = EndedRun {
            place: Place { ended_at: 1_000, seq: 1 },
            workflow_id: WorkflowId::parse("w1").unwrap(),
            run_id: RunId::parse("r1").unwrap(),
            output_bytes: 7,
        };
        let collected = Collected { what: Removable::Outputs, run: &run, reason: Reason::Bytes };
        insta::assert_snapshot!(sentence(&collected, true));
        insta::assert_snapshot!(json(&collected));
        let summary = Summary { runs: 3, outputs: 1, output_bytes: 7, events: 4, unfinished: 2, failed: 0 };
        insta::assert_snapshot!(sum(&summary, false));
        insta::assert_snapshot!(summary_json(&summary, false));
    }
}
