//! A real S3 implementation in a process of its own: moto, from Python's package registry.

use std::process::Command;

use crate::child::{Background, run_bounded};
use crate::environment::{in_ci, repository};
use crate::http::{get, request};
use crate::wait::PATIENCE;

/// The bucket that it has.
const BUCKET: &str = "renders";

/// A running S3 server on a free port of the loopback interface, killed when dropped.
#[derive(Debug)]
pub struct S3 {
    _process: Background,
    url: String,
}

impl S3 {
    /// Starts one, with a bucket. `None`, said aloud, where it is not installed.
    ///
    /// # Panics
    /// When it does not start, or is not installed where it has to be (`CI=true`).
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "where it is skipped, the test says so")]
    pub fn start() -> Option<Self> {
        let found = run_bounded(python().args(["-c", "import moto.server"]), PATIENCE).code == Some(0);
        assert!(found || !in_ci(), "moto is missing; `.ci/run` installs what the tests need");
        if !found {
            println!("skipped: moto, the S3 server of the tests, is missing; `.ci/run` installs it");
            return None;
        }
        let mut process =
            Background::start(python().args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]));
        let said = process.says("Press CTRL+C");
        let url = said.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
        let url = url.unwrap_or_else(|| panic!("no address in:\n{said}")).to_owned();
        let created = request("PUT", &format!("{url}/{BUCKET}"), &[], b"");
        assert_eq!(created.status, 200, "the bucket cannot be made");
        Some(Self { _process: process, url })
    }

    /// What a server has to be told to use it.
    pub fn variables(&self) -> [(&str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-bucket"),
            ("AWS_REGION", "eu-central-1"),
        ]
    }

    /// The address of a part of its bucket.
    pub fn location(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The names of all objects.
    pub fn keys(&self) -> Vec<String> {
        let listed = get(&format!("{}/{BUCKET}?list-type=2", self.url)).expect_status(200);
        texts(&String::from_utf8_lossy(&listed.body), "Key")
    }

    /// The uploads in parts that were neither completed nor aborted.
    pub fn unfinished(&self) -> Vec<String> {
        let listed = get(&format!("{}/{BUCKET}?uploads", self.url)).expect_status(200);
        texts(&String::from_utf8_lossy(&listed.body), "UploadId")
    }
}

/// Python, with the packages of the tests and without those of its surroundings.
fn python() -> Command {
    let mut python = Command::new("python3");
    python.arg("-P").env("PYTHONPATH", repository().join("target/doc-clients/moto"));
    python
}

/// What stands in the elements of this name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
    parts.map(|(text, _)| text.to_owned()).collect()
}
