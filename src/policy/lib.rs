//! The policy: which rules apply to a request, and what they say.
//!
//! It guarantees:
//!
//! - **One answer.** [`Policy::decide`] is a function of the policy and the request: no proxy, no clock, no log, no
//!   configuration format. It neither panics nor recurses, whatever a client sends.
//! - **One reading.** A [`Request`] is read once; what no two readers would understand alike is refused, or held to the
//!   strictest of its readings.
//! - **Closed reasons.** What was found is a [`Finding`](verdict::Finding) from a list that no request adds to.
//! - **No allocation** for a decision that sends nothing, however many origins are listed.

#![forbid(unsafe_code)]

pub mod address;
mod allowed;
mod answer;
pub mod check;
pub mod cookies;
mod decide;
mod edits;
pub mod error;
mod finding;
pub mod fnv;
pub mod forwarding;
pub mod headers;
pub mod host;
pub mod origin;
pub mod path;
pub mod pattern;
pub mod read_header;
mod received;
mod regex;
pub mod reply;
pub mod request;
pub mod rules;
pub mod set;
mod strictest;
mod suffix_map;
pub mod text;
pub mod verdict;

use host::Authority;
pub use path::Scope;
use path::{PathIndex, PathPrefix};
use request::Request;
use rules::Rules;
use set::HostSet;
use strictest::Strictest;
use verdict::Verdict;

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
    ///
    /// ```
    /// # use origin_gate_policy as policy;
    /// use std::sync::Arc;
    ///
    /// use policy::Policy;
    /// use policy::pattern::OriginPattern;
    /// use policy::request::Request;
    /// use policy::rules::{Origins, Rules};
    ///
    /// let entry = OriginPattern::parse("https://*.example.com").unwrap();
    /// let origins = Origins { set: Arc::new([entry].into_iter().collect()), ..Origins::default() };
    /// let websocket = Some(policy::check::WebSocket::default());
    /// let rules = Rules { origins: Arc::new(origins), websocket, ..Rules::default() };
    /// let policy = Policy::new(vec![], rules, false);
    ///
    /// let decide = |origin: &str| {
    ///     let fields: [(&[u8], &[u8]); 3] = [
    ///         (b":authority", b"api.example.com"),
    ///         (b"upgrade", b"websocket"),
    ///         (b"origin", origin.as_bytes()),
    ///     ];
    ///     let request: Request<'_> = fields.into_iter().collect();
    ///     policy.decide(&request).finding.to_string()
    /// };
    /// assert_eq!(decide("https://shop.example.com"), "websocket:allowed:pattern");
    /// assert_eq!(decide("https://evil.example"), "websocket:rejected:origin_not_allowed");
    /// ```
    #[inline]
    #[must_use]
    pub fn decide<'a>(&'a self, request: &Request<'a>) -> Verdict<'a> {
        if self.scoped.is_empty() {
            return self.rules.decide(request);
        }
        let mut answers = Strictest::default();
        for (at, scoped, scope) in self.in_scope(request) {
            let verdict = Verdict {
                by: Some(at),
                ..scoped.rules.decide(request)
            };
            let is_strictest = answers.add(verdict);
            if scope == Scope::Inside || is_strictest {
                return answers.finish(request, || self.refuse_unavailable());
            }
        }
        answers.add(self.rules.decide(request));
        answers.finish(request, || self.refuse_unavailable())
    }

    /// The rules of an entry of `policies`, or those outside them.
    #[must_use]
    pub fn rules_of(&self, entry: Option<usize>) -> &Rules {
        let scoped = entry.and_then(|at| self.scoped.get(at));
        scoped.map_or(&self.rules, |scoped| &scoped.rules)
    }

    /// The entries that a request belongs to or may belong to, in order. Those behind one that it surely belongs to are
    /// not for it.
    fn in_scope(&self, request: &Request<'_>) -> impl Iterator<Item = (usize, &Scoped, Scope)> {
        let paths = self.paths.scopes(&request.path);
        paths.into_iter().filter_map(|(at, path)| {
            let scoped = self.scoped.get(at)?;
            let scope = path.min(scoped.is_for(request.target.as_ref()));
            (scope != Scope::Outside).then_some((at, scoped, scope))
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
    fn is_for(&self, target: Option<&Authority<'_>>) -> Scope {
        match (&self.hosts, target) {
            (None, _) => Scope::Inside,
            (Some(_), None) => Scope::Ambiguous,
            (Some(hosts), Some(target)) if hosts.contains(&target.host) => Scope::Inside,
            (Some(_), Some(_)) => Scope::Outside,
        }
    }
}
