//! The files of runs: bytes by digest, fetched once and kept.

mod blobs;
mod fetch;
mod pace;
mod prepare;

pub(crate) use blobs::{Blob, BlobStore, StoreBlobError, sync_folder};
pub(crate) use fetch::Fetcher;
pub(crate) use prepare::{FileProvider, PrepareError, Prepared};
