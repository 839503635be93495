//! What a watch waits for: each of them comes, or never does where there is nothing that it could come from.

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::run::crowd::{News, Seat};
use crate::run::live::{Heard, Live};
use crate::webhook::Subscription;

/// Waits for a moment; for ever, where there is none.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What comes of a future, if that is in time.
pub(super) async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

/// Listens; for ever, where nothing is told.
pub(super) async fn hearing(live: Option<&mut Live>) -> Heard {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for what others find out; for ever, where nobody else waits.
pub(super) async fn news(seat: Option<&Seat>) -> News {
    match seat {
        Some(seat) => seat.news().await,
        None => std::future::pending().await,
    }
}

/// Waits for a webhook; for ever, where nobody receives them.
pub(super) async fn arrival(hub: Option<&Subscription>) {
    match hub {
        Some(subscription) => subscription.arrival().await,
        None => std::future::pending().await,
    }
}
