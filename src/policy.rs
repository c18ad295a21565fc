//! The policy: which rules apply to a request, and what they say. Pure: no proxy, no clock, no log, no configuration
//! format.

pub mod cookies;
pub mod cors;
pub mod forwarding;
pub mod headers;
pub mod hint;
pub mod host;
mod names;
pub mod near;
pub mod origin;
pub mod path;
pub mod pattern;
pub mod problem;
pub mod request;
pub mod rules;
pub mod set;
pub mod verdict;
pub mod websocket;
pub mod writes;

use cors::UpstreamHeaders;
use host::Authority;
use path::{PathPrefix, is_plain};
use request::RequestHead;
use rules::Rules;
use set::HostSet;
use verdict::{Decision, Finding, Grant, Outcome, RequestEdit, Verdict};

/// One policy, as configured.
#[derive(Debug)]
pub struct Policy {
    /// The entries of `policies`: the first that matches applies.
    pub scoped: Vec<Scoped>,
    /// What applies where none does.
    pub rules: Rules,
    /// `debug`: responses tell the finding.
    pub debug: bool,
}

/// Rules for some hosts and paths.
#[derive(Debug)]
pub struct Scoped {
    /// `name`, for people.
    pub name: Option<String>,
    /// `match.hosts`; `None` for all.
    pub hosts: Option<HostSet>,
    /// `match.path_prefixes`; empty for all.
    pub paths: Vec<PathPrefix>,
    /// The rules.
    pub rules: Rules,
}

/// Whether rules apply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    /// They do not.
    No,
    /// That depends on how the backend reads a host or path that has more than one reading.
    Perhaps,
    /// They do.
    Yes,
}

impl Policy {
    /// Decides on one request.
    ///
    /// A request whose host or path has more than one reading may belong to several policies; then each is asked, and
    /// the strictest answer holds.
    #[must_use]
    pub fn decide<'a>(&'a self, head: &RequestHead<'a>) -> Verdict<'a> {
        if self.scoped.is_empty() {
            return self.rules.decide(head);
        }
        let target = head.target();
        let is_plain = is_plain(head.path);
        let mut strictest: Option<Verdict<'a>> = None;
        for scoped in &self.scoped {
            let applies = scoped.applies(target.as_ref(), head.path, is_plain);
            if applies == Applies::No {
                continue;
            }
            let verdict = stricter(strictest.take(), scoped.rules.decide(head));
            if applies == Applies::Yes {
                return verdict;
            }
            strictest = Some(verdict);
        }
        stricter(strictest, self.rules.decide(head))
    }

    /// Which rules a finding on a request came from, and which entry of `policies` they are.
    #[must_use]
    pub fn rules_behind(&self, finding: Finding, head: &RequestHead<'_>) -> (Option<usize>, &Rules) {
        let target = head.target();
        let is_plain = is_plain(head.path);
        for (at, scoped) in self.scoped.iter().enumerate() {
            let applies = scoped.applies(target.as_ref(), head.path, is_plain);
            if applies == Applies::Yes || applies == Applies::Perhaps && scoped.rules.decide(head).finding == finding {
                return (Some(at), &scoped.rules);
            }
        }
        (None, &self.rules)
    }

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        self.rules.refuse_unavailable()
    }
}

impl Scoped {
    fn applies(&self, target: Option<&Authority<'_>>, path: &[u8], is_plain: bool) -> Applies {
        let host = match (&self.hosts, target) {
            (None, _) => Applies::Yes,
            (Some(_), None) => Applies::Perhaps,
            (Some(hosts), Some(target)) if hosts.contains(&target.host) => Applies::Yes,
            (Some(_), Some(_)) => Applies::No,
        };
        let path = if self.paths.is_empty() {
            Applies::Yes
        } else if !is_plain {
            Applies::Perhaps
        } else {
            self.paths
                .iter()
                .map(|it| it.applies(path))
                .max()
                .unwrap_or(Applies::No)
        };
        host.min(path)
    }
}

/// The stricter of two answers; what either takes out of the request is taken out.
fn stricter<'a>(first: Option<Verdict<'a>>, second: Verdict<'a>) -> Verdict<'a> {
    let (mut stricter, laxer) = match first {
        None => return second,
        Some(first) if leniency(&first) <= leniency(&second) => (first, second),
        Some(first) => (second, first),
    };
    if let (Decision::Forward(forward), Decision::Forward(other)) = (&mut stricter.decision, laxer.decision) {
        let removals = other.request.into_iter().filter(RequestEdit::takes_out);
        forward.request.extend(removals);
    }
    stricter
}

/// How much an answer lets happen: first whether the request goes on, then who may read what comes back, then what a
/// preflight grants.
fn leniency(verdict: &Verdict<'_>) -> (bool, u8, bool, bool) {
    let granted = |credentials| 1 + u8::from(credentials);
    match &verdict.decision {
        Decision::Reply(reply) => {
            let has = |name| reply.headers.iter().any(|(it, _)| *it == name);
            let readable = if has(headers::ALLOW_ORIGIN) {
                granted(has(headers::ALLOW_CREDENTIALS))
            } else {
                0
            };
            let is_granted = verdict.finding.outcome == Outcome::Allowed;
            (
                reply.status < 400,
                readable,
                is_granted,
                has(headers::ALLOW_PRIVATE_NETWORK),
            )
        }
        Decision::Forward(forward) => {
            let readable = match &forward.response {
                // The backend's own CORS headers go out as they are.
                None => 3,
                Some((cors, _)) if cors.upstream == UpstreamHeaders::Keep => 3,
                Some((_, Grant::Withheld)) => 0,
                Some((cors, _)) => granted(cors.credentials),
            };
            (true, readable, false, false)
        }
    }
}
