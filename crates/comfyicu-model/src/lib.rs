//! ComfyUI prompts and ComfyICU runs as Rust types: pure data, pure functions, no I/O.
//!
//! A **prompt** is ComfyUI's API-format JSON graph, a **run** one execution of it on ComfyICU or on a
//! server that speaks its API. Both are kept without loss: what is read is written back with the same
//! values, in the same order, seeds of any size and unknown fields included.
//!
//! ```
//! use comfyicu_model::{Prompt, RunRequest, SettingKind};
//!
//! let mut prompt = Prompt::parse(br#"{
//!     "3": {"class_type": "KSampler", "inputs": {"seed": 253353381004563, "model": ["4", 0]}},
//!     "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}}
//! }"#)?;
//!
//! // Look at it,
//! for node in prompt.nodes() {
//!     println!("{}", node.summary());
//! }
//! // change it,
//! prompt.set("CheckpointLoaderSimple.ckpt_name", "sdxl.safetensors")?;
//! prompt.set_all(SettingKind::Seed, 42_u64);
//! // and make the body that runs it.
//! let body = RunRequest::new(prompt).to_json();
//! assert!(body.starts_with(r#"{"prompt":{"3":"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # I have a file and want …
//!
//! | … | |
//! |---|---|
//! | the prompt in it | [`Prompt::parse`]; [`Prompt::read`] when something is around it |
//! | the prompt in an image | `ImageMetadata` (feature `images`, on by default) |
//! | a prompt of the editor's own file | [`UiWorkflow::to_prompt`] |
//! | to see what is in it | [`Prompt::nodes`], [`Prompt::find`], [`Node::inputs`], [`Prompt::get`] |
//! | to change an input | [`Prompt::set`], [`Prompt::remove_input`]; [`Selector`] says how inputs are named |
//! | to change the file and nothing else in it | [`Prompt::write_into`] |
//! | to change seeds, texts, file names, sizes | [`Prompt::settings`], [`Prompt::settings_mut`], [`Prompt::set_all`] |
//! | other nodes | [`NewNode`], [`Prompt::add_node`], [`Prompt::remove_node`], [`Prompt::replace_node`], [`Prompt::rewire`] |
//! | to see it as a picture | [`Prompt::drawing`]; `Drawing::to_svg` (feature `svg`) |
//! | to know what needs what, and in which order | [`Prompt::graph`] |
//! | a part of it, two in one, other ids | [`Prompt::subprompt`], [`Prompt::merge`], [`Prompt::relabel`] |
//! | to know what changed | [`Prompt::diff`] |
//! | to know whether it is the same | [`Prompt::content_hash`], [`Prompt::graph_hash`], [`Prompt::document_hash`] |
//! | to know whether it will run | [`Prompt::check`], [`Prompt::check_with`] an [`ObjectInfo`], [`Prompt::verdict`]; [`RunRequest::check`] for its files too; [`RunRequest::readiness`] for what of it will run |
//! | to run it | [`RunRequest`], and the crate `comfyicu-client` |
//! | to read what came back | [`Run`], [`RunStatus`], [`RunOutput`]; [`WorkflowInfo`] |
//! | to know why a run failed, and where | [`Run::failure`], [`Run::failing_node`] |
//! | to take webhooks, or to follow a run | [`WebhookEvent`], [`RunEvent`] |
//!
//! Beside these there are [`Files`], [`DestPath`] and [`OutputPath`], paths that cannot leave their folder;
//! [`object_info`], the node definitions; [`Finding`], what a check found; and [`json`], the lossless JSON
//! underneath. The chapter “Prompts” of the project's book has an example for each line of the table.

mod accelerator;
mod check;
mod drawing;
mod field;
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
mod webhook;
mod workflow_info;

pub use accelerator::Accelerator;
pub use check::{NodeError, NodeErrors, Readiness, Verdict, VerdictError};
pub use drawing::Drawing;
pub use files::{DestPath, Files, InvalidFiles, InvalidPath, OutputPath, PathProblem};
pub use finding::{Finding, Severity};
pub use ids::{InvalidId, NodeId, RunId, WorkflowId};
#[cfg(feature = "images")]
pub use image_metadata::{ImageError, ImageFormat, ImageLimits, ImageMetadata, ImageText};
pub use nearest::nearest;
#[doc(no_inline)]
pub use object_info::ObjectInfo;
pub use prompt::{
    EditError, Edited, EntryPosition, GivenInput, Graph, GraphError, Input, InputChange, InvalidHash, Link,
    LinkedInput, NamedBy, NewNode, Node, NodeChange, NodeList, NodeSummary, ParsePromptError, Place, Prompt,
    PromptDiff, PromptHash, ReadOptions, ReadPrompt, Removed, Selector, Setting, SettingKind, SettingMut,
    SourceMap, Step, ToPlace, Wrapper,
};
pub use run::{
    FailingNode, FileCost, InvalidRunRequest, OutputFile, OutputKind, ParseRunError, ParseRunEventError,
    Refusal, Run, RunCosts, RunEvent, RunEventKind, RunFailure, RunMetadata, RunOutput, RunRequest,
    RunStatus, RunUser,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use ui_workflow::{
    Conversion, ConvertError, ConvertOptions, LocalTime, ParseUiWorkflowError, UiWorkflow,
};
pub use webhook::{WebhookEvent, WebhookKey};
pub use workflow_info::{ParseWorkflowInfoError, WorkflowInfo};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
