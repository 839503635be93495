//! Why a call to ComfyUI did not do what it should.

use std::io;

use comfyicu_model::json::JsonError;
use comfyicu_transport::{TransportError, TransportErrorKind};

use super::Rejection;

/// Why a call to a ComfyUI did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComfyError {
    /// No answer, or one that broke off. ComfyUI may be gone, or may come back.
    #[error("{call} got no answer")]
    Transport {
        /// The call, such as `GET /queue`.
        call: &'static str,
        /// Why not.
        #[source]
        source: TransportError,
    },
    /// The answer took too long. A node that holds Python's lock can make ComfyUI silent for a while.
    #[error("{call} was not answered within {seconds} s")]
    Timeout {
        /// The call.
        call: &'static str,
        /// The bound.
        seconds: u64,
    },
    /// A status that says no. 4xx: the call is wrong; 5xx: ComfyUI, or a proxy before it, is in trouble.
    #[error("{call} was answered with status {status}: {text}")]
    Status {
        /// The call.
        call: &'static str,
        /// The status.
        status: u16,
        /// The beginning of the answer.
        text: String,
    },
    /// The answer is no JSON, or is larger or deeper than any ComfyUI's. Is it one?
    #[error("the answer to {call} cannot be read")]
    Json {
        /// The call.
        call: &'static str,
        /// Why not.
        #[source]
        source: JsonError,
    },
    /// The answer is JSON of another shape. Is it a ComfyUI?
    #[error("the answer to {call} is not what ComfyUI answers: {problem}")]
    Shape {
        /// The call.
        call: &'static str,
        /// What is not right.
        problem: &'static str,
    },
    /// ComfyUI refuses the prompt. Fix the prompt.
    #[error("ComfyUI refuses the prompt: {0}")]
    Rejected(Box<Rejection>),
    /// A file to be uploaded cannot be read, or a program cannot be started.
    #[error("the system refuses")]
    File(#[from] io::Error),
    /// The WebSocket cannot be opened, or broke. A new one may do.
    #[error("the WebSocket failed")]
    Socket(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A ComfyUI that was started ended before it answered. What it said last says why.
    #[error("ComfyUI ended before it answered ({how}); it said last:\n{last}")]
    Ended {
        /// How it ended.
        how: String,
        /// Its last lines.
        last: String,
    },
    /// The address is none that ComfyUI can have.
    #[error("{0} is not the address of a ComfyUI: http or https, a host, no query")]
    Address(String),
}

impl ComfyError {
    /// Whether nothing of the request can have reached ComfyUI.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Transport { source, .. } => !source.may_have_been_sent(),
            Self::File(_) | Self::Address(_) | Self::Ended { .. } => true,
            _ => false,
        }
    }

    /// Whether ComfyUI, or what stands before it, is in trouble, so that the same call may do later or
    /// elsewhere.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Transport { source, .. } => source.kind() != TransportErrorKind::Request,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            Self::Timeout { .. } | Self::Socket(_) | Self::Json { .. } | Self::Shape { .. } => true,
            Self::Rejected(_) | Self::File(_) | Self::Address(_) | Self::Ended { .. } => false,
        }
    }
}
