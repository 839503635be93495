//! A file on its way into the cache: what came of it so far, so that it can be gone on with after a break.
//!
//! Beside the bytes stands what is known of them: how many are safely on disk, and of which version of the source they
//! are. After a power cut more may seem to be there; it is not believed.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use comfyicu_model::json::{self, Limits, Object, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Cache, Held, IdlePart, PART_AGE, State};
use crate::files::blobs::Blob;
use crate::hash::Sha256Hex;
use crate::random;

/// After how many bytes they are brought to the disk, while more come.
const CHECKPOINT: u64 = 32 * 1024 * 1024;
/// How many pieces of a body wait to be written: some hundreds of kilobytes each at most.
const WAITING: usize = 8;

/// Which version of the source bytes are of, and how many there are of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::files) struct Meta {
    /// What a part of the same version is asked for with: a strong `ETag` or a date. Without one there is no going
    /// on.
    pub(in crate::files) validator: Option<String>,
    /// How many bytes the whole has, where the source said that.
    pub(in crate::files) total: Option<u64>,
}

/// Where a part can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::files) struct Resume {
    pub(in crate::files) length: u64,
    pub(in crate::files) meta: Meta,
}

/// The part of one source. One at a time has it.
#[derive(Debug)]
pub(in crate::files) struct Part {
    busy: Arc<Busy>,
    resume: Option<Resume>,
    /// The digest of the bytes up to a place, so that they need not be read again.
    hashed: Option<(u64, Sha256)>,
}

/// Says that somebody writes a part. Dropped, it waits for the next one, or goes.
#[derive(Debug)]
struct Busy {
    cache: Cache,
    key: String,
}

/// Writes to a part, on a thread of its own.
#[derive(Debug)]
pub(in crate::files) struct PartWriter {
    sender: mpsc::Sender<Message>,
    thread: JoinHandle<Ended>,
}

#[derive(Debug)]
enum Message {
    Chunk(Bytes),
    Finish,
}

/// How the writing ended.
#[derive(Debug)]
struct Ended {
    result: io::Result<()>,
    length: u64,
    hasher: Sha256,
}

impl Cache {
    /// The part of a source, by a key that is safe in a path. Waits while somebody else has it.
    pub(in crate::files) async fn part(&self, key: &Sha256Hex) -> Part {
        loop {
            let freed = self.0.freed.notified();
            if let Some(part) = self.try_part(key.as_str()) {
                return part;
            }
            freed.await;
        }
    }

    fn try_part(&self, key: &str) -> Option<Part> {
        let mut state = self.lock();
        if !state.busy_parts.insert(key.to_owned()) {
            return None;
        }
        if let Some(idle) = state.idle_parts.remove(key) {
            state.bytes = state.bytes.saturating_sub(idle.bytes);
        }
        drop(state);
        let busy = Arc::new(Busy { cache: self.clone(), key: key.to_owned() });
        let is_whole =
            |resume: &Resume| fs::metadata(busy.file()).is_ok_and(|metadata| metadata.len() >= resume.length);
        let resume = read_sidecar(&busy.sidecar()).filter(is_whole);
        Some(Part { busy, resume, hashed: None })
    }
}

impl Part {
    /// Where it can be gone on with.
    pub(in crate::files) const fn resume(&self) -> Option<&Resume> {
        self.resume.as_ref()
    }

    /// Forgets what came so far.
    pub(in crate::files) fn clear(&mut self) {
        self.resume = None;
        self.hashed = None;
        remove(&self.busy.cache.parts(), &self.busy.key);
    }

    /// Begins to write at a place up to which the bytes are right.
    pub(in crate::files) fn write(&mut self, from: u64, meta: Meta) -> PartWriter {
        let hashed = self.hashed.take().filter(|(at, _)| *at == from).map(|(_, hasher)| hasher);
        self.resume = None;
        let (sender, receiver) = mpsc::channel(WAITING);
        let busy = Arc::clone(&self.busy);
        let thread = tokio::task::spawn_blocking(move || write(&busy, from, hashed, &meta, receiver));
        PartWriter { sender, thread }
    }

