//! One set of rules, and the procedure that applies it, read from top to bottom.

use std::borrow::Cow;
use std::rc::Rc;

use super::cookies;
use super::cors::{self, Cors};
use super::headers;
use super::origin::NoOrigin;
use super::path::{self, PathPattern};
use super::request::{Field, RequestHead, Source};
use super::set::{HostSet, Match, NearMiss, OriginSet};
use super::verdict::{Check, Decision, Finding, Forward, Grant, Header, Mode, Outcome, Reason, Reply, Verdict};
use super::websocket::{self, WebSocket};
use super::writes::Csrf;

/// What applies to a request. Policies share what they inherit from each other.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `allowed_origins` and `allowed_origin_regexes`.
    pub origins: Rc<Origins>,
    /// `allowed_hosts`, if given.
    pub allowed_hosts: Option<Rc<HostSet>>,
    /// The host check; `None` if it is off.
    pub hosts: Option<Rc<Hosts>>,
    /// The WebSocket check; `None` if it is off.
    pub websocket: Option<WebSocket>,
    /// The check of cross-site writes; `None` if it is off.
    pub csrf: Option<Rc<Csrf>>,
    /// CORS; `None` if it is off.
    pub cors: Option<Rc<Cors>>,
}

/// The origins that a policy allows.
#[derive(Debug, Default)]
pub struct Origins {
    /// The patterns.
    pub set: Rc<OriginSet>,
    /// Whether `null` is allowed.
    pub null: bool,
    /// Whether regular expressions may also allow plain HTTP from other machines.
    pub insecure: bool,
}

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

impl Rules {
    /// Decides on one request: may this host be asked for, may this origin open a WebSocket, may this site write, may
    /// this page read the answer. The first check that refuses ends it.
    #[must_use]
    pub fn decide<'a>(&'a self, head: &RequestHead<'a>) -> Verdict<'a> {
        let source = Source::from(head.origin);
        let found = self.origins.find(&source);
        let grant = self.grant(head, found);
        let mut watched = Watched(None);

        if let (Some(hosts), Some(allowed)) = (&self.hosts, &self.allowed_hosts)
            && let Err(reason) = hosts.admit(allowed, head)
            && watched.enforces(hosts.mode, Check::Hosts, reason)
        {
            return self.refuse(Check::Hosts, reason, hosts.reject_status, grant);
        }
        if head.is_websocket() {
            let admitted = self.admit_websocket(head, &source, found);
            return match (admitted, self.websocket) {
                (Err(reason), Some(websocket)) if watched.enforces(websocket.mode, Check::WebSocket, reason) => {
                    self.refuse(Check::WebSocket, reason, 403, grant)
                }
                (Ok(reason) | Err(reason), _) => self.forward(
                    head,
                    &source,
                    watched.or(Check::WebSocket, Outcome::Allowed, reason),
                    grant,
                ),
            };
        }
        if let Some(csrf) = &self.csrf
            && let Err(reason) = csrf.admit(head, &source, found)
            && watched.enforces(csrf.mode, Check::Csrf, reason)
        {
            return self.refuse(Check::Csrf, reason, 403, grant);
        }
        let Some(cors) = &self.cors else {
            return self.forward(
                head,
                &source,
                watched.or(Check::Cors, Outcome::Allowed, Reason::Off),
                grant,
            );
        };
        if head.is_preflight() {
            let mut verdict = self.answer_preflight(cors, head, found, grant);
            let Finding { outcome, reason, .. } = verdict.finding;
            if outcome == Outcome::Rejected && !watched.enforces(cors.mode, Check::Cors, reason)
                || cors.mode == Mode::ReportOnly
            {
                return self.forward(head, &source, watched.or(Check::Cors, outcome, reason), grant);
            }
            if outcome == Outcome::Allowed {
                verdict.finding = watched.or(Check::Cors, outcome, reason);
            }
            return verdict;
        }
        let (outcome, reason) = match found {
            Ok(reason) => (Outcome::Allowed, reason),
            // Nothing to grant or to refuse: no other origin asks.
            Err(Reason::OriginMissing) => (Outcome::Allowed, Reason::OriginMissing),
            Err(_) if grant == Grant::Any => (Outcome::Allowed, Reason::Any),
            Err(reason) => match source.is_target_of(head) {
                true if !source.is_downgrade_of(head) => (Outcome::Allowed, Reason::SameHost),
                is_target => {
                    let reason = if is_target { Reason::SchemeMismatch } else { reason };
                    match watched.enforces(cors.mode, Check::Cors, reason) {
                        true => (Outcome::Rejected, reason),
                        false => (Outcome::WouldReject, reason),
                    }
                }
            },
        };
        self.forward(head, &source, watched.or(Check::Cors, outcome, reason), grant)
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
        match (self.websocket, found, source) {
            (None, ..) => Ok(Reason::Off),
            (Some(websocket), Err(reason), Source::Origin(origin)) => {
                websocket.admit(origin, reason, self.allowed_hosts.as_deref(), head)
            }
            (Some(websocket), Err(reason), Source::Missing) if websocket.missing_origin => Ok(reason),
            (Some(_), found, _) => found,
        }
    }

