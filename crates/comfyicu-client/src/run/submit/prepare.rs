//! What comes before a submit: the check, and the files of this machine.

use std::path::PathBuf;

use comfyicu_model::{DestPath, Files, Finding};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{CheckFailed, Error, ErrorKind, Source};

/// How many files are uploaded at once.
const UPLOADS_AT_ONCE: usize = 4;
/// Stands for the digest of a file that is not read yet.
const NOT_READ_YET: &str = "local";

/// A file of this machine, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct LocalFile {
    pub(super) path: DestPath,
    pub(super) source: PathBuf,
}

/// The files as they will be, for a check, which asks where they go and not where they come from.
pub(super) fn placeholders(client: &Client, mut files: Files, local: &[LocalFile]) -> Files {
    for file in local {
        files.insert(file.path.clone(), Call::upload_url(&client.inner.base, NOT_READ_YET));
    }
    files
}

/// Hands local files to the server, and gives all files with their sources.
pub(super) async fn upload(client: &Client, mut files: Files, local: Vec<LocalFile>) -> Result<Files, Error> {
    let uploads = local.into_iter().map(|file| async {
        let shown = file.source.display().to_string();
        let uploaded = client.upload(file.source).await;
        let uploaded = uploaded.map_err(|error| cannot_be_handed_over(error, &shown, &file.path))?;
        Ok::<_, Error>((file.path, uploaded.url))
    });
    let uploaded: Vec<_> = stream::iter(uploads).buffered(UPLOADS_AT_ONCE).try_collect().await?;
    for (path, url) in uploaded {
        files.insert(path, url);
    }
    Ok(files)
}

/// Names the file that the service does not take.
fn cannot_be_handed_over(error: Error, source: &str, path: &DestPath) -> Error {
    if error.kind() != ErrorKind::Unsupported {
        return error;
    }
    let text = format!("`{source}` cannot be sent along as `{path}`: {error}");
    error.become_kind(ErrorKind::Unsupported, text)
}

/// Makes an error of findings, where there is an error among them.
pub(super) fn refuse_errors(findings: Vec<Finding>) -> Result<(), Error> {
    match findings.iter().filter(|finding| finding.is_error()).count() {
        0 => Ok(()),
        errors => {
            let problems = if errors == 1 { "a problem".to_owned() } else { format!("{errors} problems") };
            let text = format!("the check found {problems}, so nothing was sent");
            Err(Error::new(ErrorKind::Rejected, text).with_source(Source::Check(CheckFailed { findings })))
        }
    }
}
