//! What a run saved on a ComfyUI: which files, under the names that its user gave, and their bytes.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{NodeId, OutputPath};
use comfyicu_transport::ResponseBody;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::ComfyError;
use super::client::{ComfyClient, FileType, NodeOutput, StoredFile};
use super::metadata::{self, Restorer};
use super::names::Names;
use crate::{Content, ContentSource, Output, OutputKind, OutputSink, SaveError};

/// The most files of one run.
const FILES: usize = 10_000;
/// The most bytes of one file: an hour of film.
const FILE_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// How many files come at once, the one that is being saved included.
const AT_ONCE: usize = 2;

/// A file that a run saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) node_id: NodeId,
    pub(super) file: StoredFile,
    pub(super) path: OutputPath,
}

/// A node saved a file under a name that no file may have.
#[derive(Debug)]
pub(super) struct BadName {
    pub(super) node_id: NodeId,
    pub(super) name: String,
}

/// Why the outputs are not all saved.
#[derive(Debug)]
pub(super) enum CollectError {
    /// ComfyUI did not give one.
    Comfy(String),
    /// One could not be written here.
    Save(SaveError),
}

/// The files among what the nodes gave to the editor. They stand under any key: `images` has films too, others are
/// `audio`, `gifs`, `latents`. Only what is of the type `output` is kept, each file once.
pub(super) fn list(outputs: &[NodeOutput], names: &Names) -> Result<Vec<Saved>, BadName> {
    let mut seen = HashSet::new();
    let mut saved = Vec::new();
    for output in outputs {
        let items = output.ui.iter().filter_map(|(_, value)| value.as_array()).flatten();
        for file in items.filter_map(Value::as_object).filter_map(stored_file) {
            if saved.len() >= FILES {
                tracing::warn!(files = FILES, "the run saved more files than are kept");
                return Ok(saved);
            }
            if !seen.insert(file.clone()) {
                continue;
            }
            let path = path(&file, names).ok_or_else(|| BadName {
                node_id: output.node_id.clone(),
                name: file.name.chars().take(200).collect(),
            })?;
            saved.push(Saved { node_id: output.node_id.clone(), file, path });
        }
    }
    Ok(saved)
}

/// A file that is kept, of the list that a node gave. `fullpath`, which some add, is nobody's business here.
fn stored_file(item: &Object) -> Option<StoredFile> {
    let kind = FileType::parse(item.get_str("type")?)?;
    let name = item.get_str("filename")?.to_owned();
    let subfolder = item.get_str("subfolder").unwrap_or_default().to_owned();
    (kind == FileType::Output).then_some(StoredFile { name, subfolder, kind })
}

/// Where a file stands for its user.
fn path(file: &StoredFile, names: &Names) -> Option<OutputPath> {
    // Windows writes folders with a backslash.
    let folder = file.subfolder.replace('\\', "/");
    let folder = folder.trim_matches('/');
    let there = if folder.is_empty() { file.name.clone() } else { format!("{folder}/{}", file.name) };
    let own = there.strip_prefix(names.folder()).and_then(|rest| rest.strip_prefix('/'));
    OutputPath::parse(own.unwrap_or(&there)).ok()
}

/// ComfyUI's output folder, where this process sees it.
#[derive(Debug)]
pub(super) struct OutputFolder {
    path: PathBuf,
    /// Where it really is, once it is there: links lead elsewhere.
    real: OnceLock<PathBuf>,
}

impl OutputFolder {
    /// The output folder of a ComfyUI that lies in this one. Nobody looks for it yet.
    pub(super) fn of(comfyui: &Path) -> Arc<Self> {
        Arc::new(Self { path: comfyui.join("output"), real: OnceLock::new() })
    }

    /// The folder in it that has the last name of this path, if it has one.
    pub(super) fn below(&self, folder: &str) -> Option<PathBuf> {
        Some(self.path.join(Path::new(folder).file_name()?))
    }

    /// A file, and its length. What a link leads to elsewhere is no output of ComfyUI.
    fn find(&self, file: &StoredFile) -> Option<(PathBuf, u64)> {
        let folder = if let Some(real) = self.real.get() {
            real
        } else {
            let real = std::fs::canonicalize(&self.path).ok()?;
            self.real.get_or_init(|| real)
        };
        let path = std::fs::canonicalize(folder.join(&file.subfolder).join(&file.name)).ok()?;
        let metadata = std::fs::metadata(&path).ok()?;
        (path.starts_with(folder) && metadata.is_file()).then_some((path, metadata.len()))
    }

