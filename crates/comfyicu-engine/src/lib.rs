//! Executes ComfyUI prompts.
//!
//! An [`Executor`] takes a [`Job`] (a prompt, and the files it reads), tells an [`EventSink`] how it goes and
//! gives an [`OutputSink`] the files that it saves. [`NativeExecutor`] does it in Rust, node by node, with
//! ComfyUI's own results and without Python. [`comfyui::ComfyExecutor`] has it done by real ComfyUIs.
//!
//! ```
//! use comfyicu_engine::{Executor, Job, MemoryOutputs, NativeExecutor, NoEvents};
//! use comfyicu_model::{Prompt, RunId};
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prompt = Prompt::parse(br#"{
//!     "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 255}},
//!     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}}
//! }"#)?;
//!
//! let executor = NativeExecutor::new();
//! let outputs = MemoryOutputs::default();
//! let job = Job::new(RunId::parse("r1")?, prompt);
//! executor.execute(job, &NoEvents, &outputs, &CancellationToken::new()).await?;
//! assert_eq!(outputs.take()[0].path.as_str(), "blue_00001_.png");
//! # Ok(())
//! # }
//! ```

pub mod comfyui;
mod error;
mod event;
mod executor;
mod job;
mod native;
mod output;

pub use error::{ExecutionError, NodeFailure};
pub use event::{Event, EventSink, NoEvents};
pub use executor::{Device, Executor, Ticket};
pub use job::{InputFile, InputFiles, Job, Secrets};
pub use native::{MemoryLimits, NativeExecutor, ThumbnailError, thumbnail};
pub use output::{Content, ContentSource, MemoryOutputs, Output, OutputKind, OutputSink, SaveError};
