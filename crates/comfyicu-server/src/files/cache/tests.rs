//! The cache: what stays, what goes, and what a crash leaves.

use bytes::Bytes;
use proptest::prelude::*;

use super::part::PartWriter;
use super::*;

fn meta() -> Meta {
    Meta { validator: Some("\"v1\"".to_owned()), total: None }
}

/// The bytes of a source, which tell it from others.
fn content(source: u8) -> Vec<u8> {
    (0..20 + source * 7).map(|index| index.wrapping_mul(31) ^ source).collect()
}

fn key(source: u8) -> Sha256Hex {
    Sha256Hex::of(&[source])
}

fn digest(source: u8) -> Sha256Hex {
    Sha256Hex::of(&content(source))
}

async fn store(cache: &Cache, source: u8) -> Held {
    let mut part = cache.part(&key(source)).await;
    let writer = part.write(0, meta());
    assert!(writer.send(content(source).into()).await);
    let blob = writer.finish().await.unwrap();
    part.admit(blob).await.unwrap()
}

fn open(folder: &Path, max_bytes: u64) -> Cache {
    Cache::open(folder.to_owned(), max_bytes).unwrap()
}

/// All that lies below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { everything(&path) } else { vec![path] }).collect()
}

fn sources(cache: &Cache) -> Vec<u8> {
    (0..8).filter(|source| cache.path(&digest(*source)).exists()).collect()
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_and_what_is_used_or_pinned_stays() {
    let folder = tempfile::tempdir().unwrap();
    // The sources 0 to 3 have 20, 27, 34 and 41 bytes.
    let cache = open(folder.path(), 90);
    drop(store(&cache, 0).await);
    let second = store(&cache, 1).await;
    drop(store(&cache, 2).await);
    assert_eq!(sources(&cache), [0, 1, 2]);
    drop(cache.hold(&digest(0)).unwrap());
    drop(store(&cache, 3).await);
    assert_eq!(sources(&cache), [0, 1, 3], "what was not used for longest went");
    set_pinned(folder.path(), &digest(0), true).unwrap();
    drop(store(&cache, 3).await);
    assert_eq!(sources(&cache), [0, 1, 3]);
    drop(second);
    drop(store(&cache, 2).await);
    assert_eq!(sources(&cache), [0, 2], "the one that is used no more was oldest, then the next");
    set_pinned(folder.path(), &digest(0), false).unwrap();
    let large = cache.reserve(90);
    assert_eq!(sources(&cache), [0_u8; 0]);
    drop(large);
    assert_eq!(cache.lock().bytes, 0);
}

#[tokio::test]
async fn another_process_finds_the_files_in_the_order_of_their_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 100);
    for source in [0, 1, 2] {
        drop(store(&cache, source).await);
        // What a clock of coarse ticks tells apart.
        let moment = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(source.into());
        File::options().append(true).open(cache.path(&digest(source))).unwrap().set_modified(moment).unwrap();
    }
    drop(cache.hold(&digest(0)).unwrap());
    drop(cache);
    let cache = open(folder.path(), 60);
    assert_eq!(sources(&cache), [0, 2]);
    fs::remove_file(cache.path(&digest(2))).unwrap();
    assert!(cache.hold(&digest(2)).is_none(), "somebody removed it by hand");
    assert_eq!(cache.lock().bytes, 20);
}

#[tokio::test]
async fn what_runs_use_can_be_more_than_the_bound_and_then_there_is_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 30);
    let held = store(&cache, 2).await;
    assert!(!cache.has_room());
    assert_eq!(fs::read(held.path()).unwrap(), content(2));
    drop(held);
    assert!(cache.has_room() && sources(&cache).is_empty());
    assert_eq!(cache.make_room(1), 0);
}

#[tokio::test]
async fn a_part_is_gone_on_with_by_the_next_one_that_asks() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 100);
    let mut part = cache.part(&key(5)).await;
    let whole = Bytes::from(content(5));
    let writer = part.write(0, meta());
    assert!(writer.send(whole.slice(..10)).await);
    // As when whoever waited is gone.
    drop((writer, part));
    let mut part = cache.part(&key(5)).await;
    assert_eq!(part.resume(), Some(&Resume { length: 10, meta: meta() }));
    let writer = part.write(10, meta());
    assert!(writer.send(whole.slice(10..12)).await);
    assert_eq!(writer.pause(&mut part).await.unwrap(), 12);
    drop(part);
    drop(cache);
    let cache = open(folder.path(), 100);
    assert_eq!(cache.lock().bytes, 12, "a part is counted");
    let mut part = cache.part(&key(5)).await;
    let writer = part.write(12, meta());
    assert!(writer.send(whole.slice(12..)).await);
    let blob = writer.finish().await.unwrap();
    assert_eq!(part.admit(blob).await.unwrap().sha256(), &digest(5));
    assert_eq!(everything(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_part_without_a_version_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 100);
    let mut part = cache.part(&key(5)).await;
    let writer = part.write(0, Meta::default());
    assert!(writer.send(Bytes::from_static(b"some")).await);
    drop((writer, part));
    assert_eq!(cache.part(&key(5)).await.resume(), None);
    assert_eq!(everything(folder.path()).len(), 0);
}

