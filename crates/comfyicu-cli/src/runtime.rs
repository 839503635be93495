//! The runtime of whatever waits: for the network, for a pipe, for time. What is done to files waits for nothing, and
//! to start a runtime and its threads would take longer than all of it: so none is made until it is asked for.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Handle};

use crate::failure::Failure;

/// Waits until there is a runtime: before this is done, nothing can be spawned, sent or slept.
pub(crate) async fn needed() {
    poll_fn(|_| if Handle::try_current().is_ok() { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Does a command: without a runtime as far as it goes, then with one, until the command is done or interrupted.
pub(crate) fn drive(
    command: impl Future<Output = Result<(), Failure>>,
    interrupted: impl Future<Output = Failure>,
) -> Result<(), Failure> {
    let mut command = Box::pin(command);
    if let Some(outcome) = command.as_mut().now_or_never() {
        return outcome;
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::unexpected("no runtime").because(&error))?;
    let outcome = runtime.block_on(async move {
        tokio::select! {
            biased;
            failure = interrupted => Err(failure),
            outcome = command => outcome,
        }
    });
    // A read from a pipe or a name that is being resolved is not waited for.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn has_runtime() -> bool {
        Handle::try_current().is_ok()
    }

    #[test]
    fn there_is_no_runtime_until_one_is_needed() {
        let outcome = drive(
            async {
                assert!(!has_runtime());
                Err(Failure::usage("wrong"))
            },
            pending(),
        );
        assert_eq!(outcome.map_err(|failure| failure.in_short()), Err("wrong".to_owned()));
        let outcome = drive(
            async {
                assert!(!has_runtime());
                needed().await;
                assert!(has_runtime());
                needed().await;
                tokio::task::spawn_blocking(|| Ok(())).await.unwrap()
            },
            pending(),
        );
        assert!(outcome.is_ok());
    }

    #[test]
    fn what_waits_is_interrupted() {
        let interrupted = async { Failure::unexpected("interrupted") };
        let outcome = drive(
            async {
                needed().await;
                pending().await
            },
            interrupted,
        );
        assert_eq!(outcome.map_err(|failure| failure.in_short()), Err("interrupted".to_owned()));
    }
}
