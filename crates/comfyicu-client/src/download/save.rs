//! One output, from the wire into its place.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfyicu_model::OutputFile;
use comfyicu_transport::{RequestBody, Response, ResponseBody, TransportError, TransportErrorKind};
use futures_util::StreamExt as _;
use http::header;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::IfExists;
use super::place::{self, Placed};
use crate::client::Client;
use crate::error::{ApiError, Error, ErrorKind, Source};

/// The most bytes an output may have: more than any video seen, less than a disk.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// How much of the body of an error is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Fetches an output and puts it in its place.
pub(super) async fn save(
    client: &Client,
    output: &OutputFile,
    path: &Path,
    if_exists: IfExists,
    report: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<Placed, Error> {
    let url = output.url.as_ref().ok_or_else(|| {
        Error::new(
            ErrorKind::Protocol,
            format!("the service gives no URL for the output `{}`", output.filename),
        )
    })?;
    let written = |error| write_error(path, error);
    if if_exists == IfExists::Fail && tokio::fs::try_exists(path).await.map_err(written)? {
        return Err(exists(path));
    }
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    tokio::fs::create_dir_all(&folder).await.map_err(|error| write_error(&folder, error))?;
    let fetch = Fetch { silence: client.inner.timeout, url, path };
    let (length, body) = fetch.start(client).await?;
    let (file, temporary) = blocking(move || create(&folder)).await.map_err(written)?;
    let size_bytes = fetch.receive(body, length, tokio::fs::File::from_std(file), report).await?;
    let target = path.to_path_buf();
    let placed = blocking(move || place::put(temporary, &target, if_exists, size_bytes)).await;
    placed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => write_error(path, error),
    })
}

/// One file on its way.
struct Fetch<'a> {
    /// How long the other side may be silent.
    silence: Duration,
    url: &'a Url,
    path: &'a Path,
}

impl Fetch<'_> {
    /// Asks for the file and gives its length, where it is said, and its bytes.
    async fn start(&self, client: &Client) -> Result<(Option<u64>, ResponseBody), Error> {
        let request = http::Request::get(self.url.as_str()).body(RequestBody::empty());
        let request = request.map_err(|error| self.broken(TransportErrorKind::Request, error))?;
        let sent = tokio::time::timeout(self.silence, client.inner.transport.send(request)).await;
        let response = sent.unwrap_or_else(|_| Err(self.silent())).map_err(|error| self.failed(error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let (head, body) = response.into_parts();
        let length = head.headers.get(header::CONTENT_LENGTH).filter(|_| {
            // An encoded body has another length than its file.
            !head.headers.contains_key(header::CONTENT_ENCODING)
        });
        Ok((length.and_then(|length| length.to_str().ok()?.parse().ok()), body))
    }

    /// Writes the bytes as they come, and brings them to the disk.
    async fn receive(
        &self,
        mut body: ResponseBody,
        length: Option<u64>,
        mut file: tokio::fs::File,
        report: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<u64, Error> {
        let mut bytes = 0_u64;
        report(bytes, length);
        loop {
            let next = tokio::time::timeout(self.silence, body.next()).await;
            let Some(chunk) = next.unwrap_or_else(|_| Some(Err(self.silent()))) else { break };
            let chunk = chunk.map_err(|error| self.failed(error))?;
            bytes = bytes.saturating_add(chunk.len() as u64);
            if bytes > length.unwrap_or(MAX_OUTPUT_BYTES) {
                let problem = format!("it has more than {} bytes", length.unwrap_or(MAX_OUTPUT_BYTES));
                return Err(self.broken(TransportErrorKind::Body, problem));
            }
            file.write_all(&chunk).await.map_err(|error| write_error(self.path, error))?;
            report(bytes, length);
        }
        if let Some(length) = length.filter(|length| *length != bytes) {
            let problem = format!("it broke off after {bytes} of {length} bytes");
            return Err(self.broken(TransportErrorKind::Interrupted, problem));
        }
        // The last write goes on in the background: only flushing says how it went.
        file.flush().await.map_err(|error| write_error(self.path, error))?;
        file.sync_all().await.map_err(|error| write_error(self.path, error))?;
        Ok(bytes)
    }

    fn silent(&self) -> TransportError {
        let problem = format!("nothing came for {} s", self.silence.as_secs_f64());
        TransportError::new(TransportErrorKind::Timeout, problem)
    }

    fn broken(
        &self,
        kind: TransportErrorKind,
        problem: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.failed(TransportError::new(kind, problem))
    }

    fn failed(&self, error: TransportError) -> Error {
        let text =
            format!("{} did not arrive whole, so `{}` was not saved", self.shown(), self.path.display());
        Error::new(ErrorKind::Transport, text).with_source(Source::Transport(error))
    }

    async fn refused(&self, response: Response) -> Error {
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(self.silence, body.collect_prefix(MAX_ERROR_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let kind = match ErrorKind::of_status(head.status) {
            kind @ (ErrorKind::Server | ErrorKind::RateLimited) => kind,
            // Neither the key, which was not sent, nor the run: the link is no longer good.
            _ => ErrorKind::Unexpected,
        };
        let request = format!("GET {}", self.shown());
        let error = ApiError::read(request, head.status, &head.headers, &body);
        let text = format!("the output for `{}` cannot be fetched", self.path.display());
        Error::new(kind, text).with_source(Source::Api(error))
    }

    /// The URL without its query, which may be a signature.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.to_string()
    }
}

/// Makes a file that nobody else has, beside the place of the final one.
fn create(folder: &Path) -> io::Result<(std::fs::File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".comfyicu-").suffix(".part");
    #[cfg(unix)]
    {
        // As for any new file: what the umask leaves. The default is the owner alone.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(builder.tempfile_in(folder)?.into_parts())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn write_error(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` cannot be written", path.display());
    Error::new(ErrorKind::WriteFile, text).with_source(Source::Io(error))
}

fn exists(path: &Path) -> Error {
    let text = format!("`{}` is there already, and is not overwritten", path.display());
    Error::new(ErrorKind::FileExists, text)
}
