//! One ComfyUI of a pool: how much it has to do, and whether it can be relied on.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use comfyicu_model::{DestPath, ObjectInfo};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::client::ComfyClient;
use super::models::Models;
use super::outputs::{OutputFolder, Shelf};
use super::sockets::Sockets;
use super::{ComfyBackend, ComfyError};
use crate::InputFile;

/// How long a ComfyUI that failed is left alone at first; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that it is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How old the knowledge of other people's prompts may be.
const FOREIGN_KEPT: Duration = Duration::from_secs(1);
/// How long a ComfyUI may take to say how much it has to do.
const PROBE: Duration = Duration::from_secs(3);
/// How many models one may have in its memory.
const WARM: usize = 16;
/// The most names of inputs that are remembered to be there.
const REMEMBERED: usize = 10_000;

/// A ComfyUI in use.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) client: ComfyClient,
    /// How it is called in logs and errors.
    pub(super) name: String,
    pub(super) capacity: NonZeroUsize,
    /// Where models can be put, if anywhere.
    pub(super) models: Option<Arc<Models>>,
    pub(super) sockets: Sockets,
    outputs: Option<Arc<OutputFolder>>,
    drain_file: Option<PathBuf>,
    free_after: Option<Duration>,
    slots: Arc<Semaphore>,
    /// How many prompts it was given.
    given: AtomicU64,
    is_draining: AtomicBool,
    state: Mutex<State>,
    definitions: tokio::sync::Mutex<Option<(Instant, Arc<ObjectInfo>)>>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when it is left alone.
    down_until: Option<Instant>,
    /// How many prompts of others it has, and since when that is known.
    foreign: Option<(Instant, usize)>,
    /// The inputs that are there: the name that was asked for, and the one that it has.
    inputs: HashMap<String, String>,
    /// The models that its last prompts named: they may still be in its memory.
    warm: VecDeque<String>,
}

