//! One output, from the wire into its place.

use std::io;
use std::path::{Path, PathBuf};

use comfyicu_model::OutputFile;
use comfyicu_transport::{TransportError, TransportErrorKind};
use tokio::task::spawn_blocking;
use url::Url;

use super::IfExists;
use super::fetch::{Fetch, Fetched, Report};
use super::file::{Complete, PartFile, write_error};
use super::place::{self, Placed};
use crate::client::Client;
use crate::error::{Error, ErrorKind};

/// How often a file is fetched anew, because the rest of it could not be had.
const MAX_RESTARTS: usize = 3;

/// Fetches an output and puts it in its place.
pub(super) async fn save(
    client: &Client,
    output: &OutputFile,
    path: &Path,
    if_exists: IfExists,
    report: Report<'_>,
) -> Result<Placed, Error> {
    let url = super::url_of(output)?;
    let written = |error| write_error(path, error);
    if if_exists == IfExists::Fail && tokio::fs::try_exists(path).await.map_err(written)? {
        return Err(exists(path));
    }
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    tokio::fs::create_dir_all(&folder).await.map_err(|error| write_error(&folder, error))?;
    let purpose = format!("`{}` was not saved", path.display());
    let mut file = PartFile::open(path, &without_query(url)).await?;
    let size_bytes = match bring(client, url, &purpose, &mut file, report).await {
        Ok(bytes) => bytes,
        Err(error) => {
            // What may go on later is left for then; what can't is of no use.
            if may_go_on(&error) {
                file.keep().await;
            } else {
                file.discard().await;
            }
            return Err(error);
        }
    };
    let Complete { path: part, file: locked, record } = file.finish().await?;
    let target = path.to_path_buf();
    let placed = spawn_blocking(move || {
        let placed = place::put(part, &target, if_exists, size_bytes);
        if let Some(record) = record {
            record.remove();
        }
        drop(locked);
        placed
    });
    placed.await.map_err(io::Error::other).and_then(|placed| placed).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => write_error(path, error),
    })
}

/// Brings all bytes into the part, from where it is on, and says how many there are.
async fn bring(
    client: &Client,
    url: &Url,
    purpose: &str,
    file: &mut PartFile,
    report: Report<'_>,
) -> Result<u64, Error> {
    let mut restarts = 0;
    loop {
        let begun = file.take_begun();
        let was_begun = begun.is_some();
        match Fetch::new(client, url, purpose).behind(begun).run(file, report).await? {
            Fetched::Whole(bytes) => return Ok(bytes),
            // That what was there before is of another version says nothing of this one.
            Fetched::Anew(_) if was_begun || restarts < MAX_RESTARTS => {
                restarts += usize::from(!was_begun);
                file.restart().await?;
            }
            Fetched::Anew(cause) => return Err(cause.unwrap_or_else(|| super::keeps_changing(purpose))),
        }
    }
}

/// Whether what came so far is good. Where the length or the digest is wrong, it is not.
fn may_go_on(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<TransportError>());
    let is_wrong = source.is_some_and(|source| source.kind() == TransportErrorKind::Body);
    error.kind() == ErrorKind::WriteFile || (error.is_retryable() && !is_wrong)
}

/// What a file is known by: its query may be a signature, which changes.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

fn exists(path: &Path) -> Error {
    let text = format!("`{}` is there already, and is not overwritten", path.display());
    Error::new(ErrorKind::FileExists, text)
}
