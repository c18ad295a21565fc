//! What is done at ticks, rather than at each request, since it crosses into the proxy: counters are written, and the clock is
//! read.

use std::cell::Cell;
use std::time::Duration;

use super::abi;
use super::counters;

/// How often, in milliseconds.
const PERIOD: u32 = 250;

thread_local! {
    /// The time at the last tick, if another is to come. Not every proxy that is asked for ticks has them.
    static LAST: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Asks for ticks.
pub(crate) fn start() {
    abi::tick(PERIOD);
}

/// At a tick.
pub(crate) fn on_tick() {
    LAST.set(Some(abi::now()));
    counters::write();
}

/// When a policy goes, and with it its ticks. Where there are others, the next of them goes on.
pub(crate) fn stop() {
    LAST.set(None);
    counters::write();
}

/// Whether there will be another tick.
pub(crate) fn is_ticking() -> bool {
    LAST.get().is_some()
}

/// The proxy's clock, as of the last tick.
pub(crate) fn now() -> Duration {
    LAST.get().unwrap_or_else(abi::now)
}
