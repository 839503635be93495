//! A disk whose power can be cut: what was written and not synced may be gone, in any part.
//!
//! It promises what POSIX does and no more. A file's bytes last once the file was synced, its name once its
//! folder was. Of what was not synced, a cut keeps some blocks and not others; of the changes of a folder, it
//! keeps the first so many.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use fastrand::Rng;
use fuser::Errno;

/// The number of the root folder.
pub(super) const ROOT: u64 = 1;
/// How many bytes a disk writes whole or not at all.
const BLOCK: usize = 512;

#[derive(Debug)]
pub(super) struct Disk {
    nodes: BTreeMap<u64, Node>,
    /// How many operations change something until the power fails; `None` when it does not.
    fuse: Option<usize>,
    is_off: bool,
    lies: bool,
}

#[derive(Debug)]
enum Node {
    File(File),
    Folder(Folder),
}

#[derive(Debug, Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// The blocks that were written since.
    dirty: BTreeSet<usize>,
}

type Entries = BTreeMap<OsString, u64>;

#[derive(Debug, Default)]
struct Folder {
    now: Entries,
    synced: Entries,
    /// What was done since, in order.
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Put(OsString, u64),
    Remove(OsString),
    Rename(OsString, OsString),
}

/// What is at a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    File(u64),
    Folder,
}

impl Disk {
    /// An empty disk.
    pub(super) fn new() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Folder(Folder::default()))]);
        Self { nodes, fuse: None, is_off: false, lies: false }
    }

    /// Lets the power fail after so many more operations that change something.
    pub(super) const fn fail_after(&mut self, operations: usize) {
        self.fuse = Some(operations);
    }

    /// From now on, it says that it has synced, and has not.
    pub(super) const fn lie(&mut self) {
        self.lies = true;
    }

    pub(super) const fn is_off(&self) -> bool {
        self.is_off
    }

    /// What is on the disk when the power is back; of what was not synced, chance keeps something.
    pub(super) fn after_the_cut(&self, chance: &mut Rng) -> Self {
        let mut left = Self::new();
        for (number, node) in &self.nodes {
            let node = match node {
                Node::File(file) => Node::File(File::holding(file.after_the_cut(chance))),
                Node::Folder(folder) => Node::Folder(Folder::holding(folder.after_the_cut(chance))),
            };
            left.nodes.insert(*number, node);
        }
        left
    }

    pub(super) fn find(&self, number: u64) -> Result<Found, Errno> {
        match self.node(number)? {
            Node::File(file) => Ok(Found::File(file.now.len() as u64)),
            Node::Folder(_) => Ok(Found::Folder),
        }
    }

    pub(super) fn look_up(&self, folder: u64, name: &OsStr) -> Result<u64, Errno> {
        self.folder(folder)?.now.get(name).copied().ok_or(Errno::ENOENT)
    }

    pub(super) fn entries(&self, folder: u64) -> Result<Vec<(OsString, u64)>, Errno> {
        Ok(self.folder(folder)?.now.iter().map(|(name, number)| (name.clone(), *number)).collect())
    }

    pub(super) fn make(&mut self, folder: u64, name: &OsStr, is_folder: bool) -> Result<u64, Errno> {
        self.change()?;
        if self.look_up(folder, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        let number = self.nodes.keys().next_back().copied().unwrap_or(ROOT) + 1;
        let node = if is_folder { Node::Folder(Folder::default()) } else { Node::File(File::default()) };
        self.nodes.insert(number, node);
        self.folder_mut(folder)?.apply(Change::Put(name.to_owned(), number));
        Ok(number)
    }

    pub(super) fn remove(&mut self, folder: u64, name: &OsStr) -> Result<(), Errno> {
        self.change()?;
        if let Node::Folder(inner) = self.node(self.look_up(folder, name)?)?
            && !inner.now.is_empty()
        {
            return Err(Errno::ENOTEMPTY);
        }
        self.folder_mut(folder)?.apply(Change::Remove(name.to_owned()));
        Ok(())
    }

    /// Within a folder, both names change at once; between two, each by itself.
    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<(), Errno> {
        self.change()?;
        let number = self.look_up(from.0, from.1)?;
        if from.0 == to.0 {
            self.folder_mut(from.0)?.apply(Change::Rename(from.1.to_owned(), to.1.to_owned()));
        } else {
            self.folder_mut(to.0)?.apply(Change::Put(to.1.to_owned(), number));
            self.folder_mut(from.0)?.apply(Change::Remove(from.1.to_owned()));
        }
        Ok(())
    }

    pub(super) fn read(&self, number: u64, offset: usize, length: usize) -> Result<Vec<u8>, Errno> {
        let bytes = &self.file(number)?.now;
        let end = offset.saturating_add(length).min(bytes.len());
        Ok(bytes.get(offset..end).unwrap_or_default().to_vec())
    }

    pub(super) fn write(&mut self, number: u64, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        self.change()?;
        let file = self.file_mut(number)?;
        let end = offset + bytes.len();
        if file.now.len() < end {
            file.now.resize(end, 0);
        }
        file.now[offset..end].copy_from_slice(bytes);
        file.dirty.extend(offset / BLOCK..end.div_ceil(BLOCK));
        Ok(())
    }

    pub(super) fn set_length(&mut self, number: u64, length: usize) -> Result<(), Errno> {
        self.change()?;
        let file = self.file_mut(number)?;
        file.dirty.extend(length.min(file.now.len()) / BLOCK..length.div_ceil(BLOCK));
        file.now.resize(length, 0);
        Ok(())
    }

    pub(super) fn sync(&mut self, number: u64) -> Result<(), Errno> {
        self.change()?;
        if self.lies {
            return Ok(());
        }
        match self.nodes.get_mut(&number).ok_or(Errno::ENOENT)? {
            Node::File(file) => file.sync(),
            Node::Folder(folder) => {
                folder.changes.clear();
                folder.synced = folder.now.clone();
            }
        }
        Ok(())
    }

    /// Counts an operation, until the power fails.
    fn change(&mut self) -> Result<(), Errno> {
        match &mut self.fuse {
            _ if self.is_off => {}
            Some(0) => self.is_off = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.powered()
    }

    const fn powered(&self) -> Result<(), Errno> {
        if self.is_off { Err(Errno::EIO) } else { Ok(()) }
    }

    fn node(&self, number: u64) -> Result<&Node, Errno> {
        self.powered()?;
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    fn file(&self, number: u64) -> Result<&File, Errno> {
        match self.node(number)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => Err(Errno::EISDIR),
        }
    }

    fn file_mut(&mut self, number: u64) -> Result<&mut File, Errno> {
        match self.nodes.get_mut(&number) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Folder(_)) => Err(Errno::EISDIR),
            None => Err(Errno::ENOENT),
        }
    }

    fn folder(&self, number: u64) -> Result<&Folder, Errno> {
        match self.node(number)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) => Err(Errno::ENOTDIR),
        }
    }

    fn folder_mut(&mut self, number: u64) -> Result<&mut Folder, Errno> {
        match self.nodes.get_mut(&number) {
            Some(Node::Folder(folder)) => Ok(folder),
            Some(Node::File(_)) => Err(Errno::ENOTDIR),
            None => Err(Errno::ENOENT),
        }
    }
}

