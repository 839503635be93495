//! Input files of every kind that people have: drawn, written, and known by name.

mod bmp;
mod gif;
mod jpeg;
mod picture;
mod png;
mod tiff;
mod webp;

use std::path::{Path, PathBuf};

use comfyicu_engine::InputFile;
use comfyicu_model::DestPath;
use fastrand::Rng;

use super::FOLDER;
use crate::Failure;

/// How many files there are of each kind.
const OF_EACH: usize = 4;

/// How many files of simple pixels, which every other node gets, there are.
const PLAIN: usize = 24;

/// Writes a file of its kind.
type Write = fn(&mut Rng) -> Result<Vec<u8>, Failure>;

/// The kinds, named for how the file's name ends.
fn kinds() -> Vec<(&'static str, Write)> {
    [bmp::KINDS, gif::KINDS, jpeg::KINDS, png::KINDS, tiff::KINDS, webp::KINDS].concat()
}

/// The drawn files.
#[derive(Debug)]
pub(super) struct Files {
    place: PathBuf,
    files: Vec<(&'static str, String, Vec<u8>)>,
}

impl Files {
    /// Draws files of every kind and writes them to a folder.
    pub(super) fn draw(seed: u64, place: &Path) -> Result<Self, Failure> {
        let mut rng = Rng::with_seed(seed);
        let mut files = Vec::new();
        let mut add = |kind: &'static str, number: usize, write: Write| -> Result<(), Failure> {
            let bytes = write(&mut rng).map_err(|error| format!("{kind}: {error}"))?;
            files.push((kind, format!("{seed}_{number}_{kind}"), bytes));
            Ok(())
        };
        for number in 0..PLAIN {
            add("plain.png", number, png::plain)?;
        }
        for (kind, write) in kinds() {
            for number in 0..OF_EACH {
                add(kind, number, write)?;
            }
        }
        for (_, name, bytes) in &files {
            std::fs::write(place.join(name), bytes)?;
        }
        Ok(Self { place: place.to_owned(), files })
    }

    /// All files: name and bytes.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(_, name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Some file: kind and name. Each kind is as likely as any other.
    pub(super) fn any(&self, rng: &mut Rng) -> (&'static str, &str) {
        let (kind, name, _) = &self.files[rng.usize(PLAIN - OF_EACH..self.files.len())];
        (kind, name)
    }

    /// Some file of simple pixels.
    pub(super) fn plain(&self, rng: &mut Rng) -> &str {
        &self.files[rng.usize(..PLAIN)].1
    }

    /// The file of a name in a prompt.
    pub(super) fn input(&self, name: &str) -> Option<(DestPath, InputFile)> {
        let file = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
        Some((DestPath::input(name).ok()?, InputFile::of(self.place.join(file)).ok()?))
    }
}
