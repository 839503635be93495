//! The client: where the service is, the key, and the transport.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::{OutputFile, Run, RunId, WorkflowId, WorkflowInfo};
use comfyicu_transport::SharedTransport;
use tokio::sync::OnceCell;
use url::Url;

use crate::base_url::BaseUrl;
use crate::builder::ClientBuilder;
use crate::capabilities::Capabilities;
use crate::download::Download;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::key::ApiKey;
use crate::run::{Crowds, Lengths, RunHandle};
use crate::upload::Upload;
use crate::workflow::Workflow;

/// How long a server may take to say what it offers: it has it at hand.
const CAPABILITIES_TIMEOUT: Duration = Duration::from_secs(15);

/// A client of the hosted service, or of a server of one's own. Clones share everything and cost nothing.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base: BaseUrl,
    pub(crate) key: Option<ApiKey>,
    pub(crate) transport: SharedTransport,
    pub(crate) timeout: Duration,
    pub(crate) capabilities: OnceCell<Capabilities>,
    pub(crate) lengths: Lengths,
    pub(crate) crowds: Crowds,
    pub(crate) definitions: crate::object_info::Cached,
}

impl Client {
    /// Starts to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Makes a client of what the environment says: `COMFYICU_API_KEY` and `COMFYICU_BASE_URL`. Variables
    /// that are not set, or empty, leave the default.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] when a variable cannot be used. A key that is missing is an error only
    /// when the hosted service is called.
    #[cfg(feature = "reqwest")]
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Where the service is.
    pub fn base_url(&self) -> &Url {
        self.inner.base.as_url()
    }

    /// Whether the service is the hosted one, by its address.
    pub fn is_hosted(&self) -> bool {
        self.inner.base.is_hosted()
    }

    /// A workflow, to run prompts in. Nothing is sent.
    pub fn workflow(&self, id: WorkflowId) -> Workflow {
        Workflow::new(self.clone(), id)
    }

    /// An existing run. Nothing is sent, so it is not known yet whether it exists.
    pub fn run(&self, workflow: WorkflowId, run: RunId) -> RunHandle {
        RunHandle::new(self.clone(), workflow, run)
    }

    /// The workflows of the account, or of the server. An endpoint that is not documented, but used.
    ///
    /// # Errors
    /// When the key is refused, or no list arrives.
    ///
    /// # Cancel safety
    /// Safe: nothing changes by asking.
    pub async fn workflows(&self) -> Result<Vec<WorkflowInfo>, Error> {
        let page = self.exchange(&Call::list_workflows(&self.inner.base)).await?.into_page()?;
        Ok(page.items.into_iter().filter_map(|workflow| WorkflowInfo::from_value(workflow).ok()).collect())
    }

    /// Saves the outputs of a run below `folder`, sub-folders kept; see [`Download`].
    pub fn download(&self, run: Run, folder: impl Into<PathBuf>) -> Download {
        Download::of_run(self.clone(), run, folder.into())
    }

    /// Fetches one output and writes it to anything that takes bytes, such as standard output or a hash, and gives
    /// how many there were. A transfer that breaks goes on where it broke, as with [`Download`].
    ///
    /// # Errors
    /// - [`Transport`](ErrorKind::Transport), [`Server`](ErrorKind::Server): the output did not arrive whole;
    /// - [`WriteFile`](ErrorKind::WriteFile): the writer failed. In each case a part may have been written.
    ///
    /// # Cancel safety
    /// When the future is dropped, a part may have been written.
    pub async fn write_output<W>(&self, output: &OutputFile, writer: &mut W) -> Result<u64, Error>
    where
        W: tokio::io::AsyncWrite + Send + Unpin,
    {
        crate::download::write_output(self, output, writer).await
    }

    /// Hands a local file to the server, for the `files` of runs. An extension of the self-hosted server;
    /// see [`Upload`].
    pub fn upload(&self, path: impl Into<PathBuf>) -> Upload {
        Upload::new(self.clone(), path.into())
    }

    /// What the server offers beyond the hosted service; asked for once, then remembered.
    ///
    /// # Errors
    /// When the server cannot be asked. That it does not know the question is an answer: nothing.
    ///
    /// # Cancel safety
    /// Safe: whoever asks next asks anew.
    pub async fn capabilities(&self) -> Result<&Capabilities, Error> {
        self.inner.capabilities.get_or_try_init(|| self.ask_capabilities()).await
    }

    async fn ask_capabilities(&self) -> Result<Capabilities, Error> {
        if self.is_hosted() {
            return Ok(Capabilities::none());
        }
        let bound = self.inner.timeout.min(CAPABILITIES_TIMEOUT);
        match self.exchange_within(&Call::capabilities(&self.inner.base), Some(bound)).await {
            Ok(answer) => Ok(answer.into_object().map_or_else(|_| Capabilities::none(), Capabilities::read)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Protocol) => {
                Ok(Capabilities::none())
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Client");
        debug.field("base_url", &self.inner.base).field("key", &self.inner.key);
        debug.finish_non_exhaustive()
    }
}
