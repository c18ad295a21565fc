//! The checks. Each is a type, which is its section of the configuration, and has one function,
//! `check(&self, &CheckInput) -> Result<Allow, Deny>`: by which rule it says yes, or why it says no. What becomes of a no is
//! for [`Rules::decide`](super::rules::Rules::decide), which asks them in turn.

mod cors;
mod csrf;
mod hosts;
mod websocket;

use std::cell::Cell;

pub use cors::{AllowList, Cors, UpstreamHeaders};
pub use csrf::Csrf;
pub use hosts::{ForwardedHost, Hosts};
pub use websocket::WebSocket;

use super::allowed::Origins;
use super::finding::{Allow, Deny};
use super::forwarding::Unfit;
use super::request::Request;
use super::set::HostSet;

/// Whether a check enforces what it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A refusal is carried out.
    Enforce,
    /// A refusal is only counted and logged.
    ReportOnly,
}

/// What becomes of a request that names no origin, where an origin would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingOrigin {
    /// It passes: no browser leaves the origin out, so its absence is no attack through one.
    Allow,
    /// It is refused.
    Reject,
}

/// What every check is asked: a request, and the lists that the checks share.
pub(super) struct CheckInput<'r, 'a> {
    /// The request.
    pub request: &'r Request<'a>,
    /// `allowed_origins` and `allowed_origin_regexes`.
    pub origins: &'r Origins,
    /// `allowed_hosts`, if given.
    pub hosts: Option<&'r HostSet>,
    /// What [`origins`](Self::origins) say of where the request comes from.
    pub found: Result<Allow, Deny>,
    /// Where `hosts` refuses a forwarded host: which one.
    pub unfit: Cell<Option<Box<Unfit<'a>>>>,
}
