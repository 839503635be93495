//! Bringing an output into the store: small ones at once, others in parts, never whole in memory.

use std::future::ready;
use std::io;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use comfyicu_engine::Content;
use futures_util::{Stream, StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::oneshot;

use super::folder::Saves;
use super::room::Room;

/// The size of all parts but the last: S3 takes none below 5 MiB, and 10,000 of them, so 80 GB.
pub(super) const PART: usize = 8 * 1024 * 1024;
/// How many parts are under way at once.
const CONCURRENT: usize = 3;
/// How much lies between whoever writes and whoever sends.
const PIPE: usize = 256 * 1024;

/// Where an output goes.
pub(super) enum Target<'a> {
    /// To a file of this machine.
    File { saves: &'a Saves, key: Path },
    /// To a bucket.
    Object { objects: &'a dyn ObjectStore, key: Path, attributes: Attributes },
}

impl Target<'_> {
    async fn store(self, parts: impl Stream<Item = io::Result<Bytes>> + Send) -> io::Result<u64> {
        match self {
            Self::File { saves, key } => saves.save(&key, parts).await,
            Self::Object { objects, key, attributes } => store(objects, &key, attributes, parts).await,
        }
    }
}

/// Stores content, all of it or nothing, and gives its size, for which there has to be room. Dropping the future leaves
/// nothing under the name.
pub(super) async fn upload(target: Target<'_>, content: &Content, room: &Room) -> io::Result<u64> {
    let within = |part: Bytes| ready(room.take(part.len() as u64).map(|()| part));
    if let Some(bytes) = content.as_bytes() {
        let parts = stream::iter(slices(bytes.clone()).map(Ok)).and_then(within);
        return target.store(parts).await;
    }
    let (mut writer, reader) = tokio::io::duplex(PIPE);
    let (end, ended) = oneshot::channel();
    let writing = async move {
        content.write_to(&mut writer).await?;
        writer.shutdown().await?;
        // Nobody waits for it when storing failed.
        let _gone = end.send(());
        Ok(())
    };
    let storing = target.store(parts(reader, ended).and_then(within));
    let (written, stored): (io::Result<()>, _) = tokio::join!(writing, storing);
    match (written, stored) {
        (Ok(()), stored) => stored,
        // Nobody read any more: what made that so is the cause.
        (Err(error), Err(cause)) if error.kind() == io::ErrorKind::BrokenPipe => Err(cause),
        (Err(error), _) => Err(error),
    }
}

fn slices(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let part = bytes.split_to(bytes.len().min(PART));
        (!part.is_empty()).then_some(part)
    })
}

/// What is written, in parts. An end that is not said to be one is an error: the writer broke off.
fn parts(reader: DuplexStream, ended: oneshot::Receiver<()>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((reader, Some(ended)), async |(mut reader, mut ended)| {
        if ended.is_none() {
            return Ok(None);
        }
        let mut part = BytesMut::with_capacity(PIPE);
        while part.len() < PART {
            let room = PART - part.len();
            if (&mut reader).take(room as u64).read_buf(&mut part).await? == 0 {
                let whole = match ended.take() {
                    Some(ended) => ended.await.is_ok(),
                    None => false,
                };
                if !whole {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the content broke off"));
                }
                break;
            }
        }
        Ok((!part.is_empty()).then(|| (part.freeze(), (reader, ended))))
    })
}

async fn store(
    objects: &dyn ObjectStore,
    key: &Path,
    attributes: Attributes,
    parts: impl Stream<Item = io::Result<Bytes>> + Send,
) -> io::Result<u64> {
    let mut parts = pin!(parts);
    let first = parts.try_next().await?.unwrap_or_default();
    let Some(second) = parts.try_next().await? else {
        let length = first.len() as u64;
        objects.put_opts(key, first.into(), PutOptions { attributes, ..PutOptions::default() }).await?;
        return Ok(length);
    };
    let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
    let mut upload = Unfinished(Some(objects.put_multipart_opts(key, options).await?));
    let sent = upload.send(stream::iter([Ok(first), Ok(second)]).chain(parts)).await;
    match sent {
        Ok(length) => {
            upload.complete().await?;
            Ok(length)
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

/// An upload in parts that is called off unless it was completed: a bucket keeps parts, and bills them.
struct Unfinished(Option<Box<dyn MultipartUpload>>);

impl Unfinished {
    async fn send(&mut self, parts: impl Stream<Item = io::Result<Bytes>>) -> io::Result<u64> {
        let Some(upload) = &mut self.0 else { return Ok(0) };
        let mut length = 0;
        let sending = parts.map_ok(|part| {
            length += part.len() as u64;
            upload.put_part(part.into()).map_err(io::Error::from)
        });
        pin!(sending.try_buffer_unordered(CONCURRENT)).try_for_each(|()| ready(Ok(()))).await?;
        Ok(length)
    }

    async fn complete(&mut self) -> io::Result<()> {
        if let Some(upload) = &mut self.0 {
            upload.complete().await?;
            self.0 = None;
        }
        Ok(())
    }

    async fn abort(&mut self) {
        if let Some(mut upload) = self.0.take() {
            call_off(&mut *upload).await;
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), runtime) {
            runtime.spawn(async move { call_off(&mut *upload).await });
        }
    }
}

async fn call_off(upload: &mut dyn MultipartUpload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "the parts of an upload that was broken off stay in the store");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use object_store::{PutPayload, PutResult, UploadPart};

    use super::*;

    /// Notes what becomes of an upload.
    #[derive(Clone, Debug, Default)]
    struct Recorded(Arc<Mutex<Vec<&'static str>>>);

    impl Recorded {
        fn note(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }

        fn begin(&self) -> Unfinished {
            Unfinished(Some(Box::new(self.clone())))
        }

        fn noted(&self) -> Vec<&'static str> {
            self.0.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl MultipartUpload for Recorded {
        fn put_part(&mut self, _data: PutPayload) -> UploadPart {
            self.note("part");
            Box::pin(ready(Ok(())))
        }

        async fn complete(&mut self) -> object_store::Result<PutResult> {
            self.note("complete");
            Ok(PutResult { e_tag: None, version: None, extensions: http::Extensions::default() })
        }

        async fn abort(&mut self) -> object_store::Result<()> {
            self.note("abort");
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_not_completed_is_called_off() {
        let recorded = Recorded::default();
        drop(recorded.begin());
        tokio::task::yield_now().await;
        assert_eq!(recorded.noted(), ["abort"], "whoever waited for it went away");

        let recorded = Recorded::default();
        let mut upload = recorded.begin();
        let parts = stream::iter([Ok(Bytes::from("ab")), Err(io::Error::other("it broke off"))]);
        assert_eq!(upload.send(parts).await.unwrap_err().to_string(), "it broke off");
        upload.abort().await;
        drop(upload);
        tokio::task::yield_now().await;
        assert_eq!(recorded.noted().iter().filter(|what| **what == "abort").count(), 1);

        let recorded = Recorded::default();
        let mut upload = recorded.begin();
        assert_eq!(
            upload.send(stream::iter([Ok(Bytes::from("ab")), Ok(Bytes::from("c"))])).await.unwrap(),
            3
        );
        upload.complete().await.unwrap();
        drop(upload);
        tokio::task::yield_now().await;
        assert_eq!(recorded.noted(), ["part", "part", "complete"]);
    }
}
