//! One set of rules.

use std::sync::Arc;

pub use super::allowed::{DangerousOptions, Origins};
use super::check::{Cors, Csrf, Hosts, WebSocket};
use super::set::HostSet;

/// What applies to a request. Policies share what they inherit from each other.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `allowed_origins` and `allowed_origin_regexes`.
    pub origins: Arc<Origins>,
    /// `allowed_hosts`, if given.
    pub allowed_hosts: Option<Arc<HostSet>>,
    /// The host check; `None` if it is off.
    pub hosts: Option<Arc<Hosts>>,
    /// The WebSocket check; `None` if it is off.
    pub websocket: Option<WebSocket>,
    /// The check of cross-site writes; `None` if it is off.
    pub csrf: Option<Arc<Csrf>>,
    /// CORS; `None` if it is off.
    pub cors: Option<Arc<Cors>>,
}
