//! ComfyUI itself, over its own API.
//!
//! [`ComfyExecutor`] executes runs on one or more real ComfyUIs.
//!
//! [`ComfyClient`] is one ComfyUI, call by call: prompts, queue, history, files, definitions. Its
//! [`socket`](ComfyClient::socket) tells what happens. Both are typed and bounded, and can be used alone.
//!
//! ```
//! use comfyicu_engine::comfyui::{SocketEvent, SocketMessage};
//!
//! // What ComfyUI sends when a prompt is over:
//! let text = r#"{"type": "executing", "data": {"node": null, "prompt_id": "12a35d7c-b5c8"}}"#;
//! let message = SocketMessage::parse_text(text).ok_or("a message of ComfyUI")?;
//! assert_eq!(message.prompt_id.as_deref(), Some("12a35d7c-b5c8"));
//! assert_eq!(message.event, SocketEvent::Ended);
//! # Ok::<(), &str>(())
//! ```

mod attempt;
mod backend;
mod choose;
mod client;
mod definitions;
mod error;
mod executor;
mod follow;
mod limit;
mod message;
mod metadata;
mod models;
mod names;
mod options;
mod outputs;
mod plan;
mod prefix;
mod process;
mod progress;
mod socket;
mod sockets;
mod verdict;
mod withdraw;

pub use client::{
    Accepted, ComfyClient, ComfyDevice, Ending, Failure, FileType, HistoryEntry, Interruption, NodeErrors,
    NodeOutput, PromptRequest, Queue, QueuedPrompt, Rejection, StoredFile, SystemStats, Upload,
};
pub use error::ComfyError;
pub use executor::ComfyExecutor;
pub use message::{NodeProgress, SocketEvent, SocketMessage};
pub use options::ComfyBackend;
pub use process::{OwnedComfy, RunningComfy};
pub use socket::Socket;

/// A random UUID, as ComfyUI's own ids are.
fn uuid() -> String {
    let random = u128::from_be_bytes(std::array::from_fn(|_| fastrand::u8(..)));
    // Version 4, variant 1 (RFC 9562).
    let id = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{id:032x}");
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// An error and what caused it, in one line.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
