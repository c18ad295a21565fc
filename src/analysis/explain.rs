//! What the filter would do with one request, and why: for people, and as JSON for programs.
//!
//! The request goes through the very [`Filter`] that runs in the proxy, in front of a proxy that only records
//! what it does. So this cannot say one thing and the module do another.

mod recording_proxy;
mod render;
mod scenario;
mod way_out;

use std::sync::Arc;

use crate::is_public_suffix;
use crate::reach::named;
use crate::suffixes;
use advice::nearest::sibling;
use advice::{Domains, Hint};
use config::Loaded;
use filter::{Filter, FilterConfig, Next};
use policy::Policy;
use policy::forwarding::FORWARDED;
use policy::origin::Origin;
use policy::pattern::{HostPattern, OriginPattern};
use policy::request::{Field, Received, Request, Source};
use policy::rules::Rules;
use policy::text::printable;
use policy::verdict::{Action, Allow, Check, Deny, Finding, Outcome, ResponseCors, Verdict};
use recording_proxy::RecordingProxy;
use way_out::Refusal;

pub(crate) use render::row;
pub use render::{Color, Colors};
pub use scenario::Scenario;

/// A header line.
pub type Line = (String, Vec<u8>);

/// A request to explain, and the response that it would get behind the filter.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The request's fields, as a proxy shows them: pseudo-headers first, names in lower case.
    pub request: Vec<Line>,
    /// The fields of the response that the backend would give, `:status` among them.
    pub response: Vec<Line>,
}

/// What the filter would do, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The decision.
    pub finding: Finding,
    /// Why, in words.
    pub why: &'static str,
    /// The entry of `policies` whose rules decided; `None` for those outside.
    pub(crate) by: Option<usize>,
    /// Whether the CORS headers of the backend stay where the policy grants nothing.
    keeps_upstream: bool,
    /// The entry of `policies` whose rules decided, and its name; `None` for those outside.
    pub policy: Option<String>,
    /// The entry that allowed the origin.
    pub entry: Option<String>,
    /// The entry that comes nearest, and what to change; `None` where nothing was refused and the scheme is the browser's.
    pub hint: Option<Hint>,
    /// The request as the backend would get it; `None` if it would not.
    pub forwarded: Option<Vec<Line>>,
    /// The edits to the request, in words.
    pub edits: Vec<String>,
    /// The response as the client would get it, `:status` first.
    pub response: Vec<Line>,
    /// The body, where the filter itself answers with one.
    pub body: String,
    /// The policy's warnings.
    pub warnings: Vec<String>,
}

impl Explanation {
    /// `true` unless the request is rejected; report-only violations count as allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        !matches!(self.finding.outcome, Outcome::Rejected(_))
    }

    /// The status of the filter's own answer, if it answers.
    #[must_use]
    pub fn reply_status(&self) -> Option<&[u8]> {
        let status = self.response.iter().find(|(name, _)| name == ":status");
        status.filter(|_| self.forwarded.is_none()).map(|(_, it)| it.as_slice())
    }
}

/// A policy, ready to be asked about one request after another.
pub struct Explainer {
    config: Arc<FilterConfig>,
    warnings: Vec<String>,
}

impl Explainer {
    /// Takes a policy.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        Self {
            config: Arc::new(FilterConfig::new(loaded.policy, loaded.provenance, |_| None)),
            warnings,
        }
    }

    /// Adds what only the command warns of.
    pub fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings);
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.config.policy()
    }

    /// The place to write a key that holds for a request, or the setting that gives it.
    pub(crate) fn place(&self, explanation: &Explanation, key: &str) -> String {
        self.config.provenance().place(explanation.by, key)
    }

    /// Explains what the policy makes of a request.
    ///
    /// # Errors
    ///
    /// If the request's names or values are too many or too long for any proxy.
    pub fn explain(&self, exchange: &Exchange) -> Result<Explanation, &'static str> {
        let policy = self.policy();
        let head: Request<'_> = exchange
            .request
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        let verdict = policy.decide(&head);
        let Verdict { finding, by, .. } = verdict;
        let keeps_upstream =
            matches!(&verdict.action, Action::Forward(forward) if matches!(forward.response, ResponseCors::Keep(_)));

        let mut proxy = RecordingProxy::new(exchange);
        let mut filter = Filter::new(Arc::clone(&self.config));
        let next = filter.on_request(&mut proxy);
        filter.on_response(&mut proxy);
        let recording = proxy.into_recording();
        if recording.finding != finding.to_string() {
            return Err("the request cannot be read: its header lines are too many or too long");
        }
        Ok(Explanation {
            finding,
            why: why(&verdict, &head.received),
            by,
            keeps_upstream,
            policy: by.map(|at| named(policy, at)),
            entry: entry(policy.rules_of(by), finding, &head),
            hint: self.hint(&verdict, &head, &exchange.request),
            forwarded: (next == Next::Continue).then_some(recording.request),
            edits: recording.edits,
            response: recording.response,
            body: recording.body,
            warnings: self.warnings.clone(),
        })
    }

    fn hint(&self, verdict: &Verdict<'_>, head: &Request<'_>, lines: &[Line]) -> Option<Hint> {
        if verdict.finding.outcome.is_allowed() && !advice::is_misread(verdict.finding, head) {
            return None;
        }
        let refusal = Refusal {
            policy: self.policy(),
            provenance: self.config.provenance(),
            verdict,
            head,
            lines,
        };
        Some(refusal.way_out(hint(&self.config, verdict, head)))
    }
}