    /// What the page behind this request may read. A literal `*` goes to everybody, so that caches need not tell
    /// origins apart; where credentials are, browsers do not take it for a wildcard, and the origin itself is named.
    fn grant<'a>(&self, head: &RequestHead<'a>, found: Result<Reason, Reason>) -> Grant<'a> {
        match (&self.cors, found, head.origin) {
            (Some(cors), ..) if self.origins.is_any(cors) => Grant::Any,
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
        headers.extend([vary, NO_STORE]);
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
        source: &Source<'_>,
        finding: Finding,
        grant: Grant<'a>,
    ) -> Verdict<'a> {
        let mut request = Vec::new();
        let enforces_sockets = self.websocket.is_some_and(|it| it.mode == Mode::Enforce);
        if head.is_websocket() && enforces_sockets {
            request.extend(websocket::request_edits(head));
        }
        let strips = |it: &Rc<Hosts>| it.forwarded_host == ForwardedHost::Strip && it.mode == Mode::Enforce;
        if self.hosts.as_ref().is_some_and(strips) {
            request.extend(head.forwarding.strip());
        }
        let response = self.enforced_cors().map(|cors| (Rc::clone(cors), grant));
        let is_credentialed = |(cors, grant): &(Rc<Cors>, Grant<'_>)| cors.credentials && *grant != Grant::Withheld;
        Verdict {
            finding,
            decision: Decision::Forward(Forward {
                request,
                is_upgrade: head.upgrade != Field::Absent,
                is_cross_site: response.as_ref().is_some_and(is_credentialed) && cookies::is_cross_site(head, source),
                response,
            }),
        }
    }

    fn refuse<'a>(&'a self, check: Check, reason: Reason, status: u16, grant: Grant<'a>) -> Verdict<'a> {
        let mut headers = problem_headers();
        if let Some(cors) = self.enforced_cors() {
            let granted = cors.response_headers(grant);
            headers.extend(granted.map(|(name, value)| (name, Cow::Borrowed(value))));
            if grant != Grant::Any {
                headers.push((headers::VARY, Cow::Borrowed(b"Origin")));
            }
        }
        refusal(check, reason, status, headers)
    }

    fn enforced_cors(&self) -> Option<&Rc<Cors>> {
        self.cors.as_ref().filter(|cors| cors.mode == Mode::Enforce)
    }
}

impl Origins {
    /// Whether all may read everything, so that the answer is a literal `*`.
    fn is_any(&self, cors: &Cors) -> bool {
        self.set.is_any() && !cors.credentials
    }

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
                Some(Match::Regex) if origin.is_insecure() && !self.insecure => Err(Reason::SchemeMismatch),
                Some(Match::Regex) => Ok(Reason::Regex),
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
        if path::any_covers(&self.exempt_paths, head.path) {
            return Ok(());
        }
        let host = head.target().ok_or(Reason::HostMalformed)?.host;
        if !allowed.contains(&host) {
            return Err(Reason::HostNotAllowed);
        }
        if self.forwarded_host == ForwardedHost::Check
            && let Some(unfit) = head.forwarding.unfit(|host| allowed.contains(host))
        {
            return Err(unfit.reason());
        }
        Ok(())
    }
}

/// The first refusal that a report-only check would have made.
struct Watched(Option<Finding>);

impl Watched {
    /// Whether a refusal is to be carried out; if it is not, it is noted.
    fn enforces(&mut self, mode: Mode, check: Check, reason: Reason) -> bool {
        if mode == Mode::ReportOnly {
            self.0.get_or_insert(Finding {
                check,
                outcome: Outcome::WouldReject,
                reason,
            });
        }
        mode == Mode::Enforce
    }

    /// What is told of a request that goes on.
    fn or(&self, check: Check, outcome: Outcome, reason: Reason) -> Finding {
        self.0.unwrap_or(Finding { check, outcome, reason })
    }
}

fn problem_headers<'a>() -> Vec<Header<'a>> {
    vec![
        (headers::CONTENT_TYPE, Cow::Borrowed(b"application/problem+json")),
        NO_STORE,
    ]
}

/// Caches keep a 404 and other answers without being asked to (RFC 9111 §4.2.2), and would give a refusal to all.
const NO_STORE: Header<'static> = (headers::CACHE_CONTROL, Cow::Borrowed(b"no-store"));

/// A refusal, with a body in the format of RFC 9457. It names nothing that the policy allows.
fn refusal(check: Check, reason: Reason, status: u16, headers: Vec<Header<'_>>) -> Verdict<'_> {
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
        (Check::Csrf, _) => "a page of this origin may not change anything here",
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
