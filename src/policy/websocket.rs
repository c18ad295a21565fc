//! Who may open a WebSocket (RFC 6455 §10.2). The same-origin policy does not cover the handshake and browsers attach
//! cookies to it, so a server that does not look at `Origin` hands every site its visitors' sessions.

use super::headers;
use super::host::Authority;
use super::origin::Origin;
use super::request::{Field, RequestHead};
use super::set::HostSet;
use super::verdict::{Mode, Reason, RequestEdit};

/// The `websocket` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// `mode`.
    pub mode: Mode,
    /// `same_host`.
    pub same_host: bool,
    /// `allowed_hosts`.
    pub allowed_hosts: bool,
    /// `missing_origin` is `allow`.
    pub missing_origin: bool,
}

impl WebSocket {
    /// Whether an origin that `allowed_origins` refused for `reason` may open a WebSocket by another rule.
    pub(super) fn admit(
        self,
        origin: &Origin<'_>,
        reason: Reason,
        hosts: Option<&HostSet>,
        head: &RequestHead<'_>,
    ) -> Result<Reason, Reason> {
        // A name that is not this server's may be pointed at it by whoever owns the name (DNS rebinding).
        let is_own = |it: &Authority<'_>| hosts.is_none_or(|hosts| hosts.contains(&it.host));
        let target = head
            .target()
            .filter(|it| self.same_host && is_own(it) && origin.is_on_host(it));
        if target.is_some_and(|it| origin.is_at(&it)) {
            return Ok(Reason::SameHost);
        }
        // A root dot makes an origin another site, so here it is not dropped as a request's host would have it.
        let has_root_dot = origin.host.text().ends_with(b".");
        if self.allowed_hosts && !has_root_dot && hosts.is_some_and(|it| it.lists(&origin.host)) {
            return Ok(Reason::AllowedHosts);
        }
        Err(if target.is_some() { Reason::PortMismatch } else { reason })
    }
}

/// The edits that take a handshake to an HTTP/1.1 backend.
pub(super) fn request_edits(head: &RequestHead<'_>) -> impl Iterator<Item = RequestEdit> {
    // Proxies in front write the scheme of the socket; Django and others know only `http` and `https`.
    let scheme = match head.forwarded_proto {
        Field::One(proto) if proto.eq_ignore_ascii_case(b"wss") => Some("https"),
        Field::One(proto) if proto.eq_ignore_ascii_case(b"ws") => Some("http"),
        _ => None,
    };
    let scheme = scheme.map(|it| RequestEdit::Set(headers::X_FORWARDED_PROTO, it));
    // An extended CONNECT carries no key (RFC 8441 §5.1), and an HTTP/1.1 backend answers 400 without one.
    let key = (head.websocket_key == Field::Absent).then_some(RequestEdit::AddWebSocketKey);
    scheme.into_iter().chain(key)
}
