//! The fetcher against sources of every kind, over real sockets.

mod faults;
mod host;
mod reach;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use comfyicu_model::{DestPath, Timestamp};
use tokio::sync::Semaphore as Permits;
use url::Url;

use super::*;
use crate::files::credentials::CredentialRule;
use crate::guard::tests::{Scripted, allowed};
use crate::owner::WorkflowKey;
use host::{Act, Asked, Host, file, head};

/// What is known of files, in memory.
#[derive(Debug, Default)]
struct Index(Mutex<HashMap<(Owner, String), FetchedFile>>);

#[async_trait]
impl FileIndex for Index {
    async fn fetched(&self, owner: &Owner, url: &str) -> Result<Option<FetchedFile>, StoreError> {
        Ok(self.0.lock().unwrap().get(&(owner.clone(), url.to_owned())).cloned())
    }

    async fn note_fetched(&self, owner: &Owner, url: &str, file: &FetchedFile) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert((owner.clone(), url.to_owned()), file.clone());
        Ok(())
    }

    async fn note_upload(&self, _: &Owner, _: &Sha256Hex, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn has_upload(&self, _: &Owner, _: &Sha256Hex) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn note_inputs(&self, _: &WorkflowKey, _: &[(DestPath, Sha256Hex)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn input(&self, _: &WorkflowKey, _: &DestPath) -> Result<Option<Sha256Hex>, StoreError> {
        Ok(None)
    }
}

/// A fetcher on a folder of its own, to which every name leads to this machine; `source.test` and `storage.test` are
/// allowed.
#[derive(Clone)]
struct Place {
    folder: Arc<tempfile::TempDir>,
    index: Arc<Index>,
    guard: Guard,
    credentials: &'static str,
    revalidate: Revalidate,
    silence: Duration,
}

impl Default for Place {
    fn default() -> Self {
        let names = Scripted::new(&[&["127.0.0.1"]]);
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            index: Arc::default(),
            guard: Guard::with_lookup(allowed(&["source.test", "storage.test"]), names),
            credentials: "",
            revalidate: Revalidate::Always,
            silence: Duration::from_secs(30),
        }
    }
}

impl Place {
    /// A fetcher as a process has it that begins with what lies in the folder.
    fn fetcher(&self) -> Fetcher {
        let limits = SourceLimits {
            max_bytes: 1024 * 1024,
            silence: self.silence,
            total: Duration::from_mins(1),
            pause: Duration::from_millis(1),
        };
        let rules: HashMap<String, Vec<CredentialRule>> = toml::from_str(self.credentials).unwrap();
        let rules = rules.into_values().next().unwrap_or_default();
        let credentials = Credentials::new(rules, |_| None).unwrap();
        let cache = Cache::open(self.folder.path().to_owned(), 4 * 1024 * 1024).unwrap();
        let index: Arc<dyn FileIndex> = Arc::clone(&self.index) as _;
        Fetcher::new(self.guard.clone(), credentials, cache, index, self.revalidate, limits).unwrap()
    }

    /// Everything that lies in the folder.
    fn files(&self) -> Vec<PathBuf> {
        fn below(folder: &Path) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
        }
        below(self.folder.path())
    }
}

fn source(host: &Host, path: &str) -> Source {
    Source::parse(&Url::parse(&format!("http://source.test:{}{path}", host.port)).unwrap()).unwrap()
}

async fn get(fetcher: &Fetcher, source: &Source) -> Result<(Vec<u8>, bool), Arc<FetchError>> {
    let fetched = tokio::time::timeout(Duration::from_mins(1), fetcher.fetch(&Owner::local(), source, false))
        .await
        .expect("an end");
    fetched.map(|fetched| (std::fs::read(fetched.held.path()).unwrap(), fetched.cache_hit))
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index * 7 % 251).unwrap()).collect()
}

fn whole(asked: &Asked, content: &[u8], etag: &str) -> Vec<Act> {
    file(asked, content, etag, content.len())
}

