//! The executor: one or more ComfyUIs of one accelerator, or of several, that share the runs.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use comfyicu_model::json::Object;
use comfyicu_model::{Accelerator, Finding, ObjectInfo, RunRequest};
use futures_util::future::{join_all, select_all};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::attempt::{Attempt, Fault};
use super::backend::{Backend, ComfyBackend, Slot};
use super::client::{ComfyClient, SystemStats};
use super::plan::Plan;
use super::{ComfyError, uuid, verdict, with_causes};
use crate::{Device, EventSink, ExecutionError, Executor, Job, OutputSink};

/// How long a ComfyUI may take to say what it is, at the start.
const HELLO: Duration = Duration::from_secs(10);
/// How long a run waits for a ComfyUI that works, once it has begun.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for one.
const PAUSE: Duration = Duration::from_millis(250);
/// How old the definitions may be by which a run is executed: they say which inputs are names of files.
const OLDEST_FOR_RUNS: Duration = Duration::from_secs(3600);
/// How old the definitions may be by which a run is accepted: ComfyUI itself checks it once more.
const OLDEST_TO_ACCEPT: Duration = Duration::from_secs(600);
/// How old the definitions may be by which a run is refused: somebody may just have put a model there.
const OLDEST_TO_REFUSE: Duration = Duration::from_secs(2);
/// How old the definitions may be that are shown.
const OLDEST_TO_SHOW: Duration = Duration::from_secs(30);
/// How many bytes of a name of a run are in the name of its folder.
const TOKEN_CHARS: usize = 6;

/// Executes prompts on real ComfyUIs, each run on the one that has least to do.
///
/// Every run has ids of its own, gets its inputs under names made of their bytes, and saves into a folder of its
/// own. A run whose ComfyUI dies begins anew on another one; a prompt that fails does not. ComfyUIs may be shared
/// with others: their prompts count as work, and are never touched.
#[derive(Clone, Debug)]
pub struct ComfyExecutor {
    device: Device,
    backends: Vec<Arc<Backend>>,
    joined: Arc<Mutex<Option<Joined>>>,
}

/// The definitions of several ComfyUIs as one, which is a lot of work for every submit, and what it was made of.
#[derive(Debug)]
struct Joined {
    parts: Vec<Arc<ObjectInfo>>,
    whole: Arc<ObjectInfo>,
}

/// A ComfyUI that was asked what it is.
#[derive(Debug)]
struct Known {
    backend: Arc<Backend>,
    device: Device,
}

impl ComfyExecutor {
    /// Asks each ComfyUI what it is, and makes an executor for each accelerator that there is, in the order in
    /// which they were named.
    ///
    /// # Errors
    /// When an address is none, or a ComfyUI does not answer whose accelerator is not given.
    pub async fn connect(backends: &[ComfyBackend]) -> Result<Vec<Self>, ComfyError> {
        let asked = join_all(backends.iter().map(know)).await;
        let mut executors: Vec<Self> = Vec::new();
        for known in asked {
            let Known { backend, device } = known?;
            let same = executors.iter_mut().find(|other| other.device.accelerator == device.accelerator);
            match same {
                Some(executor) => executor.backends.push(backend),
                None => executors.push(Self::new(device, vec![backend])),
            }
        }
        Ok(executors)
    }

    /// One executor over the ComfyUIs of several, for what does not depend on the accelerator: definitions, checks.
    pub fn merged(executors: &[Self]) -> Option<Self> {
        let device = executors.first()?.device.clone();
        let backends = executors.iter().flat_map(|executor| executor.backends.iter().cloned()).collect();
        Some(Self::new(device, backends))
    }

    fn new(device: Device, backends: Vec<Arc<Backend>>) -> Self {
        Self { device, backends, joined: Arc::default() }
    }

    /// Gives the ComfyUI at this address nothing new from now on; what it has it ends. Says whether there is one.
    pub fn drain(&self, url: &Url) -> bool {
        self.set_draining(url, true)
    }

    /// Takes back a [`drain`](Self::drain).
    pub fn resume(&self, url: &Url) -> bool {
        self.set_draining(url, false)
    }

    fn set_draining(&self, url: &Url, is_draining: bool) -> bool {
        let same = |backend: &&Arc<Backend>| {
            backend.client.url().as_str().trim_end_matches('/') == url.as_str().trim_end_matches('/')
        };
        let found = self.backends.iter().find(same);
        if let Some(backend) = found {
            backend.set_draining(is_draining);
        }
        found.is_some()
    }

