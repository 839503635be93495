//! Saving, opening and removing outputs, in a folder and in memory.

use std::time::Duration;

use comfyicu_engine::{Content, ContentSource};
use comfyicu_model::WorkflowId;
use object_store::GetRange;
use object_store::memory::InMemory;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::*;
use crate::live::Live;
use crate::owner::Owner;
use crate::store::RunKey;

fn output(kind: OutputKind, path: &str, content: impl Into<Content>) -> Output {
    Output::new("9".into(), kind, OutputPath::parse(path).unwrap(), "image/png", content)
}

fn run_id() -> RunId {
    RunId::parse("r1").unwrap()
}

fn key(run_id: RunId) -> RunKey {
    RunKey { owner: Owner::local(), workflow_id: WorkflowId::parse("w1").unwrap(), run_id }
}

fn begin(store: &OutputStore, attempt: u32) -> AttemptOutputs {
    let key = key(run_id());
    store.begin((&run_id(), attempt), u64::MAX, Live::default().of_run(key))
}

fn in_memory() -> OutputStore {
    OutputStore { objects: Arc::new(InMemory::new()), folder: None }
}

/// A store of each kind; the folder is that of the one that has one.
fn stores() -> (tempfile::TempDir, [OutputStore; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let local = OutputStore::in_folder(folder.path()).unwrap();
    (folder, [local, in_memory()])
}

async fn read(
    store: &OutputStore,
    attempt: u32,
    path: &str,
    wanted: Wanted,
) -> Result<Vec<u8>, OutputsError> {
    let path = OutputPath::parse(path).unwrap();
    let opened = store.open((&run_id(), attempt, &path), &wanted).await?;
    let body = opened.into_body().await?;
    Ok(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec())
}

/// Writes so many bytes, and then breaks off or not.
#[derive(Debug)]
struct Elsewhere {
    bytes: usize,
    breaks_off: bool,
}

impl Elsewhere {
    fn content(bytes: usize, breaks_off: bool) -> Content {
        Content::from_source(Arc::new(Self { bytes, breaks_off }))
    }

    fn expected(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| u8::try_from(at % 253).unwrap()).collect()
    }
}

