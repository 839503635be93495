//! Cassettes: exchanges recorded to a file that people can read, and played from it.

mod compare;
mod exchange;
mod recorder;
mod replay;
mod scrub;

pub use recorder::Recorder;
pub use replay::Replay;

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use exchange::Exchange;

/// The version of the format that this crate writes and reads.
const VERSION: u32 = 1;
/// The largest file that is read as a cassette.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Recorded exchanges, in the order in which they were answered.
///
/// The file is JSON: `{"version": 1, "exchanges": [{"request": {…}, "response": {…}}]}`. JSON bodies stand in it
/// as they are, text as text, other bytes in base64. Keys, cookies, and the values of signatures and tokens in
/// URLs are not part of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cassette {
    version: u32,
    exchanges: Vec<Exchange>,
}

/// Why a file is no cassette that can be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CassetteError {
    /// The file cannot be read or written.
    #[error("the cassette cannot be read or written")]
    Io(#[source] io::Error),
    /// It is not what a cassette is made of.
    #[error("the file is no cassette")]
    Format(#[source] serde_json::Error),
    /// It is longer than any cassette.
    #[error("the file is longer than {MAX_FILE_BYTES} bytes, so it is no cassette")]
    TooLong,
    /// It is of a version that this crate does not know.
    #[error("the cassette is of version {0}, and this crate plays version {VERSION}")]
    Version(u32),
}

impl Cassette {
    fn new() -> Self {
        Self { version: VERSION, exchanges: Vec::new() }
    }

    /// How many exchanges there are.
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether there is no exchange.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// Reads a cassette from a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is no cassette.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CassetteError> {
        let path = path.as_ref();
        if std::fs::metadata(path).map_err(CassetteError::Io)?.len() > MAX_FILE_BYTES {
            return Err(CassetteError::TooLong);
        }
        Self::from_json(&std::fs::read(path).map_err(CassetteError::Io)?)
    }

    /// Reads a cassette.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn from_json(json: &[u8]) -> Result<Self, CassetteError> {
        let cassette: Self = serde_json::from_slice(json).map_err(CassetteError::Format)?;
        if cassette.version != VERSION {
            return Err(CassetteError::Version(cassette.version));
        }
        Ok(cassette)
    }

    /// Writes the cassette to a file, in place of what is there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), CassetteError> {
        std::fs::write(path, self.to_json()?).map_err(CassetteError::Io)
    }

    /// Writes the cassette as JSON.
    ///
    /// # Errors
    /// Never, as far as is known: everything in it can be written.
    pub fn to_json(&self) -> Result<String, CassetteError> {
        let mut json = serde_json::to_string_pretty(self).map_err(CassetteError::Format)?;
        json.push('\n');
        Ok(json)
    }
}

#[cfg(test)]
mod tests;