impl File {
    fn holding(bytes: Vec<u8>) -> Self {
        Self { now: bytes.clone(), synced: bytes, dirty: BTreeSet::new() }
    }

    fn sync(&mut self) {
        self.synced.resize(self.now.len(), 0);
        for block in std::mem::take(&mut self.dirty) {
            copy_block(&self.now, &mut self.synced, block);
        }
    }

    fn after_the_cut(&self, chance: &mut Rng) -> Vec<u8> {
        let mut left = self.synced.clone();
        if chance.bool() {
            left.resize(self.now.len(), 0);
        }
        for block in &self.dirty {
            if chance.bool() {
                copy_block(&self.now, &mut left, *block);
            }
        }
        left
    }
}

/// Copies a block, as far as both have it.
fn copy_block(from: &[u8], to: &mut [u8], block: usize) {
    let start = block * BLOCK;
    let end = (start + BLOCK).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

impl Folder {
    fn holding(entries: Entries) -> Self {
        Self { now: entries.clone(), synced: entries, changes: Vec::new() }
    }

    fn apply(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.changes.push(change);
    }

    fn after_the_cut(&self, chance: &mut Rng) -> Entries {
        let mut left = self.synced.clone();
        for change in self.changes.iter().take(chance.usize(0..=self.changes.len())) {
            change.apply(&mut left);
        }
        left
    }
}

impl Change {
    fn apply(&self, entries: &mut Entries) {
        match self {
            Self::Put(name, number) => {
                entries.insert(name.clone(), *number);
            }
            Self::Remove(name) => {
                entries.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(number) = entries.remove(from) {
                    entries.insert(to.clone(), number);
                }
            }
        }
    }
}

#[test]
fn what_was_synced_stays_and_nothing_else_is_sure() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..100 {
        let mut disk = Disk::new();
        let name = OsStr::new("a");
        let file = disk.make(ROOT, name, false).unwrap();
        disk.write(file, 0, &[1; 2 * BLOCK]).unwrap();
        disk.sync(file).unwrap();
        disk.sync(ROOT).unwrap();
        disk.write(file, BLOCK, &[2; 2 * BLOCK]).unwrap();
        disk.make(ROOT, OsStr::new("b"), false).unwrap();
        disk.fail_after(0);
        assert!(disk.sync(file).is_err() && disk.is_off() && disk.read(file, 0, 1).is_err());
        let left = disk.after_the_cut(&mut Rng::with_seed(seed));
        assert_eq!(left.look_up(ROOT, name).unwrap(), file);
        assert_eq!(left.read(file, 0, BLOCK).unwrap(), [1; BLOCK]);
        kept += usize::from(left.look_up(ROOT, OsStr::new("b")).is_ok());
        lost += usize::from(left.read(file, BLOCK, BLOCK).unwrap() == [1; BLOCK]);
    }
    assert!((20..80).contains(&kept) && (20..80).contains(&lost), "{kept} {lost}");
}
