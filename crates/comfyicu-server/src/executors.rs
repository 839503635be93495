//! What runs are executed by: this process itself, or the ComfyUIs that were named.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use comfyicu_engine::comfyui::{ComfyBackend, ComfyError, ComfyExecutor, OwnedComfy, RunningComfy};
use comfyicu_engine::{Executor, NativeExecutor};
use comfyicu_model::Accelerator;
use url::Url;

use crate::args::Serve;

/// The executors, one for each accelerator.
#[derive(Clone, Debug)]
pub(crate) struct Executors {
    /// The one that is asked what there is, and what is wrong with a run.
    pub(crate) front: Arc<dyn Executor>,
    /// Those that execute, at least one.
    pub(crate) all: Vec<Arc<dyn Executor>>,
}

impl Executors {
    /// The native executor, or the ComfyUIs, which are asked what they are.
    pub(crate) async fn connect(comfyui: &[ComfyBackend]) -> Result<Self, ComfyError> {
        let executors = ComfyExecutor::connect(comfyui).await?;
        let Some(merged) = ComfyExecutor::merged(&executors) else {
            let native: Arc<dyn Executor> = Arc::new(NativeExecutor::new());
            return Ok(Self { front: Arc::clone(&native), all: vec![native] });
        };
        let shared = |executor| Arc::new(executor) as Arc<dyn Executor>;
        Ok(Self { front: shared(merged), all: executors.into_iter().map(shared).collect() })
    }

    /// The accelerators of the executors, in their order.
    pub(crate) fn accelerators(&self) -> Vec<Accelerator> {
        self.all.iter().map(|executor| executor.device().accelerator.clone()).collect()
    }
}

/// Starts the ComfyUI that the server is to have for itself, if any, and names it among the others.
pub(crate) async fn start_owned(args: &mut Serve) -> Result<Option<RunningComfy>, ComfyError> {
    let mut running = None;
    if let Some(folder) = &args.comfyui_dir {
        let owned = OwnedComfy::new(folder, which(&args.python)).args(args.comfyui_arg.iter().cloned());
        tracing::info!(folder = %folder.display(), "ComfyUI is started");
        let started = owned.start().await?;
        args.comfyui.push(ComfyBackend::new(started.url().clone()).folder(folder));
        running = Some(started);
    }
    if let Some(seconds) = args.comfyui_free {
        let idle = Duration::from_secs(seconds.get());
        args.comfyui =
            std::mem::take(&mut args.comfyui).into_iter().map(|one| one.free_after(idle)).collect();
    }
    Ok(running)
}

/// A path that leads to a file from here leads there from ComfyUI's folder, too.
fn which(python: &Path) -> PathBuf {
    let is_path = python.components().count() > 1;
    if is_path {
        std::path::absolute(python).unwrap_or_else(|_| python.to_owned())
    } else {
        python.to_owned()
    }
}

/// Reads what `--comfyui` says: `URL`, and behind it `,accelerator=NAME`, `,runs=N`, `,folder=PATH` and `,drain=FILE`.
pub(crate) fn parse_comfyui(text: &str) -> Result<ComfyBackend, String> {
    let mut parts = text.split(',');
    let url = parts.next().unwrap_or_default();
    let url = Url::parse(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err("an http or https URL without query and fragment is needed".to_owned());
    }
    let mut backend = ComfyBackend::new(url);
    for part in parts {
        backend = match part.split_once('=') {
            Some(("accelerator", name)) if !name.is_empty() => backend.accelerator(Accelerator::from(name)),
            Some(("folder", path)) if !path.is_empty() => backend.folder(path),
            Some(("drain", path)) if !path.is_empty() => backend.drain_file(path),
            Some(("runs", count)) => {
                let count = count.parse::<NonZeroUsize>();
                backend.capacity(count.map_err(|error| format!("`{part}`: {error}"))?)
            }
            _ => {
                return Err(format!("`{part}` is none of accelerator=NAME, runs=N, folder=PATH, drain=FILE"));
            }
        };
    }
    Ok(backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comfyui_is_an_address_and_how_it_is_used() {
        let backend = parse_comfyui("http://gpu1:8188,accelerator=L4,runs=3").unwrap();
        assert_eq!(backend.url().as_str(), "http://gpu1:8188/");
        assert!(format!("{backend:?}").contains("L4") && format!("{backend:?}").contains('3'), "{backend:?}");
        for bad in [
            "gpu1",
            "gpu1:8188",
            "http://g,runs=0",
            "http://g,runs=x",
            "http://g,gpu=1",
            "http://g?x=1",
            "http://g,accelerator=",
            "http://g,drain=",
        ] {
            assert!(parse_comfyui(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn without_a_comfyui_the_server_executes_by_itself() {
        let executors = Executors::connect(&[]).await.unwrap();
        assert_eq!(executors.accelerators(), [Accelerator::Cpu]);
    }

    #[tokio::test]
    async fn a_comfyui_that_does_not_answer_is_an_error_unless_its_accelerator_is_known() {
        // Nothing listens on a port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let backend = parse_comfyui(&format!("http://{free}")).unwrap();
        assert!(Executors::connect(std::slice::from_ref(&backend)).await.is_err());
        let executors = Executors::connect(&[backend.accelerator(Accelerator::L4)]).await.unwrap();
        assert_eq!(executors.accelerators(), [Accelerator::L4]);
    }
}
