//! SIGHUP: keys, secrets and credentials are read again while the server runs.

use std::path::PathBuf;

use crate::files::Credentials;
use crate::keys::KeyRing;
use crate::report::with_causes;
use crate::serve::{read_credentials, webhook_secrets};
use crate::shutdown::Shutdown;
use crate::webhook::SharedSecrets;

/// What is read again.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    pub(crate) keys: Option<KeyRing>,
    pub(crate) secrets: SharedSecrets,
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) credentials: Credentials,
    pub(crate) credentials_file: Option<PathBuf>,
}

impl Reload {
    /// Waits for signals until the server stops. Where there are none, nothing is read again.
    pub(crate) async fn on_signals(self, shutdown: Shutdown) {
        #[cfg(unix)]
        if let Ok(mut hangups) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
            loop {
                tokio::select! {
                    () = shutdown.stopping() => return,
                    _ = hangups.recv() => self.read_again().await,
                }
            }
        }
        shutdown.stopping().await;
    }

    /// What cannot be read stays as it was.
    async fn read_again(&self) {
        let secrets = webhook_secrets(self.secret_file.as_deref()).map(|new| self.secrets.replace(new));
        let is_whole = was_read("the webhooks' secrets", &secrets);
        let credentials = read_credentials(self.credentials_file.as_deref());
        let is_whole =
            was_read("the credentials", &credentials.map(|new| self.credentials.replace(&new))) && is_whole;
        let is_whole = match &self.keys {
            Some(keys) => was_read("the keys", &keys.reload().await) && is_whole,
            None => is_whole,
        };
        if is_whole {
            tracing::info!("keys, secrets and credentials were read again");
        }
    }
}

/// Says where something stays as it was.
fn was_read<E: std::error::Error + 'static>(what: &'static str, read: &Result<(), E>) -> bool {
    if let Err(error) = read {
        tracing::error!(error = with_causes(error), "{what} stay as they were");
    }
    read.is_ok()
}
