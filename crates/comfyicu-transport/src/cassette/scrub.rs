//! Taking secrets out of what is recorded.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};

/// What stands in the place of a secret.
pub(super) const SCRUBBED: &str = "[scrubbed]";

/// The headers whose values are secrets.
const SECRET_HEADERS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE];

/// What the name of a query's value holds when the value is a secret.
const SECRET_NAMES: [&str; 8] = ["sig", "key", "token", "secret", "password", "credential", "auth", "policy"];

/// Takes secrets out.
#[derive(Clone, Default)]
pub(super) struct Scrub {
    secrets: Vec<String>,
}

impl Scrub {
    /// Takes a text out wherever it stands.
    pub(super) fn secret(&mut self, secret: String) {
        if !secret.is_empty() {
            self.secrets.push(secret);
        }
    }

    pub(super) fn header(&self, name: &HeaderName, value: &HeaderValue) -> String {
        if value.is_sensitive() || SECRET_HEADERS.contains(name) || is_secret(name.as_str()) {
            return SCRUBBED.to_owned();
        }
        self.text(&String::from_utf8_lossy(value.as_bytes()))
    }

    /// A URL, or a text with URLs in it.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = queries(text);
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), SCRUBBED));
            }
        }
        text.into_owned()
    }
}

/// Takes the secret values out of all queries of a text.
fn queries(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['?', '&']) {
        let (before, query) = rest.split_at(at + 1);
        out.push_str(before);
        rest = query;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = query.split_once('=').map_or("", |(name, _)| name);
        if name.is_empty() || !name.chars().all(is_name) || !is_secret(name) {
            continue;
        }
        let value = query.get(name.len() + 1..).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '\\' | '<' | '>' | '#');
        let end = value.find(ends).unwrap_or(value.len());
        out.extend([name, "=", SCRUBBED]);
        rest = value.get(end..).unwrap_or_default();
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part)) && name != "idempotency-key"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_tokens_are_taken_out_of_urls() {
        let scrub = |text: &str| Scrub::default().text(text);
        assert_eq!(scrub("http://h/a?sig=abc&n=1"), "http://h/a?sig=[scrubbed]&n=1");
        assert_eq!(
            scrub(r#"{"url": "http://h/a?n=1&X-Amz-Signature=ab\u0026", "b": "?token=t"}"#),
            r#"{"url": "http://h/a?n=1&X-Amz-Signature=[scrubbed]\u0026", "b": "?token=[scrubbed]"}"#
        );
        for unchanged in ["http://h/a", "a & b = c", "why? sig = 1", "?=&&?", "http://h/?limit=5"] {
            assert_eq!(scrub(unchanged), unchanged);
        }
    }

    #[test]
    fn a_given_secret_is_taken_out_everywhere() {
        let mut scrub = Scrub::default();
        scrub.secret("hunter2".to_owned());
        scrub.secret(String::new());
        assert_eq!(scrub.text("a hunter2 b?n=hunter2"), "a [scrubbed] b?n=[scrubbed]");
        let header = |name: HeaderName, value| scrub.header(&name, &HeaderValue::from_static(value));
        assert_eq!(header(header::AUTHORIZATION, "Bearer x"), SCRUBBED);
        assert_eq!(header(HeaderName::from_static("x-api-key"), "x"), SCRUBBED);
        assert_eq!(header(header::ACCEPT, "hunter2"), SCRUBBED);
        assert_eq!(header(header::ACCEPT, "a/b"), "a/b");
    }
}
