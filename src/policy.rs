//! The policy: which rules apply to a request, and what they say. Pure: no proxy, no clock, no log, no configuration
//! format.

pub mod cookies;
pub mod cors;
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
use path::{PathIndex, PathPrefix};
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
    /// The prefixes of `scoped`.
    paths: PathIndex,
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
    /// A policy of entries, and of the rules that apply where none does.
    #[must_use]
    pub fn new(scoped: Vec<Scoped>, rules: Rules, debug: bool) -> Self {
        Self {
            paths: PathIndex::new(scoped.iter().map(|it| it.paths.as_slice())),
            scoped,
            rules,
            debug,
        }
    }

    /// Decides on one request.
    ///
    /// A request whose host or path has more than one reading may belong to several policies; then each is asked, and
    /// the strictest answer holds.
    #[must_use]
    pub fn decide<'a>(&'a self, head: &RequestHead<'a>) -> Verdict<'a> {
        if self.scoped.is_empty() {
            return self.rules.decide(head);
        }
        let mut strictest: Option<Verdict<'a>> = None;
        for (_, scoped, applies) in self.asked(head) {
            let verdict = stricter(strictest.take(), scoped.rules.decide(head));
            if applies == Applies::Yes || is_full_refusal(&verdict) {
                return verdict;
            }
            strictest = Some(verdict);
        }
        stricter(strictest, self.rules.decide(head))
    }

    /// Which rules a finding on a request came from, and which entry of `policies` they are.
    #[must_use]
    pub fn rules_behind(&self, finding: Finding, head: &RequestHead<'_>) -> (Option<usize>, &Rules) {
        for (at, scoped, applies) in self.asked(head) {
            if applies == Applies::Yes || scoped.rules.decide(head).finding == finding {
                return (Some(at), &scoped.rules);
            }
        }
        (None, &self.rules)
    }

    /// The entries that a request belongs to or may belong to, in order. Those behind one that it surely belongs to are
    /// not for it.
    fn asked<'s, 'h>(&'s self, head: &RequestHead<'h>) -> impl Iterator<Item = (usize, &'s Scoped, Applies)> {
        let target = head.target();
        self.paths.asked(head.path).into_iter().filter_map(move |(at, path)| {
            let scoped = self.scoped.get(at)?;
            let applies = path.min(scoped.is_for(target.as_ref()));
            (applies != Applies::No).then_some((at, scoped, applies))
        })
    }

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        self.rules.refuse_unavailable()
    }
}

impl Scoped {
    /// Whether this entry is for a host.
    fn is_for(&self, target: Option<&Authority<'_>>) -> Applies {
        match (&self.hosts, target) {
            (None, _) => Applies::Yes,
            (Some(_), None) => Applies::Perhaps,
            (Some(hosts), Some(target)) if hosts.contains(&target.host) => Applies::Yes,
            (Some(_), Some(_)) => Applies::No,
        }
    }
}

/// Whether no answer can be stricter: the request goes no further, and no page can read why.
fn is_full_refusal(verdict: &Verdict<'_>) -> bool {
    let Decision::Reply(reply) = &verdict.decision else {
        return false;
    };
    reply.status >= 400 && !reply.headers.iter().any(|(name, _)| *name == headers::ALLOW_ORIGIN)
}

/// The stricter of two answers; what either takes out of the request is taken out.
fn stricter<'a>(first: Option<Verdict<'a>>, second: Verdict<'a>) -> Verdict<'a> {
    let (mut stricter, laxer) = match first {
        None => return second,
        Some(first) if leniency(&first) <= leniency(&second) => (first, second),
        Some(first) => (second, first),
    };
    if let (Decision::Forward(forward), Decision::Forward(other)) = (&mut stricter.decision, laxer.decision) {
        let removals = other
            .request
            .into_iter()
            .filter(|edit| matches!(edit, RequestEdit::Remove(_)));
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
