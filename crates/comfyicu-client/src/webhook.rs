//! Receiving webhooks: who sent them, which run they are of, and who waits for it.
//!
//! The hosted service promises a POST when a run starts and when it ends, whose body is the run, and nothing
//! else: no signature, no order, no second try. A receiver therefore expects the same message twice, messages
//! out of order and forged ones, and asks for the run where it matters; [`WebhookHub`] does.

mod hub;
mod inbox;
#[cfg(feature = "axum")]
mod route;
mod secret;
mod sender;
mod signer;
mod verify;

pub(crate) use hub::Subscription;
pub use hub::WebhookHub;
pub use inbox::{ReceivedWebhook, WebhookAnswer, WebhookReceiver, Webhooks};
pub use secret::{InvalidWebhookSecret, WebhookSecret};
pub use sender::{WebhookAttempt, WebhookSender};
pub use signer::webhook_headers;
pub use verify::{WebhookError, WebhookVerifier};
