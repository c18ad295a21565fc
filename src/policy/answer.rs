//! An answer in the making: what the checks said so far, and what a verdict is made of.

use std::borrow::Cow;
use std::cell::Cell;

use super::check::{CheckInput, Cors, Mode};
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
    pub input: CheckInput<'r, 'a>,
    rules: &'r Rules,
    /// Which page may read what comes back.
    reader: AllowOrigin<'a>,
    /// The first refusal that a report-only check would have made.
    report_only: Option<Finding>,
}

impl<'r, 'a> Answer<'r, 'a> {
    #[inline]
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
            input: CheckInput {
                request,
                origins,
                hosts: rules.allowed_hosts.as_deref(),
                found,
                unfit: Cell::new(None),
            },
            rules,
            reader,
            report_only: None,
        }
    }

    /// What comes of what a check said, by its mode: why the request is refused, or what is found on one that goes on.
    #[inline]
    pub(super) fn hold(&mut self, check: Check, mode: Mode, said: Result<Allow, Deny>) -> Result<Outcome, Deny> {
        match (said, mode) {
            (Ok(allow), _) => Ok(Outcome::Allowed(allow)),
            (Err(deny), Mode::Enforce) => Err(deny),
            (Err(deny), Mode::ReportOnly) => {
                let outcome = Outcome::WouldReject(deny);
                self.report_only.get_or_insert(Finding { check, outcome });
                Ok(outcome)
            }
        }
    }

    /// The request goes on.
    #[inline]
    pub(super) fn forward(&mut self, check: Check, outcome: Outcome) -> Verdict<'a> {
        let CheckInput { request, origins, .. } = self.input;
        let mut edits = Vec::new();
        if let (Check::WebSocket, Some(websocket)) = (check, &self.rules.websocket) {
            edits.extend(websocket.request_edits(request));
        }
        if let Some(hosts) = &self.rules.hosts {
            hosts.edit_request(request, &mut edits);
        }
        let reader = self.reader();
        let is_credentialed = origins.credentials && reader != AllowOrigin::Withheld;
        let cors = self.rules.cors.as_ref();
        let forward = Forward {
            request: edits,
            response: cors.map_or(ResponseCors::Untouched, |cors| cors.response(reader)),
            is_upgrade: request.received.upgrade != Field::Absent,
            is_cross_site: is_credentialed && cookies::is_cross_site(request),
        };
        self.verdict(self.finding(check, outcome), Action::Forward(forward))
    }

    /// A preflight is answered here, unless the check only reports. To an origin that is granted the answer has the same
    /// lists whether or not they have what is asked for: it is browsers that refuse.
    pub(super) fn preflight(&mut self, cors: &'a Cors, held: Result<Outcome, Deny>) -> Verdict<'a> {
        let check = Check::Cors;
        let outcome = match held {
            Ok(outcome) if cors.mode == Mode::ReportOnly => return self.withhold().forward(check, outcome),
            Err(deny) if self.input.found.is_err() => return self.withhold().refuse(check, deny, 403),
            Ok(outcome) => outcome,
            Err(deny) => Outcome::Rejected(deny),
        };
        let preflight = cors.preflight(self.reader(), self.input.request, outcome.deny());
        let finding = match outcome {
            Outcome::Rejected(_) => Finding { check, outcome },
            _ => self.finding(check, outcome),
        };
        self.verdict(finding, Action::Reply(Reply::Preflight(preflight)))
    }

    /// The request is refused. The body is for the page that may read answers, where CORS is enforced.
    pub(super) fn refuse(&mut self, check: Check, reason: Deny, status: u16) -> Verdict<'a> {
        let reader = self.reader();
        let cors = self.rules.cors.as_ref().filter(|cors| cors.mode == Mode::Enforce);
        let refusal = Refusal {
            status,
            check,
            reason,
            grant: cors.map(|cors| cors.grant(reader)),
        };
        let outcome = Outcome::Rejected(reason);
        self.verdict(Finding { check, outcome }, Action::Reply(Reply::Refusal(refusal)))
    }

    /// No page of another origin may read what comes back.
    pub(super) fn withhold(&mut self) -> &mut Self {
        self.reader = AllowOrigin::Withheld;
        self
    }

    #[inline]
    fn reader(&mut self) -> AllowOrigin<'a> {
        std::mem::replace(&mut self.reader, AllowOrigin::Withheld)
    }

    /// The finding on a request that is not refused: what an earlier check would have refused comes first.
    #[inline]
    fn finding(&self, check: Check, outcome: Outcome) -> Finding {
        self.report_only.unwrap_or(Finding { check, outcome })
    }

    #[inline]
    fn verdict(&self, finding: Finding, action: Action<'a>) -> Verdict<'a> {
        Verdict {
            finding,
            by: None,
            forwarded: self.input.unfit.take().filter(|_| finding.check == Check::Hosts),
            action,
        }
    }
}