/// Explains what a policy makes of one request.
///
/// # Errors
///
/// If the request's names or values are too many or too long for any proxy.
pub fn explain(loaded: Loaded, exchange: &Exchange) -> Result<Explanation, &'static str> {
    Explainer::new(loaded).explain(exchange)
}

fn why(verdict: &Verdict<'_>, received: &Received<'_>) -> &'static str {
    let is_malformed = verdict.finding.outcome.deny() == Some(Deny::HostMalformed);
    match &verdict.forwarded {
        Some(unfit) => match (unfit.header == FORWARDED, is_malformed) {
            (true, true) => "Forwarded does not parse, or names an invalid host",
            (true, false) => "a host in Forwarded is not in allowed_hosts",
            (false, true) => "X-Forwarded-Host is no list of names or addresses",
            (false, false) => "X-Forwarded-Host is not in allowed_hosts",
        },
        None if verdict.finding.outcome == Outcome::Allowed(Allow::NotCors) => render::not_cors_text(received),
        None => render::reason_text(verdict.finding),
    }
}

/// The entry that allowed the origin, for the findings that have one.
fn entry(rules: &Rules, finding: Finding, head: &Request<'_>) -> Option<String> {
    let Source::Origin(origin) = head.source else {
        return None;
    };
    let entry = || {
        let entries = rules.origins.set.entries_on(origin.host.text(), &origin);
        entries
            .into_iter()
            .find(|it| it.matches(&origin))
            .map(|it| it.to_string())
    };
    match finding.outcome {
        Outcome::Allowed(Allow::Any) => Some("*".to_owned()),
        Outcome::Allowed(Allow::Listed | Allow::Pattern) => entry(),
        Outcome::Allowed(Allow::Regex) => rules.origins.set.regex(&origin).map(printable),
        _ => None,
    }
}

/// The hint of the log, by what is known of domains here, and the spelling that would be allowed.
fn hint(config: &FilterConfig, verdict: &Verdict<'_>, head: &Request<'_>) -> Hint {
    let policy = config.policy();
    let hint = advice::hint(policy, config.provenance(), verdict, head, DOMAINS);
    let is_forwarded = verdict.forwarded.is_some();
    let finding = |received: Received<'_>| policy.decide(&Request::from(received)).finding;
    match verdict.finding.outcome.deny() {
        Some(Deny::OriginMalformed) if hint.nearest.is_none() => {
            let instead = utf8(head.received.origin).and_then(|it| OriginPattern::parse(it).err()?.instead);
            let helps = |origin: &String| {
                let origin = Field::One(origin.as_bytes());
                let received = head.received.clone();
                finding(Received { origin, ..received }).outcome.is_allowed()
            };
            instead.filter(helps).map_or(hint, Hint::respelled)
        }
        Some(Deny::HostMalformed) if !is_forwarded => {
            let instead = utf8(head.received.authority).and_then(|it| HostPattern::parse(it).err()?.instead);
            let helps = |host: &String| {
                let authority = Field::One(host.as_bytes());
                let received = head.received.clone();
                finding(Received { authority, ..received }).check != Check::Hosts
            };
            instead.filter(helps).map_or(hint, |host| Hint {
                nearest: None,
                fix: format!("ask for {host}: one name or address, an optional port up to 65535").into(),
            })
        }
        _ => hint,
    }
}

/// What the public-suffix list knows of domains.
const DOMAINS: Domains = Domains {
    is_shared: is_public_suffix,
    sibling: |set, origin| sibling(set, origin, |domain| is_kin(origin, domain)),
};

fn utf8<'a>(field: Field<'a>) -> Option<&'a str> {
    std::str::from_utf8(field.one()?).ok()
}

/// Whether an origin is under the same registrable domain: what one owner has, by the public-suffix list.
fn is_kin(origin: &Origin<'_>, domain: &[u8]) -> bool {
    let own = suffixes::domain(origin.host.text());
    own.is_some() && own == suffixes::domain(domain)
}
