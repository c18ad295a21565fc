//! The policy, and the one procedure that applies it. Pure: no proxy, no clock, no log, no configuration format.

pub mod cors;
pub mod headers;
pub mod host;
pub mod origin;
pub mod path;
pub mod pattern;
pub mod request;
pub mod set;
pub mod verdict;
pub mod websocket;

use std::borrow::Cow;
use std::rc::Rc;

use cors::Cors;
use host::Authority;
use origin::{NoOrigin, Origin};
use path::PathPattern;
use request::{Field, RequestHead};
use set::{HostSet, Match, NearMiss, OriginSet};
use verdict::{Check, Decision, Finding, Forward, Grant, Outcome, Reason, Reply, RequestEdit, Verdict};
use websocket::WebSocket;

/// One policy, as configured.
#[derive(Debug)]
pub struct Policy {
    /// `allowed_origins`.
    pub origins: Origins,
    /// `allowed_hosts`, if given.
    pub allowed_hosts: Option<HostSet>,
    /// The host check; `None` if it is off.
    pub hosts: Option<Hosts>,
    /// The WebSocket check; `None` if it is off.
    pub websocket: Option<WebSocket>,
    /// CORS; `None` if it is off.
    pub cors: Option<Rc<Cors>>,
}

/// The origins that a policy allows.
#[derive(Debug, Default)]
pub struct Origins {
    /// The patterns.
    pub set: OriginSet,
    /// Whether `null` is allowed.
    pub null: bool,
}

/// The `hosts` section.
#[derive(Debug)]
pub struct Hosts {
    /// `reject_status`.
    pub reject_status: u16,
    /// `exempt_paths`.
    pub exempt_paths: Vec<PathPattern>,
    /// `forwarded_host`.
    pub forwarded_host: ForwardedHost,
}

/// What becomes of `X-Forwarded-Host`, which a client can set and many frameworks believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHost {
    /// It is held to `allowed_hosts` like the host itself.
    Check,
    /// It goes on unread.
    Ignore,
    /// It is taken out.
    Strip,
}

