//! The addresses that the server gives out, and the signatures on them.

use std::fmt;

use comfyicu_model::{OutputPath, RunId, WorkflowId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Uri;
use sha2::Sha256;
use url::Url;

use crate::hash::{Sha256Hex, hex};
use crate::run::Urls;

/// The parameter that carries a signature.
pub(crate) const SIGNATURE: &str = "signature";

/// Signs the addresses of outputs, so that they open without a key.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Makes a signer of a secret of at most 64 bytes.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        // By the definition of HMAC a shorter key is filled up with zeros; ours are 32 bytes.
        block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
        Self(Hmac::new(&block))
    }

    fn sign(&self, message: &str) -> String {
        hex(&self.0.clone().chain_update(message).finalize().into_bytes())
    }

    fn verify(&self, message: &str, signature: &str) -> bool {
        let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = signature.as_bytes().chunks(2).map(digits).collect();
        bytes.is_some_and(|bytes| self.0.clone().chain_update(message).verify_slice(&bytes).is_ok())
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
    pub(crate) fn with_cursor(&self, uri: &Uri, cursor: i64) -> Url {
        let mut url = self.join(uri.path().split('/').filter(|segment| !segment.is_empty()));
        let kept = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let kept = kept.filter(|(name, _)| name != "cursor");
        url.query_pairs_mut().extend_pairs(kept).append_pair("cursor", &cursor.to_string());
        url
    }

    /// Whether a signature opens an output. Without a signer everything is open.
    pub(crate) fn opens(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
        path: &OutputPath,
        signature: &str,
    ) -> bool {
        self.signer
            .as_ref()
            .is_none_or(|signer| signer.verify(&message(workflow_id, run_id, path), signature))
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
            url.query_pairs_mut().append_pair(SIGNATURE, &signer.sign(&message(workflow_id, run_id, path)));
        }
        url
    }
}

fn message(workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath) -> String {
    format!("output\n{workflow_id}\n{run_id}\n{path}")
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

    #[test]
    fn a_signature_opens_its_own_output_and_no_other() {
        let (workflow_id, run_id, path) = ids();
        let urls = urls(Some(Signer::new(&[7; 32])));
        let url = urls.output(&workflow_id, &run_id, &path);
        let (_, signature) = url.query_pairs().find(|(name, _)| name == SIGNATURE).unwrap();
        assert!(urls.opens(&workflow_id, &run_id, &path, &signature));
        let other = OutputPath::parse("other.png").unwrap();
        assert!(!urls.opens(&workflow_id, &run_id, &other, &signature));
        for wrong in ["", "00", "zz", "é1", &signature[2..]] {
            assert!(!urls.opens(&workflow_id, &run_id, &path, wrong), "{wrong:?}");
        }
    }
}
