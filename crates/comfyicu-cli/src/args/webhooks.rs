//! `comfyicu webhooks …`: the arguments.

use std::path::PathBuf;

use clap::{ArgAction, Subcommand, ValueEnum};
use comfyicu_model::{RunId, RunStatus};
use url::Url;

use super::{Edit, Workflow};

/// Delivers and checks webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// Follows the runs of a workflow, and delivers each change to a receiver on this machine, as the service would.
    Listen {
        /// Where to deliver to, such as `http://localhost:3000/hook`. Without it, what would be sent goes to stdout.
        #[arg(long, value_name = "URL", value_parser = super::run::parse_webhook)]
        forward_to: Option<Url>,
        #[command(flatten)]
        signing: Signing,
        /// Ends after one delivery.
        #[arg(long)]
        once: bool,
        /// Only these changes.
        #[arg(long, value_name = "EVENT", value_delimiter = ',')]
        events: Vec<WebhookKind>,
        #[command(flatten)]
        workflow: Workflow,
    },
    /// Sends one webhook, made up or of a real run, and shows what is answered.
    Trigger {
        /// What happened.
        #[arg(value_name = "EVENT")]
        event: WebhookKind,
        /// Where to send it.
        #[arg(long, value_name = "URL", value_parser = super::run::parse_webhook)]
        to: Url,
        /// The run that it is about; without it, one is made up.
        #[arg(long, value_name = "RUN", allow_hyphen_values = true)]
        run: Option<RunId>,
        #[command(flatten)]
        signing: Signing,
        /// Changes the body: a path such as output[0].url, and a value, which is JSON if it parses. Can be repeated.
        #[arg(long, value_name = "PATH=VALUE", action = ArgAction::Append)]
        set: Vec<Edit>,
        #[command(flatten)]
        workflow: Workflow,
    },
    /// Checks the signature of a webhook that was received. Ends with 7 when it does not fit.
    Verify {
        #[command(flatten)]
        signing: Signing,
        /// A header that came with it: webhook-id, webhook-timestamp, webhook-signature. Can be repeated.
        #[arg(short = 'H', long, value_name = "NAME:VALUE", action = ArgAction::Append)]
        header: Vec<Header>,
        /// Takes it however old it is.
        #[arg(long)]
        any_time: bool,
        /// The body to the letter; - is stdin.
        #[arg(value_name = "FILE")]
        body: PathBuf,
    },
}

/// The secret of signatures.
#[derive(clap::Args)]
pub(crate) struct Signing {
    /// The secret of signatures, `whsec_…`, or @FILE with it [env: COMFYICU_WEBHOOK_SECRET].
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

/// What webhooks tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WebhookKind {
    /// The run started.
    Started,
    /// It ended, with outputs.
    Completed,
    /// It failed.
    Error,
    /// It was cancelled (an extension).
    Cancelled,
}

impl WebhookKind {
    pub(crate) const fn status(self) -> RunStatus {
        match self {
            Self::Started => RunStatus::Started,
            Self::Completed => RunStatus::Completed,
            Self::Error => RunStatus::Error,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }

    /// What a status is told as.
    pub(crate) fn of(status: &RunStatus) -> Self {
        match status {
            RunStatus::Completed => Self::Completed,
            RunStatus::Cancelled => Self::Cancelled,
            status if status.is_terminal() => Self::Error,
            _ => Self::Started,
        }
    }
}

/// `NAME:VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: http::HeaderName,
    pub(crate) value: http::HeaderValue,
}

impl std::str::FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "it is not NAME:VALUE, such as webhook-id:msg_1";
        let (name, value) = text.split_once(':').ok_or(expected)?;
        let name = http::HeaderName::try_from(name.trim()).map_err(|_| expected)?;
        let value = http::HeaderValue::try_from(value.trim()).map_err(|_| expected)?;
        Ok(Self { name, value })
    }
}