    /// Takes the end of the writing back, so that the next attempt goes on from there.
    fn take_back(&mut self, length: u64, hasher: Sha256) {
        self.hashed = Some((length, hasher));
        self.resume = read_sidecar(&self.busy.sidecar()).filter(|resume| resume.length == length);
    }

    /// Moves the whole file into the cache.
    pub(in crate::files) async fn admit(self, blob: Blob) -> io::Result<Held> {
        let work = move || {
            let held = self.busy.cache.admit(&self.busy.file(), &blob)?;
            drop(self);
            Ok(held)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }
}

impl PartWriter {
    /// Hands over bytes. They are on disk only once it has finished.
    /// Gives false when nothing more can be written; the end says why.
    pub(in crate::files) async fn send(&self, chunk: Bytes) -> bool {
        self.sender.send(Message::Chunk(chunk)).await.is_ok()
    }

    /// Ends the file; gives what it is when all of it is on disk.
    pub(in crate::files) async fn finish(self) -> io::Result<Blob> {
        // When the thread is gone, its end says why.
        let _sent = self.sender.send(Message::Finish).await;
        drop(self.sender);
        let ended = joined(self.thread).await?;
        ended.result?;
        Ok(Blob { sha256: Sha256Hex::finish(ended.hasher), bytes: ended.length })
    }

    /// Ends for now; gives how many bytes there are.
    pub(in crate::files) async fn pause(self, part: &mut Part) -> io::Result<u64> {
        drop(self.sender);
        let ended = joined(self.thread).await?;
        part.take_back(ended.length, ended.hasher);
        ended.result?;
        Ok(ended.length)
    }
}

async fn joined(thread: JoinHandle<Ended>) -> io::Result<Ended> {
    thread.await.map_err(io::Error::other)
}

impl Busy {
    fn file(&self) -> PathBuf {
        self.cache.parts().join(&self.key)
    }

    fn sidecar(&self) -> PathBuf {
        sidecar(&self.cache.parts(), &self.key)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let resume = read_sidecar(&self.sidecar());
        let length = fs::metadata(self.file()).map_or(0, |metadata| metadata.len());
        let resumable = resume.is_some_and(|resume| resume.length <= length);
        if !resumable {
            remove(&self.cache.parts(), &self.key);
        }
        let mut state = self.cache.lock();
        state.busy_parts.remove(&self.key);
        if resumable {
            state.bytes = state.bytes.saturating_add(length);
            state.idle_parts.insert(self.key.clone(), IdlePart { bytes: length, since: SystemTime::now() });
        }
        let mut removals = super::Removals::default();
        self.cache.evict(&mut state, &mut removals);
        drop(state);
        removals.finish();
        self.cache.0.freed.notify_waiters();
    }
}

/// What the thread does. When its messages end without [`Message::Finish`], what came is kept if it can be gone on
/// with.
fn write(
    busy: &Busy,
    from: u64,
    hashed: Option<Sha256>,
    meta: &Meta,
    mut messages: mpsc::Receiver<Message>,
) -> Ended {
    let is_hashed = hashed.is_some();
    let mut ended = Ended { result: Ok(()), length: from, hasher: hashed.unwrap_or_default() };
    if from == 0 {
        // It tells of bytes that are not there any more.
        let _gone = fs::remove_file(busy.sidecar());
    }
    let mut writing = || -> io::Result<bool> {
        let mut file = open(&busy.file(), from, (!is_hashed).then_some(&mut ended.hasher))?;
        let mut checkpoints = Checkpoints { saved: from, going_on: None };
        let finished = loop {
            match messages.blocking_recv() {
                Some(Message::Chunk(chunk)) => {
                    file.write_all(&chunk)?;
                    ended.hasher.update(&chunk);
                    ended.length += chunk.len() as u64;
                    checkpoints.look(busy, &file, ended.length, meta)?;
                }
                Some(Message::Finish) => break true,
                None => break false,
            }
        };
        checkpoints.end();
        file.sync_data()?;
        Ok(finished)
    };
    match writing() {
        Ok(true) => {}
        Ok(false) => ended.result = save(&busy.sidecar(), ended.length, meta),
        Err(error) => {
            // The last write may have been done by half.
            let kept = File::options().write(true).open(busy.file()).and_then(|file| {
                file.set_len(ended.length)?;
                file.sync_data()
            });
            let _kept = kept.and_then(|()| save(&busy.sidecar(), ended.length, meta));
            ended.result = Err(error);
        }
    }
    ended
}

/// Opens a part to go on at a place, and reads what stands before it where its digest is not known.
fn open(path: &Path, from: u64, hasher: Option<&mut Sha256>) -> io::Result<File> {
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    file.set_len(from)?;
    if let Some(hasher) = hasher {
        let mut buffer = vec![0; 256 * 1024];
        let mut before = (&mut file).take(from);
        loop {
            let length = before.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hasher.update(buffer.get(..length).unwrap_or_default());
        }
    }
    file.seek(SeekFrom::Start(from))?;
    Ok(file)
}

/// Brings bytes to the disk while more come.
struct Checkpoints {
    saved: u64,
    going_on: Option<JoinHandle<()>>,
}

impl Checkpoints {
    fn look(&mut self, busy: &Busy, file: &File, length: u64, meta: &Meta) -> io::Result<()> {
        let is_idle = self.going_on.as_ref().is_none_or(JoinHandle::is_finished);
        if length < self.saved + CHECKPOINT || !is_idle {
            return Ok(());
        }
        self.saved = length;
        let (file, sidecar, meta) = (file.try_clone()?, busy.sidecar(), meta.clone());
        self.going_on = Some(tokio::runtime::Handle::current().spawn_blocking(move || {
            // Whether it worked is seen at the end; until then a break costs some more bytes.
            let _saved = file.sync_data().and_then(|()| save(&sidecar, length, &meta));
        }));
        Ok(())
    }

