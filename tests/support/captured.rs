//! What is logged, for a test to read. One test a binary, since the log is one for all.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

struct Capture;

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.lock().unwrap().push((record.level(), record.args().to_string()));
    }

    fn flush(&self) {}
}

pub fn start() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(LevelFilter::Trace);
}

/// The lines since the last call.
pub fn take() -> Vec<(Level, String)> {
    std::mem::take(&mut LINES.lock().unwrap())
}
