//! Reads faults out of TOML. Nothing is passed over: an unknown key, or one that does not go with the others, is an
//! error that names its place.

mod fields;

use std::num::NonZeroU64;
use std::time::Duration;

use comfyicu_model::nearest;
use http::{HeaderValue, StatusCode};
use toml_edit::{Document, Item};

use super::count::Count;
use super::plan::{
    Fault, NodeFilter, OfRequests, OfRuns, OfWebhooks, Plan, Refusal, RequestAct, RunAct, WebhookAct,
};
use super::route::{CALLS, Route};
use crate::run::EventKind;
use fields::{Fields, Text};

/// The most faults of a file.
const MAX_FAULTS: usize = 1000;
/// The longest that something is held up: an hour.
const MAX_DELAY_MS: u64 = 60 * 60 * 1000;
/// The longest `Retry-After`: a day.
const MAX_RETRY_AFTER_S: u64 = 24 * 60 * 60;

/// What is wrong with a file of faults, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}:{line}:{column}: {problem}")]
pub(crate) struct InvalidFaults {
    origin: String,
    line: usize,
    column: usize,
    problem: String,
}

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Requests,
    Runs,
    Webhooks,
}

/// The keys that every fault can have.
const COMMON: &[&str] = &["on", "do", "skip", "every", "times"];
/// What can happen to what, and the keys that go with it.
const ACTS: &[(Subject, &str, &[&str])] = &[
    (Subject::Requests, "delay", &["delay_ms"]),
    (Subject::Requests, "refuse", &["status", "retry_after_s", "body", "content_type"]),
    (Subject::Requests, "drop", &[]),
    (Subject::Requests, "lose-answer", &[]),
    (Subject::Requests, "cut", &[]),
    (Subject::Runs, "delay", &["delay_ms", "class_type", "node_id"]),
    (Subject::Runs, "hang", &["class_type", "node_id"]),
    (Subject::Runs, "fail", &["class_type", "node_id", "exception_type", "message"]),
    (Subject::Webhooks, "delay", &["delay_ms", "event"]),
    (Subject::Webhooks, "lose", &["event"]),
    (Subject::Webhooks, "double", &["event"]),
];

/// Reads the faults of a file.
pub(super) fn read(origin: &str, text: &str) -> Result<Plan, InvalidFaults> {
    let source = Text { origin, text };
    let document = Document::parse(text).map_err(|error| source.error(error.span(), error.message()))?;
    let mut plan = Plan::default();
    for (name, item) in document.iter() {
        if name != "fault" {
            let span = document.key(name).and_then(toml_edit::Key::span);
            return Err(source.error(span, format!("there is no `{name}` here; each fault is a `[[fault]]`")));
        }
        let Some(tables) = item.as_array_of_tables() else {
            let span = Item::span(item);
            return Err(source.error(span, "each fault stands under a `[[fault]]` of its own"));
        };
        if tables.len() > MAX_FAULTS {
            return Err(source.error(None, format!("there are more than {MAX_FAULTS} faults")));
        }
        for table in tables {
            Reader { fields: Fields { source, table } }.read_into(&mut plan)?;
        }
    }
    Ok(plan)
}

/// Reads one fault.
struct Reader<'a> {
    fields: Fields<'a>,
}

