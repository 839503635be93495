//! Folders made alike: what is there already is not copied again.

use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::ops::AddAssign;
use std::path::Path;

use super::{BackupError, io_error};

/// What the name of a copy ends with until it is whole. One that stays behind is removed with what the original
/// has no more.
const UNFINISHED: &str = ".unfinished";

/// What was done to the files of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mirrored {
    /// How many were copied.
    pub(crate) copied: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// How many were there before.
    pub(crate) unchanged: u64,
    /// How many of an earlier copy are removed, because the original has them no more.
    pub(crate) removed: u64,
}

impl AddAssign for Mirrored {
    fn add_assign(&mut self, other: Self) {
        self.copied += other.copied;
        self.bytes += other.bytes;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
    }
}

/// Copies the files of a folder that the other one lacks, or has in another length or of another time. All of
/// them are on disk when this returns. Links are not followed and not copied: the server makes none.
pub(super) fn mirror(from: &Path, to: &Path) -> Result<Mirrored, BackupError> {
    let mut done = Mirrored::default();
    fs::create_dir_all(to).map_err(|source| io_error(to, source))?;
    for entry in entries(from)? {
        let (original, copy) = (entry.path(), to.join(entry.file_name()));
        let Some(metadata) = metadata(&original)? else { continue };
        if metadata.is_dir() {
            done += mirror(&original, &copy)?;
        } else if metadata.is_file() {
            done += copy_file(&original, &metadata, &copy)?;
        }
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(|source| io_error(to, source))?;
    Ok(done)
}

/// Removes what only the copy has, and says how many files that were.
pub(super) fn remove_strangers(original: &Path, copy: &Path) -> Result<u64, BackupError> {
    let mut removed = 0;
    for entry in entries(copy)? {
        let (original, copy) = (original.join(entry.file_name()), entry.path());
        let is_there = metadata(&original)?.is_some();
        let Some(metadata) = metadata(&copy)? else { continue };
        if metadata.is_dir() {
            removed += remove_strangers(&original, &copy)?;
            if !is_there {
                fs::remove_dir(&copy).map_err(|source| io_error(&copy, source))?;
            }
        } else if !is_there {
            fs::remove_file(&copy).map_err(|source| io_error(&copy, source))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn copy_file(original: &Path, metadata: &Metadata, copy: &Path) -> Result<Mirrored, BackupError> {
    if is_same(metadata, copy) {
        return Ok(Mirrored { unchanged: 1, ..Mirrored::default() });
    }
    // Not under its own name before it is whole: what broke off is never taken for a copy.
    let mut unfinished = copy.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let copied = fs::copy(original, &unfinished).and_then(|bytes| {
        let file = File::options().write(true).open(&unfinished)?;
        file.set_times(FileTimes::new().set_modified(metadata.modified()?))?;
        file.sync_all()?;
        fs::rename(&unfinished, copy)?;
        Ok(bytes)
    });
    match copied {
        Ok(bytes) => Ok(Mirrored { copied: 1, bytes, ..Mirrored::default() }),
        // The run that it was of failed, or its time was over, while this went on.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mirrored::default()),
        Err(error) => Err(io_error(original, error)),
    }
}

fn is_same(original: &Metadata, copy: &Path) -> bool {
    let Ok(copy) = fs::symlink_metadata(copy) else { return false };
    let times = (original.modified().ok(), copy.modified().ok());
    copy.is_file() && original.len() == copy.len() && times.0.is_some() && times.0 == times.1
}

/// What is in a folder; nothing, when it is gone.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, BackupError> {
    let read = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|source| io_error(folder, source)),
    }
}

fn metadata(path: &Path) -> Result<Option<Metadata>, BackupError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_copy_takes_what_is_new_and_leaves_what_is_the_same() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (from.path(), to.path());
        fs::create_dir(from.join("r1")).unwrap();
        fs::write(from.join("r1/a.png"), "first").unwrap();
        fs::write(from.join("b.png"), "second").unwrap();
        let all = Mirrored { copied: 2, bytes: 11, ..Mirrored::default() };
        assert_eq!(mirror(from, to).unwrap(), all);
        assert_eq!(fs::read(to.join("r1/a.png")).unwrap(), b"first");

        fs::write(from.join("c.png"), "third").unwrap();
        fs::remove_dir_all(from.join("r1")).unwrap();
        let some = Mirrored { copied: 1, bytes: 5, unchanged: 1, ..Mirrored::default() };
        assert_eq!(mirror(from, to).unwrap(), some);
        assert_eq!(remove_strangers(from, to).unwrap(), 1);
        assert!(!to.join("r1").exists(), "what the original has no more goes");
    }

    #[test]
    fn a_copy_that_broke_off_is_made_again_and_leaves_nothing() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("a"), "whole").unwrap();
        fs::write(to.path().join("a.unfinished"), "who").unwrap();
        assert_eq!(mirror(from.path(), to.path()).unwrap().copied, 1);
        assert_eq!(fs::read(to.path().join("a")).unwrap(), b"whole");
        remove_strangers(from.path(), to.path()).unwrap();
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
    }
}
