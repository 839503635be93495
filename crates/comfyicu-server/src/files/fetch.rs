//! Fetching a file from a URL, past the guard, or knowing that it has not changed.
//!
//! Whoever asks for a URL while it is being fetched waits for the same transfer. A transfer lives as long as anybody
//! waits for it; what came of one that broke off is gone on with by the next one.

mod error;
mod hops;
mod retry;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comfyicu_transport::{RedirectPolicy, ReqwestTransport, SharedTransport, TransportError};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Semaphore;

use super::cache::{Cache, Held};
use super::credentials::Credentials;
use super::settings::Revalidate;
use super::source::Source;
use crate::clock;
use crate::guard::Guard;
use crate::hash::Sha256Hex;
use crate::owner::Owner;
use crate::store::{FetchedFile, FileIndex, StoreError};

pub(crate) use error::FetchError;
use transfer::Transfer;

/// How many files are on their way at once.
const TRANSFERS: usize = 16;

/// What a source may do, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceLimits {
    /// The most bytes of one file.
    pub(crate) max_bytes: u64,
    /// How long a source may be silent.
    pub(crate) silence: Duration,
    /// How long a file may take in all, attempts and pauses included.
    pub(crate) total: Duration,
    /// How long the first pause between two attempts is; the following ones double.
    pub(crate) pause: Duration,
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self {
            // Larger than any checkpoint in common use.
            max_bytes: 64 * 1024 * 1024 * 1024,
            silence: Duration::from_mins(1),
            total: Duration::from_hours(6),
            pause: Duration::from_millis(500),
        }
    }
}

/// Fetches files. Clones share their transfers.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: SharedTransport,
    guard: Guard,
    credentials: Credentials,
    cache: Cache,
    index: Arc<dyn FileIndex>,
    revalidate: Revalidate,
    limits: SourceLimits,
    /// By a digest of what is asked for: the URL may have a secret in it.
    transfers: Mutex<HashMap<Sha256Hex, WeakShared<Going>>>,
    slots: Semaphore,
}

type Going = BoxFuture<'static, Result<Done, Arc<FetchError>>>;

/// A file that is here now.
#[derive(Clone, Debug)]
struct Done {
    held: Arc<Held>,
    /// Whether it was here before.
    hit: bool,
}

/// A file that is in the cache now, and stays there for as long as this is kept.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) held: Arc<Held>,
    /// Whether nothing was transferred for whoever asked: it was here, or came for somebody else meanwhile.
    pub(crate) cache_hit: bool,
}

impl Fetcher {
    pub(crate) fn new(
        guard: Guard,
        credentials: Credentials,
        cache: Cache,
        index: Arc<dyn FileIndex>,
        revalidate: Revalidate,
        limits: SourceLimits,
    ) -> Result<Self, TransportError> {
        let transport = ReqwestTransport::builder()
            .user_agent(concat!("comfyicu-server/", env!("CARGO_PKG_VERSION")))
            .read_timeout(limits.silence)
            .redirects(RedirectPolicy::None)
            .resolver(Arc::new(guard.clone()))
            // The bytes as they are: a small encoded file can be an endless one.
            .no_decompression()
            .no_proxy()
            .build()?;
        Ok(Self(Arc::new(Inner {
            transport: Arc::new(transport),
            guard,
            credentials,
            cache,
            index,
            revalidate,
            limits,
            transfers: Mutex::default(),
            slots: Semaphore::new(TRANSFERS),
        })))
    }

    /// Fetches a file, unless it is here and its source says that it has not changed. `takes_pages` says whether a
    /// page of the web is a file that was meant.
    ///
    /// What was fetched for one owner is not known to another, who has to be given it by the source as well; its
    /// bytes are kept once.
    pub(crate) async fn fetch(
        &self,
        owner: &Owner,
        source: &Source,
        takes_pages: bool,
    ) -> Result<Fetched, Arc<FetchError>> {
        if let Some(held) = source.pin.as_ref().and_then(|pin| self.0.cache.hold(pin)) {
            return Ok(Fetched { held: Arc::new(held), cache_hit: true });
        }
        let (transfer, joined) = self.join(owner, source, takes_pages);
        let done = transfer.await?;
        Ok(Fetched { held: done.held, cache_hit: done.hit || joined })
    }

    /// The transfer of a source that goes on already, or a new one; and whether it is an old one.
    fn join(&self, owner: &Owner, source: &Source, takes_pages: bool) -> (Shared<Going>, bool) {
        let pin = source.pin.as_ref().map_or("", |pin| pin.as_str());
        let key = Sha256Hex::of(format!("{owner} {}#{pin}#{takes_pages}", source.url).as_bytes());
        let mut transfers = self.0.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        let going = transfers.get(&key).and_then(WeakShared::upgrade).filter(|going| going.peek().is_none());
        if let Some(going) = going {
            return (going, true);
        }
        transfers.retain(|_, going| going.upgrade().is_some_and(|going| going.peek().is_none()));
        let (inner, owner, source) = (Arc::clone(&self.0), owner.clone(), source.clone());
        let going = async move { inner.transfer(owner, source, takes_pages).await.map_err(Arc::new) };
        let going = going.boxed().shared();
        transfers.extend(going.downgrade().map(|weak| (key, weak)));
        (going, false)
    }
}

/// What was fetched from a URL before, and is still here.
#[derive(Debug)]
struct Known {
    file: FetchedFile,
    held: Held,
}

impl Inner {
    async fn transfer(
        self: Arc<Self>,
        owner: Owner,
        source: Source,
        takes_pages: bool,
    ) -> Result<Done, FetchError> {
        let known = self.known(&owner, &source).await?;
        let fresh =
            known.as_ref().filter(|known| self.revalidate.trusts(known.file.checked_at, clock::now()));
        if fresh.is_some()
            && let Some(known) = known
        {
            return Ok(Done { held: Arc::new(known.held), hit: true });
        }
        // It is never closed.
        let _slot = self.slots.acquire().await.ok();
        let host = hops::host(&source.url);
        let transfer = Transfer::new(&self, &owner, &source, known, takes_pages).await;
        let bounded = tokio::time::timeout(self.limits.total, transfer.run()).await;
        bounded.unwrap_or(Err(FetchError::TooSlow { host, limit: self.limits.total }))
    }

    async fn known(&self, owner: &Owner, source: &Source) -> Result<Option<Known>, StoreError> {
        let Some(file) = self.index.fetched(owner, source.url.as_str()).await? else { return Ok(None) };
        if source.pin.as_ref().is_some_and(|pin| *pin != file.sha256) {
            // Whatever the source says of it, it is not what is asked for.
            return Ok(None);
        }
        Ok(self.cache.hold(&file.sha256).map(|held| Known { file, held }))
    }
}
