//! The addresses that the server gives out, and the signatures on them.

use std::fmt;
use std::time::Duration;

use comfyicu_model::{OutputPath, RunId, Timestamp, WorkflowId};
use hmac::{Hmac, Mac as _};
use http::Uri;
use sha2::Sha256;
use url::Url;

use crate::clock;
use crate::hash::{Sha256Hex, hex, keyed};
use crate::outputs::has_thumbnail;
use crate::run::Urls;

/// The parameter that says until when a signature opens an output, in seconds since 1970.
const EXPIRES: &str = "expires";
/// The parameter that carries a signature.
const SIGNATURE: &str = "signature";
/// The parameter that asks for a small picture.
const THUMBNAIL: &str = "thumbnail";
/// How long the longer side of the small pictures is that runs name.
const THUMBNAIL_SIZE: &str = "256";
/// The part of the lifetime for which an address stays the same, so that what was fetched is known again.
const STEPS: i64 = 100;

/// Signs the addresses of outputs, so that they open without a key for a while.
#[derive(Clone)]
pub(crate) struct Signer {
    hmac: Hmac<Sha256>,
    lifetime: Duration,
    now: fn() -> Timestamp,
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It opens the output.
    Granted,
    /// It did.
    Expired,
    /// It is not one, or is that of something else.
    Denied,
}

impl Signer {
    /// Makes a signer of a secret of at most 64 bytes; what it signs opens for `lifetime`.
    pub(crate) fn new(secret: &[u8], lifetime: Duration) -> Self {
        Self { hmac: keyed(secret), lifetime, now: clock::now }
    }

    fn sign(&self, message: &str) -> String {
        hex(&self.hmac.clone().chain_update(message).finalize().into_bytes())
    }

    /// Until when what is signed now opens: the lifetime, and at most a hundredth of it more.
    fn expiry(&self) -> i64 {
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let step = (lifetime / STEPS).max(1);
        let end = self.seconds().saturating_add(lifetime).saturating_add(step - 1);
        end.div_euclid(step).saturating_mul(step)
    }

    /// Now.
    fn seconds(&self) -> i64 {
        (self.now)().as_unix_millis().div_euclid(1000)
    }

