//! Putting a file that is complete in its place, at once.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::IfExists;

/// How many numbers are tried before a folder counts as full of files of one name.
const MAX_NUMBER: u32 = 10_000;

/// Where a file came to lie.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    /// Whether the same bytes were there before.
    pub(super) was_there: bool,
}

/// Gives a complete file its final name. Fails with `AlreadyExists` where the name is taken and must not
/// be.
pub(super) fn put(
    mut file: TempPath,
    target: &Path,
    if_exists: IfExists,
    size_bytes: u64,
) -> io::Result<Placed> {
    let placed = |path: PathBuf, was_there| Placed { path, size_bytes, was_there };
    match if_exists {
        IfExists::Overwrite => file.persist(target)?,
        IfExists::Fail => file.persist_noclobber(target)?,
        IfExists::KeepBoth => {
            for number in 1..=MAX_NUMBER {
                let candidate = numbered(target, number);
                // Taken between the look and the renaming by somebody else, a name is looked at again.
                if !candidate.exists() {
                    match file.persist_noclobber(&candidate) {
                        Ok(()) => return Ok(placed(candidate, false)),
                        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.path,
                        Err(error) => return Err(error.error),
                    }
                }
                if is_same(&file, &candidate).unwrap_or(false) {
                    return Ok(placed(candidate, true));
                }
            }
            return Err(io::Error::other("there are too many files of that name"));
        }
    }
    Ok(placed(target.to_path_buf(), false))
}

/// The path for a number: `a.png`, `a (2).png`, `a (3).png`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_path_buf();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(" ({number})"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Whether two files have the same bytes.
fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    if std::fs::metadata(a)?.len() != std::fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left.get(..length) != right.get(..length) {
            return Ok(false);
        }
        a.consume(length);
        b.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_extension() {
        let numbered = |path: &str| numbered(Path::new(path), 2).display().to_string();
        assert_eq!(numbered("out/a_00001_.png"), "out/a_00001_ (2).png");
        assert_eq!(numbered("out/archive.tar.gz"), "out/archive.tar (2).gz");
        assert_eq!(numbered("out/.hidden"), "out/.hidden (2)");
        assert_eq!(numbered("noext"), "noext (2)");
    }

    #[test]
    fn the_same_bytes_are_kept_and_others_get_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.png");
        let put = |bytes: &str| {
            let file = tempfile::NamedTempFile::new_in(&folder).unwrap().into_temp_path();
            std::fs::write(&file, bytes).unwrap();
            let placed = put(file, &target, IfExists::KeepBoth, bytes.len() as u64).unwrap();
            (placed.path.file_name().unwrap().to_str().unwrap().to_owned(), placed.was_there)
        };
        assert_eq!(put("one"), ("a.png".to_owned(), false));
        assert_eq!(put("one"), ("a.png".to_owned(), true));
        assert_eq!(put("two"), ("a (2).png".to_owned(), false));
        assert_eq!(put("six"), ("a (3).png".to_owned(), false));
        assert_eq!(put("two"), ("a (2).png".to_owned(), true));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    }
}
