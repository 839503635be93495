//! ComfyUI's WebSocket: one connection, by the id of one client.

use std::fmt;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::client::ComfyClient;
use super::{ComfyError, SocketMessage, limit};

/// Asks for previews that say which prompt and node they are of, and says nothing else.
const FEATURES: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

/// How much is read at once: most messages are small, and the room for what is read is zeroed each time.
const READ_BYTES: usize = 8 * 1024;

/// What a WebSocket goes over.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// An open WebSocket. Dropped, it is closed.
///
/// ComfyUI sends what happens to the prompts of this client, and the progress of prompts without a client to
/// everybody. A newer socket of the same client takes the place of an older one without a word. What was missed
/// is not sent again: after a reconnect the queue and the history know.
pub struct Socket {
    stream: WebSocketStream<Box<dyn Connection>>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket(..)")
    }
}

impl ComfyClient {
    /// Opens the WebSocket of a client.
    ///
    /// # Errors
    /// When it cannot be opened within a quarter of a minute.
    pub async fn socket(&self, client_id: &str) -> Result<Socket, ComfyError> {
        let opened = tokio::time::timeout(limit::SOCKET_TIMEOUT, self.open_socket(client_id));
        let seconds = limit::SOCKET_TIMEOUT.as_secs();
        opened.await.map_err(|_| ComfyError::Timeout { call: "GET /ws", seconds })?
    }

    async fn open_socket(&self, client_id: &str) -> Result<Socket, ComfyError> {
        let (url, authorization) = self.socket_address(client_id);
        let mut request = url.as_str().into_client_request().map_err(failed)?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let connection = connect(&url).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(limit::MESSAGE_BYTES))
            .max_frame_size(Some(limit::MESSAGE_BYTES));
        let (mut stream, _) =
            client_async_with_config(request, connection, Some(config)).await.map_err(failed)?;
        // ComfyUI reads what a client can only from its first message.
        stream.send(Message::text(FEATURES)).await.map_err(failed)?;
        Ok(Socket { stream })
    }
}

impl Socket {
    /// The next message; `None` when ComfyUI closed the connection in good order.
    ///
    /// # Errors
    /// When the connection broke, as at a restart, or a message is larger than 64 MiB.
    ///
    /// # Cancel safety
    /// A message is given or still to come.
    pub async fn next(&mut self) -> Result<Option<SocketMessage>, ComfyError> {
        while let Some(message) = self.stream.next().await {
            let message = match message {
                Ok(Message::Text(text)) => SocketMessage::parse_text(&text),
                Ok(Message::Binary(frame)) => SocketMessage::parse_binary(frame),
                Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return Ok(None),
                Ok(_) => None,
                Err(error) => return Err(failed(error)),
            };
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }
}

async fn connect(url: &Url) -> Result<Box<dyn Connection>, ComfyError> {
    let nowhere = || ComfyError::Address(url.to_string());
    let host = url.host_str().ok_or_else(nowhere)?;
    let port = url.port_or_known_default().ok_or_else(nowhere)?;
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    if url.scheme() != "wss" {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(failed)?;
    let connector = TlsConnector::from(Arc::new(tls().map_err(failed)?));
    Ok(Box::new(connector.connect(name, stream).await.map_err(failed)?))
}

/// TLS that believes whom the platform believes, or nobody where it believes nobody.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    match versions()?.with_platform_verifier() {
        Ok(builder) => Ok(builder.with_no_client_auth()),
        Err(_) => Ok(versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ComfyError {
    ComfyError::Socket(Box::new(error))
}
