//! How an executor tells what it is doing.

use std::fmt::Debug;

use bytes::Bytes;
use comfyicu_model::{Finding, NodeId};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A node began to run.
    NodeStarted {
        /// The node.
        node_id: NodeId,
        /// Its class.
        class_type: String,
        /// How many nodes of this run have ended before it.
        done: usize,
        /// How many nodes this run executes in all.
        total: usize,
    },
    /// A node does not run: an earlier run gave its results, from the same inputs and files.
    NodeCached {
        /// The node.
        node_id: NodeId,
    },
    /// A node shows texts, which are no files: what ComfyUI has under `outputs` as `text`.
    NodeTexts {
        /// The node.
        node_id: NodeId,
        /// The texts, several where the node ran for each value of a list.
        texts: Vec<String>,
    },
    /// A node went on: a step of a sampler, a row of an image. A node can have several pieces of work, each
    /// counted from 0.
    Progress {
        /// The node.
        node_id: NodeId,
        /// How much of it is done.
        value: u64,
        /// How much there is to do.
        max: u64,
    },
    /// So much of the whole run is done; it only grows.
    Overall {
        /// From 0 to 100.
        percent: u8,
    },
    /// How an image looks so far. Only the newest matters.
    Preview {
        /// The node.
        node_id: NodeId,
        /// `image/jpeg` or `image/png`.
        content_type: &'static str,
        /// The bytes of the image, at most 4 MiB.
        image: Bytes,
    },
    /// Some outputs do not run: they are not in order, and others are.
    OutputsRefused {
        /// What is wrong with them.
        findings: Vec<Finding>,
    },
    /// A node did not run, and nothing that needs it: a node before it blocked that.
    NodeBlocked {
        /// The node.
        node_id: NodeId,
        /// Why, as the one that blocked it says.
        message: String,
    },
}

/// Hears what happens in a run. It must not block: it is called while nodes run.
pub trait EventSink: Debug + Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn emit(&self, _event: Event) {}
}