#[tokio::test]
async fn what_has_not_changed_does_not_come_again() {
    let versions = Arc::new(Mutex::new((content(10), "\"one\"")));
    let theirs = Arc::clone(&versions);
    let host = Host::start(move |asked| {
        let (content, etag) = &*theirs.lock().unwrap();
        match asked.header("if-none-match") {
            Some(known) if known == *etag => vec![head("304 Not Modified", &[("etag", etag)])],
            _ => whole(asked, content, etag),
        }
    })
    .await;
    let (place, source) = (Place::default(), source(&host, "/a"));
    let fetcher = place.fetcher();
    assert_eq!(get(&fetcher, &source).await.unwrap(), (content(10), false));
    assert_eq!(get(&fetcher, &source).await.unwrap(), (content(10), true));
    assert_eq!(host.asked()[0].header("accept-encoding"), Some("identity"));
    *versions.lock().unwrap() = (content(20), "\"two\"");
    assert_eq!(get(&fetcher, &source).await.unwrap(), (content(20), false));
    assert_eq!(host.asked().len(), 3);

    for (revalidate, requests) in [
        (Revalidate::Never, 3),
        (Revalidate::After(Duration::from_hours(1)), 3),
        (Revalidate::After(Duration::ZERO), 4),
    ] {
        let place = Place { revalidate, ..place.clone() };
        assert_eq!(get(&place.fetcher(), &source).await.unwrap(), (content(20), true), "{revalidate:?}");
        assert_eq!(host.asked().len(), requests, "{revalidate:?}");
    }
}

#[tokio::test]
async fn what_one_owner_fetched_another_has_to_be_given_as_well() {
    let host = Host::start(|asked| whole(asked, &content(10), "\"v\"")).await;
    let place = Place { revalidate: Revalidate::Never, ..Place::default() };
    let (fetcher, source) = (place.fetcher(), source(&host, "/a"));
    for (owner, hit) in [("one", false), ("two", false), ("one", true)] {
        let owner = Owner::parse(owner).unwrap();
        assert_eq!(fetcher.fetch(&owner, &source, false).await.unwrap().cache_hit, hit);
    }
    assert_eq!((host.asked().len(), place.files().len()), (2, 1), "the bytes are kept once");
}

#[tokio::test]
async fn those_who_ask_at_once_share_one_transfer_and_it_outlives_the_first() {
    let permits = Arc::new(Permits::new(0));
    let (theirs, body) = (Arc::clone(&permits), content(1000));
    let host = Host::start(move |asked| {
        let mut acts = whole(asked, &body, "\"v\"");
        acts.insert(1, Act::Wait(Arc::clone(&theirs)));
        acts
    })
    .await;
    let (place, source) = (Place::default(), source(&host, "/a"));
    let fetcher = place.fetcher();
    let ask = || {
        let (fetcher, source) = (fetcher.clone(), source.clone());
        tokio::spawn(async move { get(&fetcher, &source).await })
    };
    let first = ask();
    host.await_requests(1).await;
    let others = [ask(), ask()];
    // They have joined when they were polled once.
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    permits.add_permits(10);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), (content(1000), true));
    }
    assert_eq!(host.asked().len(), 1);
}

#[tokio::test]
async fn a_pin_is_the_bytes_wherever_they_come_from() {
    let host = Host::start(|asked| whole(asked, &content(10), "\"v\"")).await;
    let place = Place::default();
    let fetcher = place.fetcher();
    let pinned =
        |path: &str, digest: &Sha256Hex| source(&host, &format!("{path}#sha256={}", digest.as_str()));
    let (right, wrong) = (Sha256Hex::of(&content(10)), Sha256Hex::of(b"else"));
    let error = get(&fetcher, &pinned("/a", &wrong)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the file has the SHA-256 {}, and {} is pinned", right.as_str(), wrong.as_str())
    );
    assert_eq!(place.files().len(), 0);
    assert_eq!(get(&fetcher, &pinned("/a", &right)).await.unwrap(), (content(10), false));
    assert_eq!(get(&fetcher, &pinned("/elsewhere", &right)).await.unwrap(), (content(10), true));
    assert_eq!(host.asked().len(), 2, "what is pinned and here is not asked for");
}

#[tokio::test]
async fn a_web_page_is_no_file_unless_one_is_meant() {
    let host = Host::start(|_| {
        let fields = [("content-type", "text/html; charset=utf-8"), ("content-length", "5")];
        vec![head("200 OK", &fields), Act::Send(b"<html".to_vec())]
    })
    .await;
    let (place, source) = (Place::default(), source(&host, "/a"));
    let fetcher = place.fetcher();
    assert!(matches!(*get(&fetcher, &source).await.unwrap_err(), FetchError::WebPage { .. }));
    assert!(fetcher.fetch(&Owner::local(), &source, true).await.is_ok());
}
