//! The files of runs: bytes by digest. What was uploaded is kept as blobs; what was fetched is a cache.

mod blobs;
mod cache;
mod command;
mod credentials;
mod destinations;
mod fetch;
mod pace;
mod prepare;
mod settings;
mod source;

pub(crate) use blobs::{Blob, BlobStore, StoreBlobError, sync_folder};
pub(crate) use cache::Cache;
pub(crate) use command::CacheCommand;
pub(crate) use credentials::{Credentials, CredentialsError};
pub(crate) use fetch::{Fetcher, SourceLimits};
pub(crate) use prepare::{FileProvider, NotPrepared, PrepareError, Prepared};
pub(crate) use settings::FileSettings;
#[cfg(test)]
pub(crate) use settings::Revalidate;
#[cfg(feature = "fuzzing")]
pub(crate) use source::Source;
