//! One transfer: attempts, each of which goes on where the one before broke off, until the file is whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfyicu_transport::{Response, ResponseBody};
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};

use super::super::blobs::Blob;
use super::super::cache::{Meta, Part, Reservation, Resume};
use super::super::pace::Pace;
use super::super::settings::Revalidate;
use super::super::source::Source;
use super::hops::{Ask, header_text};
use super::retry::Retries;
use super::{Done, FetchError, Inner, Known};
use crate::clock;
use crate::hash::Sha256Hex;
use crate::owner::Owner;
use crate::store::FetchedFile;

/// In what steps room is set apart for a file whose size is not known.
const STEP: u64 = 16 * 1024 * 1024;
/// How much room is made when the disk is full and nobody knows how much is needed.
const SOME_ROOM: u64 = 256 * 1024 * 1024;

/// A transfer, and what came of it so far.
#[derive(Debug)]
pub(super) struct Transfer<'a> {
    fetcher: &'a Inner,
    owner: &'a Owner,
    source: &'a Source,
    known: Option<Known>,
    takes_pages: bool,
    part: Part,
    room: Reservation,
}

/// Why an attempt ended before its end.
struct Broken {
    error: FetchError,
    new_bytes: u64,
    restarted: bool,
}

impl From<FetchError> for Broken {
    fn from(error: FetchError) -> Self {
        Self { error, new_bytes: 0, restarted: false }
    }
}

/// An answer that has bytes of the file in it.
struct Bytes {
    host: String,
    headers: HeaderMap,
    body: ResponseBody,
    /// Where in the file they belong.
    from: u64,
    meta: Meta,
}

impl<'a> Transfer<'a> {
    pub(super) async fn new(
        fetcher: &'a Inner,
        owner: &'a Owner,
        source: &'a Source,
        known: Option<Known>,
        takes_pages: bool,
    ) -> Self {
        let part = fetcher.cache.part(&Sha256Hex::of(source.url.as_str().as_bytes())).await;
        let room = fetcher.cache.reserve(part.resume().map_or(0, |resume| resume.length));
        Self { fetcher, owner, source, known, takes_pages, part, room }
    }

    /// Makes attempts until the file is here. What came of it is kept for the next transfer when it may go on a
    /// moment later, and removed when it may not.
    pub(super) async fn run(mut self) -> Result<Done, FetchError> {
        let mut retries = Retries::new(self.fetcher.limits.pause);
        loop {
            let broken = match self.attempt().await {
                Ok(None) => return self.unchanged().await,
                Ok(Some((blob, headers))) => return self.admit(blob, &headers).await,
                Err(broken) => broken,
            };
            let Broken { error, new_bytes, restarted } = broken;
            let made_room = matches!(error, FetchError::DiskFull(_)) && self.make_room();
            if !made_room && !error.is_passing() {
                self.part.clear();
                return Err(error);
            }
            let Some(pause) = retries.after(new_bytes, restarted, error.retry_after()) else {
                return Err(error);
            };
            let host = self.source.url.host_str();
            tracing::info!(host, new_bytes, %error, "a file broke off; it is asked for again");
            tokio::time::sleep(if made_room { Duration::ZERO } else { pause }).await;
        }
    }

    /// One attempt. Gives the whole file and what its source says of it, or nothing where it has not changed.
    async fn attempt(&mut self) -> Result<Option<(Blob, HeaderMap)>, Broken> {
        let resume = self.part.resume().cloned();
        let known = self.known.as_ref().map(|known| &known.file);
        let ask = Ask { url: &self.source.url, known, resume: resume.as_ref() };
        let (response, host) = self.fetcher.ask(ask).await?;
        if response.status() == StatusCode::NOT_MODIFIED && self.known.is_some() {
            return Ok(None);
        }
        let bytes = match bytes_of(response, host, resume.as_ref(), self.takes_pages) {
            Ok(bytes) => bytes,
            Err(error) => {
                // What came before fits nothing any more.
                if matches!(error, FetchError::WrongPart { .. }) {
                    self.part.clear();
                    return Err(Broken { error, new_bytes: 0, restarted: true });
                }
                return Err(error.into());
            }
        };
        let restarted = bytes.from == 0 && resume.is_some();
        let headers = bytes.headers.clone();
        let blob = self
            .receive(bytes)
            .await
            .map_err(|broken| Broken { restarted: restarted || broken.restarted, ..broken })?;
        Ok(Some((blob, headers)))
    }

    /// Writes what comes.
    async fn receive(&mut self, bytes: Bytes) -> Result<Blob, Broken> {
        let Bytes { host, mut body, from, meta, .. } = bytes;
        let limit = self.fetcher.limits.max_bytes;
        let (total, resumable) = (meta.total, meta.validator.is_some());
        if total.is_some_and(|total| total > limit) {
            return Err(FetchError::TooLarge { limit }.into());
        }
        self.room.grow(total.unwrap_or(from));
        let writer = self.part.write(from, meta);
        let mut pace = Pace::begin(Instant::now());
        let mut length = from;
        let error = loop {
            let chunk = match body.next().await {
                None => {
                    break total
                        .filter(|total| *total != length)
                        .map(|total| wrong_length(&host, length, total));
                }
                Some(Err(source)) => break Some(FetchError::Transport { host: host.clone(), source }),
                Some(Ok(chunk)) => chunk,
            };
            length += chunk.len() as u64;
            if length > limit {
                break Some(FetchError::TooLarge { limit });
            }
            if let Some(total) = total.filter(|total| length > *total) {
                break Some(wrong_length(&host, length, total));
            }
            if let Err(slow) = pace.pass(chunk.len() as u64, Instant::now()) {
                break Some(FetchError::Trickle {
                    host: host.clone(),
                    bytes: slow.bytes,
                    seconds: slow.seconds,
                });
            }
            if total.is_none() {
                self.room.grow(length.next_multiple_of(STEP));
            }
            if !writer.send(chunk).await {
                break None;
            }
        };
        let Some(error) = error else {
            return writer.finish().await.map_err(|error| FetchError::of_io(error).into());
        };
        let written = writer.pause(&mut self.part).await.map_err(FetchError::of_io)?;
        // What cannot be gone on with was for nothing.
        let restarted = !resumable && written > 0;
        Err(Broken { error, new_bytes: written.saturating_sub(from), restarted })
    }

