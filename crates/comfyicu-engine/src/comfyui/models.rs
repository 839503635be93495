//! Models of runs in the folder of a ComfyUI: linked from where the server keeps them, under their own names.
//!
//! Two runs with different bytes under one name are not there at the same time, and what ComfyUI keeps in memory
//! of the one is forgotten before the other one begins.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_model::DestPath;
use tokio::sync::Notify;

use crate::InputFile;

/// How many models lie in the folder for no run, for the next one that needs them.
const KEPT: usize = 64;

/// The models that runs brought to one ComfyUI.
#[derive(Debug)]
pub(super) struct Models {
    /// ComfyUI's folder, the one that has `models`.
    folder: PathBuf,
    placed: Mutex<HashMap<DestPath, Model>>,
    /// One file is placed at a time, so that whoever finds it there finds all of it.
    placing: tokio::sync::Mutex<()>,
    freed: Notify,
}

/// A model in the folder.
#[derive(Clone, Debug)]
struct Model {
    sha256: String,
    users: usize,
    /// When it was used last: the larger, the later.
    used: u64,
}

/// Why a model cannot be placed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// A file of that name is there, and is not a run's.
    #[error("ComfyUI has a file of its own at {0}, with other bytes")]
    Taken(DestPath),
    /// The folder does not take it.
    #[error("{path} cannot be placed")]
    Io {
        path: DestPath,
        #[source]
        source: io::Error,
    },
}

/// The models of one run. Dropped, others may take their names.
#[derive(Debug)]
pub(super) struct InUse {
    models: Arc<Models>,
    paths: Vec<DestPath>,
}

/// What was found when a name was asked for.
enum Claim {
    /// The right bytes lie there.
    There,
    /// Nothing, or a model that nobody uses, lies there; whether there was another one.
    Free { replaces: bool },
    /// Another run uses other bytes.
    Busy,
}

impl Models {
    pub(super) fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            folder,
            placed: Mutex::default(),
            placing: tokio::sync::Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Puts the models of a run in place, and says whether one took the place of another, which ComfyUI may have in
    /// its memory.
    pub(super) async fn place(
        self: &Arc<Self>,
        files: &[(DestPath, InputFile)],
    ) -> Result<(InUse, bool), PlaceError> {
        let mut in_use = InUse { models: Arc::clone(self), paths: Vec::new() };
        let mut replaced = false;
        for (path, file) in files {
            loop {
                let freed = self.freed.notified();
                let alone = self.placing.lock().await;
                match self.claim(path, &file.sha256) {
                    Claim::There => break,
                    Claim::Free { replaces } => {
                        replaced |= replaces;
                        let placed = self.link(path, file, replaces).await;
                        if let Err(error) = placed {
                            self.lock().remove(path);
                            self.freed.notify_waiters();
                            return Err(error);
                        }
                        break;
                    }
                    Claim::Busy => {
                        drop(alone);
                        freed.await;
                    }
                }
            }
            in_use.paths.push(path.clone());
        }
        Ok((in_use, replaced))
    }

    /// Whether these bytes lie there under this name, put there for a run.
    pub(super) fn has(&self, path: &DestPath, sha256: &str) -> bool {
        self.lock().get(path).is_some_and(|model| model.sha256 == sha256)
    }

    fn claim(&self, path: &DestPath, sha256: &str) -> Claim {
        let mut placed = self.lock();
        let used = 1 + placed.values().map(|model| model.used).max().unwrap_or(0);
        let fresh = Model { sha256: sha256.to_owned(), users: 1, used };
        match placed.get_mut(path) {
            Some(model) if model.sha256 == sha256 => {
                model.users += 1;
                model.used = used;
                Claim::There
            }
            Some(model) if model.users > 0 => Claim::Busy,
            Some(model) => {
                *model = fresh;
                Claim::Free { replaces: true }
            }
            None => {
                placed.insert(path.clone(), fresh);
                Claim::Free { replaces: false }
            }
        }
    }

