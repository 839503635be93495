//! What the handlers of requests share.

use std::ops::Deref;
use std::sync::Arc;

use comfyicu_engine::Executor;

use crate::accelerators::Accelerators;
use crate::api::Streams;
use crate::bus::Bus;
use crate::faults::Faults;
use crate::files::{BlobStore, FileProvider};
use crate::guard::Guard;
use crate::keys::KeyRing;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::outputs::{OutputStore, Thumbnails};
use crate::positions::Positions;
use crate::shutdown::Shutdown;
use crate::store::{FileIndex, Outbox, RunStore};
use crate::urls::PublicUrls;
use crate::worker::{IdleWorkers, Running};

/// What the handlers of requests share. A clone only counts one more owner; a request makes several.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Parts>);

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

/// The parts of a server.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) runs: Arc<dyn RunStore>,
    /// `None` where no key is asked for.
    pub(crate) keys: Option<KeyRing>,
    pub(crate) index: Arc<dyn FileIndex>,
    pub(crate) outbox: Arc<dyn Outbox>,
    /// The one that is asked what there is, and what is wrong with a run.
    pub(crate) executor: Arc<dyn Executor>,
    /// Those that execute.
    pub(crate) executors: Arc<[Arc<dyn Executor>]>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) accelerators: Accelerators,
    pub(crate) files: FileProvider,
    pub(crate) blobs: BlobStore,
    pub(crate) outputs: OutputStore,
    pub(crate) thumbnails: Thumbnails,
    pub(crate) guard: Guard,
    pub(crate) urls: PublicUrls,
    pub(crate) positions: Positions,
    pub(crate) bus: Bus,
    pub(crate) idle: IdleWorkers,
    pub(crate) running: Running,
    pub(crate) streams: Streams,
    pub(crate) shutdown: Shutdown,
    pub(crate) faults: Faults,
}