    fn verify(&self, message: &str, signature: &str) -> bool {
        let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = signature.as_bytes().chunks(2).map(digits).collect();
        bytes.is_some_and(|bytes| self.hmac.clone().chain_update(message).verify_slice(&bytes).is_ok())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// The addresses of this server, as others reach it. Never built from a request's `host`.
#[derive(Clone, Debug)]
pub(crate) struct PublicUrls {
    base: Url,
    signer: Option<Signer>,
}

impl PublicUrls {
    /// `signer` is there when outputs need a key or a signature to be opened.
    pub(crate) const fn new(base: Url, signer: Option<Signer>) -> Self {
        Self { base, signer }
    }

    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// Uploads have this address, and their digest behind it.
    pub(crate) fn uploads(&self) -> Url {
        self.join(["api", "v1", "uploads", ""])
    }

    /// The address of an upload.
    pub(crate) fn upload(&self, sha256: &Sha256Hex) -> Url {
        self.join(["api", "v1", "uploads", sha256.as_str()])
    }

    /// The address of what a request asked for, as others reach it, from another place of a list on.
    pub(crate) fn with_cursor(&self, uri: &Uri, cursor: &str) -> Url {
        let mut url = self.join(uri.path().split('/').filter(|segment| !segment.is_empty()));
        let kept = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let kept = kept.filter(|(name, _)| name != "cursor");
        url.query_pairs_mut().extend_pairs(kept).append_pair("cursor", cursor);
        url
    }

    /// What a signature opens. Without a signer everything is open.
    pub(crate) fn access(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
        path: &OutputPath,
        (expires, signature): (i64, &str),
    ) -> Access {
        let Some(signer) = &self.signer else { return Access::Granted };
        if !signer.verify(&message(workflow_id, run_id, path, expires), signature) {
            return Access::Denied;
        }
        if signer.seconds() < expires { Access::Granted } else { Access::Expired }
    }

    fn join(&self, segments: impl IntoIterator<Item = impl AsRef<str>>) -> Url {
        let mut url = self.base.clone();
        // The base was checked to be one that has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl Urls for PublicUrls {
    fn output(&self, workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath) -> Url {
        let fixed = ["api", "v1", "view", "workflows", workflow_id.as_str(), "output", run_id.as_str()];
        let mut url = self.join(fixed.into_iter().chain(path.as_str().split('/')));
        if let Some(signer) = &self.signer {
            let expires = signer.expiry();
            let signature = signer.sign(&message(workflow_id, run_id, path, expires));
            url.query_pairs_mut()
                .append_pair(EXPIRES, &expires.to_string())
                .append_pair(SIGNATURE, &signature);
        }
        url
    }

    fn thumbnail(&self, workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath) -> Url {
        let mut url = self.output(workflow_id, run_id, path);
        if has_thumbnail(path) {
            url.query_pairs_mut().append_pair(THUMBNAIL, THUMBNAIL_SIZE);
        }
        url
    }
}

/// What is signed. The ids and the path have no line breaks.
fn message(workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath, expires: i64) -> String {
    format!("output\n{workflow_id}\n{run_id}\n{path}\n{expires}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (WorkflowId, RunId, OutputPath) {
        let path = OutputPath::parse("a b/ü_00001_.png").unwrap();
        (WorkflowId::parse("w").unwrap(), RunId::parse("r").unwrap(), path)
    }

    fn urls(signer: Option<Signer>) -> PublicUrls {
        PublicUrls::new("https://example.com/comfy/".parse().unwrap(), signer)
    }

    #[test]
    fn addresses_stand_below_the_public_url() {
        let (workflow_id, run_id, path) = ids();
        let url = urls(None).output(&workflow_id, &run_id, &path);
        assert_eq!(
            url.as_str(),
            "https://example.com/comfy/api/v1/view/workflows/w/output/r/a%20b/%C3%BC_00001_.png"
        );
        assert_eq!(urls(None).uploads().as_str(), "https://example.com/comfy/api/v1/uploads/");
    }

    /// A signer of one secret, whose clock stands still.
    fn signer(now: fn() -> Timestamp, lifetime: u64) -> Signer {
        Signer { now, ..Signer::new(&[7; 32], Duration::from_secs(lifetime)) }
    }

    fn signed(url: &Url) -> (i64, String) {
        let value = |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned();
        (value(EXPIRES).parse().unwrap(), value(SIGNATURE))
    }

    #[test]
    fn a_signature_opens_its_own_output_and_no_other() {
        let (workflow_id, run_id, path) = ids();
        let urls = urls(Some(Signer::new(&[7; 32], Duration::from_mins(1))));
        let (expires, signature) = signed(&urls.output(&workflow_id, &run_id, &path));
        let access =
            |path, expires, signature| urls.access(&workflow_id, &run_id, path, (expires, signature));
        assert_eq!(access(&path, expires, &signature), Access::Granted);
        let other = OutputPath::parse("other.png").unwrap();
        assert_eq!(access(&other, expires, &signature), Access::Denied);
        for moved in [0, expires - 1, expires + 1, i64::MAX, i64::MIN] {
            assert_eq!(access(&path, moved, &signature), Access::Denied, "the end is part of what is signed");
        }
        for wrong in ["", "00", "zz", "é1", &signature[2..]] {
            assert_eq!(access(&path, expires, wrong), Access::Denied, "{wrong:?}");
        }
        assert_eq!(signed(&urls.thumbnail(&workflow_id, &run_id, &path)).1, signature);
    }

    #[test]
    fn a_signature_opens_for_its_lifetime_and_not_much_longer() {
        let (workflow_id, run_id, path) = ids();
        let day = 24 * 60 * 60;
        let now = || Timestamp::from_unix_millis(1_000_000_123_456);
        let url = urls(Some(signer(now, day))).output(&workflow_id, &run_id, &path);
        let (expires, signature) = signed(&url);
        let lasts = expires - 1_000_000_123;
        assert!((86_400..86_400 + 864).contains(&lasts), "{lasts}");

        let at =
            |now| urls(Some(signer(now, day))).access(&workflow_id, &run_id, &path, (expires, &signature));
        assert_eq!(at(|| Timestamp::from_unix_millis(1_000_086_523_000)), Access::Granted);
        assert_eq!(at(|| Timestamp::from_unix_millis(1_000_087_400_000)), Access::Expired);
        let soon = || Timestamp::from_unix_millis(1_000_000_124_000);
        assert_eq!(urls(Some(signer(soon, day))).output(&workflow_id, &run_id, &path), url, "caches know it");
    }

    #[test]
    fn no_clock_and_no_lifetime_make_it_panic() {
        let (workflow_id, run_id, path) = ids();
        for now in [|| Timestamp::from_unix_millis(i64::MAX), || Timestamp::from_unix_millis(i64::MIN)] {
            let urls = urls(Some(Signer { now, ..Signer::new(&[7; 32], Duration::MAX) }));
            signed(&urls.output(&workflow_id, &run_id, &path));
        }
    }
}
