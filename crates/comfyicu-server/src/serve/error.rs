//! Why the server does not serve.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use comfyicu_engine::comfyui::ComfyError;
use comfyicu_transport::TransportError;

use crate::data_dir::DataDirError;
use crate::faults::FaultsError;
use crate::files::CredentialsError;
use crate::keys::FirstKeyError;
use crate::outputs::OutputsError;
use crate::store::StoreError;
use crate::webhook::InvalidSecrets;

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ServeError {
    /// Anyone could use the server.
    #[error("--no-auth is for loopback addresses, and {0} is none: leave out one of --no-auth and --listen")]
    OpenToAll(SocketAddr),
    /// The data directory cannot be had.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first key cannot be made.
    #[error(transparent)]
    FirstKey(#[from] FirstKeyError),
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A ComfyUI that was named does not say what it is.
    #[error(
        "a ComfyUI cannot be used; start it first, or say what it is with `--comfyui URL,accelerator=NAME`"
    )]
    Comfy(#[from] ComfyError),
    /// Nothing can be fetched or sent.
    #[error("HTTP cannot be set up")]
    Transport(#[from] TransportError),
    /// Outputs cannot be kept where they were to be.
    #[error("outputs cannot be kept in {place}")]
    Outputs {
        /// The bucket, or the folder.
        place: String,
        /// Why not.
        #[source]
        source: OutputsError,
    },
    /// The file with the webhooks' secrets cannot be read.
    #[error("{} cannot be read", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It holds no secrets.
    #[error("{} holds no webhook secrets", path.display())]
    Secrets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidSecrets,
    },
    /// What is to go wrong on purpose is not known.
    #[error("--faults cannot be used")]
    Faults(#[from] FaultsError),
    /// The credentials of hosts cannot be used.
    #[error("the credentials cannot be used")]
    Credentials(#[from] CredentialsError),
    /// The listen address makes no URL.
    #[error("the listen address makes no URL; give --public-url")]
    PublicUrl(#[from] url::ParseError),
    /// The server broke off.
    #[error("the server broke off")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// Whether another command line would do.
    pub(crate) const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::OpenToAll(_)
                | Self::DataDir(DataDirError::InUse(_))
                | Self::SecretFile { .. }
                | Self::Secrets { .. }
                | Self::Faults(_)
                | Self::Credentials(_)
        )
    }
}
