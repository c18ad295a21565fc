//! Envoy's log, under its component `dynamic_modules`.

use log::{LevelFilter, Log, Metadata, Record};

use super::abi;

/// Sends what is logged to Envoy.
pub(super) fn start() {
    if log::set_logger(&EnvoyLog).is_ok() {
        log::set_max_level(LevelFilter::Debug);
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
