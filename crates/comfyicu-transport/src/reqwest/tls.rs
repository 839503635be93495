//! TLS: rustls over ring, with the platform's roots or those that come with the program.

use std::sync::Arc;

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// Whose certificates are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsRoots {
    /// Those that the platform trusts, a company's own included.
    #[cfg(feature = "platform-roots")]
    Platform,
    /// Mozilla's, as they were when the program was built: the same everywhere, also in an empty container.
    #[cfg(feature = "bundled-roots")]
    Bundled,
    /// Nobody's: only plain HTTP works.
    Nobody,
}

impl Default for TlsRoots {
    /// The platform's where the feature `platform-roots` is on, else those of `bundled-roots`, else nobody's.
    fn default() -> Self {
        #[cfg(feature = "platform-roots")]
        return Self::Platform;
        #[cfg(all(feature = "bundled-roots", not(feature = "platform-roots")))]
        return Self::Bundled;
        #[cfg(not(any(feature = "bundled-roots", feature = "platform-roots")))]
        return Self::Nobody;
    }
}

/// Makes the TLS configuration. A machine without any root certificates gets one that trusts nobody, so
/// that plain HTTP works there all the same.
pub(super) fn config(roots: TlsRoots) -> Result<ClientConfig, rustls::Error> {
    let mut config = match roots {
        #[cfg(feature = "platform-roots")]
        TlsRoots::Platform => {
            use rustls_platform_verifier::BuilderVerifierExt as _;
            match versions()?.with_platform_verifier() {
                Ok(builder) => builder.with_no_client_auth(),
                Err(_) => trusting(versions()?, RootCertStore::empty()),
            }
        }
        #[cfg(feature = "bundled-roots")]
        TlsRoots::Bundled => trusting(versions()?, webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()),
        TlsRoots::Nobody => trusting(versions()?, RootCertStore::empty()),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn trusting(builder: ConfigBuilder<ClientConfig, WantsVerifier>, roots: RootCertStore) -> ClientConfig {
    builder.with_root_certificates(roots).with_no_client_auth()
}
