//! How soon a run that is cancelled ends: for who waits for it, and for the processor.

use std::time::{Duration, Instant};

use comfyicu_engine::{InputFiles, NativeExecutor};
use tokio_util::sync::CancellationToken;

use super::execute;
use super::prompt::What;
use crate::Failure;

/// How long a run goes on before it is cancelled.
const BEFORE: Duration = Duration::from_millis(150);

/// How often each prompt is cancelled; the longest time counts.
const ROUNDS: u32 = 3;

/// Cancels the longest nodes in the middle.
pub(super) fn run() -> Result<(), Failure> {
    println!("| cancelled in | side | the call ends after, ms | the processor is free after, ms |");
    println!("|---|---|---|---|");
    for (what, side) in What::LONG {
        let (mut ended, mut free) = (Duration::ZERO, Duration::ZERO);
        for round in 0..ROUNDS {
            if let Some((this_ended, this_free)) = cancelled(&what.prompt(side, 1, round + 1))? {
                (ended, free) = (ended.max(this_ended), free.max(this_free));
            }
        }
        let [ended, free] = [ended, free].map(|time| time.as_secs_f64() * 1000.0);
        println!("| {} | {side} | {ended:.1} | {free:.1} |", what.name());
    }
    Ok(())
}

/// Cancels a prompt, and says when its call ended, and when the one thread that it worked on was free for
/// another; nothing where it was done before.
fn cancelled(prompt: &str) -> Result<Option<(Duration, Duration)>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let executor = NativeExecutor::new().threads(1)?;
    let cancel = CancellationToken::new();
    let later = cancel.clone();
    let asked = runtime.spawn(async move {
        tokio::time::sleep(BEFORE).await;
        later.cancel();
        Instant::now()
    });
    if execute(&runtime, &executor, prompt, InputFiles::default(), &cancel).is_ok() {
        return Ok(None);
    }
    let ended = Instant::now();
    let asked = runtime.block_on(asked)?;
    let tiny = What::Save.prompt(1, 1, 1);
    execute(&runtime, &executor, &tiny, InputFiles::default(), &CancellationToken::new())?;
    Ok(Some((ended.saturating_duration_since(asked), asked.elapsed())))
}
