//! `-v`: what is sent and answered, on stderr. Keys, bodies and queries are never part of it.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// Begins to tell: of each request with 1, of all that is known with more.
pub(crate) fn begin(level: u8) {
    let targets = match level {
        0 => return,
        1 => Targets::new().with_target("comfyicu_transport", Level::DEBUG),
        2 => Targets::new().with_target("comfyicu", Level::TRACE).with_default(Level::DEBUG),
        _ => Targets::new().with_default(Level::TRACE),
    };
    let layer = fmt::layer().with_writer(io::stderr).with_target(level > 1).without_time();
    // It fails when something tells already: a binary around this one.
    drop(registry().with(layer.with_filter(targets)).try_init());
}
