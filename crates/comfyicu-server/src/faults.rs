//! Faults on purpose, for people who try out their own client programs: what strikes requests, runs and webhooks,
//! and how often, comes from a TOML file or is one of the scenarios that ship.
//!
//! Nothing else of the server knows of them: they stand around the router, the executors and the transport of the
//! webhooks.

mod count;
mod plan;
mod read;
mod requests;
mod route;
mod runs;
mod scenario;
#[cfg(test)]
mod tests;
mod webhooks;

pub(crate) use read::InvalidFaults;
pub(crate) use requests::strike;
pub(crate) use scenario::FaultSource;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use comfyicu_engine::Executor;
use comfyicu_transport::SharedTransport;

use plan::Plan;

/// The faults of a server. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Plan>);

/// Why there are no faults to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FaultsError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file does not say what to do.
    #[error(transparent)]
    Invalid(#[from] InvalidFaults),
}

impl Faults {
    /// Reads them; without a source there are none.
    pub(crate) fn load(source: Option<&FaultSource>) -> Result<Self, FaultsError> {
        let Some(source) = source else { return Ok(Self::default()) };
        let text = source.text()?;
        let plan = read::read(&source.to_string(), &text)?;
        tracing::warn!(faults = plan.len(), from = %source, "things go wrong on purpose");
        Ok(Self(Arc::new(plan)))
    }

    /// Says what is wrong with them, without letting any happen.
    pub(crate) fn check(source: Option<&FaultSource>) -> Result<(), FaultsError> {
        let Some(source) = source else { return Ok(()) };
        read::read(&source.to_string(), &source.text()?)?;
        Ok(())
    }

    /// Puts those that strike runs around an executor.
    pub(crate) fn around_executor(&self, executor: Arc<dyn Executor>) -> Arc<dyn Executor> {
        if self.0.runs.is_empty() {
            return executor;
        }
        Arc::new(runs::FaultyExecutor::new(executor, self.clone()))
    }

    /// Puts those that strike webhooks around what they are sent through.
    pub(crate) fn around_webhooks(&self, transport: SharedTransport) -> SharedTransport {
        if self.0.webhooks.is_empty() {
            return transport;
        }
        Arc::new(webhooks::FaultyTransport::new(transport, self.clone()))
    }
}
