//! Submits many runs at once and prints the id of each when it has ended: what `cargo xtask bench client` measures.
//!
//! `wait_many poll|events [--learn] ADDRESS RUNS`; `events` listens where the service tells of changes, `poll` looks.
//! With `--learn`, three runs come first, from which the client learns how long runs take.

use std::error::Error;
use std::io::Write as _;

use comfyicu_client::{Capabilities, Client, Extension, Workflow};
use comfyicu_model::{Prompt, RunId, WorkflowId};
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;

/// How many submits are under way at once: each has a connection of its own.
const SUBMITS: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let learns = std::env::args().any(|arg| arg == "--learn");
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--learn");
    let (Some(mode), Some(address), Some(runs)) = (args.next(), args.next(), args.next()) else {
        return Err("wait_many poll|events ADDRESS RUNS".into());
    };
    let extensions = if mode == "events" {
        vec![Extension::Events, Extension::IdempotencyKey]
    } else {
        vec![Extension::IdempotencyKey]
    };
    let client = Client::builder().base_url(address).capabilities(Capabilities::of(extensions)).build()?;
    let workflow = client.workflow(WorkflowId::parse("w")?);
    let submits = Semaphore::new(SUBMITS);
    if learns {
        try_join_all((0..3).map(|_| one(&workflow, &submits))).await?;
    }
    let one_printed = || async {
        let id = one(&workflow, &submits).await?;
        writeln!(std::io::stdout(), "{id}")?;
        Ok::<(), Box<dyn Error>>(())
    };
    try_join_all((0..runs.parse::<usize>()?).map(|_| one_printed())).await?;
    Ok(())
}

/// Runs a prompt to its end.
async fn one(workflow: &Workflow, submits: &Semaphore) -> Result<RunId, Box<dyn Error>> {
    let prompt = Prompt::parse(br#"{"1": {"class_type": "SaveImage", "inputs": {}}}"#)?;
    let turn = submits.acquire().await?;
    let run = workflow.run(prompt).await?;
    drop(turn);
    run.wait().await?;
    Ok(run.id().clone())
}
