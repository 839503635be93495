//! `/queue` and `/interrupt`: what waits and what runs, and how one prompt is taken out.

use comfyicu_model::json::{Object, Value};

use super::super::ComfyError;
use super::{ComfyClient, object};

/// What waits and what runs, everybody's.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Queue {
    /// What runs.
    pub running: Vec<QueuedPrompt>,
    /// What waits, in no order.
    pub pending: Vec<QueuedPrompt>,
}

/// A prompt in the queue.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueuedPrompt {
    /// Its place in the order of execution; smaller ones come first.
    pub number: f64,
    /// Its id.
    pub prompt_id: String,
}

impl Queue {
    /// Whether this prompt runs.
    pub fn is_running(&self, prompt_id: &str) -> bool {
        self.running.iter().any(|prompt| prompt.prompt_id == prompt_id)
    }

    /// Whether this prompt waits.
    pub fn is_pending(&self, prompt_id: &str) -> bool {
        self.pending.iter().any(|prompt| prompt.prompt_id == prompt_id)
    }

    /// Whether this prompt waits or runs.
    pub fn has(&self, prompt_id: &str) -> bool {
        self.is_running(prompt_id) || self.is_pending(prompt_id)
    }

    /// How many prompts wait or run.
    pub const fn len(&self) -> usize {
        self.running.len() + self.pending.len()
    }

    /// Whether nothing waits or runs.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An entry is a list: number, id, the prompt, what goes with it (tokens too, in 0.3.64), its outputs.
fn prompts(queue: &Object, key: &str) -> Option<Vec<QueuedPrompt>> {
    let entries = queue.get(key)?.as_array()?;
    let prompt = |entry: &Value| {
        let entry = entry.as_array()?;
        let number = entry.first()?.as_number()?.as_f64();
        Some(QueuedPrompt { number, prompt_id: entry.get(1)?.as_str()?.to_owned() })
    };
    Some(entries.iter().filter_map(prompt).collect())
}

impl ComfyClient {
    /// What waits and what runs. Whoever looks for a prompt reads this first and the history second: in the
    /// other order a prompt that ends in between is in neither.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn queue(&self) -> Result<Queue, ComfyError> {
        const CALL: &str = "GET /queue";
        let queue = object(CALL, self.get(CALL, &["queue"], &[]).await?)?;
        let list = |key| prompts(&queue, key).ok_or(ComfyError::Shape { call: CALL, problem: "no queue" });
        Ok(Queue { running: list("queue_running")?, pending: list("queue_pending")? })
    }

    /// Takes a prompt that waits out of the queue; nothing tells of it afterwards, and it has no history. One
    /// that runs, or that is not there, is left as it is.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn delete_pending(&self, prompt_id: &str) -> Result<(), ComfyError> {
        const CALL: &str = "POST /queue";
        let body = Object::from_iter([("delete", vec![prompt_id])]);
        self.post(CALL, &["queue"], body).await?.good(CALL).map(drop)
    }

    /// Interrupts this prompt if it runs. Most nodes stop only at their end, samplers between two steps.
    ///
    /// The recorded versions (0.3.64 and later) look at the id. Older ones may not, so whoever shares a ComfyUI
    /// looks into the queue first.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn interrupt(&self, prompt_id: &str) -> Result<(), ComfyError> {
        const CALL: &str = "POST /interrupt";
        let body = Object::from_iter([("prompt_id", prompt_id)]);
        self.post(CALL, &["interrupt"], body).await?.good(CALL).map(drop)
    }
}
