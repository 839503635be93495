//! The executor: one or more ComfyUIs of one accelerator, or of several, that share the runs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use comfyicu_model::{Accelerator, Finding, ObjectInfo, RunRequest};
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::ComfyBackend;
use super::attempt::{Attempt, Fault};
use super::backend::Backend;
use super::choose::{Needs, PAUSE};
use super::client::{ComfyClient, SystemStats};
use super::definitions::Joined;
use super::plan::Plan;
use super::{ComfyError, uuid, verdict, with_causes};
use crate::{Device, EventSink, ExecutionError, Executor, Job, OutputSink, Ticket};

/// How long a ComfyUI may take to say what it is, at the start.
const HELLO: Duration = Duration::from_secs(10);
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
    pub(super) backends: Vec<Arc<Backend>>,
    joined: Arc<Joined>,
    /// One for each prompt that its ComfyUIs take.
    tickets: Arc<Semaphore>,
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
        let mut kinds: Vec<(Device, Vec<Arc<Backend>>)> = Vec::new();
        for known in asked {
            let Known { backend, device } = known?;
            match kinds.iter_mut().find(|(other, _)| other.accelerator == device.accelerator) {
                Some((_, backends)) => backends.push(backend),
                None => kinds.push((device, vec![backend])),
            }
        }
        Ok(kinds.into_iter().map(|(device, backends)| Self::new(device, backends)).collect())
    }

    /// One executor over the ComfyUIs of several, for what does not depend on the accelerator: definitions, checks.
    pub fn merged(executors: &[Self]) -> Option<Self> {
        let device = executors.first()?.device.clone();
        let backends = executors.iter().flat_map(|executor| executor.backends.iter().cloned()).collect();
        Some(Self::new(device, backends))
    }

    fn new(device: Device, backends: Vec<Arc<Backend>>) -> Self {
        let tickets = Arc::new(Semaphore::new(places(&backends)));
        Self { device, backends, joined: Arc::default(), tickets }
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

    /// Waits until one of its ComfyUIs works.
    async fn works(&self) {
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

    /// The definitions of all, none older than so; and whether they are the same.
    async fn definitions(&self, not_older: Duration) -> Result<(Arc<ObjectInfo>, bool), ExecutionError> {
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
            [one] => Ok((Arc::clone(one), true)),
            _ => Ok(self.joined.of(known)),
        }
    }

    /// Executes a run on one ComfyUI, chosen anew.
    async fn execute_once(
        &self,
        job: &Job,
        (tried, ticket): (&mut Vec<usize>, &mut Ticket),
        (events, outputs): (&dyn EventSink, &dyn OutputSink),
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let folder = format!("{}.{}", job.run_id, uuid().chars().take(TOKEN_CHARS).collect::<String>());
        // Which inputs are files, and whether the run has to be alone, is found once, by what all of them define.
        let (definitions, are_same) = match self.definitions(OLDEST_FOR_RUNS).await {
            Ok((definitions, are_same)) => (Some(definitions), are_same),
            Err(_) => (None, true),
        };
        let plan = Plan::new(job, folder, definitions.as_deref());
        let needs = Needs::new(job, &plan, !are_same);
        let chosen = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(ExecutionError::Cancelled.into()),
            chosen = self.choose(&needs, tried) => chosen,
        };
        let (index, slot) = chosen.map_err(Fault::LostHalfway)?;
        let models = needs.models().to_vec();
        let gone = || Fault::LostHalfway("no ComfyUI".to_owned());
        let backend = self.backends.get(index).ok_or_else(gone)?;
        tried.push(index);
        tracing::debug!(run_id = %job.run_id, comfyui = backend.name, "the run goes to a ComfyUI");
        backend.note_models(&models);
        let attempt = Attempt { backend, job, definitions, events, outputs };
        let result = attempt.run(plan, (slot, ticket), cancel).await;
        backend.free_when_idle();
        match &result {
            Err(Fault::Lost(reason) | Fault::LostHalfway(reason)) => backend.failed(reason),
            Err(Fault::Ended(ExecutionError::Cancelled)) => {}
            _ => backend.succeeded(),
        }
        result
    }
}

/// How many prompts they take at once.
fn places(backends: &[Arc<Backend>]) -> usize {
    backends.iter().map(|backend| backend.capacity.get()).sum::<usize>().min(Semaphore::MAX_PERMITS)
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

    /// As many as all its ComfyUIs take, and as many again whose outputs are being saved.
    fn parallel_runs(&self) -> NonZeroUsize {
        NonZeroUsize::new(places(&self.backends).saturating_mul(2)).unwrap_or(NonZeroUsize::MIN)
    }

    /// Waits until one of its ComfyUIs works, and has room.
    async fn ready(&self) -> Ticket {
        let ticket = Arc::clone(&self.tickets).acquire_owned().await;
        self.works().await;
        ticket.map(Ticket::of).unwrap_or_default()
    }

    /// The definitions of all its ComfyUIs; where two differ, the first one's, with the choices of both.
    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        Ok(self.definitions(OLDEST_TO_SHOW).await?.0)
    }

    /// Says what ComfyUI would say.
    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        let takes_models = self.backends.iter().any(|backend| backend.models.is_some());
        let findings = verdict::findings(request, &self.definitions(OLDEST_TO_ACCEPT).await?.0, takes_models);
        if !findings.iter().any(Finding::is_error) {
            return Ok(findings);
        }
        Ok(verdict::findings(request, &self.definitions(OLDEST_TO_REFUSE).await?.0, takes_models))
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let (mut tried, mut job) = (Vec::new(), job);
        let mut ticket = std::mem::take(&mut job.ticket);
        loop {
            let sinks = (events, outputs);
            match self.execute_once(&job, (&mut tried, &mut ticket), sinks, cancel).await {
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
