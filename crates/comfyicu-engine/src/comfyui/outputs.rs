//! What a run saved on a ComfyUI: which files, under the names that its user gave, and their bytes.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{NodeId, OutputPath, Prompt};
use comfyicu_transport::ResponseBody;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::ComfyError;
use super::client::{ComfyClient, FileType, NodeOutput, StoredFile};
use super::metadata;
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

/// Where the files of a ComfyUI are had from.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) client: ComfyClient,
    /// ComfyUI's output folder, where this process sees it.
    pub(super) folder: Option<PathBuf>,
}

impl Shelf {
    /// The file itself, where this process sees it. What a link leads to elsewhere is no output of ComfyUI.
    async fn local(&self, file: &StoredFile) -> Option<PathBuf> {
        let (folder, file) = (self.folder.clone()?, file.clone());
        let found = tokio::task::spawn_blocking(move || {
            let folder = std::fs::canonicalize(folder).ok()?;
            let path = std::fs::canonicalize(folder.join(&file.subfolder).join(&file.name)).ok()?;
            (path.starts_with(&folder) && path.is_file()).then_some(path)
        });
        found.await.ok().flatten()
    }
}

/// Saves the files, in their order; while one is saved the next one comes.
pub(super) async fn collect(
    shelf: &Shelf,
    saved: Vec<Saved>,
    (sent, names): (&Prompt, &Names),
    outputs: &dyn OutputSink,
) -> Result<(), CollectError> {
    let fetched = saved.into_iter().map(|file| async move {
        let content_type = mime_guess::from_path(file.path.file_name()).first_raw();
        let content_type = content_type.unwrap_or("application/octet-stream");
        let content = content(shelf, &file.file, content_type, (sent, names)).await?;
        Ok((file, content_type, content))
    });
    let mut fetched = std::pin::pin!(stream::iter(fetched).buffered(AT_ONCE));
    while let Some((file, content_type, (content, is_lost))) = fetched.try_next().await? {
        let output = Output::new(file.node_id, OutputKind::Output, file.path, content_type, content);
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
async fn content(
    shelf: &Shelf,
    file: &StoredFile,
    content_type: &str,
    (sent, names): (&Prompt, &Names),
) -> Result<(Content, Arc<AtomicBool>), CollectError> {
    let is_lost = Arc::new(AtomicBool::new(false));
    if let Some(path) = shelf.local(file).await {
        let content = local_content(path, content_type, (sent, names)).await;
        return content.map(|content| (content, is_lost)).map_err(|error| comfy(&error));
    }
    if metadata::is_restored(content_type, 0) {
        let response = shelf.client.view(file).await.map_err(|error| comfy(&error))?;
        let length = response.headers().get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if let Some(length) = length.filter(|length| metadata::is_restored(content_type, *length)) {
            let most = usize::try_from(length).unwrap_or(usize::MAX);
            let bytes = response.into_body().collect(most).await.map_err(|error| comfy(&error))?;
            return Ok((Content::from(metadata::restored(bytes, sent, names)), is_lost));
        }
    }
    let source = View { client: shelf.client.clone(), file: file.clone(), is_lost: Arc::clone(&is_lost) };
    Ok((Content::from_source(Arc::new(source)), is_lost))
}

fn comfy(error: &(dyn std::error::Error + 'static)) -> CollectError {
    CollectError::Comfy(super::with_causes(error))
}

async fn local_content(
    path: PathBuf,
    content_type: &str,
    (sent, names): (&Prompt, &Names),
) -> io::Result<Content> {
    let length = tokio::fs::metadata(&path).await?.len();
    if metadata::is_restored(content_type, length) {
        let bytes = tokio::fs::read(&path).await?;
        return Ok(Content::from(metadata::restored(bytes.into(), sent, names)));
    }
    Ok(Content::from_source(Arc::new(LocalFile(path))))
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
}
