//! The proxy's log.

use std::cell::Cell;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::abi;

/// The ABI's number of the level `debug`.
const DEBUG: u32 = 1;

/// Sends what is logged to the proxy. It is called before any other callback.
pub(super) fn start() {
    if log::set_logger(&ProxyLog).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

/// Logs a line at the level `debug`. Its memory is kept for the next one: every page's request writes one, which the proxy most
/// often drops.
pub(super) fn debug(pieces: &[&[u8]]) {
    thread_local! {
        static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut line = LINE.take();
    line.clear();
    for piece in pieces {
        line.extend_from_slice(piece);
    }
    abi::log(DEBUG, &line);
    LINE.set(line);
}

/// The proxy's log as the target of [`log`].
struct ProxyLog;

impl Log for ProxyLog {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Trace => 0,
            Level::Debug => DEBUG,
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        abi::log(level, record.args().to_string().as_bytes());
    }

    fn flush(&self) {}
}
