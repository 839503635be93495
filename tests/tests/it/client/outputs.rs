//! Outputs that another process goes on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use comfyicu_client::{Client, ErrorKind};
use comfyicu_model::{DestPath, Prompt};
use comfyicu_tests::{Fault, PATIENCE, Received};

use crate::faults::{Bench, Mode, builder};
use crate::prompts::{inverted_photo, photo};

/// A client that shares nothing with the one before, as another process would.
fn another(bench: &Bench) -> Client {
    builder(&bench.proxy).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_failed_is_gone_on_with_by_another_one() {
    let broken = Arc::new(AtomicBool::new(true));
    let ranges = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (is_broken, seen) = (Arc::clone(&broken), Arc::clone(&ranges));
    let bench = Bench::new(Mode::Own, move |request: &Received, _| {
        if !request.path.contains("/output/") {
            return Fault::None;
        }
        let mut seen = seen.lock().unwrap();
        seen.push(request.header("range").map(str::to_owned));
        match (is_broken.load(Ordering::SeqCst), seen.len()) {
            (true, 1) => Fault::Truncate,
            (true, _) => Fault::DropBefore,
            _ => Fault::None,
        }
    });
    let prompt = Prompt::parse(inverted_photo().to_string().as_bytes()).unwrap();
    let submit = bench.workflow().run(prompt).local_file(DestPath::input("photo.jpg").unwrap(), photo());
    let run = submit.await.unwrap().wait().max_wait(PATIENCE).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = bench.client.download(run.clone(), folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "a part and its record: {left:?}");

    broken.store(false, Ordering::SeqCst);
    ranges.lock().unwrap().clear();
    let saved = another(&bench).download(run.clone(), folder.path()).await.unwrap();
    let asked = ranges.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    let begin = asked[0].as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let begin: u64 = begin.expect("a part is asked for").parse().unwrap();
    assert!(begin > 256 * 1024 && begin < saved[0].size_bytes, "{begin}");

    let mut whole = Vec::new();
    bench.client.write_output(&run.output().files()[0], &mut whole).await.unwrap();
    assert_eq!(std::fs::read(&saved[0].path).unwrap(), whole);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_version_is_not_served() {
    let bench = Bench::new(Mode::Own, |_, _| Fault::None);
    let run = bench.run().await.get().await.unwrap();
    let url = run.output().files()[0].url.clone().unwrap();
    let get = |headers: &[(&str, &str)]| comfyicu_tests::request("GET", url.as_str(), headers, b"");
    let whole = get(&[]);
    let version = whole.header("etag").expect("a version").to_owned();
    let part = get(&[("range", "bytes=10-"), ("if-range", &version)]);
    assert_eq!((part.status, &part.body[..], part.header("etag")), (206, &whole.body[10..], Some(&*version)));
    let other = get(&[("range", "bytes=10-"), ("if-range", "\"another\"")]);
    assert_eq!((other.status, &other.body), (200, &whole.body));
}
