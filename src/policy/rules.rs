//! One set of rules, and the procedure that applies it, read from top to bottom.
//!
//! Long: one procedure, read from top to bottom beside the standards.

use std::borrow::Cow;
use std::rc::Rc;

use super::cookies;
use super::cors::Cors;
use super::origin::{NoOrigin, Origin};
use super::path::{self, PathPattern};
use super::reply::{Refusal, Reply};
use super::request::{Field, RequestHead, Source};
use super::set::{HostSet, Match, NearMiss, OriginSet};
use super::verdict::{Action, Allow, AllowOrigin, Check, Deny, Finding, Forward, Mode, Outcome, ResponseCors, Verdict};
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
    /// Whether pages may read with credentials.
    pub credentials: bool,
    /// The risks that the operator takes on purpose.
    pub dangers: Dangers,
}

/// The risks that an operator takes on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dangers {
    /// `dangerously_allow_null_origin`.
    pub null_origin: bool,
    /// `dangerously_allow_any_origin_with_credentials`.
    pub any_origin_with_credentials: bool,
    /// `dangerously_allow_insecure_origins`.
    pub insecure_origins: bool,
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
        let reader = self.reader(head, found);
        let mut watched = Watched(None);

        if let (Some(hosts), Some(allowed)) = (&self.hosts, &self.allowed_hosts)
            && let Err(reason) = hosts.admit(allowed, head)
            && watched.enforces(hosts.mode, Check::Hosts, reason)
        {
            return self.refuse(Check::Hosts, reason, hosts.reject_status, reader);
        }
        if head.is_websocket() {
            let admitted = self.websocket.map_or(Ok(Allow::Off), |it| {
                it.admit(head, &source, &self.origins, self.allowed_hosts.as_deref())
            });
            let outcome = match (admitted, self.websocket) {
                (Err(reason), Some(websocket)) if watched.enforces(websocket.mode, Check::WebSocket, reason) => {
                    return self.refuse(Check::WebSocket, reason, 403, reader);
                }
                (Err(reason), _) => Outcome::WouldReject(reason),
                (Ok(allow), _) => Outcome::Allowed(allow),
            };
            return self.forward(head, &source, watched.or(Check::WebSocket, outcome), reader);
        }
        if let Some(csrf) = &self.csrf
            && let Err(reason) = csrf.admit(head, &source, &self.origins)
            && watched.enforces(csrf.mode, Check::Csrf, reason)
        {
            return self.refuse(Check::Csrf, reason, 403, reader);
        }
        let Some(cors) = &self.cors else {
            let off = watched.or(Check::Cors, Outcome::Allowed(Allow::Off));
            return self.forward(head, &source, off, reader);
        };
        if head.is_preflight() {
            return self.answer_preflight(cors, head, &source, found, reader, &mut watched);
        }
        let outcome = match found {
            Ok(allow) => Outcome::Allowed(allow),
            // Nothing to grant or to refuse: no other origin asks.
            Err(Deny::OriginMissing) => Outcome::Allowed(Allow::OriginMissing),
            Err(_) if reader == AllowOrigin::Any => Outcome::Allowed(Allow::Any),
            Err(reason) => match source.is_target_of(head) {
                true if !source.is_downgrade_of(head) => Outcome::Allowed(Allow::SameHost),
                is_target => {
                    let reason = if is_target { Deny::SchemeMismatch } else { reason };
                    match watched.enforces(cors.mode, Check::Cors, reason) {
                        true => Outcome::Rejected(reason),
                        false => Outcome::WouldReject(reason),
                    }
                }
            },
        };
        self.forward(head, &source, watched.or(Check::Cors, outcome), reader)
    }

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        self.refuse(Check::Hosts, Deny::HeadersUnavailable, 500, AllowOrigin::Withheld)
    }

    /// The page behind this request, if it may read what comes back. A literal `*` is the same for every origin, so that
    /// the response needs no `Vary`; beside credentials browsers do not take it for a wildcard, and the origin is named.
    fn reader<'a>(&self, head: &RequestHead<'a>, found: Result<Allow, Deny>) -> AllowOrigin<'a> {
        match (&self.cors, found, head.origin) {
            (Some(_), ..) if self.origins.is_literal_any() => AllowOrigin::Any,
            (Some(_), Ok(_), Field::One(received)) => AllowOrigin::Named(Cow::Borrowed(received)),
            _ => AllowOrigin::Withheld,
        }
    }

    fn answer_preflight<'a>(
        &'a self,
        cors: &'a Cors,
        head: &RequestHead<'a>,
        source: &Source<'_>,
        found: Result<Allow, Deny>,
        reader: AllowOrigin<'a>,
        watched: &mut Watched,
    ) -> Verdict<'a> {
        let (granted, refused) = match found {
            Ok(_) => {
                let (preflight, refused) = cors.preflight(reader, head);
                (Some(preflight), refused)
            }
            Err(reason) => (None, Some(reason)),
        };
        let outcome = match (refused, found) {
            (Some(reason), _) if watched.enforces(cors.mode, Check::Cors, reason) => Outcome::Rejected(reason),
            (Some(reason), _) | (None, Err(reason)) => Outcome::WouldReject(reason),
            (None, Ok(allow)) => Outcome::Allowed(allow),
        };
        // A refusal of this check is the finding, whatever a check before it would have refused.
        let finding = match outcome {
            Outcome::Rejected(_) => Finding {
                check: Check::Cors,
                outcome,
            },
            _ => watched.or(Check::Cors, outcome),
        };
        match (granted, refused) {
            _ if cors.mode == Mode::ReportOnly => self.forward(head, source, finding, AllowOrigin::Withheld),
            (Some(preflight), _) => Verdict {
                finding,
                by: None,
                action: Action::Reply(Reply::Preflight(preflight)),
            },
            (None, reason) => {
                let reason = reason.unwrap_or(Deny::OriginNotAllowed);
                self.refuse(Check::Cors, reason, 403, AllowOrigin::Withheld)
            }
        }
    }

    fn forward<'a>(
        &self,
        head: &RequestHead<'_>,
        source: &Source<'_>,
        finding: Finding,
        reader: AllowOrigin<'a>,
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
        let is_credentialed = self.origins.credentials && reader != AllowOrigin::Withheld;
        let response = self
            .cors
            .as_ref()
            .map_or(ResponseCors::Untouched, |cors| cors.response(reader));
        Verdict {
            finding,
            by: None,
            action: Action::Forward(Forward {
                request,
                response,
                is_upgrade: head.upgrade != Field::Absent,
                is_cross_site: is_credentialed && cookies::is_cross_site(head, source),
            }),
        }
    }

    fn refuse<'a>(&self, check: Check, reason: Deny, status: u16, reader: AllowOrigin<'a>) -> Verdict<'a> {
        let cors = self.cors.as_ref().filter(|cors| cors.mode == Mode::Enforce);
        Verdict {
            finding: Finding {
                check,
                outcome: Outcome::Rejected(reason),
            },
            by: None,
            action: Action::Reply(Reply::Refusal(Refusal {
                status,
                check,
                reason,
                grant: cors.map(|cors| cors.grant(reader)),
            })),
        }
    }
}

