//! How much one request, one run and one connection may take. Each limit is a setting.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Finding, RunRequest};

use crate::args::parse_span;

/// The limits of a server.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// The most bytes of a request to create a run; the largest real workflow has a few MiB
    #[arg(long, value_name = "SIZE", default_value = "32MiB")]
    pub(crate) max_body: ByteCount,

    /// The most nodes of a prompt
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) max_nodes: usize,

    /// How deep lists and objects may stand in each other in a request
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub(crate) max_depth: usize,

    /// The most files that a run may bring
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) max_files: usize,

    /// The most bytes of one file of a run; the largest checkpoints in common use are smaller
    #[arg(long, value_name = "SIZE", default_value = "64GiB")]
    pub(crate) max_file_size: ByteCount,

    /// The most bytes that the outputs of a run may have together
    #[arg(long, value_name = "SIZE", default_value = "64GiB")]
    pub(crate) max_output_size: ByteCount,

    /// The most runs that wait; more are answered with 503
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_queue: usize,

    /// How long a run may be executed, such as 90m
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "6h")]
    pub(crate) max_execution: Duration,

    /// The most connections at once, as far as the system allows so many open files; more wait until one is closed
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    pub(crate) max_connections: usize,

    /// How long the head of a request may take, and how long a connection may be idle
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "30s")]
    pub(crate) header_timeout: Duration,

    /// How long the body of a request may pause, and how long an answer may wait to be read on
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "60s")]
    pub(crate) body_timeout: Duration,

    /// The most readers of events at once
    #[arg(long, value_name = "N", default_value_t = 8_192)]
    pub(crate) max_streams: usize,

    /// How many events one reader gets; it goes on from there when it comes back
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_stream_events: usize,
}

impl Limits {
    /// What is beyond the limits in a request to create a run.
    pub(crate) fn check(&self, request: &RunRequest, body: &Object) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut count = |code: &'static str, what: &str, has: usize, most: usize| {
            if has > most {
                let message = format!("the request has {has} {what}, and this server takes {most}");
                findings.push(Finding::new(code, message));
            }
        };
        count("too_many_nodes", "nodes", request.prompt().nodes().count(), self.max_nodes);
        count("too_many_files", "files", request.requested_files().iter().count(), self.max_files);
        if body.iter().any(|(_, value)| is_deeper(value, self.max_depth.saturating_sub(1))) {
            let message = format!("lists and objects stand in each other more than {} times", self.max_depth);
            findings.push(Finding::new("too_deep", message));
        }
        findings
    }

    /// What a client is told of the limits.
    pub(crate) fn to_object(self) -> Object {
        let seconds = |span: Duration| Value::from(span.as_secs());
        let count = |number: usize| Value::from(number as u64);
        Object::from_iter([
            ("request_bytes", Value::from(self.max_body.0)),
            ("file_bytes", self.max_file_size.0.into()),
            ("output_bytes", self.max_output_size.0.into()),
            ("nodes", count(self.max_nodes)),
            ("depth", count(self.max_depth)),
            ("files", count(self.max_files)),
            ("execution_seconds", seconds(self.max_execution)),
        ])
    }
}

/// Whether lists and objects stand in each other more often than that. It stops where it is sure, so that it
/// goes no deeper than the limit.
fn is_deeper(value: &Value, most: usize) -> bool {
    let inner = |value: &Value| most == 0 || is_deeper(value, most - 1);
    match value {
        Value::Array(items) => most == 0 || items.iter().any(inner),
        Value::Object(object) => most == 0 || object.iter().any(|(_, value)| inner(value)),
        _ => false,
    }
}

/// A number of bytes, written like `32MiB`, `5GB` or `1024`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteCount(pub(crate) u64);

/// A text that is no number of bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number of bytes is needed, such as 32MiB, 5GB or 1024")]
pub(crate) struct InvalidByteCount;

/// The units, the longest names first.
const UNITS: [(&str, u64); 11] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
    ("", 1),
];

impl ByteCount {
    /// As a size in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteCount {
    type Err = InvalidByteCount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |(unit, factor): (&str, u64)| {
            let number = text.strip_suffix(unit)?.trim_end();
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(factor)
        };
        UNITS.into_iter().find_map(read).map(Self).ok_or(InvalidByteCount)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn limits(flags: &[&str]) -> Limits {
        let arguments = [&["comfyicu-server", "serve"], flags].concat();
        let Command::Serve(serve) = Cli::parse_from(arguments).command else { panic!("serve") };
        serve.limits
    }

    #[test]
    fn a_number_of_bytes_has_a_unit_or_none() {
        for (text, bytes) in [("32MiB", 32 << 20), ("5GB", 5_000_000_000), ("1024", 1024), ("7 B", 7)] {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)), "{text}");
        }
        for bad in ["", "MiB", "-1", "+1", "1.5GB", "1 XB", "99999999999TiB"] {
            assert_eq!(bad.parse::<ByteCount>(), Err(InvalidByteCount), "{bad}");
        }
    }

    #[test]
    fn what_is_at_a_limit_passes_and_what_is_beyond_it_is_found() {
        let body = br#"{"prompt": {"1": {"class_type": "A", "inputs": {"x": [["2", 0]]}}, "2": {"class_type": "B", "inputs": {}}},
                        "files": {"/input/a": "http://a/a", "/input/b": "http://a/b"}}"#;
        let (request, body) = RunRequest::parse_with_body(body).unwrap();
        let codes = |flags: &[&str]| {
            let found = limits(flags).check(&request, &body);
            found.iter().map(|finding| finding.code.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(codes(&["--max-nodes", "2", "--max-files", "2", "--max-depth", "6"]), [""; 0]);
        assert_eq!(
            codes(&["--max-nodes", "1", "--max-files", "1", "--max-depth", "5"]),
            ["too_many_nodes", "too_many_files", "too_deep"]
        );
    }
}