    /// A place on the ComfyUI that has least to do, among those that work and were not tried.
    async fn choose(&self, (alone, models): (bool, bool), tried: &[usize]) -> Result<(usize, Slot), String> {
        let begun = Instant::now();
        loop {
            let mut usable = self.usable(tried).await;
            usable.retain(|&(index, _)| {
                !models || self.backends.get(index).is_some_and(|backend| backend.models.is_some())
            });
            usable.sort_by(|one, other| one.1.total_cmp(&other.1));
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
    async fn usable(&self, tried: &[usize]) -> Vec<(usize, f64)> {
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

    /// The definitions of all, none older than so.
    async fn definitions(&self, not_older: Duration) -> Result<Arc<ObjectInfo>, ExecutionError> {
        let asked = join_all(self.backends.iter().map(|backend| backend.definitions(not_older))).await;
        let (mut known, mut last) = (Vec::new(), None);
        for (answer, backend) in asked.into_iter().zip(&self.backends) {
            match answer {
                Ok(definitions) => known.push(definitions),
                Err(error) => last = Some(format!("{}: {}", backend.name, with_causes(&error))),
            }
        }
        match known.as_slice() {
            [] => Err(ExecutionError::Unavailable(last.unwrap_or_else(|| "there is no ComfyUI".to_owned()))),
            [one] => Ok(Arc::clone(one)),
            _ => Ok(self.join(known)),
        }
    }

    /// Makes one of the definitions of several, unless these very ones were joined the last time.
    fn join(&self, parts: Vec<Arc<ObjectInfo>>) -> Arc<ObjectInfo> {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        let are_same = |kept: &&Joined| {
            kept.parts.len() == parts.len()
                && kept.parts.iter().zip(&parts).all(|(kept, part)| Arc::ptr_eq(kept, part))
        };
        if let Some(kept) = joined.as_ref().filter(are_same) {
            return Arc::clone(&kept.whole);
        }
        let whole = match parts.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Arc::clone(first),
            all => Arc::new(merge(all)),
        };
        *joined = Some(Joined { parts, whole: Arc::clone(&whole) });
        whole
    }

    /// Executes a run on one ComfyUI, chosen anew.
    async fn execute_once(
        &self,
        job: &Job,
        tried: &mut Vec<usize>,
        (events, outputs): (&dyn EventSink, &dyn OutputSink),
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let folder = format!("{}.{}", job.run_id, uuid().chars().take(TOKEN_CHARS).collect::<String>());
        // Which inputs are used does not depend on the ComfyUI, so this says whether it has to be alone.
        let plan = Plan::new(job, folder.clone(), None);
        let needs = (plan.is_exclusive(), !plan.models.is_empty());
        let chosen = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(ExecutionError::Cancelled.into()),
            chosen = self.choose(needs, tried) => chosen,
        };
        let (index, slot) = chosen.map_err(Fault::LostHalfway)?;
        let gone = || Fault::LostHalfway("no ComfyUI".to_owned());
        let backend = self.backends.get(index).ok_or_else(gone)?;
        tried.push(index);
        tracing::debug!(run_id = %job.run_id, comfyui = backend.name, "the run goes to a ComfyUI");
        let definitions = backend.definitions(OLDEST_FOR_RUNS).await.ok();
        let plan = Plan::new(job, folder, definitions.as_deref());
        let attempt = Attempt { backend, job, definitions, events, outputs };
        let result = attempt.run(plan, slot, cancel).await;
        match &result {
            Err(Fault::Lost(reason) | Fault::LostHalfway(reason)) => backend.failed(reason),
            Err(Fault::Ended(ExecutionError::Cancelled)) => {}
            _ => backend.succeeded(),
        }
        result
    }
}

/// Asks a ComfyUI what it is, unless that was said.
async fn know(options: &ComfyBackend) -> Result<Known, ComfyError> {
    let client = ComfyClient::connect(&options.url)?;
    let backend = Arc::new(Backend::new(client, options));
    let asked = timeout(HELLO, backend.client.system_stats()).await;
    let late = |_| ComfyError::Timeout { call: "GET /system_stats", seconds: HELLO.as_secs() };
    let stats = asked.map_err(late).and_then(|stats| stats);
    let device = match (&options.accelerator, stats) {
        (None, Err(error)) => return Err(error),
        (Some(accelerator), Err(error)) => {
            backend.failed(&with_causes(&error));
            Device::new(accelerator.as_str(), accelerator.clone())
        }
        (accelerator, Ok(stats)) => {
            let (name, own) = device_of(&stats);
            tracing::info!(comfyui = backend.name, version = stats.version, device = name, "ComfyUI answers");
            Device::new(name, accelerator.clone().unwrap_or(own))
        }
    };
    Ok(Known { backend, device })
}

/// The device that a ComfyUI uses, and what runs ask for to be executed there.
fn device_of(stats: &SystemStats) -> (String, Accelerator) {
    const GIB: u64 = 1024 * 1024 * 1024;
    let Some(device) = stats.devices.first() else { return ("CPU".to_owned(), Accelerator::Cpu) };
    let product = device.product();
    let has = |word: &str| product.split([' ', '-', '_']).any(|part| part == word);
    let accelerator = match () {
        () if device.kind == "cpu" => Accelerator::Cpu,
        () if has("L40S") => Accelerator::L40s,
        () if has("L4") => Accelerator::L4,
        () if has("T4") => Accelerator::T4,
        () if has("A10") || has("A10G") => Accelerator::A10,
        () if has("H100") => Accelerator::H100,
        () if has("A100") && device.vram_total_bytes > 60 * GIB => Accelerator::A100_80Gb,
        () if has("A100") => Accelerator::A100_40Gb,
        () => Accelerator::from(product.trim_start_matches("NVIDIA ").replace(' ', "_").as_str()),
    };
    (product.to_owned(), accelerator)
}

#[async_trait]
impl Executor for ComfyExecutor {
    fn device(&self) -> &Device {
        &self.device
    }

