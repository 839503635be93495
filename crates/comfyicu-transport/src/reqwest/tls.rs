//! TLS: rustls over ring, with the platform's roots.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Makes the TLS configuration. A machine without any root certificates gets one that trusts nobody, so
/// that plain HTTP works there all the same.
pub(super) fn config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let mut config = match versions()?.with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(_) => versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
