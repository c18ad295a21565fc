//! What the log says when a policy is loaded or refused.

use std::fmt;
use std::time::Duration;

use log::{error, info, warn};

use super::{REVISION, VERSION};
use config::Loaded;

/// Logs that a policy is in force, and its warnings. `more` is what else the edge knows of it.
pub fn log_loaded(loaded: &Loaded, load: Duration, more: impl fmt::Display) {
    let load = load.as_millis() as u64;
    info!("Origin Gate policy loaded version={VERSION} revision={REVISION} {loaded} load_ms={load}{more}");
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
}

/// Logs that a policy stays in force since a later one has errors, of which this is the first.
pub fn log_kept(digest: &str, error: impl fmt::Display) {
    error!("Origin Gate policy kept digest={digest}: an update was refused, first error: {error}");
}

/// Logs all that is wrong with a policy.
pub fn log_refused(errors: &[impl fmt::Display]) {
    error!(
        "Origin Gate policy refused, errors={}: a policy in force stays, if the proxy has one",
        errors.len()
    );
    for error in errors {
        error!("{error}");
    }
}
