//! One output to anything that takes bytes.

use bytes::Bytes;
use comfyicu_model::OutputFile;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::fetch::{Fetch, Fetched, Sink};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Source};

/// Fetches an output and writes it.
pub(crate) async fn write_output<W: AsyncWrite + Send + Unpin>(
    client: &Client,
    output: &OutputFile,
    writer: &mut W,
) -> Result<u64, Error> {
    let url = super::url_of(output)?;
    let purpose = "it was not written whole";
    let mut sink = Writer(writer);
    match Fetch::new(client, url, purpose).run(&mut sink, &mut |_, _| {}).await? {
        Fetched::Whole(bytes) => sink.0.flush().await.map_err(failed).map(|()| bytes),
        // What is written cannot be taken back.
        Fetched::Anew(cause) => Err(cause.unwrap_or_else(|| super::keeps_changing(purpose))),
    }
}

struct Writer<'w, W>(&'w mut W);

impl<W: AsyncWrite + Send + Unpin> Sink for Writer<'_, W> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.0.write_all(&bytes).await.map_err(failed)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::WriteFile, "the output cannot be written on").with_source(Source::Io(error))
}
