//! What an operator says of a ComfyUI.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use comfyicu_model::Accelerator;
use url::Url;

/// How many prompts are given to one ComfyUI at once, unless its operator says otherwise. It runs one at a time;
/// the other waits there, so that no time is lost between them.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// A ComfyUI, and how it may be used.
#[derive(Clone, Debug)]
#[must_use]
pub struct ComfyBackend {
    pub(super) url: Url,
    pub(super) accelerator: Option<Accelerator>,
    pub(super) capacity: NonZeroUsize,
    pub(super) folder: Option<PathBuf>,
    pub(super) drain_file: Option<PathBuf>,
    pub(super) free_after: Option<Duration>,
}

impl ComfyBackend {
    /// The ComfyUI at this address.
    pub const fn new(url: Url) -> Self {
        Self { url, accelerator: None, capacity: CAPACITY, folder: None, drain_file: None, free_after: None }
    }

    /// The accelerator that runs ask for to be executed there. Without it ComfyUI is asked for its device.
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// How many prompts it is given at once: by default 2, one that runs and one that waits.
    pub const fn capacity(mut self, prompts: NonZeroUsize) -> Self {
        self.capacity = prompts;
        self
    }

    /// Its folder, the one with `models` and `output`, where this process can write in it: models that runs bring
    /// are linked there, and what runs saved is removed.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// A file that says, for as long as it is there, that this ComfyUI gets nothing new.
    pub fn drain_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.drain_file = Some(file.into());
        self
    }

    /// For how long it has to have nothing to do to be asked for its memory: it then unloads its models. Without it,
    /// it is asked only after a node ran out of memory.
    pub const fn free_after(mut self, idle: Duration) -> Self {
        self.free_after = Some(idle);
        self
    }

    /// Its address.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}