impl Reader<'_> {
    fn read_into(&self, plan: &mut Plan) -> Result<(), InvalidFaults> {
        let on = self.fields.needed_text("on")?;
        let (subject, routes) = self.subject(on)?;
        let act = self.fields.needed_text("do")?;
        self.check_keys(on, subject, act)?;
        let (place, count) = (self.fields.place(), self.count()?);
        match subject {
            Subject::Requests => {
                let what = OfRequests { routes, act: self.request_act(act)? };
                plan.requests.push(Fault { place, count, what });
            }
            Subject::Runs => {
                let text = |key| Ok::<_, InvalidFaults>(self.fields.text(key)?.map(str::to_owned));
                let node = NodeFilter { node_id: text("node_id")?, class_type: text("class_type")? };
                plan.runs.push(Fault { place, count, what: OfRuns { node, act: self.run_act(act)? } });
            }
            Subject::Webhooks => {
                let what = OfWebhooks { event: self.event()?, act: self.webhook_act(act)? };
                plan.webhooks.push(Fault { place, count, what });
            }
        }
        Ok(())
    }

    fn subject(&self, on: &str) -> Result<(Subject, Vec<Route>), InvalidFaults> {
        match on {
            "run" => return Ok((Subject::Runs, Vec::new())),
            "webhook" => return Ok((Subject::Webhooks, Vec::new())),
            _ => {}
        }
        if let Some(routes) = Route::of_call(on) {
            return Ok((Subject::Requests, routes));
        }
        if let Some(route) = Route::parse(on) {
            return Ok((Subject::Requests, vec![route]));
        }
        let names: Vec<&str> =
            ["run", "webhook"].into_iter().chain(CALLS.iter().map(|(name, _)| *name)).collect();
        let form = format!("{}, or a route such as `GET /api/v1/workflows/{{id}}`", listed(&names));
        Err(self.unknown("on", on, &names, &form))
    }

    /// Every key is known, and goes with what is done.
    fn check_keys(&self, on: &str, subject: Subject, act: &str) -> Result<(), InvalidFaults> {
        let acts = || ACTS.iter().filter(|(of, _, _)| *of == subject);
        let Some((_, _, own)) = acts().find(|(_, name, _)| *name == act) else {
            let names: Vec<&str> = acts().map(|(_, name, _)| *name).collect();
            return Err(self.unknown("do", act, &names, &listed(&names)));
        };
        let usable = [COMMON, own].concat();
        let all = || COMMON.iter().chain(ACTS.iter().flat_map(|(_, _, keys)| keys.iter())).copied();
        let Some(key) = self.fields.keys().find(|key| !usable.contains(key)) else { return Ok(()) };
        let problem = if all().any(|known| known == key) {
            format!("`{key}` does not go with on = \"{on}\", do = \"{act}\"")
        } else {
            match nearest(key, all()) {
                Some(name) => format!("there is no key `{key}`; did you mean `{name}`?"),
                None => format!("there is no key `{key}`; those are {}", listed(&usable)),
            }
        };
        Err(self.fields.wrong_key(key, problem))
    }

    fn unknown(&self, key: &str, given: &str, names: &[&str], listed: &str) -> InvalidFaults {
        let problem = match nearest(given, names.iter().copied()) {
            Some(name) => format!("`{key}` cannot be `{given}`; did you mean `{name}`?"),
            None => format!("`{key}` cannot be `{given}`; it is one of {listed}"),
        };
        self.fields.wrong(key, problem)
    }

    fn count(&self) -> Result<Count, InvalidFaults> {
        let fields = &self.fields;
        let every = fields.whole("every", 1..=u64::MAX)?.and_then(NonZeroU64::new);
        let skip = fields.whole("skip", 0..=u64::MAX)?.unwrap_or(0);
        Ok(Count::new(skip, every.unwrap_or(NonZeroU64::MIN), fields.whole("times", 1..=u64::MAX)?))
    }

    fn delay(&self) -> Result<Duration, InvalidFaults> {
        let delay = self.fields.whole("delay_ms", 0..=MAX_DELAY_MS)?;
        delay.map(Duration::from_millis).ok_or_else(|| self.fields.missing("delay_ms"))
    }

    fn request_act(&self, act: &str) -> Result<RequestAct, InvalidFaults> {
        Ok(match act {
            "delay" => RequestAct::Delay(self.delay()?),
            "refuse" => RequestAct::Refuse(self.refusal()?),
            "drop" => RequestAct::Drop,
            "lose-answer" => RequestAct::LoseAnswer,
            _ => RequestAct::Cut,
        })
    }

    fn refusal(&self) -> Result<Refusal, InvalidFaults> {
        let fields = &self.fields;
        let status = fields.whole("status", 400..=599)?.ok_or_else(|| fields.missing("status"))?;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| fields.missing("status"))?;
        let retry_after_s = fields.whole("retry_after_s", 0..=MAX_RETRY_AFTER_S)?;
        let content_type = fields.text("content_type")?;
        if content_type.is_some_and(|text| HeaderValue::from_str(text).is_err()) {
            return Err(fields.wrong("content_type", "`content_type` is no text of a header".to_owned()));
        }
        let body = match (fields.text("body")?, content_type) {
            (Some(body), content_type) => {
                Some((body.to_owned(), content_type.unwrap_or("text/html").to_owned()))
            }
            (None, Some(_)) => return Err(fields.missing("body")),
            (None, None) => None,
        };
        Ok(Refusal { status, retry_after_s, body })
    }

    fn run_act(&self, act: &str) -> Result<RunAct, InvalidFaults> {
        let text =
            |key, default: &str| Ok::<_, InvalidFaults>(self.fields.text(key)?.unwrap_or(default).to_owned());
        Ok(match act {
            "delay" => RunAct::Delay(self.delay()?),
            "hang" => RunAct::Hang,
            _ => RunAct::Fail {
                exception_type: text("exception_type", "RuntimeError")?,
                message: text("message", "the node fails on purpose")?,
            },
        })
    }

    fn webhook_act(&self, act: &str) -> Result<WebhookAct, InvalidFaults> {
        Ok(match act {
            "delay" => WebhookAct::Delay(self.delay()?),
            "lose" => WebhookAct::Lose,
            _ => WebhookAct::Double,
        })
    }

    fn event(&self) -> Result<Option<EventKind>, InvalidFaults> {
        let Some(name) = self.fields.text("event")? else { return Ok(None) };
        // Nobody is told that a run waits.
        let told = EventKind::parse(name).filter(|kind| *kind != EventKind::Queued);
        let names = ["started", "completed", "error", "cancelled"];
        told.map(Some).ok_or_else(|| self.unknown("event", name, &names, &listed(&names)))
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
