//! A [`Disk`] as a folder of this machine, through FUSE.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use nix::mount::{MntFlags, umount2};
use tempfile::TempDir;

use super::disk::{Disk, Found, ROOT};

/// Nothing is remembered by the kernel: it asks each time.
const TTL: Duration = Duration::ZERO;

/// A disk that is mounted. Dropped, it is not any more.
pub(super) struct Mounted {
    disk: Shared,
    /// None once it was cut.
    session: Option<BackgroundSession>,
    folder: TempDir,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Disk>>);

impl Mounted {
    /// Mounts a disk.
    pub(super) fn new(disk: Disk) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let disk = Shared(Arc::new(Mutex::new(disk)));
        let session = fuser::spawn_mount(disk.clone(), folder.path(), &Config::default())?;
        Ok(Self { disk, session: Some(session), folder })
    }

    /// The folder that is its root.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock()
    }

    /// Takes it out of its folder, and gives the disk as it is when the power is back.
    pub(super) fn cut(mut self, chance: &mut Rng) -> Disk {
        let left = self.disk().after_the_cut(chance);
        let session = self.session.take().expect("it is cut once");
        session.umount_and_join().expect("nobody has it any more");
        left
    }
}

impl Drop for Mounted {
    /// Whoever still wants something from it gets an error. It is answered by this process: a thread that waited
    /// for an answer when the process ends would wait for ever, and the process would never have ended.
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if let Err(error) = umount2(self.folder.path(), MntFlags::MNT_FORCE | MntFlags::MNT_DETACH) {
            eprintln!("the disk at {} is not taken out by force: {error}", self.folder.path().display());
        }
        drop(session);
    }
}

/// Whether file systems of one's own can be mounted here.
pub(super) fn is_possible() -> bool {
    let possible = Path::new("/dev/fuse").exists().then(|| Mounted::new(Disk::new()));
    match possible {
        Some(Ok(_)) => return true,
        Some(Err(error)) => eprintln!("SKIPPED: no file system can be mounted through FUSE: {error}"),
        None => eprintln!("SKIPPED: this machine has no /dev/fuse"),
    }
    false
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attributes(&self, number: u64) -> Result<FileAttr, Errno> {
        let (kind, perm, size) = match self.lock().find(number)? {
            Found::File(length) => (FileType::RegularFile, 0o600, length),
            Found::Folder => (FileType::Directory, 0o700, 0),
        };
        let time = UNIX_EPOCH;
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: time,
            mtime: time,
            ctime: time,
            crtime: time,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn make(&self, folder: INodeNo, name: &OsStr, is_folder: bool) -> Result<FileAttr, Errno> {
        let number = self.lock().make(folder.0, name, is_folder)?;
        self.attributes(number)
    }
}

fn entry(found: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn empty(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

/// A place in memory: nothing here is larger.
fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl Filesystem for Shared {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.lock().look_up(parent.0, name);
        entry(found.and_then(|number| self.attributes(number)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino.0) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let resized = size.map_or(Ok(()), |size| self.lock().set_length(ino.0, place(size)));
        match resized.and_then(|()| self.attributes(ino.0)) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _mode: u32, _umask: u32, reply: ReplyEntry) {
        entry(self.make(parent, name, true), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, false) {
            Ok(attributes) => {
                reply.created(&TTL, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.lock().remove(parent.0, name);
        empty(removed, reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.lock().remove(parent.0, name);
        empty(removed, reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.lock().rename((parent.0, name), (newparent.0, newname));
        empty(renamed, reply);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.lock().read(ino.0, place(offset), place(size.into()));
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.lock().write(ino.0, place(offset), data);
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("the kernel sends no more")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let synced = self.lock().sync(ino.0);
        empty(synced, reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let synced = self.lock().sync(ino.0);
        empty(synced, reply);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let entries = match self.lock().entries(ino.0) {
            Ok(entries) => entries,
            Err(error) => return reply.error(error),
        };
        for (at, (name, number)) in entries.into_iter().enumerate().skip(place(offset)) {
            let kind = match self.lock().find(number) {
                Ok(Found::Folder) => FileType::Directory,
                _ => FileType::RegularFile,
            };
            if reply.add(INodeNo(number), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        const BLOCKS: u64 = 1 << 20;
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, ROOT, BLOCKS, 4096, 255, 4096);
    }
}