impl Origins {
    /// Whether all may read everything, so that the answer is a literal `*`.
    fn is_literal_any(&self) -> bool {
        self.set.is_any() && !self.credentials
    }

    /// Whether an expression may also allow plain HTTP from other machines.
    #[must_use]
    pub fn allow_insecure(&self) -> bool {
        self.dangers.insecure_origins || !self.credentials
    }

    /// By which rule a page of this origin may read, or why it may not.
    pub fn find(&self, source: &Source<'_>) -> Result<Allow, Deny> {
        match source {
            Source::Missing => Err(Deny::OriginMissing),
            Source::None(NoOrigin::Malformed) => Err(Deny::OriginMalformed),
            Source::None(NoOrigin::Null) if self.is_literal_any() => Ok(Allow::Any),
            Source::None(NoOrigin::Null) if !self.dangers.null_origin => Err(Deny::OriginNull),
            Source::None(NoOrigin::Null) if self.set.is_any() => Ok(Allow::Any),
            Source::None(NoOrigin::Null) => Ok(Allow::OriginNull),
            Source::Origin(origin) => match self.set.find(origin) {
                Some(found) => self.allow(found, origin),
                None => Err(match self.set.near_miss(origin) {
                    Some(NearMiss::Port) => Deny::PortMismatch,
                    Some(NearMiss::Scheme) => Deny::SchemeMismatch,
                    None => Deny::OriginNotAllowed,
                }),
            },
        }
    }

    /// Whether an entry lets pages of this origin do what always carries their visitors' cookies, which is to write and
    /// to open WebSockets; `None` if no entry counts for that.
    pub fn admit(&self, origin: &Origin<'_>, head: &RequestHead<'_>) -> Option<Result<Allow, Deny>> {
        let found = match self.set.find_credentialed(origin) {
            // What grants reading alone otherwise.
            None if self.dangers.any_origin_with_credentials => self.set.find_any(origin),
            found => found,
        }?;
        // Any program on the visitor's machine can be a loopback origin, so that somebody has to have written it down.
        let is_written = || matches!(found, Match::Listed | Match::Pattern) && origin.is_loopback();
        match self.refuse_downgrade(origin, head) {
            Err(reason) if !is_written() => Some(Err(reason)),
            _ => Some(self.allow(found, origin)),
        }
    }

    /// Refuses a page of `http` that asks a request of `https`.
    pub fn refuse_downgrade(&self, origin: &Origin<'_>, head: &RequestHead<'_>) -> Result<(), Deny> {
        match head.is_downgraded_by(origin) && !self.dangers.insecure_origins {
            true => Err(Deny::SchemeMismatch),
            false => Ok(()),
        }
    }

    fn allow(&self, found: Match, origin: &Origin<'_>) -> Result<Allow, Deny> {
        match found {
            Match::Any => Ok(Allow::Any),
            Match::Listed => Ok(Allow::Listed),
            Match::Pattern => Ok(Allow::Pattern),
            Match::Regex if origin.is_insecure() && !self.allow_insecure() => Err(Deny::SchemeMismatch),
            Match::Regex => Ok(Allow::Regex),
        }
    }
}

impl Hosts {
    fn admit(&self, allowed: &HostSet, head: &RequestHead<'_>) -> Result<(), Deny> {
        if path::any_covers(&self.exempt_paths, head.path) {
            return Ok(());
        }
        let host = head.target().ok_or(Deny::HostMalformed)?.host;
        if !allowed.contains(&host) {
            return Err(Deny::HostNotAllowed);
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
    fn enforces(&mut self, mode: Mode, check: Check, reason: Deny) -> bool {
        if mode == Mode::ReportOnly {
            self.0.get_or_insert(Finding {
                check,
                outcome: Outcome::WouldReject(reason),
            });
        }
        mode == Mode::Enforce
    }

    /// The finding on a request that goes on.
    fn or(&self, check: Check, outcome: Outcome) -> Finding {
        self.0.unwrap_or(Finding { check, outcome })
    }
}
