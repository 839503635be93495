//! What an executor saves, and where it goes.

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use comfyicu_model::{NodeId, OutputPath};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Whether an output is a result of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputKind {
    /// A result: ComfyUI's `/output/`.
    Output,
    /// A preview, which is not kept: ComfyUI's `/temp/`.
    Temp,
}

/// A file that a node saves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Output {
    /// The node that saves it.
    pub node_id: NodeId,
    /// Whether it is a result.
    pub kind: OutputKind,
    /// Where it stands below the output folder.
    pub path: OutputPath,
    /// Its media type, such as `image/png`.
    pub content_type: Cow<'static, str>,
    /// Its bytes.
    pub content: Content,
}

impl Output {
    /// Makes an output.
    pub fn new(
        node_id: NodeId,
        kind: OutputKind,
        path: OutputPath,
        content_type: impl Into<Cow<'static, str>>,
        content: impl Into<Content>,
    ) -> Self {
        Self { node_id, kind, path, content_type: content_type.into(), content: content.into() }
    }
}

/// The bytes of an output. They may be in memory, or still be somewhere else.
#[derive(Clone, Debug)]
pub struct Content(Place);

#[derive(Clone, Debug)]
enum Place {
    Memory(Bytes),
    Elsewhere(Arc<dyn ContentSource>),
}

/// Bytes that are somewhere else, and are read when they are wanted.
#[async_trait]
pub trait ContentSource: Debug + Send + Sync {
    /// Writes the bytes somewhere, from the beginning each time.
    ///
    /// # Errors
    /// When they cannot be written, or cannot be had any more.
    async fn write_to(&self, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> io::Result<()>;
}

impl Content {
    /// Bytes that are somewhere else.
    pub fn from_source(source: Arc<dyn ContentSource>) -> Self {
        Self(Place::Elsewhere(source))
    }

    /// The bytes, when they are in memory.
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Place::Memory(bytes) => Some(bytes),
            Place::Elsewhere(_) => None,
        }
    }

    /// Writes the bytes somewhere.
    ///
    /// # Errors
    /// When they cannot be written, or cannot be had any more.
    ///
    /// # Cancel safety
    /// When the future is dropped, a part may have been written.
    pub async fn write_to(&self, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> io::Result<()> {
        match &self.0 {
            Place::Memory(bytes) => writer.write_all(bytes).await,
            Place::Elsewhere(source) => source.write_to(writer).await,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self(Place::Memory(bytes.into()))
    }
}

/// Why an output could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("the output {path} cannot be saved")]
pub struct SaveError {
    path: OutputPath,
    #[source]
    source: io::Error,
}

impl SaveError {
    /// Says which output could not be saved, and why.
    pub const fn new(path: OutputPath, source: io::Error) -> Self {
        Self { path, source }
    }
}

/// Takes the files that a run saves.
#[async_trait]
pub trait OutputSink: Debug + Send + Sync {
    /// Saves one file; it is safe when this returns.
    ///
    /// # Errors
    /// When it cannot be saved; the run then fails.
    async fn save(&self, output: Output) -> Result<(), SaveError>;
}

/// Keeps the outputs in memory: for tests, and for programs that want the bytes.
#[derive(Debug, Default)]
pub struct MemoryOutputs(Mutex<Vec<Output>>);

impl MemoryOutputs {
    /// Takes out what was saved so far, in order.
    pub fn take(&self) -> Vec<Output> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl OutputSink for MemoryOutputs {
    async fn save(&self, output: Output) -> Result<(), SaveError> {
        let mut output = output;
        if output.content.as_bytes().is_none() {
            let mut bytes = Vec::new();
            let read = output.content.write_to(&mut bytes).await;
            read.map_err(|source| SaveError::new(output.path.clone(), source))?;
            output.content = bytes.into();
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(output);
        Ok(())
    }
}
