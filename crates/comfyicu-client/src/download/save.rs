//! One output, from the wire into its place.

use std::io;
use std::path::{Path, PathBuf};

use comfyicu_model::OutputFile;
use tokio::task::spawn_blocking;

use super::IfExists;
use super::fetch::{Fetch, Fetched, Report};
use super::file::{PartFile, write_error};
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
    let mut file = PartFile::create(path).await?;
    let mut restarts = 0;
    let size_bytes = loop {
        match Fetch::new(client, url, &purpose).run(&mut file, report).await? {
            Fetched::Whole(bytes) => break bytes,
            Fetched::Anew(_) if restarts < MAX_RESTARTS => {
                restarts += 1;
                file.restart().await?;
            }
            Fetched::Anew(cause) => return Err(cause.unwrap_or_else(|| super::keeps_changing(&purpose))),
        }
    };
    let temporary = file.finish().await?;
    let target = path.to_path_buf();
    let placed = spawn_blocking(move || place::put(temporary, &target, if_exists, size_bytes)).await;
    placed.map_err(io::Error::other).and_then(|placed| placed).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => write_error(path, error),
    })
}

fn exists(path: &Path) -> Error {
    let text = format!("`{}` is there already, and is not overwritten", path.display());
    Error::new(ErrorKind::FileExists, text)
}