    /// Lets files of the cache go, because the disk is full. Gives false when there are none.
    fn make_room(&mut self) -> bool {
        self.part.clear();
        self.fetcher.cache.make_room(SOME_ROOM) > 0
    }

    async fn unchanged(mut self) -> Result<Done, FetchError> {
        self.part.clear();
        let Some(Known { mut file, held }) = self.known.take() else {
            return Err(FetchError::WrongPart { host: super::hops::host(&self.source.url) });
        };
        // Where it is asked each time, nobody looks at when it was asked last, and a commit costs more than the answer.
        if self.fetcher.revalidate != Revalidate::Always {
            file.checked_at = clock::now();
            self.fetcher.index.note_fetched(self.owner, self.source.url.as_str(), &file).await?;
        }
        Ok(Done { held: Arc::new(held), hit: true })
    }

    async fn admit(mut self, blob: Blob, headers: &HeaderMap) -> Result<Done, FetchError> {
        if let Some(pinned) = self.source.pin.as_ref().filter(|pin| **pin != blob.sha256) {
            self.part.clear();
            return Err(FetchError::Pin { pinned: pinned.clone(), found: blob.sha256 });
        }
        let file = FetchedFile {
            sha256: blob.sha256.clone(),
            bytes: blob.bytes,
            etag: header_text(headers, &header::ETAG),
            last_modified: header_text(headers, &header::LAST_MODIFIED),
            checked_at: clock::now(),
        };
        drop(self.room);
        let held = self.part.admit(blob).await.map_err(FetchError::of_io)?;
        self.fetcher.index.note_fetched(self.owner, self.source.url.as_str(), &file).await?;
        Ok(Done { held: Arc::new(held), hit: false })
    }
}

fn wrong_length(host: &str, bytes: u64, total: u64) -> FetchError {
    FetchError::WrongLength { host: host.to_owned(), bytes, total }
}

/// Takes an answer as bytes of the file, if it is such.
fn bytes_of(
    response: Response,
    host: String,
    resume: Option<&Resume>,
    takes_pages: bool,
) -> Result<Bytes, FetchError> {
    let (head, body) = response.into_parts();
    let (status, headers) = (head.status, head.headers);
    let from = match (status, resume) {
        (StatusCode::OK, _) => 0,
        (StatusCode::PARTIAL_CONTENT, Some(resume)) => resume.length,
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => return Err(FetchError::WrongPart { host }),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            return Err(FetchError::Denied { host, status });
        }
        // Another success has no file in it, or a part that nobody asked for.
        _ => {
            let retry_after = header_text(&headers, &header::RETRY_AFTER).and_then(|text| text.parse().ok());
            return Err(FetchError::Status {
                host,
                status,
                retry_after: retry_after.map(Duration::from_secs),
            });
        }
    };
    let encoding = header_text(&headers, &header::CONTENT_ENCODING).filter(|text| !text.is_empty());
    if let Some(encoding) = encoding.filter(|text| !text.eq_ignore_ascii_case("identity")) {
        return Err(FetchError::Encoded { host, encoding: encoding.chars().take(40).collect() });
    }
    let content_type = header_text(&headers, &header::CONTENT_TYPE).unwrap_or_default();
    if !takes_pages && content_type.trim_start().to_ascii_lowercase().starts_with("text/html") {
        return Err(FetchError::WebPage { host });
    }
    let meta = if let (StatusCode::PARTIAL_CONTENT, Some(resume)) = (status, resume) {
        rest_of(&headers, resume).ok_or_else(|| FetchError::WrongPart { host: host.clone() })?
    } else {
        let total = header_text(&headers, &header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        Meta { validator: validator(&headers), total }
    };
    Ok(Bytes { host, headers, body, from, meta })
}

/// What is known of a file of which the rest comes; `None` when it is not the rest, or one of another version.
fn rest_of(headers: &HeaderMap, resume: &Resume) -> Option<Meta> {
    let range = header_text(headers, &header::CONTENT_RANGE)?;
    let (span, total) = range.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = total.trim().parse().ok();
    let same_total = total.is_none() || resume.meta.total.is_none() || total == resume.meta.total;
    // An answer that names another version is one, whatever its status says.
    let known = resume.meta.validator.as_deref().unwrap_or_default();
    let name = if known.starts_with('"') { header::ETAG } else { header::LAST_MODIFIED };
    let same_version = header_text(headers, &name).is_none_or(|named| named == known);
    let fits = first == resume.length && last >= first && same_total && same_version;
    fits.then(|| Meta { validator: resume.meta.validator.clone(), total: total.or(resume.meta.total) })
}

/// What the rest of the same version can be asked for with: a strong `ETag`, else a date that is safely in the past.
fn validator(headers: &HeaderMap) -> Option<String> {
    if let Some(etag) = header_text(headers, &header::ETAG).filter(|etag| etag.starts_with('"')) {
        return Some(etag);
    }
    // What changed in the second of the answer may change in it once more.
    let answered = header_text(headers, &header::DATE);
    header_text(headers, &header::LAST_MODIFIED).filter(|changed| Some(changed) != answered.as_ref())
}
