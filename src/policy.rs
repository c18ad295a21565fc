//! The policy: which rules apply to a request, and what they say. Pure: no proxy, no clock, no log, no configuration
//! format.

pub mod cors;
pub mod headers;
pub mod host;
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

use path::{PathPrefix, is_plain};
use request::RequestHead;
use rules::Rules;
use set::HostSet;
use verdict::{Decision, Grant, Verdict};

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
    /// `match.hosts`; `None` for all.
    pub hosts: Option<HostSet>,
    /// `match.path_prefixes`; empty for all.
    pub paths: Vec<PathPrefix>,
    /// The rules.
    pub rules: Rules,
}

/// Whether rules apply to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applies {
    No,
    /// It depends on how the backend reads a host or path that has more than one reading.
    Perhaps,
    Yes,
}

impl Policy {
    /// Decides on one request.
    ///
    /// A request whose host or path has more than one reading may belong to several policies; then each is asked, and
    /// the strictest answer holds.
    #[must_use]
    pub fn decide<'a>(&'a self, head: &RequestHead<'a>) -> Verdict<'a> {
        let mut strictest: Option<Verdict<'a>> = None;
        for scoped in &self.scoped {
            let applies = scoped.applies(head);
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

    /// The answer where headers cannot be read or written: what is not known to be allowed is refused.
    #[must_use]
    pub fn refuse_unavailable(&self) -> Verdict<'_> {
        self.rules.refuse_unavailable()
    }
}

impl Scoped {
    fn applies(&self, head: &RequestHead<'_>) -> Applies {
        let host = match (&self.hosts, head.target()) {
            (None, _) => Applies::Yes,
            (Some(_), None) => Applies::Perhaps,
            (Some(hosts), Some(target)) if hosts.contains(&target.host) => Applies::Yes,
            (Some(_), Some(_)) => Applies::No,
        };
        let path = if self.paths.is_empty() {
            Applies::Yes
        } else if !is_plain(head.path) {
            Applies::Perhaps
        } else if self.paths.iter().any(|it| it.covers(head.path)) {
            Applies::Yes
        } else {
            Applies::No
        };
        match (host, path) {
            (Applies::No, _) | (_, Applies::No) => Applies::No,
            (Applies::Yes, Applies::Yes) => Applies::Yes,
            _ => Applies::Perhaps,
        }
    }
}

fn stricter<'a>(first: Option<Verdict<'a>>, second: Verdict<'a>) -> Verdict<'a> {
    match first {
        Some(first) if leniency(&first) <= leniency(&second) => first,
        _ => second,
    }
}

/// How much an answer lets happen: first whether the request goes on, then who may read what comes back.
fn leniency(verdict: &Verdict<'_>) -> (bool, u8) {
    let granted = |credentials| 1 + u8::from(credentials);
    match &verdict.decision {
        Decision::Reply(reply) => {
            let has = |name| reply.headers.iter().any(|(it, _)| *it == name);
            let readable = if has(headers::ALLOW_ORIGIN) {
                granted(has(headers::ALLOW_CREDENTIALS))
            } else {
                0
            };
            (reply.status < 400, readable)
        }
        Decision::Forward(forward) => {
            let readable = match &forward.response {
                Some((_, Grant::Withheld)) => 0,
                Some((cors, _)) => granted(cors.credentials),
                // The backend's own CORS headers go out as they are.
                None => 3,
            };
            (true, readable)
        }
    }
}