impl Policy {
    /// Decides on one request: may this host be asked for, may this origin open a WebSocket, may this page read the
    /// answer. The first check that refuses ends it.
    #[must_use]
    pub fn decide<'a>(&'a self, head: &RequestHead<'a>) -> Verdict<'a> {
        let source = Source::from(head.origin);
        let found = self.origins.find(&source);
        let grant = self.grant(head, found);

        if let Some(hosts) = &self.hosts
            && let Some(allowed) = &self.allowed_hosts
            && let Err(reason) = hosts.admit(allowed, head)
        {
            return self.refuse(Check::Hosts, reason, hosts.reject_status, grant);
        }
        if head.is_websocket() {
            return match self.admit_websocket(head, &source, found) {
                Ok(reason) => self.forward(head, Check::WebSocket, (Outcome::Allowed, reason), grant),
                Err(reason) => self.refuse(Check::WebSocket, reason, 403, grant),
            };
        }
        match &self.cors {
            None => self.forward(head, Check::Cors, (Outcome::Allowed, Reason::Off), grant),
            Some(cors) if head.is_preflight() => self.answer_preflight(cors, head, found, grant),
            Some(_) => {
                let finding = match found {
                    Ok(reason) => (Outcome::Allowed, reason),
                    // Nothing to grant or to refuse: no other origin asks.
                    Err(Reason::OriginMissing) => (Outcome::Allowed, Reason::OriginMissing),
                    Err(_) if grant == Grant::Any => (Outcome::Allowed, Reason::Any),
                    Err(_) if source.is_target_of(head) => (Outcome::Allowed, Reason::SameHost),
                    Err(reason) => (Outcome::Rejected, reason),
                };
                self.forward(head, Check::Cors, finding, grant)
            }
        }
    }

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        self.refuse(Check::Hosts, Reason::HeadersUnavailable, 500, Grant::Withheld)
    }

    fn admit_websocket(
        &self,
        head: &RequestHead<'_>,
        source: &Source<'_>,
        found: Result<Reason, Reason>,
    ) -> Result<Reason, Reason> {
        match (&self.websocket, found, source) {
            (None, ..) => Ok(Reason::Off),
            (Some(websocket), Err(reason), Source::Origin(origin)) => {
                websocket.admit(origin, reason, self.allowed_hosts.as_ref(), head)
            }
            (Some(websocket), Err(reason), Source::Missing) if websocket.missing_origin => Ok(reason),
            (Some(_), found, _) => found,
        }
    }

    /// What the page behind this request may read. A literal `*` goes to everybody, so that caches need not tell
    /// origins apart; where credentials are, browsers do not take it for a wildcard, and the origin itself is named.
    fn grant<'a>(&self, head: &RequestHead<'a>, found: Result<Reason, Reason>) -> Grant<'a> {
        match (&self.cors, found, head.origin) {
            (Some(cors), ..) if self.origins.set.is_any() && !cors.credentials => Grant::Any,
            (Some(_), Ok(_), Field::One(received)) => Grant::Origin(received),
            _ => Grant::Withheld,
        }
    }

    fn answer_preflight<'a>(
        &'a self,
        cors: &'a Cors,
        head: &RequestHead<'a>,
        found: Result<Reason, Reason>,
        grant: Grant<'a>,
    ) -> Verdict<'a> {
        let vary = (headers::VARY, Cow::Borrowed(cors::VARY_PREFLIGHT.as_bytes()));
        let reason = match found {
            Ok(reason) => reason,
            Err(reason) => {
                let mut headers = problem_headers();
                headers.push(vary);
                return refusal(Check::Cors, reason, 403, headers);
            }
        };
        let (mut headers, refused) = cors.preflight(grant, head);
        headers.push(vary);
        let (outcome, reason) = match refused {
            Some(refused) => (Outcome::Rejected, refused),
            None => (Outcome::Allowed, reason),
        };
        Verdict {
            finding: Finding {
                check: Check::Cors,
                outcome,
                reason,
            },
            decision: Decision::Reply(Reply {
                status: 204,
                headers,
                body: String::new(),
            }),
        }
    }

    fn forward<'a>(
        &self,
        head: &RequestHead<'_>,
        check: Check,
        (outcome, reason): (Outcome, Reason),
        grant: Grant<'a>,
    ) -> Verdict<'a> {
        let is_websocket = check == Check::WebSocket;
        let mut request = Vec::new();
        if is_websocket {
            request.extend(websocket::request_edits(head));
        }
        if self.strips_forwarded_host() && head.forwarded_host != Field::Absent {
            request.push(RequestEdit::Remove(headers::X_FORWARDED_HOST));
        }
        let response = self.cors.as_ref().map(|cors| (Rc::clone(cors), grant));
        Verdict {
            finding: Finding { check, outcome, reason },
            decision: Decision::Forward(Forward {
                request,
                response,
                is_websocket,
            }),
        }
    }

    fn refuse<'a>(&'a self, check: Check, reason: Reason, status: u16, grant: Grant<'a>) -> Verdict<'a> {
        let mut headers = problem_headers();
        if let Some(cors) = &self.cors {
            let granted = cors.response_headers(grant);
            headers.extend(granted.map(|(name, value)| (name, Cow::Borrowed(value))));
            if grant != Grant::Any {
                headers.push((headers::VARY, Cow::Borrowed(b"Origin")));
            }
        }
        refusal(check, reason, status, headers)
    }

    fn strips_forwarded_host(&self) -> bool {
        self.hosts
            .as_ref()
            .is_some_and(|it| it.forwarded_host == ForwardedHost::Strip)
    }
}

