//! A real ComfyUI, over HTTP.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use comfyicu_model::json::{self, Object, Value};

use crate::Failure;

/// How long one prompt may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Its end is asked for so often, which is what is lost at most.
const ASK_EVERY: Duration = Duration::from_micros(500);

/// A ComfyUI by its address.
#[derive(Clone, Debug)]
pub(crate) struct ComfyUi {
    address: String,
}

/// What became of a prompt.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It was refused.
    Refused,
    /// It ran, or failed: its entry in the history.
    Ended(Object),
}

impl ComfyUi {
    /// Takes `host:port`.
    pub(crate) fn at(address: &str) -> Self {
        Self { address: address.trim_start_matches("http://").trim_end_matches('/').to_owned() }
    }

    /// Runs a prompt to its end.
    pub(crate) fn run(&self, prompt: &str) -> Result<Answer, Failure> {
        let started = Instant::now();
        let body = format!(r#"{{"prompt": {prompt}}}"#);
        let answer = object(&self.http("POST", "/prompt", "application/json", body.as_bytes())?)?;
        let Some(id) = answer.get_str("prompt_id") else { return Ok(Answer::Refused) };
        while started.elapsed() < PATIENCE {
            let history = object(&self.http("GET", &format!("/history/{id}"), "", b"")?)?;
            if let Some(entry) = history.get(id).and_then(Value::as_object) {
                return Ok(Answer::Ended(entry.clone()));
            }
            std::thread::sleep(ASK_EVERY);
        }
        Err("ComfyUI did not end in time".into())
    }

    /// Whether it has nodes of a class.
    pub(crate) fn has(&self, class: &str) -> Result<bool, Failure> {
        let answer = object(&self.http("GET", &format!("/object_info/{class}"), "", b"")?)?;
        Ok(answer.contains_key(class))
    }

    /// Runs a prompt that must succeed.
    pub(crate) fn time(&self, prompt: &str) -> Result<Duration, Failure> {
        let started = Instant::now();
        match self.run(prompt)? {
            Answer::Ended(entry) if status(&entry) == Some("success") => Ok(started.elapsed()),
            answer => Err(format!("ComfyUI failed at {prompt}: {answer:?}").into()),
        }
    }

    /// Stores a file among the inputs.
    pub(crate) fn upload(&self, subfolder: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        const BOUNDARY: &str = "comfyicu-boundary-7d1f";
        let mut body = Vec::new();
        for (field, value) in [("subfolder", subfolder), ("overwrite", "true")] {
            write!(
                body,
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            )?;
        }
        write!(
            body,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n"
        )?;
        body.extend_from_slice(bytes);
        write!(body, "\r\n--{BOUNDARY}--\r\n")?;
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        object(&self.http("POST", "/upload/image", &kind, &body)?).map(drop)
    }

    /// The bytes of an output.
    pub(crate) fn view(&self, kind: &str, subfolder: &str, name: &str) -> Result<Vec<u8>, Failure> {
        let [kind, subfolder, name] = [kind, subfolder, name].map(escaped);
        let path = format!("/view?filename={name}&subfolder={subfolder}&type={kind}");
        self.http("GET", &path, "", b"").map_err(Failure::from)
    }

    /// One exchange over a connection of its own; the body of the answer.
    fn http(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        Ok(answer.split_off(end.unwrap_or(answer.len())))
    }
}

/// How a prompt ended, by its entry in the history.
pub(crate) fn status(entry: &Object) -> Option<&str> {
    entry.get("status")?.as_object()?.get_str("status_str")
}

fn object(body: &[u8]) -> Result<Object, Failure> {
    let value = json::read(body, json::Limits::default())?;
    value.as_object().cloned().ok_or_else(|| format!("not an object: {}", value.to_json()).into())
}

/// A part of an address's query.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}
