//! Which ComfyUI gets a run: one that works, that has what the run names, and that has least to do.

use std::time::Duration;

use comfyicu_model::json::Value;
use comfyicu_model::{DestPath, Prompt};
use futures_util::future::{join_all, select_all};
use tokio::time::{Instant, sleep, timeout};

use super::backend::{Backend, Slot};
use super::executor::ComfyExecutor;
use super::plan::Plan;
use crate::Job;

/// How long a run waits for a ComfyUI that works, once it has begun.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for one.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// What it counts that a ComfyUI has to load a model, beside how much it has to do for its size: less than half of
/// that, so that all come to have a model that everybody wants.
const TO_LOAD: f64 = 0.4;
/// What it counts that a ComfyUI does not know a node or a model that the run names. It is the last one.
const UNFIT: f64 = 1e6;
/// How the names of models end.
const MODELS: [&str; 9] = [".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf", ".onnx"];

/// What a run asks of a ComfyUI.
#[derive(Debug)]
pub(super) struct Needs<'a> {
    job: &'a Job,
    plan: &'a Plan,
    /// The models that the prompt names.
    models: Vec<String>,
    /// Whether the ComfyUIs differ in what they know.
    is_choosy: bool,
}

impl<'a> Needs<'a> {
    pub(super) fn new(job: &'a Job, plan: &'a Plan, is_choosy: bool) -> Self {
        Self { job, plan, models: models(&job.prompt), is_choosy }
    }

    /// The models that the prompt names.
    pub(super) fn models(&self) -> &[String] {
        &self.models
    }

    /// How bad a ComfyUI is for the run: that with the least gets it.
    fn badness(&self, backend: &Backend, load: f64) -> f64 {
        let is_unfit = self.is_choosy
            && backend.known_definitions().is_some_and(|definitions| {
                let files: Vec<&DestPath> = self.job.inputs.iter().map(|(path, _)| path).collect();
                !self.job.prompt.readiness(&definitions, &files).is_ready()
            });
        let has_to_load = backend.missing(&self.plan.models, &self.models) > 0;
        load + if has_to_load { TO_LOAD } else { 0.0 } + if is_unfit { UNFIT } else { 0.0 }
    }
}

impl ComfyExecutor {
    /// A place on the best ComfyUI among those that work and were not tried.
    pub(super) async fn choose(&self, needs: &Needs<'_>, tried: &[usize]) -> Result<(usize, Slot), String> {
        let (begun, alone) = (Instant::now(), needs.plan.is_exclusive());
        loop {
            let mut usable = self.usable(tried).await;
            usable.retain(|&(index, _)| {
                needs.plan.models.is_empty()
                    || self.backends.get(index).is_some_and(|backend| backend.models.is_some())
            });
            for (index, badness) in &mut usable {
                if let Some(backend) = self.backends.get(*index) {
                    *badness = needs.badness(backend, *badness);
                }
            }
            usable.sort_by(|one, other| one.1.total_cmp(&other.1));
            // One that cannot run it is no better for having room.
            let fit = usable.iter().take_while(|(_, badness)| *badness < UNFIT).count();
            usable.truncate(if fit == 0 { usable.len() } else { fit });
            let taken = usable
                .iter()
                .find_map(|&(index, _)| Some((index, self.backends.get(index)?.try_take(alone)?)));
            if let Some(taken) = taken {
                return Ok(taken);
            }
            if begun.elapsed() >= PATIENCE && usable.is_empty() {
                return Err("no ComfyUI answers".to_owned());
            }
            let waits = usable.iter().filter_map(|&(index, _)| {
                let backend = self.backends.get(index)?;
                Some(Box::pin(async move { backend.take(alone).await.map(|slot| (index, slot)) }))
            });
            let waits: Vec<_> = waits.collect();
            if waits.is_empty() {
                sleep(PAUSE).await;
            } else if let Ok((Some(taken), ..)) = timeout(PATIENCE, select_all(waits)).await {
                return Ok(taken);
            }
        }
    }

    /// Those that work, and how much each has to do.
    pub(super) async fn usable(&self, tried: &[usize]) -> Vec<(usize, f64)> {
        let now = Instant::now();
        let candidates: Vec<_> = (0..self.backends.len())
            .filter(|index| !tried.contains(index))
            .filter_map(|index| Some((index, self.backends.get(index)?)))
            .filter(|(_, backend)| backend.usable_at(now).is_some_and(|at| at <= now))
            .collect();
        // One alone is not asked how much it has to do: there is no other.
        let alone = candidates.len() == 1 && self.backends.len() == 1;
        let asked = candidates.into_iter().map(|(index, backend)| async move {
            let works = (alone && !backend.is_suspect()) || backend.probe().await;
            works.then(|| (index, backend.load()))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

/// The models that a prompt names, each once.
fn models(prompt: &Prompt) -> Vec<String> {
    let is_model = |text: &&str| {
        let text = text.to_ascii_lowercase();
        MODELS.iter().any(|ending| text.ends_with(ending))
    };
    let inputs = prompt.nodes().flat_map(|node| node.inputs().map(move |(name, _)| (node, name)));
    let texts = inputs.filter_map(|(node, name)| node.literal(name).and_then(Value::as_str));
    let mut models: Vec<String> = texts.filter(is_model).map(str::to_owned).collect();
    models.sort();
    models.dedup();
    models
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_their_names() {
        let prompt = br#"{
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/XL.SafeTensors"}},
            "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.pt", "model": ["1", 0], "strength": 1}},
            "3": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.pt", "text": "a photo.png"}}
        }"#;
        assert_eq!(models(&Prompt::parse(prompt).unwrap()), ["a.pt", "sd/XL.SafeTensors"]);
    }
}
