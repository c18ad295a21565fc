//! What the log says when a policy is loaded or refused, and the settings that one takes from the process.

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

/// Logs all that is wrong with a policy.
pub fn log_refused(errors: &[impl fmt::Display]) {
    error!("Origin Gate policy refused, errors={}", errors.len());
    for error in errors {
        error!("{error}");
    }
}

/// The environment of the process, or of the VM. A value that is not UTF-8 fits no setting, and is shown with replacement
/// characters.
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.collect()
}
