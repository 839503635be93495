//! The data directory: one process has it, and everything the server keeps is in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file with the runs and everything about them.
pub(crate) const DATABASE: &str = "runs.db";
/// The folders of what cannot be had again: uploads by their digest, and outputs by their run.
pub(crate) const FOLDERS: [&str; 2] = ["blobs", "outputs"];
/// The folder of what was fetched.
const CACHE: &str = "cache";

/// A data directory that this process holds; another one cannot have it until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    /// `None` where another process holds it too.
    lock: Option<File>,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DataDirError {
    /// Another process has it.
    #[error("{} is in use by another comfyicu-server; stop that one, or give this one another --data-dir", .0.display())]
    InUse(PathBuf),
    /// No server was ever started on it.
    #[error("{} holds no data of a comfyicu-server", .0.display())]
    Empty(PathBuf),
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
        make_private(root).map_err(fail)?;
        for folder in FOLDERS.into_iter().chain([CACHE]) {
            make_private(&root.join(folder)).map_err(fail)?;
        }
        Self::take(root, &fail)?.map_err(DataDirError::InUse)
    }

    /// Takes a directory that a server was started on, or shares it with the server that has it.
    pub(crate) fn share(root: &Path) -> Result<Self, DataDirError> {
        let fail = |source| DataDirError::Io { path: root.to_owned(), source };
        if !root.join(DATABASE).is_file() {
            return Err(DataDirError::Empty(root.to_owned()));
        }
        Ok(Self::take(root, &fail)?.unwrap_or_else(|root| Self { root, lock: None }))
    }

    /// Whether another process has it too.
    pub(crate) const fn is_shared(&self) -> bool {
        self.lock.is_none()
    }

    /// Takes it, or gives back its absolute name when another process has it.
    fn take(
        root: &Path,
        fail: &impl Fn(io::Error) -> DataDirError,
    ) -> Result<Result<Self, PathBuf>, DataDirError> {
        // Absolute, so that it stays the same directory whatever becomes of the working one.
        let root = root.canonicalize().map_err(fail)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Ok(Self { root, lock: Some(lock) })),
            Err(TryLockError::WouldBlock) => Ok(Err(root)),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join(CACHE)
    }

    pub(crate) fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// Where it is told that the keys have changed.
    pub(crate) fn keys_stamp(&self) -> PathBuf {
        self.root.join("keys.changed")
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
    fn it_can_be_shared_once_there_is_something_in_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(DataDir::share(folder.path()), Err(DataDirError::Empty(_))));
        std::fs::write(folder.path().join(DATABASE), "").unwrap();
        let held = DataDir::lock(folder.path()).unwrap();
        assert!(DataDir::share(folder.path()).unwrap().is_shared());
        drop(held);
        assert!(!DataDir::share(folder.path()).unwrap().is_shared());
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
