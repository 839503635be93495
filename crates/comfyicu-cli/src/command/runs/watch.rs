//! `comfyicu runs watch`: what happens to runs, a line each.

use comfyicu_client::{FailedRun, RunEvent, RunEventKind, RunHandle};
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Run, RunStatus};
use futures_util::{StreamExt as _, stream};

use crate::command::{Context, outcome};
use crate::failure::Failure;
use crate::render::prompt::printable;

/// How many runs are watched at once.
const AT_ONCE: usize = 64;

pub(super) async fn watch(context: &Context, handles: &[RunHandle]) -> Result<(), Failure> {
    context.stage.waiting_for(handles.to_vec());
    if let [handle] = handles {
        // What is wrong with the id, the key or the address shows at once.
        handle.get().await?;
        return one(context, handle).await;
    }
    let mut first = None;
    let mut ends = stream::iter(handles).map(|handle| one(context, handle)).buffer_unordered(AT_ONCE);
    while let Some(ended) = ends.next().await {
        if let Err(failure) = ended {
            context.tell(&failure, &mut first);
        }
    }
    outcome::of_several(first)
}

async fn one(context: &Context, handle: &RunHandle) -> Result<(), Failure> {
    let mut events = handle.events().max_wait(context.max_wait()).stream();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => {
                print(context, handle, &event)?;
                if let RunEventKind::Ended(run) = event.kind {
                    return ended(context, handle, *run);
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => return Err(context.not_completed(handle, error).0),
        }
    }
}

fn ended(context: &Context, handle: &RunHandle, run: Run) -> Result<(), Failure> {
    if run.status() == Some(RunStatus::Completed) {
        return Ok(());
    }
    Err(context.failed(handle, &FailedRun::new(run)))
}

fn print(context: &Context, handle: &RunHandle, event: &RunEvent) -> Result<(), Failure> {
    if context.printer.is_json() {
        return context.printer.print_line(to_object(handle, event));
    }
    let time = event.at.map_or_else(|| format!("+{:.1} s", event.elapsed.as_secs_f64()), |at| at.to_string());
    context.printer.print(&format!("{time}  {}  {}", handle.id(), printable(&in_words(&event.kind))))
}

fn in_words(kind: &RunEventKind) -> String {
    match kind {
        RunEventKind::Status { status, position: Some(position) } => {
            format!("{status}, {position} before it")
        }
        RunEventKind::Status { status, position: None } => status.to_string(),
        RunEventKind::Node { node_id, class_type, done, total } => {
            format!("node {node_id} {class_type}, {done} of {total} done")
        }
        RunEventKind::Progress { node_id, value, max } => format!("node {node_id} at {value} of {max}"),
        RunEventKind::Output { filename } => format!("saved {filename}"),
        RunEventKind::Ended(run) => {
            run.status().map_or_else(|| "ended".to_owned(), |status| status.to_string())
        }
        RunEventKind::Other { name, data } => other_in_words(name, data),
        _ => String::new(),
    }
}

/// What only some servers tell.
fn other_in_words(name: &str, data: &Object) -> String {
    let node = data.get_str("node_id").unwrap_or_default();
    let list = |key| data.get(key).and_then(Value::as_array).unwrap_or_default();
    match name {
        "overall" => match data.get("percent").and_then(Value::as_number) {
            Some(percent) => format!("{} % done", Value::from(percent.clone()).to_json()),
            None => name.to_owned(),
        },
        "cached" => format!("node {node} is not executed: its results are known"),
        "text" => {
            let texts: Vec<_> = list("texts").iter().filter_map(Value::as_str).collect();
            format!("node {node} shows: {}", texts.join(" "))
        }
        "warning" => {
            let findings =
                list("findings").iter().filter_map(|finding| finding.as_object()?.get_str("message"));
            format!("not executed: {}", findings.collect::<Vec<_>>().join("; "))
        }
        _ => name.to_owned(),
    }
}

/// An event as data: `run_id`, `event`, `elapsed_ms`, `at`, and what belongs to the event.
fn to_object(handle: &RunHandle, event: &RunEvent) -> Object {
    let mut object = Object::from_iter([("run_id", Value::from(handle.id().as_str()))]);
    let (name, fields): (&str, Vec<(&str, Value)>) = match &event.kind {
        RunEventKind::Status { status, position } => {
            let position = position.map(|position| ("position", position.into()));
            ("status", [("status", Value::from(status.as_str()))].into_iter().chain(position).collect())
        }
        RunEventKind::Node { node_id, class_type, done, total } => (
            "node",
            vec![
                ("node_id", node_id.as_str().into()),
                ("class_type", class_type.as_str().into()),
                ("done", (*done).into()),
                ("total", (*total).into()),
            ],
        ),
        RunEventKind::Progress { node_id, value, max } => (
            "progress",
            vec![("node_id", node_id.as_str().into()), ("value", (*value).into()), ("max", (*max).into())],
        ),
        RunEventKind::Output { filename } => ("output", vec![("filename", filename.as_str().into())]),
        RunEventKind::Ended(run) => ("ended", vec![("run", Value::from(run.as_object().clone()))]),
        RunEventKind::Other { name, data } => (name.as_str(), vec![("data", data.clone().into())]),
        _ => ("other", Vec::new()),
    };
    object.insert("event", name);
    object.insert("elapsed_ms", u64::try_from(event.elapsed.as_millis()).unwrap_or(u64::MAX));
    if let Some(at) = event.at {
        object.insert("at", at.to_string());
    }
    for (key, value) in fields {
        object.insert(key, value);
    }
    object
}
