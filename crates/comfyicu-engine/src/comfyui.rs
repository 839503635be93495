//! ComfyUI itself, over its own API.
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

mod client;
mod error;
mod limit;
mod message;
mod socket;

pub use client::{
    Accepted, ComfyClient, ComfyDevice, Ending, Failure, FileType, HistoryEntry, Interruption, NodeErrors,
    NodeOutput, PromptRequest, Queue, QueuedPrompt, Rejection, StoredFile, SystemStats, Upload,
};
pub use error::ComfyError;
pub use message::{NodeProgress, SocketEvent, SocketMessage};
pub use socket::Socket;