#[async_trait]
impl ContentSource for Elsewhere {
    async fn write_to(&self, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> io::Result<()> {
        for chunk in Self::expected(self.bytes).chunks(100_000) {
            writer.write_all(chunk).await?;
        }
        if self.breaks_off { Err(io::Error::other("the source broke off")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn results_are_kept_in_order_and_previews_are_not() {
    let (folder, [store, _]) = stores();
    let attempt = begin(&store, 2);
    attempt.save(output(OutputKind::Output, "b/a.png", "bytes")).await.unwrap();
    attempt.save(output(OutputKind::Temp, "preview.png", "bytes")).await.unwrap();
    attempt.save(output(OutputKind::Output, "a.png", "bytes")).await.unwrap();
    let saved = attempt.saved();
    assert_eq!(saved.paths.iter().map(OutputPath::as_str).collect::<Vec<_>>(), ["b/a.png", "a.png"]);
    assert_eq!(saved.bytes, 10);
    assert_eq!(
        std::fs::read(folder.path().join("r1/2/b/a.png")).unwrap(),
        b"bytes",
        "as earlier versions did"
    );
    assert!(!folder.path().join("r1/2/preview.png").exists());
    attempt.discard().await;
    assert!(!folder.path().join("r1/2").exists());
}

#[tokio::test]
async fn any_size_and_any_name_comes_back_from_any_store() {
    let (_folder, stores) = stores();
    for store in stores {
        let attempt = begin(&store, 1);
        let names = ["a.png", "a#1", "a%23", "ü [1] ~&+=?.txt", "x/y z/100%.bin", "a#b", "no extension"];
        for (name, bytes) in
            names.iter().zip([0, 1, 70_000, upload::PART - 1, upload::PART, 2 * upload::PART + 5, 9])
        {
            attempt.save(output(OutputKind::Output, name, Elsewhere::content(bytes, false))).await.unwrap();
            assert_eq!(
                read(&store, 1, name, Wanted::All).await.unwrap(),
                Elsewhere::expected(bytes),
                "{name}"
            );
        }
        let memory = Elsewhere::expected(upload::PART + 3);
        attempt.save(output(OutputKind::Output, "memory", memory.clone())).await.unwrap();
        assert_eq!(read(&store, 1, "memory", Wanted::All).await.unwrap(), memory);
        assert_eq!(store.measure(&run_id(), 1).await.unwrap(), attempt.saved().bytes);
    }
}

#[tokio::test]
async fn parts_and_sizes_are_the_same_in_any_store() {
    let (_folder, stores) = stores();
    for store in stores {
        begin(&store, 1).save(output(OutputKind::Output, "a", "0123456789")).await.unwrap();
        let part = async |range| read(&store, 1, "a", Wanted::Range(range)).await.unwrap();
        assert_eq!(part(GetRange::Bounded(2..5)).await, b"234");
        assert_eq!(part(GetRange::Bounded(8..50)).await, b"89");
        assert_eq!(part(GetRange::Offset(7)).await, b"789");
        assert_eq!(part(GetRange::Suffix(2)).await, b"89");
        let path = OutputPath::parse("a").unwrap();
        assert_eq!(store.open((&run_id(), 1, &path), &Wanted::Size).await.unwrap().size, 10);
        assert!(matches!(read(&store, 2, "a", Wanted::All).await, Err(OutputsError::Missing)));
        assert!(matches!(read(&store, 1, "b", Wanted::Size).await, Err(OutputsError::Missing)));
    }
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let (folder, stores) = stores();
    for store in stores {
        let attempt = begin(&store, 1);
        for bytes in [0, 10, upload::PART, 2 * upload::PART + 10] {
            let broken = output(OutputKind::Output, "a", Elsewhere::content(bytes, true));
            let error = attempt.save(broken).await.unwrap_err();
            assert!(crate::report::with_causes(&error).contains("the source broke off"), "{error:?}");
            assert!(matches!(read(&store, 1, "a", Wanted::All).await, Err(OutputsError::Missing)));
        }
        assert_eq!(attempt.saved(), Saved::default());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path().join("r1/1")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_being_written_when_its_attempt_is_discarded_is_gone_too() {
    let (folder, [store, _]) = stores();
    for millis in 0..20 {
        let attempt = begin(&store, 1);
        let content = Elsewhere::content(3 * upload::PART, false);
        let saving = attempt.save(output(OutputKind::Output, "b/c/a", content));
        // Wherever it is by then, nobody waits for it any more.
        let _saved = tokio::time::timeout(Duration::from_millis(millis), saving).await;
        attempt.discard().await;
        assert!(!folder.path().join("r1/1").exists(), "{millis}");
    }
}

#[tokio::test]
async fn a_run_is_removed_whole_and_no_other() {
    let (_folder, stores) = stores();
    for store in stores {
        let other = RunId::parse("r10").unwrap();
        let key = key(other.clone());
        let of_other = store.begin((&other, 1), u64::MAX, Live::default().of_run(key));
        of_other.save(output(OutputKind::Output, "a", "x")).await.unwrap();
        for attempt in [1, 10] {
            begin(&store, attempt).save(output(OutputKind::Output, "b/a", "x")).await.unwrap();
        }
        begin(&store, 1).discard().await;
        assert!(read(&store, 1, "b/a", Wanted::All).await.is_err());
        assert!(read(&store, 10, "b/a", Wanted::All).await.is_ok());
        for _ in 0..2 {
            store.remove_run(&run_id()).await.unwrap();
        }
        assert!(read(&store, 10, "b/a", Wanted::All).await.is_err());
        let path = OutputPath::parse("a").unwrap();
        assert!(store.open((&other, 1, &path), &Wanted::Size).await.is_ok());
    }
}

#[tokio::test]
async fn a_thumbnail_is_made_once_however_many_ask() {
    let store = in_memory();
    let bmp = {
        let (side, row) = (300_u32, 900_usize);
        let mut file = [b"BM".as_slice(), &[0; 8], &54_u32.to_le_bytes(), &40_u32.to_le_bytes()].concat();
        file.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
        file.extend([1_u16.to_le_bytes(), 24_u16.to_le_bytes()].concat());
        file.resize(54, 0);
        file.resize(54 + row * 300, 99);
        file
    };
    begin(&store, 1).save(output(OutputKind::Output, "a.bmp", bmp)).await.unwrap();
    begin(&store, 1).save(output(OutputKind::Output, "b.png", "no picture")).await.unwrap();
    let thumbnails = Thumbnails::new(store.clone());
    let (run_id, path) = (run_id(), OutputPath::parse("a.bmp").unwrap());
    let ask = || thumbnails.open((&run_id, 1, &path), 128, &Wanted::All);
    let asked = futures_util::future::join_all((0..20).map(|_| ask())).await;
    let sizes: Vec<_> = asked.into_iter().map(|opened| opened.unwrap().size).collect();
    assert!(sizes.iter().all(|size| *size == sizes[0] && *size > 0), "{sizes:?}");
    let kept: Vec<_> =
        store.objects.list(None).map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
    assert!(kept.contains(&"r1/thumbnails-1/128/a.bmp.webp".to_owned()), "{kept:?}");

    let broken = OutputPath::parse("b.png").unwrap();
    let error = thumbnails.open((&run_id, 1, &broken), 128, &Wanted::All).await.err().unwrap();
    assert!(matches!(&error, ThumbnailError::Impossible(why) if why.contains("known format")), "{error:?}");
    let missing = OutputPath::parse("c.png").unwrap();
    let error = thumbnails.open((&run_id, 1, &missing), 128, &Wanted::All).await.err().unwrap();
    assert!(matches!(error, ThumbnailError::Outputs(OutputsError::Missing)), "{error:?}");
}

#[tokio::test]
async fn few_bytes_and_many_are_read_alike_and_a_folder_is_no_file() {
    let (_folder, stores) = stores();
    for store in stores {
        let attempt = begin(&store, 1);
        for bytes in [0, 256 * 1024, 256 * 1024 + 1] {
            let name = format!("folder/{bytes}");
            attempt.save(output(OutputKind::Output, &name, Elsewhere::content(bytes, false))).await.unwrap();
            let expected = Elsewhere::expected(bytes);
            assert_eq!(read(&store, 1, &name, Wanted::All).await.unwrap(), expected);
            if bytes > 0 {
                let part = read(&store, 1, &name, Wanted::Range(GetRange::Offset(1))).await.unwrap();
                assert_eq!(part, expected[1..]);
            }
        }
        let folder = read(&store, 1, "folder", Wanted::All).await;
        assert!(matches!(folder, Err(OutputsError::Missing)), "{folder:?}");
    }
}
