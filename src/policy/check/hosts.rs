//! Which hosts a request may ask for. A server that answers for any host can be made to put a stranger's into its links
//! and caches, and is open to DNS rebinding; RFC 9110 §7.4 has it reject what is misdirected.

use super::{CheckInput, Mode};
use crate::edits::RequestEdit;
use crate::finding::{Allow, Deny};
use crate::path::{self, PathPattern};
use crate::request::Request;

/// The `hosts` section.
#[derive(Debug)]
pub struct Hosts {
    /// `mode`.
    pub mode: Mode,
    /// `reject_status`.
    pub reject_status: u16,
    /// `exempt_paths`.
    pub exempt_paths: Vec<PathPattern>,
    /// `forwarded_host`.
    pub forwarded_host: ForwardedHost,
}

/// What becomes of the hosts in `X-Forwarded-Host` and `Forwarded`, which a client can set and many frameworks believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHost {
    /// Each is held to `allowed_hosts` like the host itself.
    Check,
    /// They go on unread.
    Ignore,
    /// They are taken out.
    Strip,
}

impl Hosts {
    /// Whether the request names hosts of the list, and no others.
    #[inline]
    pub(crate) fn check(&self, input: &CheckInput<'_, '_>) -> Result<Allow, Deny> {
        let CheckInput { request, .. } = input;
        let Some(hosts) = input.hosts else {
            return Ok(Allow::Off);
        };
        if path::any_covers(&self.exempt_paths, &request.path) {
            return Ok(Allow::Off);
        }
        let target = request.target.as_ref().ok_or(Deny::HostMalformed)?;
        if !hosts.contains(&target.host) {
            return Err(Deny::HostNotAllowed);
        }
        if self.forwarded_host == ForwardedHost::Check
            && let Some(unfit) = request.received.forwarding.unfit(|host| hosts.contains(host))
        {
            let deny = unfit.reason();
            input.unfit.set(Some(Box::new(unfit)));
            return Err(deny);
        }
        Ok(Allow::AllowedHosts)
    }

    /// Adds the edits to a request that goes on.
    #[inline]
    pub(crate) fn edit_request(&self, request: &Request<'_>, edits: &mut Vec<RequestEdit>) {
        if self.forwarded_host == ForwardedHost::Strip && self.mode == Mode::Enforce {
            edits.append(&mut request.received.forwarding.strip());
        }
    }
}