impl Origins {
    /// By which rule the origin is allowed, or why it is not.
    fn find(&self, source: &Source<'_>) -> Result<Reason, Reason> {
        match source {
            Source::Missing => Err(Reason::OriginMissing),
            Source::None(NoOrigin::Malformed) => Err(Reason::OriginMalformed),
            Source::None(NoOrigin::Null) if !self.null => Err(Reason::OriginNull),
            Source::None(NoOrigin::Null) if self.set.is_any() => Ok(Reason::Any),
            Source::None(NoOrigin::Null) => Ok(Reason::OriginNull),
            Source::Origin(origin) => match self.set.find(origin) {
                Some(Match::Any) => Ok(Reason::Any),
                Some(Match::Listed) => Ok(Reason::Listed),
                Some(Match::Pattern) => Ok(Reason::Pattern),
                None => Err(match self.set.near_miss(origin) {
                    Some(NearMiss::Port) => Reason::PortMismatch,
                    Some(NearMiss::Scheme) => Reason::SchemeMismatch,
                    None => Reason::OriginNotAllowed,
                }),
            },
        }
    }
}

impl Hosts {
    fn admit(&self, allowed: &HostSet, head: &RequestHead<'_>) -> Result<(), Reason> {
        if self.exempt_paths.iter().any(|it| it.covers(head.path)) {
            return Ok(());
        }
        let forwarded = match self.forwarded_host {
            ForwardedHost::Check if head.forwarded_host != Field::Absent => Some(head.forwarded_host),
            _ => None,
        };
        for field in std::iter::once(head.authority).chain(forwarded) {
            let authority = field.one().and_then(|it| Authority::parse(it).ok());
            let host = authority.ok_or(Reason::HostMalformed)?.host;
            if !allowed.contains(&host) {
                return Err(Reason::HostNotAllowed);
            }
        }
        Ok(())
    }
}

/// Where a request says it comes from.
enum Source<'a> {
    Missing,
    None(NoOrigin),
    Origin(Origin<'a>),
}

impl<'a> From<Field<'a>> for Source<'a> {
    fn from(field: Field<'a>) -> Self {
        match field {
            Field::Absent => Self::Missing,
            Field::Many => Self::None(NoOrigin::Malformed),
            Field::One(value) => Origin::parse(value).map_or_else(Self::None, Self::Origin),
        }
    }
}

impl Source<'_> {
    /// Whether the page is on the host and port that it asks.
    fn is_target_of(&self, head: &RequestHead<'_>) -> bool {
        match (self, head.target()) {
            (Self::Origin(origin), Some(target)) => target.host == origin.host && origin.is_on_port(target.port),
            _ => false,
        }
    }
}

fn problem_headers<'a>() -> Vec<verdict::Header<'a>> {
    vec![(headers::CONTENT_TYPE, Cow::Borrowed(b"application/problem+json"))]
}

/// A refusal, with a body in the format of RFC 9457. It names nothing that the policy allows.
fn refusal(check: Check, reason: Reason, status: u16, headers: Vec<verdict::Header<'_>>) -> Verdict<'_> {
    let title = match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        421 => "Misdirected Request",
        _ => "Internal Server Error",
    };
    let detail = match (check, reason) {
        (_, Reason::HeadersUnavailable) => "the request could not be checked against the policy",
        (Check::Hosts, Reason::HostMalformed) => "the request does not name one well-formed host",
        (Check::Hosts, _) => "this server does not answer for the host that was asked for",
        (Check::WebSocket, _) => "a page of this origin may not open a WebSocket here",
        (Check::Cors, _) => "a page of this origin may not read answers from here",
    };
    let (check_code, reason_code) = (check.code(), reason.code());
    let body = format!(
        r#"{{"title":"{title}","status":{status},"detail":"{detail}","check":"{check_code}","reason":"{reason_code}"}}"#
    );
    Verdict {
        finding: Finding {
            check,
            outcome: Outcome::Rejected,
            reason,
        },
        decision: Decision::Reply(Reply { status, headers, body }),
    }
}
