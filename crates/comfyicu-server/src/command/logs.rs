//! `comfyicu-server logs RUN`: what happened to a run, in the order of time, as far as it was written down.

use std::io::Write as _;

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{OutputPath, Timestamp};

use super::{CommandError, Data};
use crate::args::LogsArgs;
use crate::run::{Outcome, RunRecord};
use crate::store::{DeliveryRecord, Outbox as _, RunStore as _, Scope};

/// How many events are read together.
const BATCH: u32 = 256;

/// Something that happened.
#[derive(Debug)]
struct Line {
    at: Timestamp,
    what: &'static str,
    details: Object,
}

/// Shows the log of one run.
pub(crate) async fn run(args: LogsArgs) -> Result<(), CommandError> {
    let data = Data::open(&args.place.data_dir).await?;
    let missing = || CommandError::NoRun(args.run.to_string());
    let key = data.store.key_of(&args.run).await?.ok_or_else(missing)?;
    let run = data.store.get(&key).await?.ok_or_else(missing)?;
    let mut lines = changes(&data, &run).await?;
    for delivery in data.store.deliveries(&run.id).await? {
        lines.extend(attempts(&delivery));
    }
    lines.sort_by_key(|line| line.at);
    let mut stdout = std::io::stdout().lock();
    for line in &lines {
        let text = if args.json { json(&run, line) } else { text(line) };
        writeln!(stdout, "{text}")?;
    }
    Ok(())
}

/// The changes of a run; at its beginning and its end stands more of it.
async fn changes(data: &Data, run: &RunRecord) -> Result<Vec<Line>, CommandError> {
    let (mut lines, mut after) = (Vec::new(), 0);
    loop {
        let events = data.store.events(&Scope::Run(run.id.clone()), after, BATCH).await?;
        let Some(last) = events.last() else { return Ok(lines) };
        after = last.seq;
        for event in events {
            let mut details = Object::from_iter([("attempt", Value::from(u64::from(event.attempt)))]);
            if lines.is_empty() {
                describe_submit(run, &mut details);
            }
            if event.kind.is_end() {
                describe_end(run, &mut details);
            }
            lines.push(Line { at: event.at, what: event.kind.as_str(), details });
        }
    }
}

fn describe_submit(run: &RunRecord, details: &mut Object) {
    details.insert("owner", run.owner.as_str());
    details.insert("workflow_id", run.workflow_id.as_str());
    details.insert("accelerator", run.accelerator.as_str());
    if let Some(key_id) = &run.api_key_id {
        details.insert("api_key_id", key_id.as_str());
    }
}

fn describe_end(run: &RunRecord, details: &mut Object) {
    if let Some(device) = &run.device {
        details.insert("device", device.as_str());
    }
    for (name, millis) in [
        ("queue_ms", run.costs.queue_ms),
        ("download_ms", run.costs.download_ms),
        ("execution_ms", run.costs.execution_ms),
    ] {
        if let Some(millis) = millis {
            details.insert(name, millis);
        }
    }
    match &run.outcome {
        Some(Outcome::Files(paths)) => {
            details.insert("outputs", paths.iter().map(OutputPath::as_str).collect::<Vec<_>>());
        }
        Some(Outcome::Failure(failure)) => {
            details.insert("error", failure.get("error").cloned().unwrap_or_default());
        }
        None => {}
    }
}

fn attempts(delivery: &DeliveryRecord) -> Vec<Line> {
    let line = |attempt: &crate::store::Attempt| Line {
        at: attempt.at,
        what: "webhook",
        details: Object::from_iter([
            ("delivery", Value::from(delivery.id.as_str())),
            ("event", delivery.event.as_str().into()),
            ("receiver", crate::store::receiver(&delivery.url).into()),
            ("status", attempt.status.map(u64::from).into()),
            ("error", attempt.error.as_deref().into()),
            ("duration_ms", attempt.duration_ms.into()),
        ]),
    };
    delivery.attempts.iter().map(line).collect()
}

fn json(run: &RunRecord, line: &Line) -> String {
    let mut object = Object::from_iter([
        ("at", Value::from(line.at.to_string())),
        ("run_id", run.id.as_str().into()),
        ("what", line.what.into()),
    ]);
    for (name, value) in line.details.iter() {
        object.insert(name, value.clone());
    }
    Value::from(object).to_json()
}

/// One line; texts are written as JSON, so that none can look like another line.
fn text(line: &Line) -> String {
    let details = line.details.iter().filter(|(_, value)| !matches!(value, Value::Null));
    let details: Vec<_> = details.map(|(name, value)| format!("{name}={}", value.to_json())).collect();
    format!("{}  {:9}  {}", line.at, line.what, details.join(" "))
}
