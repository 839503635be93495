//! A ComfyUI that says what real ones were recorded to say, over real sockets, and that can be made to fail.
//!
//! A recorded prompt is played when it is submitted: its answer, its messages in their order, its history, its
//! files. Only what a run has of its own is put in place of what the recording had: the prompt's id, the folder
//! that it saves to.

mod fault;
mod multipart;
mod recording;
mod serve;
mod state;

pub use fault::ComfyFault;
pub use recording::{ComfyMessage, RecordedEnd, RecordedPrompt, recordings};

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;

use crate::host::accept;
use state::State;

/// The fake. Its threads end with the test process.
#[derive(Debug)]
pub struct FakeComfy {
    address: SocketAddr,
    state: Arc<State>,
}

impl FakeComfy {
    /// Starts a ComfyUI that plays these prompts, each when it is submitted, and that knows these definitions.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(prompts: Vec<RecordedPrompt>, definitions: &Value, fault: ComfyFault) -> Self {
        Self::start_at("127.0.0.1:0", prompts, definitions, fault)
    }

    /// Starts one at an address of loopback.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start_at(
        address: &str,
        prompts: Vec<RecordedPrompt>,
        definitions: &Value,
        fault: ComfyFault,
    ) -> Self {
        let state = Arc::new(State::new(prompts, definitions, fault));
        let theirs = Arc::clone(&state);
        let address = accept(address, move |stream| serve::serve(stream, &theirs));
        Self { address, state }
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came, in order: `POST /prompt`.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen()
    }

    /// The prompts that were submitted, as they came.
    pub fn submitted(&self) -> Vec<Value> {
        self.state.submitted()
    }

    /// The files that were put into its input folder, by name.
    pub fn uploads(&self) -> Vec<(String, Vec<u8>)> {
        self.state.uploads()
    }

    /// What was wrong with what it was sent; nothing, when all is well.
    pub fn complaints(&self) -> Vec<String> {
        self.state.complaints()
    }

    /// Whether the last message of a prompt waits to be released.
    pub fn is_holding(&self) -> bool {
        self.state.is_holding()
    }

    /// Lets prompts that wait for it go on to their end.
    pub fn release(&self) {
        self.state.release();
    }
}