    async fn link(&self, path: &DestPath, file: &InputFile, replaces: bool) -> Result<(), PlaceError> {
        let target = self.target(path);
        let (source, wanted) = (file.path.clone(), file.clone());
        let linked =
            tokio::task::spawn_blocking(move || place_file(&source, &target, &wanted, replaces)).await;
        match linked.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(PlaceError::Taken(path.clone())),
            Err(source) => Err(PlaceError::Io { path: path.clone(), source }),
        }
    }

    /// A destination cannot leave ComfyUI's folder.
    fn target(&self, path: &DestPath) -> PathBuf {
        self.folder.join(path.as_str().trim_start_matches('/'))
    }

    /// Removes the models that nobody used for longest, where there are too many.
    fn tidy(&self) {
        let mut placed = self.lock();
        let mut unused: Vec<_> = placed
            .iter()
            .filter(|(_, model)| model.users == 0)
            .map(|(path, model)| (model.used, path.clone()))
            .collect();
        unused.sort();
        let surplus = unused.len().saturating_sub(KEPT);
        for (_, path) in unused.into_iter().take(surplus) {
            placed.remove(&path);
            if let Err(error) = fs::remove_file(self.target(&path)) {
                tracing::warn!(%path, %error, "a model of a run stays behind in ComfyUI's folder");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DestPath, Model>> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        for path in &self.paths {
            if let Some(model) = self.models.lock().get_mut(path) {
                model.users = model.users.saturating_sub(1);
            }
        }
        self.models.tidy();
        self.models.freed.notify_waiters();
    }
}

/// Puts a file at its target by the cheapest way that there is; false when another file, which is no run's, lies
/// there.
fn place_file(source: &Path, target: &Path, wanted: &InputFile, replaces: bool) -> io::Result<bool> {
    if let Ok(there) = fs::metadata(target) {
        // An earlier server may have left it there, or somebody put the same model there.
        if there.len() == wanted.size_bytes && InputFile::of(target.to_owned())?.sha256 == wanted.sha256 {
            return Ok(true);
        }
        if !replaces {
            return Ok(false);
        }
    }
    let folder = target.parent().unwrap_or(target);
    fs::create_dir_all(folder)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // ComfyUI lists no file that ends like this, and sees the whole one or none.
    let part = folder.join(format!(".{name}.comfyicu-part"));
    fs::remove_file(&part).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    // Shared blocks first: whatever is done to the one, the other keeps its bytes.
    let linked = reflink_copy::reflink(source, &part).or_else(|_| fs::hard_link(source, &part));
    #[cfg(unix)]
    let linked = linked.or_else(|_| std::os::unix::fs::symlink(fs::canonicalize(source)?, &part));
    linked.or_else(|_| fs::copy(source, &part).map(drop))?;
    fs::rename(&part, target)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, bytes: &str) -> InputFile {
        let path = folder.join(format!("blob-{bytes}"));
        fs::write(&path, bytes).unwrap();
        InputFile::of(path).unwrap()
    }

    #[tokio::test]
    async fn different_bytes_under_one_name_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(folder.path().join("comfy"));
        let path = DestPath::parse("/models/loras/sub/a.safetensors").unwrap();
        let (one, two) = (file(folder.path(), "one"), file(folder.path(), "two"));
        let target = folder.path().join("comfy/models/loras/sub/a.safetensors");
        let first = [(path.clone(), one.clone())];
        let (in_use, replaced) = models.place(&first).await.unwrap();
        let (again, _) = models.place(&first).await.unwrap();
        assert!(!replaced && fs::read(&target).unwrap() == b"one");
        let other = [(path.clone(), two)];
        let waiting = models.place(&other);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending(), "somebody uses it");
        drop(in_use);
        assert!(futures_util::poll!(&mut waiting).is_pending(), "somebody still uses it");
        drop(again);
        let (_in_use, replaced) = waiting.await.unwrap();
        assert!(replaced && fs::read(&target).unwrap() == b"two");
    }

    #[tokio::test]
    async fn a_model_that_is_no_runs_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(folder.path().to_owned());
        let path = DestPath::parse("/models/vae/a.pt").unwrap();
        fs::create_dir_all(folder.path().join("models/vae")).unwrap();
        fs::write(folder.path().join("models/vae/a.pt"), "mine").unwrap();
        let theirs = [(path.clone(), file(folder.path(), "else"))];
        let error = models.place(&theirs).await.unwrap_err();
        assert_eq!(error.to_string(), "ComfyUI has a file of its own at /models/vae/a.pt, with other bytes");
        assert!(
            models.place(&[(path, file(folder.path(), "mine"))]).await.is_ok(),
            "the same bytes are welcome"
        );
        assert_eq!(fs::read(folder.path().join("models/vae/a.pt")).unwrap(), b"mine");
    }
}
