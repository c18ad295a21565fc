//! Envoy's log, under its component `dynamic_modules`.

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::abi;

/// Sends what is logged to Envoy.
pub(super) fn start() {
    if log::set_logger(&EnvoyLog).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

/// Takes over the level of Envoy's log, which can change at any time: nobody writes lines then that it does not want.
pub(super) fn follow() {
    let level = match abi::is_logged(Level::Debug) {
        true => LevelFilter::Debug,
        false => LevelFilter::Info,
    };
    // All workers read it.
    if log::max_level() != level {
        log::set_max_level(level);
    }
}

/// Envoy's log as the target of [`log`].
struct EnvoyLog;

impl Log for EnvoyLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        abi::is_logged(metadata.level())
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            abi::log(record.level(), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
