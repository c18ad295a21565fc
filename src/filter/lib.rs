//! One request's way through the filter, whatever the proxy: ask the policy, do what it says, keep the response's edits
//! in the stream, and apply them when the response comes.

#![forbid(unsafe_code)]

mod cookies;
mod decision_log;
mod filter_config;
mod kept;
mod loading;
mod logged;
mod pairs;
mod proxy;
mod received;
mod removed;
mod response;
mod shown;
mod stream;

pub use cookies::{COUNTER as DROPPED_COOKIES, Cookies};
pub use decision_log::{DecisionLog, INTERVAL, MAX_BUCKETS};
pub use filter_config::{FINDING, FilterConfig};
pub use kept::Kept;
pub use loading::{log_kept, log_loaded, log_refused};
pub use logged::MAX_LOGGED;
pub use pairs::Pairs;
pub use proxy::{Headers, Proxy, Unavailable};
pub use removed::{COUNTER as REMOVED_GRANTS, QUIET, Removed, Replacement};
pub use stream::{Filter, Next};

/// The version of the source.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source's revision in Git, as `build.sh` tells it: `…-dirty` if files had been changed, `unknown` without.
pub const REVISION: &str = match option_env!("ORIGIN_GATE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