#[derive(Clone, Debug)]
enum Op {
    /// Bytes of a source come.
    Bytes(u8, usize),
    /// Its transfer fails and is to be gone on with.
    Fail(u8),
    /// Nobody waits for it any more.
    Cancel(u8),
    /// All of it comes.
    Finish(u8),
    /// A run uses what is there.
    Hold(u8),
    /// The run that has used one for longest ends.
    Release,
    Pin(u8),
    Unpin(u8),
    /// The process is killed, and another one begins with what lies on the disk.
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let source = || 0..4_u8;
    prop_oneof![
        6 => (source(), 1..20_usize).prop_map(|(source, bytes)| Op::Bytes(source, bytes)),
        2 => source().prop_map(Op::Fail),
        2 => source().prop_map(Op::Cancel),
        4 => source().prop_map(Op::Finish),
        2 => source().prop_map(Op::Hold),
        3 => Just(Op::Release),
        1 => source().prop_map(Op::Pin),
        1 => source().prop_map(Op::Unpin),
        1 => Just(Op::Crash),
    ]
}

/// A cache, and those who use it.
struct World {
    place: tempfile::TempDir,
    generation: u32,
    cache: Cache,
    going: HashMap<u8, (Part, PartWriter, usize)>,
    held: Vec<Held>,
    max_bytes: u64,
}

impl World {
    fn new(max_bytes: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        let cache = open(&place.path().join("0"), max_bytes);
        Self { place, generation: 0, cache, going: HashMap::new(), held: Vec::new(), max_bytes }
    }

    /// The transfer of a source, begun where an earlier one broke off.
    async fn going(&mut self, source: u8) -> &mut (Part, PartWriter, usize) {
        if !self.going.contains_key(&source) {
            let mut part = self.cache.part(&key(source)).await;
            let from = part.resume().map_or(0, |resume| resume.length);
            let writer = part.write(from, meta());
            self.going.insert(source, (part, writer, usize::try_from(from).unwrap()));
        }
        self.going.get_mut(&source).unwrap()
    }

    async fn bytes(&mut self, source: u8, count: usize) {
        let whole = Bytes::from(content(source));
        let (_, writer, at) = self.going(source).await;
        let end = (*at + count).min(whole.len());
        assert!(writer.send(whole.slice(*at..end)).await);
        *at = end;
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Bytes(source, count) => self.bytes(source, count).await,
            Op::Fail(source) => {
                if let Some((mut part, writer, at)) = self.going.remove(&source) {
                    assert_eq!(writer.pause(&mut part).await.unwrap(), at as u64);
                    let writer = part.write(at as u64, meta());
                    self.going.insert(source, (part, writer, at));
                }
            }
            Op::Cancel(source) => drop(self.going.remove(&source)),
            Op::Finish(source) => {
                self.bytes(source, usize::MAX / 2).await;
                let (part, writer, _) = self.going.remove(&source).unwrap();
                let blob = writer.finish().await.unwrap();
                assert_eq!(blob.sha256, digest(source), "the bytes are right");
                self.held.push(part.admit(blob).await.unwrap());
            }
            Op::Hold(source) => self.held.extend(self.cache.hold(&digest(source))),
            Op::Release => drop((!self.held.is_empty()).then(|| self.held.remove(0))),
            Op::Pin(source) => set_pinned(&self.cache.0.folder, &digest(source), true).unwrap(),
            Op::Unpin(source) => {
                set_pinned(&self.cache.0.folder, &digest(source), false).unwrap();
                // Another process does that: the server follows with the next thing that it does.
                drop(self.cache.reserve(1));
            }
            Op::Crash => self.crash(),
        }
    }

    /// Goes on with a copy of what lies on the disk at this moment.
    fn crash(&mut self) {
        self.generation += 1;
        let folder = self.place.path().join(self.generation.to_string());
        copy(&self.cache.0.folder, &folder);
        self.going.clear();
        self.held.clear();
        self.cache = open(&folder, self.max_bytes);
    }

    fn check(&self) {
        for held in &self.held {
            assert_eq!(
                Sha256Hex::of(&fs::read(held.path()).unwrap()),
                held.sha256,
                "what is used stays, and is right"
            );
        }
        for file in list(&self.cache.0.folder).unwrap() {
            let bytes = fs::read(self.cache.path(&file.sha256)).unwrap();
            assert_eq!(Sha256Hex::of(&bytes), file.sha256, "whatever lies there is whole");
        }
        let state = self.cache.lock();
        let entries: u64 = state.entries.values().map(|entry| entry.bytes).sum();
        let parts: u64 = state.idle_parts.values().map(|part| part.bytes).sum();
        assert_eq!(state.bytes, entries + parts, "everything is counted once");
        let could_go =
            state.entries.iter().any(|(sha256, entry)| entry.users == 0 && !self.cache.is_pinned(sha256));
        assert!(state.bytes <= self.max_bytes || !could_go && parts == 0, "the bound is kept: {state:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), target) {
            // It was on its way to another name.
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_in_whatever_order_bytes_are_right_and_the_bound_is_kept(
        ops in prop::collection::vec(op(), 1..40),
        max_bytes in 10..140_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(max_bytes);
            for op in ops {
                world.apply(op).await;
                world.check();
            }
        });
    }
}
