//! What goes into a batch, and what comes out.

use std::collections::HashSet;

use comfyicu_model::json::Value;
use comfyicu_model::{EditError, Prompt, Run, RunId};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind};
use crate::hex::hex;
use crate::run::{RunEvent, WaitError};

/// One prompt of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchItem {
    /// What it is called in results and in the manifest: once in a batch.
    pub name: String,
    /// The prompt.
    pub prompt: Prompt,
}

/// How far an item is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum BatchProgress<'a> {
    /// It is about to be submitted.
    Submitting,
    /// This is its run, which is waited for now.
    Waiting(&'a RunId),
    /// The run was looked at.
    Looked(&'a Run),
    /// Something happened to the run, where the service tells of it.
    Event(&'a RunEvent),
}

/// What came of one item.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchResult {
    /// Which item it is, from 0.
    pub index: usize,
    /// What it is called.
    pub name: String,
    /// The run, where there is one.
    pub run_id: Option<RunId>,
    /// The completed run, or why there is none: it was not submitted, it failed, or was not waited for.
    pub outcome: Result<Run, WaitError>,
}

impl BatchItem {
    /// Makes an item.
    pub fn new(name: impl Into<String>, prompt: Prompt) -> Self {
        Self { name: name.into(), prompt }
    }

    /// One prompt with each of these values at one input, such as `3.seed`. An item is called by the input and
    /// the value: `3.seed=42`.
    ///
    /// # Errors
    /// When the prompt has no such node, or the path is none.
    pub fn variations<V: Into<Value>>(
        prompt: &Prompt,
        path: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Vec<Self>, EditError> {
        let vary = |value: V| {
            let value = value.into();
            let mut prompt = prompt.clone();
            let name = format!("{path}={}", value.to_json());
            prompt.set(path, value)?;
            Ok(Self { name, prompt })
        };
        values.into_iter().map(vary).collect()
    }

    /// The digest of the prompt: what tells the same item from another one of its name.
    pub(super) fn digest(&self) -> String {
        hex(&Sha256::digest(self.prompt.to_json()))
    }
}

pub(super) fn check_names(items: &[BatchItem]) -> Result<(), Error> {
    let mut names = HashSet::new();
    match items.iter().find(|item| !names.insert(&item.name)) {
        Some(item) => {
            Err(Error::new(ErrorKind::Setup, format!("two items of the batch are called `{}`", item.name)))
        }
        None => Ok(()),
    }
}
