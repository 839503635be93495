//! `multipart/form-data` with one file in it, which is read as it is sent.

use std::path::PathBuf;

use bytes::Bytes;
use comfyicu_transport::{BodyStream, RequestBody, TransportError, TransportErrorKind};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// Parts are told apart by this; 128 bits, so that no file holds it by chance.
const BOUNDARY: &str = "comfyicu-7f3c9a1e5b8d4f20a6c1e0d2b4938576";
/// How much of the file is read at once.
const CHUNK: usize = 64 * 1024;

/// A form: texts, and then a file of `size_bytes`.
pub(super) struct Form {
    head: String,
    file: PathBuf,
    size_bytes: u64,
}

impl Form {
    pub(super) fn new(fields: &[(&str, &str)], file: PathBuf, name: &str, size_bytes: u64) -> Self {
        let mut head = String::new();
        for (field, value) in fields {
            let disposition = format!("content-disposition: form-data; name=\"{field}\"");
            head.extend(["--", BOUNDARY, "\r\n", &disposition, "\r\n\r\n", value, "\r\n"]);
        }
        let disposition =
            format!("content-disposition: form-data; name=\"image\"; filename=\"{}\"", quoted(name));
        let kind = "content-type: application/octet-stream";
        head.extend(["--", BOUNDARY, "\r\n", &disposition, "\r\n", kind, "\r\n\r\n"]);
        Self { head, file, size_bytes }
    }

    pub(super) fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub(super) fn into_body(self) -> RequestBody {
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let length = self.head.len() as u64 + self.size_bytes + tail.len() as u64;
        let (head, tail) = (Bytes::from(self.head), Bytes::from(tail));
        let file = self.file;
        RequestBody::from_stream(length, move || {
            let ends = (stream::iter([Ok(head.clone())]), stream::iter([Ok(tail.clone())]));
            Box::pin(ends.0.chain(read(file.clone())).chain(ends.1)) as BodyStream
        })
    }
}

/// A file as a stream.
fn read(path: PathBuf) -> BodyStream {
    let unreadable = |error| TransportError::new(TransportErrorKind::Request, error);
    let open = async move {
        let file = File::open(path).await.map_err(unreadable)?;
        Ok::<_, TransportError>(ReaderStream::with_capacity(file, CHUNK).map_err(unreadable))
    };
    Box::pin(stream::once(open).try_flatten())
}

/// A name between quotation marks, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
