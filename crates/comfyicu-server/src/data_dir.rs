//! The data directory: one process has it, and everything the server keeps is in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A data directory that this process holds; another one cannot have it until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DataDirError {
    /// Another process has it.
    #[error("{} is in use by another comfyicu-server; stop that one, or give this one another --data-dir", .0.display())]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("{} cannot be used as the data directory", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Takes a directory, and makes it when it is not there.
    pub(crate) fn lock(root: &Path) -> Result<Self, DataDirError> {
        let fail = |source| DataDirError::Io { path: root.to_owned(), source };
        for folder in [root.to_owned(), root.join("blobs"), root.join("outputs")] {
            make_private(&folder).map_err(fail)?;
        }
        // Absolute, so that it stays the same directory whatever becomes of the working one.
        let root = root.canonicalize().map_err(fail)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(root)),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        Self::database_of(&self.root)
    }

    /// The database in a directory that another process may have.
    pub(crate) fn database_of(root: &Path) -> PathBuf {
        root.join("runs.db")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// Where it is told that the keys have changed.
    pub(crate) fn keys_stamp(&self) -> PathBuf {
        Self::keys_stamp_of(&self.root)
    }

    /// The same, in a directory that another process may have.
    pub(crate) fn keys_stamp_of(root: &Path) -> PathBuf {
        root.join("keys.changed")
    }

    pub(crate) fn first_key(&self) -> PathBuf {
        self.root.join("first-key")
    }
}

/// Makes a folder that only its owner can look into: prompts, outputs and secrets are in it. One that is
/// there stays as it is; one that is not is on disk when this returns, and those that lead to it.
fn make_private(folder: &Path) -> io::Result<()> {
    let leading = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = folder.ancestors().take_while(leading).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    for folder in new {
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn nobody_else_looks_into_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let _held = DataDir::lock(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let held = DataDir::lock(&path).unwrap();
        assert!(matches!(DataDir::lock(&path), Err(DataDirError::InUse(_))));
        drop(held);
        assert!(DataDir::lock(&path).is_ok());
    }
}
