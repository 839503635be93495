//! Reading an output, or a part of it: few bytes at once, many as they are wanted.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::{GetRange, GetResult, GetResultPayload};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::OutputsError;

/// How much of a file is read at once.
const CHUNK: usize = 256 * 1024;

/// What of a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    Range(GetRange),
    /// Nothing but its size.
    Size,
}

/// A part of a file, or all of it.
pub(crate) struct Opened {
    /// The size of the whole file.
    pub(crate) size: u64,
    /// Which bytes of it these are.
    pub(crate) range: Range<u64>,
    payload: Payload,
}

enum Payload {
    /// It was so little that it is read already.
    Bytes(Bytes),
    File(File),
    Stream(BoxStream<'static, object_store::Result<Bytes>>),
}

impl Opened {
    /// Opens a file of this machine.
    pub(crate) async fn file(path: PathBuf, wanted: &Wanted) -> Result<Self, OutputsError> {
        let (wanted, file) = (wanted.clone(), path.clone());
        // One way to where it may block, and back.
        let opening = tokio::task::spawn_blocking(move || open(File::open(file)?, &wanted));
        match opening.await.map_err(io::Error::other)? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OutputsError::Missing),
            Err(source) => Err(OutputsError::File { path, source }),
            Ok(opened) => Ok(opened),
        }
    }

    /// What a store gave.
    pub(super) fn object(found: GetResult) -> Self {
        let payload = match found.payload {
            GetResultPayload::File(file, _) => Payload::File(file),
            GetResultPayload::Stream(stream) => Payload::Stream(stream),
        };
        Self { size: found.meta.size, range: found.range, payload }
    }

    /// The bytes, as they are read.
    pub(crate) async fn into_body(self) -> Result<Body, OutputsError> {
        let Range { start, end } = self.range;
        match self.payload {
            Payload::Bytes(bytes) => Ok(Body::from(bytes)),
            Payload::File(file) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(SeekFrom::Start(start)).await?;
                let part = file.take(end.saturating_sub(start));
                Ok(Body::from_stream(ReaderStream::with_capacity(part, CHUNK)))
            }
            Payload::Stream(stream) => Ok(Body::from_stream(stream)),
        }
    }
}

fn open(mut file: File, wanted: &Wanted) -> io::Result<Opened> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let size = metadata.len();
    let range = match wanted {
        Wanted::Range(range) => range.as_range(size).map_err(io::Error::other)?,
        Wanted::All => 0..size,
        Wanted::Size => return Ok(Opened { size, range: 0..size, payload: Payload::Bytes(Bytes::new()) }),
    };
    let length = range.end.saturating_sub(range.start);
    if length > CHUNK as u64 {
        return Ok(Opened { size, range, payload: Payload::File(file) });
    }
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut bytes)?;
    Ok(Opened { size, range, payload: Payload::Bytes(bytes.into()) })
}