/// A place for one prompt, or for one that is alone. Dropped, it is free.
#[derive(Debug)]
pub(super) struct Slot(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Backend {
    pub(super) fn new(client: ComfyClient, options: &ComfyBackend) -> Self {
        let capacity = options.capacity;
        let url = client.url();
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self {
            client,
            name,
            capacity,
            models: options.folder.clone().map(Models::new),
            sockets: Sockets::default(),
            outputs: options.folder.as_deref().map(OutputFolder::of),
            drain_file: options.drain_file.clone(),
            free_after: options.free_after,
            slots: Arc::new(Semaphore::new(capacity.get())),
            given: AtomicU64::default(),
            is_draining: AtomicBool::new(false),
            state: Mutex::default(),
            definitions: tokio::sync::Mutex::default(),
        }
    }

    /// Removes what a run saved from its folder, where that can be done. Its own copies are safe by then, and nobody
    /// waits for it.
    pub(super) fn remove_outputs(&self, run_folder: &str) {
        let Some(outputs) = self.outputs.as_ref().and_then(|outputs| outputs.below(run_folder)) else {
            return;
        };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = std::fs::remove_dir_all(&outputs)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(folder = %outputs.display(), %error, "outputs stay behind in ComfyUI's folder");
            }
        });
    }

    /// Where the files are that it saves.
    pub(super) fn shelf(&self) -> Shelf {
        Shelf { client: self.client.clone(), folder: self.outputs.clone() }
    }

    /// A place, when there is one at once.
    pub(super) fn try_take(&self, alone: bool) -> Option<Slot> {
        Arc::clone(&self.slots)
            .try_acquire_many_owned(self.permits(alone))
            .ok()
            .map(|permit| self.slot(permit))
    }

    /// A place, as soon as there is one.
    pub(super) async fn take(&self, alone: bool) -> Option<Slot> {
        let permit = Arc::clone(&self.slots).acquire_many_owned(self.permits(alone)).await;
        permit.ok().map(|permit| self.slot(permit))
    }

    fn slot(&self, permit: OwnedSemaphorePermit) -> Slot {
        self.given.fetch_add(1, Ordering::Relaxed);
        Slot(permit)
    }

    /// How many of these models it has not had lately, in its folder or in its memory.
    pub(super) fn missing(&self, files: &[(DestPath, InputFile)], names: &[String]) -> usize {
        let placed = |(path, file): &&(DestPath, InputFile)| {
            self.models.as_ref().is_some_and(|models| models.has(path, &file.sha256))
        };
        let to_place = files.len() - files.iter().filter(placed).count();
        let state = self.state();
        to_place + names.iter().filter(|name| !state.warm.contains(name)).count()
    }

    /// Notes which models it has now.
    pub(super) fn note_models(&self, names: &[String]) {
        let mut state = self.state();
        state.warm.retain(|name| !names.contains(name));
        state.warm.extend(names.iter().cloned());
        let surplus = state.warm.len().saturating_sub(WARM);
        state.warm.drain(..surplus);
    }

    /// Asks it for its memory: somebody ran out of it.
    pub(super) fn free_soon(self: &Arc<Self>) {
        let backend = Arc::clone(self);
        tokio::spawn(async move { backend.free().await });
    }

    /// Asks it for its memory once it has had nothing to do for so long as its operator says.
    pub(super) fn free_when_idle(self: &Arc<Self>) {
        let Some(idle) = self.free_after else { return };
        let (backend, given) = (Arc::downgrade(self), self.given.load(Ordering::Relaxed));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(idle).await;
                let Some(backend) = backend.upgrade() else { return };
                if backend.given.load(Ordering::Relaxed) != given {
                    // The prompt that came since has seen to it.
                    return;
                }
                // A prompt that was taken back may still run, and others may have theirs there.
                if backend.in_flight() == 0
                    && backend.client.queue().await.is_ok_and(|queue| queue.is_empty())
                {
                    tracing::info!(
                        comfyui = backend.name,
                        idle_s = idle.as_secs(),
                        "ComfyUI is idle; it frees its memory"
                    );
                    return backend.free().await;
                }
            }
        });
    }

    async fn free(&self) {
        self.state().warm.clear();
        if let Err(error) = self.client.free(true, true).await {
            tracing::warn!(
                comfyui = self.name,
                error = super::with_causes(&error),
                "ComfyUI does not free its memory"
            );
        }
    }

    fn permits(&self, alone: bool) -> u32 {
        if alone { u32::try_from(self.capacity.get()).unwrap_or(u32::MAX) } else { 1 }
    }

    /// How many prompts of ours it has.
    fn in_flight(&self) -> usize {
        self.capacity.get().saturating_sub(self.slots.available_permits())
    }

    /// How much it has to do, for its size. What others wait for there counts too.
    pub(super) fn load(&self) -> f64 {
        let foreign = self.state().foreign.map_or(0, |(_, prompts)| prompts);
        #[expect(clippy::cast_precision_loss, reason = "a few prompts")]
        let load = (self.in_flight() + foreign) as f64 / self.capacity.get() as f64;
        load
    }

    /// Gives it nothing new from now on, or again.
    pub(super) fn set_draining(&self, is_draining: bool) {
        self.is_draining.store(is_draining, Ordering::Relaxed);
    }

    /// When it may be used: now, or at a moment; `None` when it is to be left alone for good.
    pub(super) fn usable_at(&self, now: Instant) -> Option<Instant> {
        let is_asked_to = || self.drain_file.as_ref().is_some_and(|file| file.exists());
        if self.is_draining.load(Ordering::Relaxed) || is_asked_to() {
            return None;
        }
        Some(self.state().down_until.unwrap_or(now))
    }

    /// Whether it failed just now and is left alone.
    pub(super) fn is_down(&self) -> bool {
        self.state().down_until.is_some_and(|until| until > Instant::now())
    }

    /// Whether it failed and has not shown since that it works.
    pub(super) fn is_suspect(&self) -> bool {
        self.state().failures > 0
    }

    /// It did what it should.
    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        if state.failures > 0 {
            tracing::info!(comfyui = self.name, "ComfyUI works again");
        }
        (state.failures, state.down_until) = (0, None);
    }

    /// It did not do what it should, and is left alone for a while.
    pub(super) fn failed(&self, reason: &str) {
        let (mut state, now) = (self.state(), Instant::now());
        if state.down_until.is_some_and(|at| at > now) {
            // Several runs notice the same.
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(8)).min(LONGEST_PAUSE);
        state.failures = state.failures.saturating_add(1);
        state.down_until = Some(now + pause);
        // It may come back without anything that it was given.
        state.inputs.clear();
        state.warm.clear();
        state.foreign = None;
        tracing::warn!(
            comfyui = self.name,
            reason,
            pause_s = pause.as_secs(),
            "ComfyUI fails; it is left alone"
        );
    }

    /// Asks how much it has to do, where that is not known of just now. Gives whether it answers.
    pub(super) async fn probe(&self) -> bool {
        let is_fresh = self.state().foreign.is_some_and(|(at, _)| at.elapsed() < FOREIGN_KEPT);
        if is_fresh && !self.is_suspect() {
            return true;
        }
        match tokio::time::timeout(PROBE, self.client.queue()).await {
            Ok(Ok(queue)) => {
                let foreign = queue.len().saturating_sub(self.in_flight());
                self.state().foreign = Some((Instant::now(), foreign));
                self.succeeded();
                true
            }
            Ok(Err(error)) => {
                self.failed(&super::with_causes(&error));
                false
            }
            // A node may hold Python's lock: it is busy, and comes last.
            Err(_) => {
                self.state().foreign = Some((Instant::now(), self.capacity.get()));
                true
            }
        }
    }

    /// The node definitions, not older than so; older ones where it does not answer. New models and inputs stand
    /// in them.
    pub(super) async fn definitions(&self, not_older: Duration) -> Result<Arc<ObjectInfo>, ComfyError> {
        let mut kept = self.definitions.lock().await;
        if let Some((at, definitions)) = &*kept
            && (at.elapsed() < not_older || self.is_down())
        {
            return Ok(Arc::clone(definitions));
        }
        match (self.client.object_info().await, &mut *kept) {
            (Ok(definitions), kept) => {
                let definitions = Arc::new(definitions);
                *kept = Some((Instant::now(), Arc::clone(&definitions)));
                Ok(definitions)
            }
            (Err(error), Some((at, definitions))) => {
                tracing::warn!(
                    comfyui = self.name,
                    error = super::with_causes(&error),
                    "old node definitions are used"
                );
                *at = Instant::now();
                Ok(Arc::clone(definitions))
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The node definitions, as far as they are known; nobody is asked.
    pub(super) fn known_definitions(&self) -> Option<Arc<ObjectInfo>> {
        let kept = self.definitions.try_lock().ok()?;
        kept.as_ref().map(|(_, definitions)| Arc::clone(definitions))
    }

    /// The name of an input that is there.
    pub(super) fn stored_input(&self, name: &str) -> Option<String> {
        self.state().inputs.get(name).cloned()
    }

    /// Notes that an input is there.
    pub(super) fn note_input(&self, name: String, stored: String) {
        let mut state = self.state();
        if state.inputs.len() >= REMEMBERED {
            state.inputs.clear();
        }
        state.inputs.insert(name, stored);
    }

    /// Forgets which inputs are there.
    pub(super) fn forget_inputs(&self) {
        self.state().inputs.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
