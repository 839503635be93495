//! Removing files of the cache: out of the way at once, and from the disk without anybody waiting.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::random;

/// How the names of files begin that are to be removed.
const EVICTED: &str = "evicted-";

/// Files that are out of the way.
#[derive(Debug, Default)]
pub(super) struct Removals(Vec<PathBuf>);

impl Removals {
    /// Takes a file out of the way: whoever comes under its name from now on is another one.
    pub(super) fn take(&mut self, folder: &Path, file: &Path) {
        let away = folder.join(format!("{EVICTED}{}", random::nanoid()));
        match fs::rename(file, &away) {
            Ok(()) => self.0.push(away),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(file = %file.display(), %error, "a cached file stays behind"),
        }
    }

    /// Removes them: large ones take a while, which is spent elsewhere where there is an elsewhere.
    pub(super) fn finish(self) {
        if self.0.is_empty() {
            return;
        }
        let remove = move || {
            for file in self.0 {
                if let Err(error) = fs::remove_file(&file) {
                    tracing::warn!(file = %file.display(), %error, "a cached file stays behind");
                }
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Removes what an earlier process had taken out of the way.
pub(super) fn finish_earlier(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(EVICTED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
