//! The strictest of several answers: a request whose path or host has more than one reading may belong to several
//! entries of `policies`, and then it is granted no more than what all of them grant.

use std::borrow::Cow;
use std::rc::Rc;

use super::headers::members;
use super::reply::{AllowedNames, Preflight, Refusal, Reply};
use super::verdict::{Action, AllowOrigin, Check, CorsGrant, Deny, Finding, Forward, Outcome, ResponseCors, Verdict};

/// How much an answer lets happen, the least first: whether the request goes on, then who may read what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leniency {
    Refused(Readers),
    Preflight(Granted, Readers),
    Forwarded(Readers),
}

/// Whether a preflight is granted what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Granted {
    No,
    Yes,
}

/// Who may read a response, the fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Readers {
    Nobody,
    Page,
    PageWithCredentials,
    Everybody,
    /// Whom the backend names.
    Backends,
}

impl Leniency {
    fn of(verdict: &Verdict<'_>) -> Self {
        match &verdict.action {
            Action::Reply(Reply::Refusal(refusal)) => {
                Self::Refused(refusal.grant.as_ref().map_or(Readers::Nobody, Readers::of))
            }
            Action::Reply(Reply::Preflight(preflight)) => {
                let granted = match verdict.finding.outcome {
                    Outcome::Rejected(_) => Granted::No,
                    Outcome::Allowed(_) | Outcome::WouldReject(_) => Granted::Yes,
                };
                Self::Preflight(granted, Readers::of(&preflight.grant))
            }
            Action::Forward(forward) => Self::Forwarded(match &forward.response {
                ResponseCors::Replace(grant) => Readers::of(grant),
                ResponseCors::Keep(_) | ResponseCors::Untouched => Readers::Backends,
            }),
        }
    }
}

impl Readers {
    fn of(grant: &CorsGrant<'_>) -> Self {
        match (&grant.origin, grant.credentials) {
            (AllowOrigin::Withheld, _) => Self::Nobody,
            (AllowOrigin::Named(_), false) => Self::Page,
            (AllowOrigin::Named(_), true) => Self::PageWithCredentials,
            (AllowOrigin::Any, _) => Self::Everybody,
        }
    }
}

impl<'a> Verdict<'a> {
    /// Whether no answer could be stricter: a refusal that no page can read.
    pub(super) fn is_strictest(&self) -> bool {
        Leniency::of(self) == Leniency::Refused(Readers::Nobody)
    }

    /// What both answers grant. The finding is that of the stricter one, or of this one if neither is.
    pub(super) fn meet(self, other: Self) -> Self {
        let (stricter, laxer) = match Leniency::of(&self) <= Leniency::of(&other) {
            true => (self, other),
            false => (other, self),
        };
        let Verdict {
            mut finding,
            by,
            action,
        } = stricter;
        let was_granted = action.is_readable();
        let action = match (action, laxer.action) {
            (Action::Reply(Reply::Refusal(refusal)), laxer) => {
                let grant = refusal.grant.zip(laxer.grant()).map(|(own, other)| own.meet(other));
                Action::Reply(Reply::Refusal(Refusal { grant, ..refusal }))
            }
            (Action::Reply(Reply::Preflight(own)), Action::Reply(Reply::Preflight(other))) => {
                Action::Reply(Reply::Preflight(own.meet(other)))
            }
            (Action::Forward(own), Action::Forward(other)) => Action::Forward(own.meet(other)),
            // The one leaves a preflight to the backend, of which nothing is known: there the other grants nothing.
            (Action::Reply(Reply::Preflight(_)), _) | (Action::Forward(_), Action::Reply(_)) => {
                return Self::refuse_preflight(by);
            }
        };
        let is_grant = matches!(finding.outcome, Outcome::Allowed(allow) if allow.is_of_entry());
        if finding.check == Check::Cors && is_grant && was_granted && !action.is_readable() {
            finding.outcome = Outcome::Rejected(Deny::OriginNotAllowed);
        }
        Self { finding, by, action }
    }

    fn refuse_preflight(by: Option<usize>) -> Self {
        let (check, reason) = (Check::Cors, Deny::OriginNotAllowed);
        Self {
            finding: Finding {
                check,
                outcome: Outcome::Rejected(reason),
            },
            by,
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
            }) => grant.origin != AllowOrigin::Withheld,
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
            (own, theirs) => Rc::from(String::from_utf8_lossy(&intersect(
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
            (Self::Listed(list), Self::Asked(_)) | (Self::Asked(_), Self::Listed(list)) => Self::Listed(list),
            (Self::Asked(own), Self::Asked(_)) => Self::Asked(own),
        }
    }
}

/// The members of a list that another has too, in the order of the first.
fn intersect(list: &[u8], other: &[u8], is_same: fn(&[u8], &[u8]) -> bool) -> Vec<u8> {
    let shared = members(list).filter(|name| members(other).any(|it| is_same(it, name)));
    shared.collect::<Vec<_>>().join(&b", "[..])
}
