//! Where what is asked differs from what was recorded. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::exchange::{Body, Sent};

/// How much of a value is shown.
const EXCERPT_CHARS: usize = 80;

/// The first difference between two requests, in words.
pub(super) fn first_difference(recorded: &Sent, sent: &Sent) -> Option<String> {
    text("the method", &recorded.method, &sent.method)
        .or_else(|| text("the URL", &recorded.url, &sent.url))
        .or_else(|| headers(&recorded.headers, &sent.headers))
        .or_else(|| body(&recorded.body, &sent.body))
}

fn text(what: &str, recorded: &str, sent: &str) -> Option<String> {
    (recorded != sent).then(|| format!("{what} was `{}`, and is `{}`", excerpt(recorded), excerpt(sent)))
}

fn headers(recorded: &BTreeMap<String, String>, sent: &BTreeMap<String, String>) -> Option<String> {
    let names = recorded.keys().chain(sent.keys().filter(|name| !recorded.contains_key(*name)));
    names.into_iter().find_map(|name| match (recorded.get(name), sent.get(name)) {
        (Some(recorded), Some(sent)) => text(&format!("the header `{name}`"), recorded, sent),
        (Some(_), None) => Some(format!("the header `{name}` is missing")),
        _ => Some(format!("the header `{name}` was not there")),
    })
}

fn body(recorded: &Body, sent: &Body) -> Option<String> {
    match (recorded, sent) {
        (Body::None, Body::None) => None,
        (Body::Json(recorded), Body::Json(sent)) => json_text(recorded.get(), sent.get()),
        (Body::Text(recorded), Body::Text(sent)) => text("the body", recorded, sent),
        (Body::Base64(recorded), Body::Base64(sent)) => text("the body (base64)", recorded, sent),
        (Body::Stream(recorded), Body::Stream(sent)) => (recorded != sent)
            .then(|| format!("the body was a stream of {recorded} bytes, and is one of {sent} bytes")),
        _ => Some(format!("the body was {}, and is {}", kind(recorded), kind(sent))),
    }
}

const fn kind(body: &Body) -> &'static str {
    match body {
        Body::None => "empty",
        Body::Json(_) => "JSON",
        Body::Text(_) => "text",
        Body::Base64(_) => "bytes",
        Body::Stream(_) => "a stream",
    }
}

/// Compares the values, and where these are the same, the letters: numbers that a double cannot tell apart are
/// not the same.
fn json_text(recorded: &str, sent: &str) -> Option<String> {
    let compact = |json: &str| json.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if recorded == sent {
        return None;
    }
    let (Ok(left), Ok(right)) = (serde_json::from_str(recorded), serde_json::from_str(sent)) else {
        return text("the body", recorded, sent);
    };
    json("$", &left, &right).or_else(|| {
        let (left, right) = (sorted(&compact(recorded)), sorted(&compact(sent)));
        (left != right).then(|| "the body has another number than was recorded".to_owned())
    })
}

/// The letters of a text in order: the same for two JSON texts that differ in the order of their keys only.
fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

fn json(path: &str, recorded: &Value, sent: &Value) -> Option<String> {
    match (recorded, sent) {
        (Value::Object(recorded), Value::Object(sent)) => {
            let keys = recorded.keys().chain(sent.keys().filter(|key| !recorded.contains_key(*key)));
            keys.into_iter().find_map(|key| match (recorded.get(key), sent.get(key)) {
                (Some(recorded), Some(sent)) => json(&format!("{path}.{key}"), recorded, sent),
                (Some(_), None) => Some(format!("the body lacks {path}.{key}")),
                _ => Some(format!("the body has {path}.{key}, which was not there")),
            })
        }
        (Value::Array(recorded), Value::Array(sent)) => {
            let pairs = recorded.iter().zip(sent).enumerate();
            let first = pairs.into_iter().find_map(|(at, (a, b))| json(&format!("{path}[{at}]"), a, b));
            first.or_else(|| {
                let (before, now) = (recorded.len(), sent.len());
                (before != now).then(|| format!("{path} in the body had {before} items, and has {now}"))
            })
        }
        _ if recorded == sent => None,
        _ => text(&format!("{path} in the body"), &recorded.to_string(), &sent.to_string()),
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}