    /// As many as all its ComfyUIs take.
    fn parallel_runs(&self) -> NonZeroUsize {
        let all = self.backends.iter().map(|backend| backend.capacity.get()).sum();
        NonZeroUsize::new(all).unwrap_or(NonZeroUsize::MIN)
    }

    /// Waits until one of its ComfyUIs works.
    async fn ready(&self) {
        loop {
            let now = Instant::now();
            let usable: Vec<_> = self.backends.iter().filter_map(|backend| backend.usable_at(now)).collect();
            if usable.iter().any(|at| *at <= now) {
                let suspects = self.backends.iter().all(|backend| backend.is_suspect());
                if !suspects || !self.usable(&[]).await.is_empty() {
                    return;
                }
            }
            let next = usable.into_iter().filter(|at| *at > now).min();
            sleep_until(next.unwrap_or(now + PAUSE)).await;
        }
    }

    /// The definitions of all its ComfyUIs; where two differ, the first one's.
    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        self.definitions(OLDEST_TO_SHOW).await
    }

    /// Says what ComfyUI would say.
    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        let takes_models = self.backends.iter().any(|backend| backend.models.is_some());
        let findings = verdict::findings(request, &*self.definitions(OLDEST_TO_ACCEPT).await?, takes_models);
        if !findings.iter().any(Finding::is_error) {
            return Ok(findings);
        }
        Ok(verdict::findings(request, &*self.definitions(OLDEST_TO_REFUSE).await?, takes_models))
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let mut tried = Vec::new();
        loop {
            match self.execute_once(&job, &mut tried, (events, outputs), cancel).await {
                Ok(()) => return Ok(()),
                Err(Fault::Ended(error)) => return Err(error),
                Err(Fault::Lost(reason)) if tried.len() < self.backends.len() => {
                    tracing::warn!(run_id = %job.run_id, reason, "the run goes to another ComfyUI");
                }
                Err(Fault::Lost(reason) | Fault::LostHalfway(reason)) => {
                    return Err(ExecutionError::Unavailable(reason));
                }
            }
        }
    }
}

fn merge(all: &[Arc<ObjectInfo>]) -> ObjectInfo {
    let mut merged = Object::new();
    for definitions in all {
        for (class_type, definition) in definitions.as_object().iter() {
            if !merged.contains_key(class_type) {
                merged.insert(class_type, definition.clone());
            }
        }
    }
    ObjectInfo::new(merged)
}
