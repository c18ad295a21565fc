//! The strictest of several answers: a request whose path or host has more than one reading may belong to several
//! entries of `policies`, and then it is granted no more than what all of them grant. Their order changes nothing
//! that is granted.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use super::edits::{AllowOrigin, CorsGrant, ResponseCors};
use super::finding::{Allow, Check, Deny, Finding, Outcome};
use super::forwarding::Unfit;
use super::headers::members;
use super::reply::{AllowedNames, Preflight, Refusal, Reply};
use super::request::Request;
use super::verdict::{Action, Forward, Verdict};

/// The answers to one request.
#[derive(Default)]
pub(super) struct Strictest<'a> {
    /// What the refusals come to. They are kept apart, since what the others come to may be one more.
    refusal: Option<(Said<'a>, Refusal<'a>)>,
    /// What the others come to.
    other: Option<Verdict<'a>>,
}

/// What an answer says of itself.
struct Said<'a> {
    finding: Finding,
    by: Option<usize>,
    forwarded: Option<Box<Unfit<'a>>>,
}

impl<'a> Strictest<'a> {
    /// Adds an answer. Whether no further one could be stricter than this: a 403 that no page can read.
    pub(super) fn add(&mut self, verdict: Verdict<'a>) -> bool {
        let (said, action) = Said::of(verdict);
        match action {
            Action::Reply(Reply::Refusal(refusal)) => {
                let (said, refusal) = match self.refusal.take() {
                    Some(known) => stricter(known, (said, refusal)),
                    None => (said, refusal),
                };
                let is_read = refusal.grant.as_ref().is_some_and(CorsGrant::is_readable);
                let is_strictest = refusal.status == 403 && !is_read;
                self.refusal = Some((said, refusal));
                is_strictest
            }
            action => {
                let verdict = said.with(action);
                self.other = Some(match self.other.take() {
                    Some(known) => known.meet(verdict),
                    None => verdict,
                });
                false
            }
        }
    }

    /// The answer to one request that got at least one; `none` is the answer to any other.
    pub(super) fn finish(self, request: &Request<'a>, none: impl FnOnce() -> Verdict<'a>) -> Verdict<'a> {
        let Some((said, refusal)) = self.refusal else {
            return self.other.map_or_else(none, |it| it.with_what_is_read(request));
        };
        let (said, refusal) = match self.other.map(Said::of) {
            Some((other, Action::Reply(Reply::Refusal(it)))) => stricter((said, refusal), (other, it)),
            Some((_, action)) => {
                let grant = refusal.grant.zip(action.grant()).map(|(own, other)| own.meet(other));
                (said, Refusal { grant, ..refusal })
            }
            None => (said, refusal),
        };
        said.with(Action::Reply(Reply::Refusal(refusal)))
    }
}

/// Of two refusals one, for the readers of both. One 403 is 403.
fn stricter<'a>(one: (Said<'a>, Refusal<'a>), two: (Said<'a>, Refusal<'a>)) -> (Said<'a>, Refusal<'a>) {
    let order = |(_, it): &(Said<'_>, Refusal<'_>)| (it.status != 403, it.status, it.check, it.reason);
    let ((said, refusal), (_, other)) = match order(&one) <= order(&two) {
        true => (one, two),
        false => (two, one),
    };
    let grant = refusal.grant.zip(other.grant).map(|(own, other)| own.meet(other));
    (said, Refusal { grant, ..refusal })
}

impl<'a> Said<'a> {
    fn of(verdict: Verdict<'a>) -> (Self, Action<'a>) {
        let Verdict {
            finding,
            by,
            forwarded,
            action,
        } = verdict;
        let said = Self { finding, by, forwarded };
        (said, action)
    }

    fn with(self, action: Action<'a>) -> Verdict<'a> {
        Verdict {
            finding: self.finding,
            by: self.by,
            forwarded: self.forwarded,
            action,
        }
    }

    /// Which of two findings speaks for both: it comes first. They go as those of one set of rules do: a refusal that is
    /// carried out, then what the first check refuses or would refuse, so that a check that only reports is seen; of
    /// what is allowed, that the page needs no grant, then by which entry it has one.
    fn weight(&self, is_forward: bool) -> impl Ord + use<> {
        let Finding { check, outcome } = self.finding;
        let (class, kind) = match outcome {
            // Of a request that goes on, only the page's access to the answer is refused.
            Outcome::Rejected(_) => (u8::from(is_forward), 0),
            Outcome::WouldReject(_) => (1, 1),
            Outcome::Allowed(Allow::Off) => (2, 2),
            Outcome::Allowed(allow) => (2, u8::from(allow.is_of_entry())),
        };
        // `any` comes last of the entries.
        (class, check, kind, Reverse(outcome.reason()))
    }
}

impl<'a> Verdict<'a> {
    /// What both of two answers grant that refuse nothing.
    fn meet(self, other: Self) -> Self {
        let ((own, action), (others, other)) = (Said::of(self), Said::of(other));
        let action = match (action, other) {
            (Action::Reply(Reply::Preflight(one)), Action::Reply(Reply::Preflight(two))) => {
                Action::Reply(Reply::Preflight(one.meet(two)))
            }
            (Action::Forward(one), Action::Forward(two)) => Action::Forward(one.meet(two)),
            // The one leaves a preflight to the backend, of which nothing is known: there the other grants nothing.
            _ => return Self::refuse_preflight(own.by),
        };
        let is_forward = matches!(action, Action::Forward(_));
        match own.weight(is_forward) <= others.weight(is_forward) {
            true => own.with(action),
            false => others.with(action),
        }
    }

