//! ComfyUI prompts and ComfyICU runs as Rust types: pure data, pure functions, no I/O.
//!
//! A **prompt** is ComfyUI's API-format JSON graph, a **run** one execution of it on ComfyICU or on a
//! server that speaks its API. Both are kept without loss: what is read is written back with the same
//! values, in the same order, seeds of any size and unknown fields included.
//!
//! ```
//! use comfyicu_model::{Prompt, RunRequest};
//!
//! let mut prompt = Prompt::parse(br#"{
//!     "3": {"class_type": "KSampler", "inputs": {"seed": 253353381004563, "model": ["4", 0]}},
//!     "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}}
//! }"#)?;
//!
//! // Look at it,
//! for node in prompt.nodes() {
//!     println!("{}: {}", node.id(), node.class_type().unwrap_or("?"));
//! }
//! // change it,
//! prompt.set("3.seed", 42_u64)?;
//! // and make the body that runs it.
//! let body = RunRequest::new(prompt).to_json();
//! assert!(body.starts_with(r#"{"prompt":{"3":"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Prompt`], [`Node`], [`Link`]: the graph, its links, the order in which it runs, edits.
//! - [`UiWorkflow`]: the editor's own file, and its way to a prompt.
//! - [`Run`], [`RunStatus`], [`RunOutput`], [`RunRequest`]: what the API sends and receives.
//! - [`Files`], [`DestPath`], [`OutputPath`]: paths that cannot leave their folder.
//! - [`ObjectInfo`], [`object_info`]: node definitions; [`Finding`]: what a check found.
//! - `ImageMetadata`: the prompt and the UI workflow in an image (feature `images`, on by default).
//! - [`json`]: the lossless JSON underneath.

mod accelerator;
mod check;
mod files;
mod finding;
mod ids;
#[cfg(feature = "images")]
mod image_metadata;
pub mod json;
mod loaders;
mod nearest;
pub mod object_info;
mod prompt;
mod python;
mod run;
mod timestamp;
mod ui_workflow;

pub use accelerator::Accelerator;
pub use check::{NodeError, NodeErrors, Verdict, VerdictError};
pub use files::{DestPath, Files, InvalidFiles, InvalidPath, OutputPath, PathProblem};
pub use finding::{Finding, Severity};
pub use ids::{InvalidId, NodeId, RunId, WorkflowId};
#[cfg(feature = "images")]
pub use image_metadata::{ImageError, ImageFormat, ImageLimits, ImageMetadata, ImageText};
#[doc(no_inline)]
pub use object_info::ObjectInfo;
pub use prompt::{
    EditError, Edited, EntryPosition, GivenInput, Graph, GraphError, Input, InputChange, InvalidHash, Link,
    LinkedInput, NamedBy, NewNode, Node, NodeChange, NodeList, NodeSummary, ParsePromptError, Place, Prompt,
    PromptDiff, PromptHash, ReadOptions, ReadPrompt, Removed, Selector, Setting, SettingKind, SettingMut,
    SourceMap, Step, ToPlace, Wrapper,
};
pub use run::{
    InvalidRunRequest, OutputFile, ParseRunError, Run, RunFailure, RunOutput, RunRequest, RunStatus,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use ui_workflow::{
    Conversion, ConvertError, ConvertOptions, LocalTime, ParseUiWorkflowError, UiWorkflow,
};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
