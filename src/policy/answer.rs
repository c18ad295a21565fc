//! An answer in the making: what the checks said so far, and what a verdict is made of.

use std::borrow::Cow;
use std::cell::Cell;

use super::check::{Asked, Cors, Mode};
use super::cookies;
use super::edits::{AllowOrigin, ResponseCors};
use super::finding::{Allow, Check, Deny, Finding, Outcome};
use super::reply::{Refusal, Reply};
use super::request::{Field, Request};
use super::rules::Rules;
use super::verdict::{Action, Forward, Verdict};

/// The answer of one set of rules to one request, until it is a verdict.
pub(super) struct Answer<'r, 'a> {
    /// What every check is asked.
    pub asked: Asked<'r, 'a>,
    rules: &'r Rules,
    /// Which page may read what comes back.
    reader: AllowOrigin<'a>,
    /// The first refusal that a report-only check would have made.
    watched: Option<Finding>,
}

impl<'r, 'a> Answer<'r, 'a> {
    pub(super) fn new(rules: &'r Rules, request: &'r Request<'a>) -> Self {
        let origins = &*rules.origins;
        let found = origins.find(&request.source);
        // A literal `*` is the same for every origin, so that the response needs no `Vary`; beside credentials browsers
        // do not take it for a wildcard, and the origin is named (Fetch §3.2.5).
        let reader = match (&rules.cors, found, request.received.origin) {
            (Some(_), ..) if origins.is_literal_any() => AllowOrigin::Any,
            (Some(_), Ok(_), Field::One(received)) => AllowOrigin::Named(Cow::Borrowed(received)),
            _ => AllowOrigin::Withheld,
        };
        Self {
            asked: Asked {
                request,
                origins,
                hosts: rules.allowed_hosts.as_deref(),
                found,
                unfit: Cell::new(None),
            },
            rules,
            reader,
            watched: None,
        }
    }

    /// What comes of what a check said, by its mode: why the request is refused, or what is found on one that goes on.
    pub(super) fn hold(&mut self, check: Check, mode: Mode, said: Result<Allow, Deny>) -> Result<Outcome, Deny> {
        match (said, mode) {
            (Ok(allow), _) => Ok(Outcome::Allowed(allow)),
            (Err(deny), Mode::Enforce) => Err(deny),
            (Err(deny), Mode::ReportOnly) => {
                let outcome = Outcome::WouldReject(deny);
                self.watched.get_or_insert(Finding { check, outcome });
                Ok(outcome)
            }
        }
    }

    /// The request goes on. What a check before this one would have refused is the finding.
    pub(super) fn forward(self, check: Check, outcome: Outcome) -> Verdict<'a> {
        let Self {
            asked, rules, reader, ..
        } = self;
        let request = asked.request;
        let mut edits = Vec::new();
        if let (Check::WebSocket, Some(websocket)) = (check, &rules.websocket) {
            edits.extend(websocket.request_edits(request));
        }
        if let Some(hosts) = &rules.hosts {
            edits.append(&mut hosts.request_edits(request));
        }
        let is_credentialed = asked.origins.credentials && reader != AllowOrigin::Withheld;
        let cors = rules.cors.as_ref();
        let forward = Forward {
            request: edits,
            response: cors.map_or(ResponseCors::Untouched, |cors| cors.response(reader)),
            is_upgrade: request.received.upgrade != Field::Absent,
            is_cross_site: is_credentialed && cookies::is_cross_site(request),
        };
        Verdict {
            finding: self.watched.unwrap_or(Finding { check, outcome }),
            by: None,
            forwarded: asked.unfit.take(),
            action: Action::Forward(forward),
        }
    }

    /// A preflight is answered here, unless the check only reports. A refusal is the finding, whatever a check before
    /// would have refused; to an origin that is granted the answer is the same lists, of which browsers make the refusal.
    pub(super) fn preflight(self, cors: &'a Cors, held: Result<Outcome, Deny>) -> Verdict<'a> {
        let withheld = |it: Self| Self {
            reader: AllowOrigin::Withheld,
            ..it
        };
        let check = Check::Cors;
        match (cors.mode, self.asked.found, held) {
            (Mode::ReportOnly, _, Ok(outcome)) => withheld(self).forward(check, outcome),
            (_, Err(deny), _) | (Mode::ReportOnly, _, Err(deny)) => withheld(self).refuse(check, deny, 403),
            (Mode::Enforce, Ok(_), held) => {
                let preflight = cors.preflight(self.reader, self.asked.request, held.err());
                let finding = match held {
                    Err(deny) => Finding {
                        check,
                        outcome: Outcome::Rejected(deny),
                    },
                    Ok(outcome) => self.watched.unwrap_or(Finding { check, outcome }),
                };
                Verdict {
                    finding,
                    by: None,
                    forwarded: self.asked.unfit.take().filter(|_| finding.check == Check::Hosts),
                    action: Action::Reply(Reply::Preflight(preflight)),
                }
            }
        }
    }

    /// The request is refused.
    pub(super) fn refuse(self, check: Check, deny: Deny, status: u16) -> Verdict<'a> {
        Verdict {
            forwarded: self.asked.unfit.take().filter(|_| check == Check::Hosts),
            ..refuse(self.rules, check, deny, status, self.reader)
        }
    }
}

/// The refusal of a request. Its body is for the page that may read answers, where CORS is enforced.
pub(super) fn refuse<'a>(
    rules: &Rules,
    check: Check,
    reason: Deny,
    status: u16,
    reader: AllowOrigin<'a>,
) -> Verdict<'a> {
    let cors = rules.cors.as_ref().filter(|cors| cors.mode == Mode::Enforce);
    let outcome = Outcome::Rejected(reason);
    Verdict {
        finding: Finding { check, outcome },
        by: None,
        forwarded: None,
        action: Action::Reply(Reply::Refusal(Refusal {
            status,
            check,
            reason,
            grant: cors.map(|cors| cors.grant(reader)),
        })),
    }
}