    /// What one answer lets a page read, or leaves to the backend, several together may not.
    fn with_what_is_read(mut self, request: &Request<'a>) -> Self {
        let Finding { check, outcome } = &mut self.finding;
        let is_read = match *outcome {
            Outcome::Allowed(allow) => allow.is_of_entry(),
            Outcome::WouldReject(_) => true,
            Outcome::Rejected(_) => false,
        };
        if *check == Check::Cors && is_read && !self.action.is_readable() {
            *outcome = match request.received.asks_no_cors() {
                true => Outcome::Allowed(Allow::NotCors),
                false => Outcome::Rejected(outcome.deny().unwrap_or(Deny::OriginNotAllowed)),
            };
        }
        self
    }

    fn refuse_preflight(by: Option<usize>) -> Self {
        let (check, reason) = (Check::Cors, Deny::OriginNotAllowed);
        Self {
            finding: Finding {
                check,
                outcome: Outcome::Rejected(reason),
            },
            by,
            forwarded: None,
            action: Action::Reply(Reply::Refusal(Refusal {
                status: 403,
                check,
                reason,
                grant: None,
            })),
        }
    }
}

impl<'a> Action<'a> {
    /// Whether a page of another origin may read the response.
    fn is_readable(&self) -> bool {
        match self {
            Self::Forward(Forward {
                response: ResponseCors::Replace(grant),
                ..
            }) => grant.is_readable(),
            _ => true,
        }
    }

    /// Who may read the response; `None` where the policy has no say in it.
    fn grant(self) -> Option<CorsGrant<'a>> {
        match self {
            Self::Reply(Reply::Refusal(refusal)) => refusal.grant,
            Self::Reply(Reply::Preflight(preflight)) => Some(preflight.grant),
            Self::Forward(forward) => forward.response.grant(),
        }
    }
}

impl Forward<'_> {
    /// The edits of both to the request; to the response, what both grant.
    fn meet(mut self, other: Self) -> Self {
        for edit in other.request {
            if !self.request.contains(&edit) {
                self.request.push(edit);
            }
        }
        Self {
            request: self.request,
            response: self.response.meet(other.response),
            is_upgrade: self.is_upgrade,
            is_cross_site: self.is_cross_site && other.is_cross_site,
        }
    }
}

impl<'a> ResponseCors<'a> {
    fn grant(self) -> Option<CorsGrant<'a>> {
        match self {
            Self::Replace(grant) | Self::Keep(grant) => Some(grant),
            Self::Untouched => None,
        }
    }

    fn meet(self, other: Self) -> Self {
        match (self, other) {
            (Self::Untouched, Self::Untouched) => Self::Untouched,
            // What the backend would grant is not known, so that nothing is known to be granted by both.
            (Self::Untouched, Self::Replace(grant) | Self::Keep(grant))
            | (Self::Replace(grant) | Self::Keep(grant), Self::Untouched) => Self::Replace(CorsGrant {
                origin: AllowOrigin::Withheld,
                ..grant
            }),
            (Self::Keep(own), Self::Keep(other)) => Self::Keep(own.meet(other)),
            (Self::Replace(own) | Self::Keep(own), Self::Replace(other) | Self::Keep(other)) => {
                Self::Replace(own.meet(other))
            }
        }
    }
}

impl CorsGrant<'_> {
    /// Whether there is a page of another origin that may read it.
    fn is_readable(&self) -> bool {
        self.origin != AllowOrigin::Withheld
    }

    fn meet(self, other: Self) -> Self {
        let origin = match (self.origin, other.origin) {
            (AllowOrigin::Withheld, _) | (_, AllowOrigin::Withheld) => AllowOrigin::Withheld,
            (AllowOrigin::Named(origin), _) | (_, AllowOrigin::Named(origin)) => AllowOrigin::Named(origin),
            (AllowOrigin::Any, AllowOrigin::Any) => AllowOrigin::Any,
        };
        let expose = match (&*self.expose, &*other.expose) {
            // `["*"]` is a wildcard without credentials, beside which it is an error; then the shorter list holds.
            (own, theirs) if own == theirs || theirs == "*" => self.expose,
            ("*", _) => other.expose,
            (own, theirs) => Arc::from(String::from_utf8_lossy(&intersect(
                own.as_bytes(),
                theirs.as_bytes(),
                <[u8]>::eq_ignore_ascii_case,
            ))),
        };
        Self {
            origin,
            credentials: self.credentials && other.credentials,
            expose,
        }
    }
}

impl Preflight<'_> {
    fn meet(self, other: Self) -> Self {
        Self {
            grant: self.grant.meet(other.grant),
            methods: self.methods.meet(other.methods, <[u8]>::eq),
            headers: self.headers.meet(other.headers, <[u8]>::eq_ignore_ascii_case),
            max_age: self.max_age.min(other.max_age),
            private_network: self.private_network && other.private_network,
        }
    }
}

impl AllowedNames<'_> {
    fn meet(self, other: Self, is_same: fn(&[u8], &[u8]) -> bool) -> Self {
        match (self, other) {
            (Self::Listed(own), Self::Listed(other)) => Self::Listed(Cow::Owned(intersect(&own, &other, is_same))),
            (Self::Listed(list), Self::Requested(_)) | (Self::Requested(_), Self::Listed(list)) => Self::Listed(list),
            (Self::Requested(own), Self::Requested(_)) => Self::Requested(own),
        }
    }
}

/// The members that two lists share, in the order and spelling of one of them, whichever comes first.
fn intersect(one: &[u8], two: &[u8], is_same: fn(&[u8], &[u8]) -> bool) -> Vec<u8> {
    let (list, other) = (one.min(two), one.max(two));
    let shared = members(list).filter(|name| members(other).any(|it| is_same(it, name)));
    shared.collect::<Vec<_>>().join(&b", "[..])
}
