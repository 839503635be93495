//! The transport that plays a cassette.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::compare::first_difference;
use super::exchange::Sent;
use super::scrub::Scrub;
use super::{Cassette, CassetteError};
use crate::{HttpTransport, Request, Response, TransportError, TransportErrorKind};

/// Plays a cassette: each request has to be the next one recorded, and gets what was recorded for it. One that
/// is not fails, and says where it first differs; so does one after the last. Clones play the same cassette.
#[derive(Clone)]
pub struct Replay {
    scrub: Scrub,
    cassette: Arc<Cassette>,
    next: Arc<Mutex<usize>>,
}

impl Replay {
    /// Plays a cassette from its beginning.
    pub fn new(cassette: Cassette) -> Self {
        Self { scrub: Scrub::default(), cassette: Arc::new(cassette), next: Arc::new(Mutex::new(0)) }
    }

    /// Plays the cassette of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is no cassette.
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Self, CassetteError> {
        Cassette::read(path).map(Self::new)
    }

    /// Takes a text out of what is asked, as it was when it was recorded.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.scrub.secret(secret.into());
        self
    }

    /// How many exchanges have not been asked for yet; a test asks for none to be left in the end.
    pub fn left(&self) -> usize {
        self.cassette.len().saturating_sub(*self.next.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn play(&self, sent: &Sent) -> Result<Response, TransportError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(exchange) = self.cassette.exchanges.get(*next) else {
            let all = self.cassette.len();
            return Err(differs(format!(
                "all {all} exchanges are played; more: {} {}",
                sent.method, sent.url
            )));
        };
        if let Some(difference) = first_difference(&exchange.request, sent) {
            return Err(differs(format!("exchange {}: {difference}", *next + 1)));
        }
        *next += 1;
        exchange.play()
    }
}

#[async_trait]
impl HttpTransport for Replay {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.play(&Sent::of(&request, &self.scrub))
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("left", &self.left()).finish_non_exhaustive()
    }
}

fn differs(problem: String) -> TransportError {
    TransportError::new(TransportErrorKind::Request, problem)
}
