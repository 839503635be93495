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
        match webhook_secrets(self.secret_file.as_deref()) {
            Ok(secrets) => self.secrets.replace(secrets),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "the webhooks' secrets stay as they were");
            }
        }
        match read_credentials(self.credentials_file.as_deref()) {
            Ok(credentials) => self.credentials.replace(&credentials),
            Err(error) => tracing::error!(error = with_causes(&error), "the credentials stay as they were"),
        }
        if let Some(keys) = &self.keys
            && let Err(error) = keys.reload().await
        {
            tracing::error!(error = with_causes(&error), "the keys stay as they were");
        }
        tracing::info!("keys, secrets and credentials were read again");
    }
}