    /// The content of a file, if it is here. It may block.
    fn content(&self, file: &Wanted) -> io::Result<Option<Content>> {
        let Some((path, length)) = self.find(&file.saved.file) else { return Ok(None) };
        if metadata::is_restored(file.content_type, length) {
            let bytes = std::fs::read(&path)?;
            return Ok(Some(Content::from(file.restorer.restored(bytes.into()))));
        }
        Ok(Some(Content::from_source(Arc::new(LocalFile(path)))))
    }
}

/// Where the files of a ComfyUI are had from.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) client: ComfyClient,
    pub(super) folder: Option<Arc<OutputFolder>>,
}

/// A file that is to be saved.
#[derive(Clone, Debug)]
struct Wanted {
    saved: Saved,
    content_type: &'static str,
    restorer: Arc<Restorer>,
}

impl Wanted {
    fn new(saved: Saved, restorer: &Arc<Restorer>) -> Self {
        let content_type = mime_guess::from_path(saved.path.file_name()).first_raw();
        let content_type = content_type.unwrap_or("application/octet-stream");
        Self { saved, content_type, restorer: Arc::clone(restorer) }
    }
}

/// Saves the files, in their order; while one is saved the next one comes.
pub(super) async fn collect(
    shelf: &Shelf,
    saved: Vec<Saved>,
    restorer: Restorer,
    outputs: &dyn OutputSink,
) -> Result<(), CollectError> {
    let restorer = Arc::new(restorer);
    let fetched = saved.into_iter().map(|saved| {
        let wanted = Wanted::new(saved, &restorer);
        async move {
            let content = content(shelf, &wanted).await?;
            Ok((wanted, content))
        }
    });
    let mut fetched = std::pin::pin!(stream::iter(fetched).buffered(AT_ONCE));
    while let Some((Wanted { saved, content_type, .. }, (content, is_lost))) = fetched.try_next().await? {
        let output = Output::new(saved.node_id, OutputKind::Output, saved.path, content_type, content);
        outputs.save(output).await.map_err(|error| {
            if is_lost.load(Ordering::Relaxed) {
                CollectError::Comfy(super::with_causes(&error))
            } else {
                CollectError::Save(error)
            }
        })?;
    }
    Ok(())
}

/// The bytes of a file, and whether ComfyUI failed to give them, once they were asked for.
async fn content(shelf: &Shelf, wanted: &Wanted) -> Result<(Content, Arc<AtomicBool>), CollectError> {
    let is_lost = Arc::new(AtomicBool::new(false));
    if let Some(content) = local_content(shelf, wanted).await.map_err(|error| comfy(&error))? {
        return Ok((content, is_lost));
    }
    let file = &wanted.saved.file;
    if metadata::is_restored(wanted.content_type, 0) {
        let response = shelf.client.view(file).await.map_err(|error| comfy(&error))?;
        let length = response.headers().get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if let Some(length) = length.filter(|length| metadata::is_restored(wanted.content_type, *length)) {
            let most = usize::try_from(length).unwrap_or(usize::MAX);
            let bytes = response.into_body().collect(most).await.map_err(|error| comfy(&error))?;
            let restorer = Arc::clone(&wanted.restorer);
            let restored = tokio::task::spawn_blocking(move || restorer.restored(bytes)).await;
            return Ok((Content::from(restored.map_err(|error| comfy(&error))?), is_lost));
        }
    }
    let source = View { client: shelf.client.clone(), file: file.clone(), is_lost: Arc::clone(&is_lost) };
    Ok((Content::from_source(Arc::new(source)), is_lost))
}

/// The content of a file that this process sees: one way to where it may block, and back.
async fn local_content(shelf: &Shelf, wanted: &Wanted) -> io::Result<Option<Content>> {
    let Some(folder) = shelf.folder.clone() else { return Ok(None) };
    let wanted = wanted.clone();
    tokio::task::spawn_blocking(move || folder.content(&wanted)).await.map_err(io::Error::other)?
}

