//! Who may open a WebSocket (RFC 6455 §10.2). The same-origin policy does not cover the handshake and browsers attach
//! cookies to it, so a server that does not look at `Origin` hands every site its visitors' sessions.

use super::{CheckInput, MissingOrigin, Mode};
use crate::edits::RequestEdit;
use crate::finding::{Allow, Deny};
use crate::headers;
use crate::host::Authority;
use crate::origin::{NoOrigin, Origin};
use crate::request::{Field, Request, Source};
use crate::set::HostSet;

/// The `websocket` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// `mode`.
    pub mode: Mode,
    /// `same_host`.
    pub same_host: bool,
    /// `allowed_hosts`.
    pub allowed_hosts: bool,
    /// `missing_origin`.
    pub missing_origin: MissingOrigin,
}

/// What an empty section says.
impl Default for WebSocket {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            same_host: true,
            allowed_hosts: false,
            missing_origin: MissingOrigin::Allow,
        }
    }
}

impl WebSocket {
    /// Whether the page behind a handshake may open a WebSocket. A handshake always carries its visitor's cookies.
    pub(crate) fn check(&self, input: &CheckInput<'_, '_>) -> Result<Allow, Deny> {
        let CheckInput {
            request,
            origins,
            hosts,
            ..
        } = input;
        let origin = match &request.source {
            Source::Origin(origin) => origin,
            Source::Missing if self.missing_origin == MissingOrigin::Allow => return Ok(Allow::OriginMissing),
            Source::Missing => return Err(Deny::OriginMissing),
            Source::None(NoOrigin::Malformed) => return Err(Deny::OriginMalformed),
            // Where `null` is allowed, it is allowed to read and no more.
            Source::None(NoOrigin::Null) if input.found.is_ok() => return Err(Deny::OriginNotAllowed),
            Source::None(NoOrigin::Null) => return Err(Deny::OriginNull),
        };
        if let Some(admitted) = origins.admit(origin, request) {
            return admitted;
        }
        let target = request.target.as_ref();
        let rules = [
            (Allow::SameHost, self.same_host(origin, target, *hosts)),
            (Allow::AllowedHosts, self.allowed_hosts(origin, target, *hosts)),
        ];
        if rules.iter().any(|(_, port)| port.is_some()) {
            origins.refuse_downgrade(origin, request)?;
        }
        match rules.iter().find(|(_, port)| *port == Some(PortMatch::Yes)) {
            Some((allow, _)) => Ok(*allow),
            None if rules.iter().any(|(_, port)| port.is_some()) => Err(Deny::PortMismatch),
            None => Err(input.found.err().unwrap_or(Deny::OriginNotAllowed)),
        }
    }

    /// The edits that take a handshake to an HTTP/1.1 backend.
    pub(crate) fn request_edits(&self, request: &Request<'_>) -> impl Iterator<Item = RequestEdit> + use<> {
        let is_on = self.mode == Mode::Enforce;
        // Proxies in front write the scheme of the socket; Django and others know only `http` and `https`.
        let scheme = match request.received.forwarded_proto {
            Field::One(proto) if proto.eq_ignore_ascii_case(b"wss") => Some("https"),
            Field::One(proto) if proto.eq_ignore_ascii_case(b"ws") => Some("http"),
            _ => None,
        };
        let scheme = scheme.map(|it| RequestEdit::Set(headers::X_FORWARDED_PROTO, it));
        // An extended CONNECT carries no key (RFC 8441 §5.1), and an HTTP/1.1 backend answers 400 without one.
        let key = (request.received.websocket_key == Field::Absent).then_some(RequestEdit::AddWebSocketKey);
        scheme.into_iter().chain(key).filter(move |_| is_on)
    }

    /// `same_host`: the page is on the host that it asks; and on the port?
    fn same_host(
        &self,
        origin: &Origin<'_>,
        target: Option<&Authority<'_>>,
        hosts: Option<&HostSet>,
    ) -> Option<PortMatch> {
        let target = target.filter(|it| self.same_host && origin.is_on_host(it))?;
        // A name that is not this server's may be pointed at it by whoever owns the name (DNS rebinding).
        let is_own = hosts.is_none_or(|hosts| hosts.contains(&target.host));
        is_own.then(|| PortMatch::from(origin.is_at(target)))
    }

    /// `allowed_hosts`: the page is on a host of the list; and on its default port, or the request's?
    fn allowed_hosts(
        &self,
        origin: &Origin<'_>,
        target: Option<&Authority<'_>>,
        hosts: Option<&HostSet>,
    ) -> Option<PortMatch> {
        let is_listed = self.allowed_hosts
            && origin.is_web()
            // A root dot makes an origin another site, so here it is not dropped as a request's host would have it.
            && !origin.host.text().ends_with(b".")
            && hosts.is_some_and(|it| it.lists(&origin.host));
        if !is_listed {
            return None;
        }
        if origin.host.is_own_machine() {
            // On the visitor's own machine any program can be the page, so that it may only ask that machine.
            return target.filter(|it| it.host.is_own_machine()).map(|_| PortMatch::Yes);
        }
        let is_on_port = origin.port.is_none() || target.is_some_and(|it| origin.is_on_port(it.port));
        Some(PortMatch::from(is_on_port))
    }
}

/// Whether an origin whose host a rule accepts is on a port that it accepts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PortMatch {
    Yes,
    No,
}

impl From<bool> for PortMatch {
    fn from(is_match: bool) -> Self {
        if is_match { Self::Yes } else { Self::No }
    }
}