    fn end(self) {
        if let Some(going_on) = self.going_on {
            let _ended = tokio::runtime::Handle::current().block_on(going_on);
        }
    }
}

fn sidecar(parts: &Path, key: &str) -> PathBuf {
    parts.join(format!("{key}.json"))
}

/// Writes down what is known of a part, if there can be a going on.
fn save(sidecar: &Path, length: u64, meta: &Meta) -> io::Result<()> {
    let Some(validator) = &meta.validator else { return Ok(()) };
    let known = Object::from_iter([
        ("length", Value::from(length)),
        ("validator", validator.as_str().into()),
        ("total", Value::from(meta.total)),
    ]);
    let fresh = sidecar.with_extension(format!("{}.new", random::nanoid()));
    fs::write(&fresh, known.to_json())?;
    fs::rename(fresh, sidecar)
}

fn read_sidecar(sidecar: &Path) -> Option<Resume> {
    let value = json::read(&fs::read(sidecar).ok()?, Limits::default()).ok()?;
    let known = value.as_object()?;
    let number = |key| known.get(key).and_then(Value::as_number)?.as_u64();
    let validator = Some(known.get("validator")?.as_str()?.to_owned());
    let length = number("length").filter(|length| *length > 0)?;
    Some(Resume { length, meta: Meta { validator, total: number("total") } })
}

/// Removes a part and what is known of it.
pub(super) fn remove(parts: &Path, key: &str) {
    for path in [sidecar(parts, key), parts.join(key)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), %error, "a part of a file stays behind");
            }
            _ => {}
        }
    }
}

/// Reads which parts there are, and removes those that are old or that nothing can be done with.
pub(super) fn read_idle(parts: &Path, state: &mut State) -> io::Result<()> {
    let now = SystemTime::now();
    for entry in fs::read_dir(parts)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(entry.path())?;
            continue;
        }
        let key = name.strip_suffix(".json").unwrap_or(&name);
        let metadata = fs::metadata(parts.join(key));
        let (length, since) = metadata.map_or((0, now), |file| (file.len(), file.modified().unwrap_or(now)));
        let fresh = now.duration_since(since).is_ok_and(|age| age < PART_AGE);
        let resumable = read_sidecar(&sidecar(parts, key)).is_some_and(|resume| resume.length <= length);
        if !fresh || !resumable {
            remove(parts, key);
        } else if state.idle_parts.insert(key.to_owned(), IdlePart { bytes: length, since }).is_none() {
            state.bytes = state.bytes.saturating_add(length);
        }
    }
    Ok(())
}
