//! How soon a run that is cancelled ends: for who waits for it, and for the processor.

use std::time::{Duration, Instant};

use comfyicu_engine::{InputFiles, NativeExecutor};
use tokio_util::sync::CancellationToken;

use super::execute;
use super::machine::processor_time;
use super::prompt::What;
use crate::Failure;

/// How long a run goes on before it is cancelled.
const BEFORE: Duration = Duration::from_millis(150);

/// How often each prompt is cancelled; the longest time counts.
const ROUNDS: u32 = 3;

/// Cancels the longest nodes in the middle.
pub(super) fn run() -> Result<(), Failure> {
    println!(
        "| cancelled in | side | the call ends after, ms | the processor is free after, ms | processor time until \
         then, ms |"
    );
    println!("|---|---|---|---|---|");
    for (what, side) in What::LONG {
        let mut longest = [Duration::ZERO; 3];
        for round in 0..ROUNDS {
            let times = cancelled(&what.prompt(side, 1, round + 1))?.unwrap_or_default();
            longest.iter_mut().zip(times).for_each(|(longest, time)| *longest = time.max(*longest));
        }
        let [ended, free, worked] = longest.map(|time| time.as_secs_f64() * 1000.0);
        println!("| {} | {side} | {ended:.1} | {free:.1} | {worked:.1} |", what.name());
    }
    Ok(())
}

/// Cancels a prompt, and says when its call ended, when the one thread that it worked on was free for another, and
/// how much processor time went until then; nothing where it was done before.
///
/// The processor time is what counts on a machine that has other things to do.
fn cancelled(prompt: &str) -> Result<Option<[Duration; 3]>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let executor = NativeExecutor::new().threads(1)?;
    let cancel = CancellationToken::new();
    let later = cancel.clone();
    let asked = runtime.spawn(async move {
        tokio::time::sleep(BEFORE).await;
        later.cancel();
        (Instant::now(), processor_time(std::process::id()))
    });
    if execute(&runtime, &executor, prompt, InputFiles::default(), &cancel).is_ok() {
        return Ok(None);
    }
    let ended = Instant::now();
    let (asked, worked_before) = runtime.block_on(asked)?;
    let tiny = What::Save.prompt(1, 1, 1);
    execute(&runtime, &executor, &tiny, InputFiles::default(), &CancellationToken::new())?;
    let free = asked.elapsed();
    let worked = processor_time(std::process::id())
        .zip(worked_before)
        .map_or(Duration::ZERO, |(now, before)| now.saturating_sub(before));
    Ok(Some([ended.saturating_duration_since(asked), free, worked]))
}
