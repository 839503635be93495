//! Parts that outlive the process: a name that is found again, a lock against others, and a record beside it of what
//! is safely on the disk and of which version of the file it is.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use comfyicu_model::json::{self, Limits, Number, Object, Value};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use crate::hex::hex;

/// The longest name that a part has in full; most file systems allow 255 bytes.
const MAX_NAME_BYTES: usize = 200;
/// The longest record that is read.
const MAX_RECORD_BYTES: u64 = 16 * 1024;
/// How much of a part is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Which version of a file a part is of. Without a name for it, a part is good for this process only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) etag: HeaderValue,
    pub(super) total: Option<u64>,
}

/// A part that was begun before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// Where its bytes are.
    pub(super) path: PathBuf,
    /// How many of them are good.
    pub(super) bytes: u64,
    pub(super) version: Version,
}

/// A part, and what is known of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) file: File,
    pub(super) path: TempPath,
    pub(super) record: Record,
    pub(super) begun: Option<Begun>,
}

/// The file beside a part that says what it is.
#[derive(Clone, Debug)]
pub(super) struct Record {
    path: PathBuf,
    /// Where the file is got, without the query, which may be a signature.
    url: String,
}

/// Opens the part of a target, or makes one. `None` when another download is at it.
pub(super) fn open(target: &Path, url: &str) -> io::Result<Option<Kept>> {
    let path = target.with_file_name(name(target, ".part"));
    let mut file = options().open(&path)?;
    // Only who holds the lock may touch it; and only as long as it has not become the file itself, and is no link
    // to another one.
    if file.try_lock().is_err() || !is_at(&file.metadata()?, &std::fs::symlink_metadata(&path)?) {
        return Ok(None);
    }
    let record = Record { path: target.with_file_name(name(target, ".part.json")), url: url.to_owned() };
    let begun =
        record.read(&path).filter(|begun| file.metadata().is_ok_and(|file| file.len() >= begun.bytes));
    let good = begun.as_ref().map_or(0, |begun| begun.bytes);
    if good == 0 {
        record.remove();
    }
    file.set_len(good)?;
    file.seek(SeekFrom::Start(good))?;
    Ok(Some(Kept { file, path: TempPath::try_from_path(path)?, record, begun }))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}

/// What a part is called: after its target, so that it is found again.
fn name(target: &Path, ending: &str) -> OsString {
    let target = target.file_name().unwrap_or_default();
    let mut name = OsString::from(".comfyicu-");
    if target.len() <= MAX_NAME_BYTES {
        name.push(target);
    } else {
        name.push(hex(&Sha256::digest(target.as_encoded_bytes())));
    }
    name.push(ending);
    name
}

/// Whether an open file is the one that stands at its path.
fn is_at(file: &Metadata, at_path: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        at_path.is_file() && (file.dev(), file.ino()) == (at_path.dev(), at_path.ino())
    }
    #[cfg(not(unix))]
    {
        file.is_file() && at_path.is_file()
    }
}

impl Record {
    /// Writes down that so many bytes of a version are on the disk.
    pub(super) fn write(&self, version: &Version, bytes: u64) -> io::Result<()> {
        let Ok(etag) = version.etag.to_str() else { return Ok(()) };
        let mut object = Object::from_iter([("url", self.url.as_str()), ("etag", etag)]);
        if let Some(total) = version.total {
            object.insert("total", total);
        }
        object.insert("bytes", bytes);
        std::fs::write(&self.path, Value::Object(object).to_json())
    }

    /// What is known of the part; nothing, where the record is of another file, or is cut off.
    fn read(&self, part: &Path) -> Option<Begun> {
        if std::fs::metadata(&self.path).ok()?.len() > MAX_RECORD_BYTES {
            return None;
        }
        let text = std::fs::read(&self.path).ok()?;
        let value = json::read(&text, Limits::default()).ok()?;
        let object = value.as_object().filter(|object| object.get_str("url") == Some(self.url.as_str()))?;
        let number = |name| object.get(name).and_then(Value::as_number).and_then(Number::as_u64);
        let version = Version { etag: object.get_str("etag")?.parse().ok()?, total: number("total") };
        // There is always something left to ask for: the answer says whether it is still the same file.
        let most = version.total.map_or(u64::MAX, |total| total.saturating_sub(1));
        let bytes = number("bytes")?.min(most);
        (bytes > 0).then(|| Begun { path: part.to_path_buf(), bytes, version })
    }

    /// Takes it away. That it is not there is as good.
    pub(super) fn remove(&self) {
        std::fs::remove_file(&self.path).ok();
    }
}

/// The SHA-256 of the first bytes of a part, to go on with.
pub(super) fn digest(begun: &Begun) -> io::Result<Sha256> {
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(&begun.path)?.take(begun.bytes));
    let mut digest = Sha256::new();
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(digest);
        }
        digest.update(part);
        let read = part.len();
        file.consume(read);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const URL: &str = "http://server/a";

    fn version() -> Version {
        Version { etag: "\"v1\"".parse().unwrap(), total: Some(10) }
    }

    /// Leaves a part of so many bytes, and a record that says how many are good.
    fn leave(target: &Path, bytes: &[u8], good: u64) {
        let mut kept = open(target, URL).unwrap().unwrap();
        kept.file.write_all(bytes).unwrap();
        kept.record.write(&version(), good).unwrap();
        kept.path.keep().unwrap();
    }

    #[test]
    fn a_part_is_found_again_as_far_as_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.png");
        leave(&target, b"01234567", 6);
        let kept = open(&target, URL).unwrap().unwrap();
        let begun = kept.begun.as_ref().unwrap();
        assert_eq!((begun.bytes, &begun.version), (6, &version()));
        assert_eq!(std::fs::read(&kept.path).unwrap(), b"012345");
        assert_eq!(digest(begun).unwrap().finalize(), Sha256::digest(b"012345"));
    }

    #[test]
    fn what_does_not_fit_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.png");
        // The record says more than there is, is of another file, or is no record.
        leave(&target, b"01", 6);
        assert_eq!(open(&target, URL).unwrap().unwrap().begun, None);
        leave(&target, b"012345", 6);
        assert_eq!(open(&target, "http://server/b").unwrap().unwrap().begun, None);
        leave(&target, b"012345", 6);
        std::fs::write(target.with_file_name(".comfyicu-a.png.part.json"), "{\"url\"").unwrap();
        assert_eq!(open(&target, URL).unwrap().unwrap().begun, None);
        // A part that is whole is asked for once more: its last byte.
        leave(&target, b"0123456789", 10);
        assert_eq!(open(&target, URL).unwrap().unwrap().begun.unwrap().bytes, 9);
    }

    #[test]
    fn two_downloads_do_not_share_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.png");
        let first = open(&target, URL).unwrap().unwrap();
        assert!(open(&target, URL).unwrap().is_none());
        drop(first);
        assert!(open(&target, URL).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_part_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, mine) = (folder.path().join("a.png"), folder.path().join("mine"));
        std::fs::write(&mine, "mine").unwrap();
        std::os::unix::fs::symlink(&mine, folder.path().join(".comfyicu-a.png.part")).unwrap();
        assert!(open(&target, URL).unwrap().is_none());
        assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    }

    #[test]
    fn long_names_are_shortened() {
        let short = name(Path::new("out/a.png"), ".part");
        assert_eq!(short, ".comfyicu-a.png.part");
        let long = name(&Path::new("out").join("x".repeat(250)), ".part.json");
        assert!(long.len() < 100, "{long:?}");
    }
}
