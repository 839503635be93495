//! `comfyicu-server cache`: what is in the cache, seen and pinned from outside, while a server uses it or not.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::cache::{self, CachedFile};
use crate::clock;
use crate::hash::Sha256Hex;

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List the files that were fetched for runs, what was used last first.
    List(Place),
    /// Keep a file, however much room others need.
    Pin(One),
    /// Let a pinned file go when others need its room.
    Unpin(One),
}

/// Where the cache is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The data directory of the server
    #[arg(long, value_name = "DIR", default_value = "comfyicu-data")]
    data_dir: PathBuf,
}

/// One file of a cache.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The SHA-256 of the file
    #[arg(value_name = "SHA256", value_parser = parse_digest)]
    sha256: Sha256Hex,

    #[command(flatten)]
    place: Place,
}

/// Why the cache cannot be looked at or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CacheError {
    /// The folder is not there, or cannot be read.
    #[error("{} cannot be used", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no such file.
    #[error("no file with the SHA-256 {} is in the cache", .0.as_str())]
    Missing(Sha256Hex),
}

fn parse_digest(text: &str) -> Result<Sha256Hex, String> {
    Sha256Hex::parse(text).ok_or_else(|| "64 hexadecimal digits are needed".to_owned())
}

impl CacheCommand {
    /// Does it, and writes what there is to be read.
    pub(crate) fn run(self, out: &mut impl Write) -> Result<(), CacheError> {
        match self {
            Self::List(place) => place.list(out),
            Self::Pin(one) => one.set_pinned(true),
            Self::Unpin(one) => one.set_pinned(false),
        }
    }
}

impl Place {
    fn folder(&self) -> PathBuf {
        self.data_dir.join("cache")
    }

    fn files(&self) -> Result<Vec<CachedFile>, CacheError> {
        let path = self.folder();
        cache::list(&path).map_err(|source| CacheError::Io { path, source })
    }

    fn list(&self, out: &mut impl Write) -> Result<(), CacheError> {
        let mut files = self.files()?;
        files.sort_unstable_by_key(|file| Reverse(file.used));
        let write = |out: &mut dyn Write| {
            for file in &files {
                let pinned = if file.pinned { "  pinned" } else { "" };
                let used = clock::at(file.used);
                writeln!(out, "{}  {:>14}  {used}{pinned}", file.sha256.as_str(), file.bytes)?;
            }
            let bytes: u64 = files.iter().map(|file| file.bytes).sum();
            writeln!(out, "{} files, {bytes} bytes", files.len())
        };
        write(out).map_err(|source| CacheError::Io { path: "the output".into(), source })
    }
}

impl One {
    fn set_pinned(self, pinned: bool) -> Result<(), CacheError> {
        if pinned && !self.place.files()?.iter().any(|file| file.sha256 == self.sha256) {
            return Err(CacheError::Missing(self.sha256));
        }
        let path = self.place.folder();
        cache::set_pinned(&path, &self.sha256, pinned).map_err(|source| CacheError::Io { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_and_pinned() {
        let folder = tempfile::tempdir().unwrap();
        let (sha256, missing) = (Sha256Hex::of(b"abc"), Sha256Hex::of(b"other"));
        let sub = folder.path().join("cache").join(&sha256.as_str()[..2]);
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::write(sub.join(sha256.as_str()), b"abc").unwrap();
        let place = || Place { data_dir: folder.path().to_owned() };
        let listed = || {
            let mut out = Vec::new();
            CacheCommand::List(place()).run(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let one = |sha256: &Sha256Hex| One { sha256: sha256.clone(), place: place() };
        assert!(listed().starts_with(sha256.as_str()) && listed().ends_with("1 files, 3 bytes\n"));
        CacheCommand::Pin(one(&sha256)).run(&mut Vec::new()).unwrap();
        assert!(listed().contains("  pinned\n"));
        CacheCommand::Unpin(one(&sha256)).run(&mut Vec::new()).unwrap();
        assert!(!listed().contains("pinned"));
        let error = CacheCommand::Pin(one(&missing)).run(&mut Vec::new()).unwrap_err();
        assert!(matches!(error, CacheError::Missing(digest) if digest == missing));
    }
}