fn comfy(error: &(dyn std::error::Error + 'static)) -> CollectError {
    CollectError::Comfy(super::with_causes(error))
}

/// A file of a ComfyUI that this process sees.
#[derive(Debug)]
struct LocalFile(PathBuf);

#[async_trait]
impl ContentSource for LocalFile {
    async fn write_to(&self, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> io::Result<()> {
        let mut file = tokio::fs::File::open(&self.0).await?;
        let copied = tokio::io::copy(&mut (&mut file).take(FILE_BYTES), writer).await?;
        if copied >= FILE_BYTES { Err(too_long()) } else { Ok(()) }
    }
}

fn too_long() -> io::Error {
    io::Error::other(format!("the file has more than {FILE_BYTES} bytes"))
}

/// A file on a ComfyUI, which is read when it is wanted.
#[derive(Debug)]
struct View {
    client: ComfyClient,
    file: StoredFile,
    is_lost: Arc<AtomicBool>,
}

impl View {
    async fn open(&self) -> Result<ResponseBody, ComfyError> {
        Ok(self.client.view(&self.file).await?.into_body())
    }

    fn lost(&self, error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
        self.is_lost.store(true, Ordering::Relaxed);
        io::Error::other(error)
    }
}

#[async_trait]
impl ContentSource for View {
    async fn write_to(&self, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> io::Result<()> {
        let mut body = self.open().await.map_err(|error| self.lost(error))?;
        let mut left = FILE_BYTES;
        while let Some(chunk) = body.try_next().await.map_err(|error| self.lost(error))? {
            left = left.checked_sub(chunk.len() as u64).ok_or_else(too_long)?;
            writer.write_all(&chunk).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::{Limits, read};

    use super::*;

    fn listed(ui: &str) -> Result<Vec<(String, StoredFile)>, String> {
        let Ok(Value::Object(ui)) = read(ui.as_bytes(), Limits::default()) else { panic!("{ui}") };
        let output = NodeOutput { node_id: "4".into(), ui };
        let names = Names::new("r1.00".to_owned());
        let listed = list(&[output.clone(), output], &names).map_err(|bad| bad.name)?;
        Ok(listed.into_iter().map(|saved| (saved.path.to_string(), saved.file)).collect())
    }

    fn paths(ui: &str) -> Vec<String> {
        listed(ui).unwrap().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn every_kind_of_file_is_found_and_previews_are_not() {
        let ui = r#"{"images": [{"filename": "a_00001_.png", "subfolder": "r1.00/rec", "type": "output"},
                                {"filename": "p_00001_.png", "subfolder": "", "type": "temp"},
                                {"filename": "v_00001_.mp4", "subfolder": "r1.00", "type": "output"}],
            "animated": [true], "text": ["hello"], "audio": [{"filename": "s.flac", "subfolder": "r1.00\\win", "type": "output"}],
            "gifs": [{"filename": "g.gif", "subfolder": "r1.00", "type": "output", "format": "image/gif", "frame_rate": 8.0,
                      "fullpath": "/etc/passwd"}], "latents": [{"filename": "l.latent", "type": "output"}], "x": 7, "y": [null]}"#;
        assert_eq!(paths(ui), ["rec/a_00001_.png", "v_00001_.mp4", "win/s.flac", "g.gif", "l.latent"]);
    }

    #[test]
    fn what_is_not_in_the_runs_folder_keeps_its_name_and_nothing_leaves_the_output_folder() {
        let file = |name: &str, folder: &str| {
            format!(r#"{{"images": [{{"filename": "{name}", "subfolder": "{folder}", "type": "output"}}]}}"#)
        };
        assert_eq!(paths(&file("a.png", "other")), ["other/a.png"]);
        assert_eq!(paths(&file("a.png", "r1.000")), ["r1.000/a.png"]);
        for (name, folder) in
            [("../a", ""), ("a", "../.."), ("/etc/passwd", ""), ("", ""), ("a\\u0000", ""), ("C:a", "")]
        {
            assert!(listed(&file(name, folder)).is_err(), "{name} {folder}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_read_from_outside_of_the_output_folder() {
        let comfyui = tempfile::tempdir().unwrap();
        let folder = OutputFolder::of(comfyui.path());
        let file = |subfolder: &str, name: &str| StoredFile {
            name: name.to_owned(),
            subfolder: subfolder.to_owned(),
            kind: FileType::Output,
        };
        assert!(folder.find(&file("r1", "a.png")).is_none(), "there is no such folder yet");
        let output = comfyui.path().join("output");
        std::fs::create_dir_all(output.join("r1")).unwrap();
        std::fs::write(output.join("r1/a.png"), "abc").unwrap();
        std::fs::write(comfyui.path().join("secret.png"), "secret").unwrap();
        std::os::unix::fs::symlink("../secret.png", output.join("link.png")).unwrap();
        std::os::unix::fs::symlink("r1/a.png", output.join("inside.png")).unwrap();
        assert_eq!(folder.find(&file("r1", "a.png")).map(|(_, length)| length), Some(3));
        assert_eq!(folder.find(&file("", "inside.png")).map(|(_, length)| length), Some(3));
        let outside = comfyui.path().to_str().unwrap();
        for (subfolder, name) in [
            ("", "link.png"),
            ("..", "secret.png"),
            (outside, "secret.png"),
            ("r1/../..", "secret.png"),
            ("", "r1"),
        ] {
            assert!(folder.find(&file(subfolder, name)).is_none(), "{subfolder} {name}");
        }
        assert_eq!(folder.below("r1").unwrap(), output.join("r1"));
        assert!(folder.below("").is_none() && folder.below("..").is_none());
    }
}
