//! Whether the server kept what it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ChaosReport;
use super::load::Accepted;
use crate::host::{Host, Received};
use crate::http::get;
use crate::server::Server;
use crate::wait::PATIENCE;

/// The statuses in which a run can end.
const ENDS: [&str; 3] = ["COMPLETED", "ERROR", "CANCELLED"];

/// Checks every run that was accepted.
pub(super) fn check(
    server: &Server,
    receiver: &Host,
    accepted: &BTreeMap<String, Accepted>,
    kills: usize,
) -> ChaosReport {
    let mut violations = Vec::new();
    let runs: BTreeMap<&str, Value> =
        accepted.keys().map(|id| (id.as_str(), ended(server, id, &mut violations))).collect();
    for (id, run) in &runs {
        let Some(promise) = accepted.get(*id) else { continue };
        violations.extend(check_run(server, id, run, *promise));
    }
    let told = runs.iter().filter(|(id, _)| accepted.get(**id).is_some_and(|promise| promise.is_told));
    violations.extend(check_webhooks(receiver, &told.collect::<Vec<_>>()));
    let listed = listed(server);
    let promised: BTreeSet<String> = accepted.keys().cloned().collect();
    let twice: Vec<_> = listed.difference(&promised).collect();
    if !twice.is_empty() {
        violations.push(format!("runs that nobody was told of: {twice:?}"));
    }
    let lost: Vec<_> = promised.difference(&listed).collect();
    if !lost.is_empty() {
        violations.push(format!("runs that are lost: {lost:?}"));
    }
    ChaosReport {
        kills,
        accepted: accepted.len(),
        given_up: runs.values().filter(|run| is_given_up(run)).count(),
        completed: runs.values().filter(|run| run["status"] == "COMPLETED").count(),
        webhooks: receiver.received().len(),
        orphans: orphans(&server.data().join("outputs"), &runs),
        violations,
    }
}

/// The run, once it has ended.
fn ended(server: &Server, id: &str, violations: &mut Vec<String>) -> Value {
    let begun = Instant::now();
    loop {
        let answer = server.get(&format!("/workflows/default/runs/{id}"));
        if answer.status != 200 {
            violations.push(format!("{id} is lost: {}", answer.status));
            return Value::Null;
        }
        let run = answer.json();
        if run["status"].as_str().is_some_and(|status| ENDS.contains(&status)) {
            return run;
        }
        if begun.elapsed() > PATIENCE {
            violations.push(format!("{id} does not end: {}", run["status"]));
            return run;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn check_run(server: &Server, id: &str, run: &Value, promise: Accepted) -> Vec<String> {
    let mut violations = Vec::new();
    let status = run["status"].as_str().unwrap_or_default();
    if (status == "ERROR" && !is_given_up(run)) || (status == "CANCELLED" && !promise.is_cancelled) {
        violations.push(format!("{id} ended as {status}: {}", run["output"]));
    }
    let events = server.get(&format!("/workflows/default/runs/{id}/events")).body;
    let events = String::from_utf8_lossy(&events).into_owned();
    let ends = events.lines().filter_map(|line| line.strip_prefix("event:")).map(str::trim);
    let ends: Vec<&str> = ends.filter(|name| ["completed", "error", "cancelled"].contains(name)).collect();
    if ends != [status.to_lowercase()] {
        violations.push(format!("{id} is {status} and its ends are {ends:?}"));
    }
    for output in run["output"].as_array().into_iter().flatten() {
        let url = output["url"].as_str().unwrap_or_default();
        let url = url.replace("http://comfy.example", server.base_url());
        let answer = get(&url);
        // A PNG that was cut off does not end like one.
        if answer.status != 200 || !answer.body.ends_with(b"IEND\xaeB`\x82") {
            violations.push(format!("{id} names an output that is not there, or not whole: {url}"));
        }
    }
    violations
}

/// Whether the run ended because a kill ended each of the twenty attempts that a run has: on a machine so slow
/// that no server lived long enough for it, that is what is promised.
fn is_given_up(run: &Value) -> bool {
    let message = run["output"]["error"]["exception_message"].as_str();
    message.is_some_and(|message| message.starts_with("the run was begun 20 times"))
}

/// Each change that is told was told, and no other end.
fn check_webhooks(receiver: &Host, runs: &[(&&str, &Value)]) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let told = told(receiver);
        let violations: Vec<_> =
            runs.iter().filter_map(|(id, run)| told_wrongly(id, run, told.get(**id))).collect();
        if violations.is_empty() || begun.elapsed() > PATIENCE {
            return violations;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// The statuses that each run was told with.
fn told(receiver: &Host) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for body in receiver.received().iter().map(Received::json) {
        if let (Some(id), Some(status)) = (body["id"].as_str(), body["status"].as_str()) {
            told.entry(id.to_owned()).or_default().insert(status.to_owned());
        }
    }
    told
}

fn told_wrongly(id: &str, run: &Value, told: Option<&BTreeSet<String>>) -> Option<String> {
    let mut expected = BTreeSet::from([run["status"].as_str().unwrap_or_default().to_owned()]);
    let nothing = BTreeSet::new();
    let told = told.unwrap_or(&nothing);
    // One that was cancelled may have been started before, or may have been queued again since.
    if !run["started_at"].is_null() || told.contains("STARTED") {
        expected.insert("STARTED".to_owned());
    }
    (*told != expected).then(|| format!("{id} was told as {told:?} instead of {expected:?}"))
}

/// The ids of all runs, page by page.
fn listed(server: &Server) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut url = server.url("/workflows/default/runs?limit=200");
    loop {
        let answer = get(&url).expect_status(200);
        let page = answer.json();
        ids.extend(
            page.as_array().into_iter().flatten().filter_map(|run| Some(run["id"].as_str()?.to_owned())),
        );
        let next = answer.header("link").and_then(|link| link.strip_prefix('<')?.split('>').next());
        let Some(next) = next else { return ids };
        url = next.replace("http://comfy.example", server.base_url());
    }
}

/// How many folders of attempts there are that no completed run shows.
fn orphans(outputs: &Path, runs: &BTreeMap<&str, Value>) -> usize {
    let folders = fs::read_dir(outputs).into_iter().flatten().flatten();
    let attempts = folders.flat_map(|folder| {
        let id = folder.file_name().to_string_lossy().into_owned();
        let is_complete = runs.get(id.as_str()).is_some_and(|run| run["status"] == "COMPLETED");
        let count = fs::read_dir(folder.path()).into_iter().flatten().count();
        [count.saturating_sub(usize::from(is_complete))]
    });
    attempts.sum()
}
