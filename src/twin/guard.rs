//! A panic here would unwind into Envoy, which ends the process. Every hook catches it instead.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

/// Makes a panic write its place to Envoy's log. What it says is left out: it may have a client's bytes in it.
pub(super) fn start() {
    panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| match panic.location() {
        Some(place) => log::error!("Origin Gate panicked at {place}: this is a bug in Origin Gate, please report it"),
        None => log::error!("Origin Gate panicked: this is a bug in Origin Gate, please report it"),
    }));
}

/// Runs `call`; `None` if it panics. Whatever it was changing is not to be relied on afterwards.
pub(super) fn caught<R>(call: impl FnOnce() -> R) -> Option<R> {
    panic::catch_unwind(AssertUnwindSafe(call)).ok()
}
