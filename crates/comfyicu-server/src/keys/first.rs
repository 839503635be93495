//! The first key of a server, so that somebody can use it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::KeyRecord;
use crate::clock;
use crate::hash::Sha256Hex;
use crate::owner::Owner;
use crate::random;
use crate::store::{KeyStore, StoreError};

/// Why the first key could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FirstKeyError {
    /// It cannot be written where its owner finds it.
    #[error("the first key cannot be written to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Nobody can be told of it.
    #[error("the first key cannot be shown")]
    Show(#[source] io::Error),
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the first key of a server that has none. Off a terminal it goes into `file`: logs are kept and
/// copied, and a key must not be in them.
pub(crate) async fn make_first_key(
    store: &dyn KeyStore,
    on_terminal: bool,
    file: &Path,
) -> Result<(), FirstKeyError> {
    if store.has_keys().await? {
        return Ok(());
    }
    let key = random::api_key();
    // Told first: a key that nobody can read would lock its owner out.
    if on_terminal {
        writeln!(io::stderr(), "The first API key, shown only now:\n  {key}").map_err(FirstKeyError::Show)?;
    } else {
        write_private(file, &key).map_err(|source| FirstKeyError::Write { path: file.to_owned(), source })?;
        let told = writeln!(
            io::stderr(),
            "The first API key is in {}; move it to where you keep secrets.",
            file.display()
        );
        told.map_err(FirstKeyError::Show)?;
    }
    let record = KeyRecord::new(random::nanoid(), Owner::local(), "first", clock::now());
    store.insert_key(&record, &Sha256Hex::of(key.as_bytes())).await?;
    Ok(())
}

fn write_private(file: &Path, key: &str) -> io::Result<()> {
    // An earlier start may have been cut off between the file and the store.
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}
