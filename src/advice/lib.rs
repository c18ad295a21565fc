//! What to tell a person of a refusal: which entry comes nearest, and what would allow the request. It is worked out
//! only where it will be read, and goes to the operator, never into a response.
//!
//! What is offered can be done: the entry loads where the hint puts it, then allows the request, and changes nothing that
//! the hint does not name. So it is put where the list was read from, which `config` records.

#![forbid(unsafe_code)]

mod case;
mod hint;
mod hosts;
pub mod nearest;
mod origins;
mod preflights;

use std::borrow::Cow;

use case::{Case, NO_BROWSER, text};
use config::Provenance;
use policy::Policy;
use policy::origin::Origin;
use policy::request::{Request, Source};
use policy::verdict::{Allow, Check, Deny, Finding, Outcome, Verdict};

pub use case::Domains;
pub use hint::Hint;
use origins::OTHER_SCHEME;

/// Whether a request passes whose scheme cannot be that which the browser used: nothing is refused, and there is something to
/// tell.
#[must_use]
pub fn is_misread(finding: Finding, head: &Request<'_>) -> bool {
    let is_misread = || matches!(&head.source, Source::Origin(origin) if head.is_misread_by(origin));
    finding.outcome == Outcome::Allowed(Allow::SameHost) && is_misread()
}

/// What to tell of a verdict on a request that is refused or [misread](is_misread), under a policy of which the keys were written in these places.
#[must_use]
pub fn hint(
    policy: &Policy,
    provenance: &Provenance,
    verdict: &Verdict<'_>,
    head: &Request<'_>,
    domains: Domains,
) -> Hint {
    let case = Case {
        policy,
        provenance,
        at: verdict.by,
        rules: policy.rules_of(verdict.by),
        check: verdict.finding.check,
        deny: verdict.finding.outcome.deny(),
        forwarded: verdict.forwarded.as_deref(),
        head,
        domains,
    };
    case.hint()
}

impl Case<'_> {
    fn hint(&self) -> Hint {
        match (self.deny, self.head.source) {
            (Some(Deny::HostNotAllowed | Deny::HostMalformed), _) => self.host_hint(),
            (Some(Deny::MethodNotAllowed), _) => Hint::fix(self.method_fix()),
            (Some(Deny::HeaderNotAllowed), _) => Hint::fix(self.header_fix()),
            (Some(Deny::OriginMalformed), _) => self.malformed_hint(),
            (
                Some(Deny::PortMismatch | Deny::SchemeMismatch | Deny::OriginNotAllowed | Deny::CrossSiteWrite),
                Source::Origin(origin),
            ) => self.origin_hint(&origin),
            (None, _) => Hint::fix(OTHER_SCHEME),
            _ => Hint::fix(self.general_fix()),
        }
    }

    /// For a refusal that no value of the request explains.
    fn general_fix(&self) -> Cow<'static, str> {
        let missing = |key, who| {
            [
                "set ",
                &self.key(key),
                " to allow, if clients other than browsers ",
                who,
            ]
            .concat()
        };
        match (self.check, self.deny) {
            (_, Some(Deny::HeadersUnavailable)) => {
                "report this with the proxy's version: it would not hand over the headers".into()
            }
            (Check::Csrf, Some(Deny::OriginMissing)) => missing("csrf.missing_origin", "write").into(),
            (_, Some(Deny::OriginMissing)) => missing("websocket.missing_origin", "connect").into(),
            (Check::WebSocket, Some(Deny::OriginNotAllowed)) => {
                "serve the page from a site: where null is allowed, it may read and no more".into()
            }
            (Check::Csrf, Some(Deny::OriginNull)) => {
                let form = "a sandboxed frame, a redirect or Referrer-Policy: no-referrer hides whose page it is";
                match self.exempt_path() {
                    Some(_) => {
                        let key = self.key("csrf.exempt_paths");
                        [form, ": if another site is to post here, add the path to ", &key]
                            .concat()
                            .into()
                    }
                    None => form.into(),
                }
            }
            (_, Some(Deny::OriginNull)) => {
                "serve the page from a site: sandboxed frames, files and some redirects have no origin".into()
            }
            _ => match self.exempt_path() {
                Some(_) => [
                    ANOTHER_SITE,
                    ": if that is meant, add the path to ",
                    &self.key("csrf.exempt_paths"),
                ]
                .concat()
                .into(),
                None => ANOTHER_SITE.into(),
            },
        }
    }

    /// For an origin in a spelling that no browser sends, the one that would be allowed.
    fn malformed_hint(&self) -> Hint {
        let Some(received) = self.head.received.origin.one() else {
            return Hint::fix("one Origin line is sent by browsers: see what adds another");
        };
        let lower = received.to_ascii_lowercase();
        let repaired = lower.strip_suffix(b"/").unwrap_or(&lower);
        let origins = &self.rules.origins;
        let is_allowed = |it: Origin<'_>| origins.find(&Source::Origin(it)).is_ok();
        if Origin::parse(repaired).is_ok_and(is_allowed) {
            return Hint::respelled(text(repaired));
        }
        Hint::fix(NO_BROWSER)
    }
}

const ANOTHER_SITE: &str = "the browser reported a cross-site request without an origin";
