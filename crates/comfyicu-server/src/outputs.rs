//! The outputs of runs: each attempt writes into a folder of its own, and only a completed one is shown.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use comfyicu_engine::{Output, OutputKind, OutputSink, SaveError};
use comfyicu_model::{OutputPath, RunId};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::files::sync_folder;
use crate::live::RunProgress;

/// The folder of all outputs.
#[derive(Clone, Debug)]
pub(crate) struct OutputStore {
    folder: PathBuf,
}

impl OutputStore {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where an output of an attempt is.
    pub(crate) fn file(&self, run_id: &RunId, attempt: u32, path: &OutputPath) -> PathBuf {
        self.attempt(run_id, attempt).join(path.as_str())
    }

    /// Begins an attempt, which tells of what it saves.
    pub(crate) fn begin(&self, run_id: &RunId, attempt: u32, progress: RunProgress) -> AttemptOutputs {
        AttemptOutputs { folder: self.attempt(run_id, attempt), saved: Mutex::default(), progress }
    }

    /// Removes what an attempt saved that did not end well.
    pub(crate) async fn discard(&self, run_id: &RunId, attempt: u32) {
        remove(&self.attempt(run_id, attempt)).await;
    }

    fn attempt(&self, run_id: &RunId, attempt: u32) -> PathBuf {
        self.folder.join(run_id.as_str()).join(attempt.to_string())
    }
}

/// Takes the outputs of one attempt; each is on disk when it was saved.
#[derive(Debug)]
pub(crate) struct AttemptOutputs {
    folder: PathBuf,
    saved: Mutex<Vec<OutputPath>>,
    progress: RunProgress,
}

impl AttemptOutputs {
    /// What was saved, in order.
    pub(crate) fn saved(&self) -> Vec<OutputPath> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes what was saved: the attempt did not end well.
    pub(crate) async fn discard(&self) {
        remove(&self.folder).await;
    }

    async fn write(&self, output: &Output) -> io::Result<()> {
        let path = self.folder.join(output.path.as_str());
        let folder = path.parent().unwrap_or(&self.folder).to_owned();
        fs::create_dir_all(&folder).await?;
        let mut file = File::create(&path).await?;
        output.content.write_to(&mut file).await?;
        // The last write goes on in the background: only flushing says how it went.
        file.flush().await?;
        file.sync_all().await?;
        // Each folder on the way may be new, up to the one of all runs.
        let new_folders = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&self.folder));
        let above = [self.folder.parent(), self.folder.parent().and_then(Path::parent)];
        for folder in new_folders.chain(above.into_iter().flatten()) {
            sync_folder(folder.to_owned()).await?;
        }
        Ok(())
    }
}

async fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder).await
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "outputs of a failed attempt stay behind");
    }
}

#[async_trait]
impl OutputSink for AttemptOutputs {
    async fn save(&self, output: Output) -> Result<(), SaveError> {
        // Previews are not results, and are not kept (documented).
        if output.kind != OutputKind::Output {
            return Ok(());
        }
        self.write(&output).await.map_err(|source| SaveError::new(output.path.clone(), source))?;
        self.progress.saved(&output.node_id, &output.path);
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).push(output.path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::WorkflowId;

    use super::*;
    use crate::live::Live;
    use crate::owner::Owner;
    use crate::store::RunKey;

    fn output(kind: OutputKind, path: &str) -> Output {
        Output::new("9".into(), kind, OutputPath::parse(path).unwrap(), "image/png", "bytes")
    }

    #[tokio::test]
    async fn results_are_kept_in_order_and_previews_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = OutputStore::new(folder.path().to_owned());
        let run_id = RunId::parse("r1").unwrap();
        let workflow_id = WorkflowId::parse("w1").unwrap();
        let progress =
            Live::default().of_run(RunKey { owner: Owner::local(), workflow_id, run_id: run_id.clone() });
        let attempt = store.begin(&run_id, 2, progress);
        attempt.save(output(OutputKind::Output, "b/a.png")).await.unwrap();
        attempt.save(output(OutputKind::Temp, "preview.png")).await.unwrap();
        attempt.save(output(OutputKind::Output, "a.png")).await.unwrap();
        let saved = attempt.saved();
        assert_eq!(saved.iter().map(OutputPath::as_str).collect::<Vec<_>>(), ["b/a.png", "a.png"]);
        assert_eq!(std::fs::read(store.file(&run_id, 2, &saved[0])).unwrap(), b"bytes");
        assert!(!folder.path().join("r1/2/preview.png").exists());
        attempt.discard().await;
        assert!(!folder.path().join("r1/2").exists());
    }
}
