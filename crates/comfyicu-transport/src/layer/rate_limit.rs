//! The layer that keeps to a pace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use crate::{HttpTransport, Request, Response, ResponseBody, SharedTransport};
use crate::{TransportError, TransportErrorKind};

/// How many requests may begin in a second, and how many may be on their way at once.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it limits nothing until a layer is made of it"]
pub struct RateLimit {
    interval: Duration,
    burst: u32,
    in_flight: usize,
}

impl RateLimit {
    /// No limit yet.
    pub const fn none() -> Self {
        Self { interval: Duration::ZERO, burst: 1, in_flight: Semaphore::MAX_PERMITS }
    }

    /// At most so many requests a second, evenly spread. Zero, or less, is once in an hour: a limit stays one.
    pub fn per_second(requests: f64) -> Self {
        const SLOWEST: f64 = 1.0 / 3600.0;
        let interval = Duration::from_secs_f64(1.0 / requests.clamp(SLOWEST, 1e9));
        Self { interval, ..Self::none() }
    }

    /// Lets so many requests begin at once after a pause, before the pace is kept; the default is 1.
    pub const fn burst(mut self, requests: u32) -> Self {
        self.burst = if requests == 0 { 1 } else { requests };
        self
    }

    /// At most so many requests on their way at once, bodies included; 0 counts as 1.
    pub const fn in_flight(mut self, requests: usize) -> Self {
        let most = if requests > Semaphore::MAX_PERMITS { Semaphore::MAX_PERMITS } else { requests };
        self.in_flight = if most == 0 { 1 } else { most };
        self
    }
}

/// Lets each request wait until the [`RateLimit`] allows it. Clones share the limit.
///
/// A request counts as on its way until its response's body has ended or is dropped. A request that is
/// dropped while it waits for its turn gives its place in flight back, but not its turn.
#[derive(Clone, Debug)]
pub struct RateLimited {
    inner: SharedTransport,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    in_flight: Arc<Semaphore>,
    pace: Pace,
}

impl RateLimited {
    /// Puts the layer around a transport.
    pub fn new(inner: SharedTransport, limit: RateLimit) -> Self {
        let pace = Pace { interval: limit.interval, burst: limit.burst, next: Mutex::new(None) };
        let shared = Shared { in_flight: Arc::new(Semaphore::new(limit.in_flight)), pace };
        Self { inner, shared: Arc::new(shared) }
    }
}

#[async_trait]
impl HttpTransport for RateLimited {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let permit = Arc::clone(&self.shared.in_flight).acquire_owned().await;
        let permit = permit.map_err(|error| TransportError::new(TransportErrorKind::Request, error))?;
        if let Some(turn) = self.shared.pace.turn(Instant::now()) {
            sleep_until(turn).await;
        }
        let (head, body) = self.inner.send(request).await?.into_parts();
        let body = body.map(move |part| {
            // The body owns the place in flight.
            let _held = &permit;
            part
        });
        Ok(Response::from_parts(head, ResponseBody::from_stream(body)))
    }
}

/// Spreads requests evenly (the generic cell rate algorithm): each takes the next free turn.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    burst: u32,
    /// The turn after the last one taken, if nobody ever hurried.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Takes a turn, and says when it is; `None` when it is now.
    fn turn(&self, now: Instant) -> Option<Instant> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let even = next.map_or(now, |next| next.max(now));
        *next = Some(even.checked_add(self.interval).unwrap_or(even));
        let ahead = self.interval.saturating_mul(self.burst.saturating_sub(1));
        even.checked_sub(ahead).filter(|turn| *turn > now)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::testing::{answers, get};

    /// When, in milliseconds, each of eight requests at once is sent.
    async fn times(limit: RateLimit) -> Vec<u128> {
        let begin = Instant::now();
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        let inner = answers(move |_| {
            seen.lock().unwrap().push(begin.elapsed().as_millis());
            Ok(Response::new("ok".into()))
        });
        let layer = RateLimited::new(Arc::new(inner), limit);
        let send = |layer: RateLimited| async move { layer.send(get("http://h/")).await.unwrap() };
        drop(join_all((0..8).map(|_| send(layer.clone()))).await);
        log.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_begin_at_the_pace_and_clones_share_it() {
        let even = times(RateLimit::per_second(4.0)).await;
        assert_eq!(even, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
        let burst = times(RateLimit::per_second(4.0).burst(3)).await;
        assert_eq!(burst, [0, 0, 0, 250, 500, 750, 1000, 1250]);
        assert_eq!(times(RateLimit::none()).await, [0; 8]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_in_flight_is_held_until_the_body_ends() {
        let layer = RateLimited::new(
            Arc::new(answers(|_| Ok(Response::new("ok".into())))),
            RateLimit::none().in_flight(1),
        );
        let first = layer.send(get("http://h/")).await.unwrap();
        let second = layer.clone();
        let waiting = tokio::time::timeout(Duration::from_secs(9), second.send(get("http://h/"))).await;
        assert!(waiting.is_err(), "the first is still on its way");
        assert_eq!(first.into_body().collect(9).await.unwrap(), "ok");
        layer.send(get("http://h/")).await.unwrap();
    }

    #[test]
    fn a_limit_of_nothing_is_still_one() {
        assert_eq!(RateLimit::per_second(0.0).interval, Duration::from_secs(3600));
        assert_eq!(RateLimit::per_second(f64::NAN.max(-1.0)).interval, Duration::from_secs(3600));
        assert_eq!(RateLimit::none().in_flight(0).in_flight, 1);
    }
}
