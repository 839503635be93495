//! Why an image's texts cannot be read, written or taken out.

use std::io;

use super::ImageFormat;

/// Why an image's texts cannot be read, written or taken out. That there are none is not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes are no image of a format that is read.
    #[error("this is {found}, but texts are read from PNG, WebP and JPEG images")]
    UnknownFormat {
        /// What the bytes look like, such as `a GIF image`.
        found: &'static str,
    },
    /// The file ends before the image does.
    #[error("the {format} file ends at byte {at}, where {expected} was expected")]
    Truncated {
        /// The format by the file's first bytes.
        format: ImageFormat,
        /// How many bytes there are.
        at: u64,
        /// What is missing.
        expected: &'static str,
    },
    /// The file is not what its format says it should be.
    #[error("the {format} file is damaged at byte {at}: {problem}")]
    Damaged {
        /// The format by the file's first bytes.
        format: ImageFormat,
        /// Where the damaged part begins, in bytes from the start of the file.
        at: u64,
        /// What is wrong there.
        problem: &'static str,
    },
    /// The file has more of something than is read; see [`ImageLimits`](super::ImageLimits).
    #[error("the {format} file has more than {limit} {what}")]
    TooLarge {
        /// The format by the file's first bytes.
        format: ImageFormat,
        /// What there is too much of.
        what: &'static str,
        /// How much of it is read.
        limit: u64,
    },
    /// Texts are written to PNG only.
    #[error("texts are written to PNG images only, and this is {format}")]
    NotPng {
        /// What it is.
        format: ImageFormat,
    },
    /// The keyword is none that PNG allows.
    #[error("{keyword:?} cannot be the keyword of a text: it has 1 to 79 printable ASCII characters")]
    Keyword {
        /// The keyword, cut to 80 characters.
        keyword: String,
    },
    /// The input failed.
    #[error("the image cannot be read")]
    Read(#[source] io::Error),
    /// The output failed.
    #[error("the image cannot be written")]
    Write(#[source] io::Error),
}
