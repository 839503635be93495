//! Ctrl-C and SIGTERM. The first ends what goes on in good order, the second Ctrl-C at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::ExitStatus;

/// What is known of Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupt {
    was_pressed: Arc<AtomicBool>,
}

/// Makes a second Ctrl-C end the process at once, whatever it is doing.
pub(crate) fn second_quits() -> Interrupt {
    let was_pressed = Arc::new(AtomicBool::new(false));
    let interrupt = signal_hook::consts::SIGINT;
    let code = i32::from(ExitStatus::INTERRUPTED.code());
    // In this order: at the first one, the flag is not set yet. Without handlers, Ctrl-C does what it always did.
    let registered =
        signal_hook::flag::register_conditional_shutdown(interrupt, code, Arc::clone(&was_pressed))
            .and_then(|_| signal_hook::flag::register(interrupt, Arc::clone(&was_pressed)));
    drop(registered);
    Interrupt { was_pressed }
}

impl Interrupt {
    /// Waits for a signal, and gives the code with which the process ends. One that came before is not lost.
    pub(crate) async fn received(self) -> ExitStatus {
        if self.was_pressed.load(Ordering::Relaxed) { ExitStatus::INTERRUPTED } else { received().await }
    }
}

/// Waits for a signal, and gives the code with which the process ends.
#[cfg(unix)]
async fn received() -> ExitStatus {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = terminated => ExitStatus::TERMINATED,
        _ = tokio::signal::ctrl_c() => ExitStatus::INTERRUPTED,
    }
}

/// Waits for Ctrl-C, and gives the code with which the process ends.
#[cfg(not(unix))]
async fn received() -> ExitStatus {
    drop(tokio::signal::ctrl_c().await);
    ExitStatus::INTERRUPTED
}
