//! Entries of `policies` that requests never reach: because an earlier entry takes them, or because the host check does.

use super::super::node::Node;
use super::super::note::Report;
use super::idle::is_below;
use super::scope::Scope;
use crate::policy::host::Host;
use crate::policy::pattern::HostPattern;
use crate::policy::problem::Problem;
use crate::policy::set::HostSet;
use crate::policy::{Policy, Scoped};

/// One entry of `policies`: how it was written and what it was parsed to.
struct Entry<'a> {
    scope: &'a Scope<'a>,
    parsed: &'a Scoped,
}

pub fn warn(scopes: &[Scope<'_>], policy: &Policy, report: &mut Report) {
    let entries: Vec<_> = scopes
        .iter()
        .skip(1)
        .zip(&policy.scoped)
        .map(|(scope, parsed)| Entry { scope, parsed })
        .collect();
    for (at, entry) in entries.iter().enumerate() {
        let (before, after) = entries.split_at(at);
        entry.warn_of_earlier(before, report);
        entry.warn_of_refused_hosts(report);
        let is_exception = |later: &Entry<'_>| entry.meets(later);
        if !entry.scope.gives_rules() && !after.iter().skip(1).any(is_exception) {
            super::warn(report, &entry.scope.path, None, Problem::EntryIdle, "");
        }
    }
}

impl<'n> Entry<'n> {
    /// Returns the hosts or prefixes of the entry; `None` stands for all.
    fn matched(&self, key: &str) -> Vec<Option<&'n str>> {
        let mut texts: Vec<_> = self.scope.matched(key).map(Some).collect();
        if texts.is_empty() {
            texts.push(None);
        }
        texts
    }

    fn hosts(&self) -> Vec<Option<&'n str>> {
        self.matched("hosts")
    }

    fn prefixes(&self) -> Vec<Option<&'n str>> {
        self.matched("path_prefixes")
    }

    fn covers_host(&self, host: Option<&str>) -> bool {
        let Some(hosts) = &self.parsed.hosts else {
            return true;
        };
        covers(hosts, host.unwrap_or("*"))
    }

    fn covers_prefix(&self, prefix: Option<&str>) -> bool {
        self.prefixes().into_iter().any(|own| match (own, prefix) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(prefix)) => is_below(prefix, own),
        })
    }

    fn covers(&self, other: &Entry<'_>) -> bool {
        other.hosts().into_iter().all(|it| self.covers_host(it))
            && other.prefixes().into_iter().all(|it| self.covers_prefix(it))
    }

    /// Whether some request is for both entries.
    fn meets(&self, other: &Entry<'_>) -> bool {
        let covers_a_host = |a: &Entry<'_>, b: &Entry<'_>| b.hosts().into_iter().any(|it| a.covers_host(it));
        let covers_a_prefix = |a: &Entry<'_>, b: &Entry<'_>| b.prefixes().into_iter().any(|it| a.covers_prefix(it));
        (covers_a_host(self, other) || covers_a_host(other, self))
            && (covers_a_prefix(self, other) || covers_a_prefix(other, self))
    }

    fn warn_of_earlier(&self, before: &[Entry<'_>], report: &mut Report) {
        let (hosts, prefixes) = (self.hosts(), self.prefixes());
        let taken = self.taken(before, &hosts, &prefixes);
        if let Some(by) = takers(before, &mut taken.iter()) {
            let is_repeated = before.iter().any(|it| it.covers(self) && self.covers(it));
            let (problem, by) = match is_repeated {
                true => (Problem::MatchRepeated, String::new()),
                false => (Problem::MatchHidden, by),
            };
            return super::warn(report, &self.scope.path_of("match", ""), None, problem, &by);
        }
        let width = prefixes.len();
        let mut hidden =
            |key: &str, index: usize, text: &Option<&str>, cells: &mut dyn Iterator<Item = &Option<usize>>| {
                if let (Some(text), Some(by)) = (text, takers(before, cells)) {
                    let path = format!("{}[{index}]", self.scope.path_of("match", key));
                    super::warn(report, &path, Some(&Node::from(*text)), Problem::MatchHidden, &by);
                }
            };
        for (at, prefix) in prefixes.iter().enumerate() {
            hidden("path_prefixes", at, prefix, &mut taken.iter().skip(at).step_by(width));
        }
        for (at, host) in hosts.iter().enumerate() {
            hidden("hosts", at, host, &mut taken.iter().skip(at * width).take(width));
        }
    }

    /// Returns which earlier entry takes each pair of a host and a prefix; nothing if none takes any.
    fn taken(&self, before: &[Entry<'_>], hosts: &[Option<&str>], prefixes: &[Option<&str>]) -> Vec<Option<usize>> {
        let mut taken = Vec::new();
        for (at, earlier) in before.iter().enumerate() {
            let below: Vec<_> = prefixes.iter().map(|it| earlier.covers_prefix(*it)).collect();
            if !below.contains(&true) {
                continue;
            }
            taken.resize(hosts.len() * below.len(), None);
            for (line, host) in taken.chunks_mut(below.len()).zip(hosts) {
                let is_host = earlier.covers_host(*host);
                for (cell, is_below) in line.iter_mut().zip(&below) {
                    if is_host && *is_below && cell.is_none() {
                        *cell = Some(at);
                    }
                }
            }
        }
        taken
    }

    /// The hosts of an entry for which the host check refuses every request.
    fn warn_of_refused_hosts(&self, report: &mut Report) {
        let allowed = self.parsed.rules.allowed_hosts.as_ref();
        let Some(allowed) = allowed.filter(|_| self.scope.enforces("hosts")) else {
            return;
        };
        for (index, host) in self.scope.matched("hosts").enumerate() {
            let is_around = |it: &str| covers(&HostPattern::parse(host).into_iter().collect(), it);
            if !covers(allowed, host) && !self.scope.list("", "allowed_hosts").any(is_around) {
                let path = format!("{}[{index}]", self.scope.path_of("match", "hosts"));
                super::warn(report, &path, Some(&Node::from(host)), Problem::MatchRefused, "");
            }
        }
    }
}

/// Returns the names of the entries that take these pairs; `None` if one is not taken.
fn takers(before: &[Entry<'_>], taken: &mut dyn Iterator<Item = &Option<usize>>) -> Option<String> {
    let mut by = Vec::new();
    let mut names = String::new();
    for cell in taken {
        let at = (*cell)?;
        if !by.contains(&at) {
            by.push(at);
            let entry = before.get(at)?;
            names += if names.is_empty() { ": " } else { ", " };
            names += &entry.scope.path;
            if let Some(name) = &entry.parsed.name {
                names += &format!(" ({})", Node::from(name.as_str()));
            }
        }
    }
    Some(names).filter(|it| !it.is_empty())
}

/// Whether a set holds every host of a pattern. A name that no other pattern has stands for those under a domain.
pub fn covers(hosts: &HostSet, pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let name = match pattern.strip_prefix('.') {
        Some(domain) => ["_origin-gate_.", domain].concat(),
        None => pattern,
    };
    match name.as_str() {
        "*" => hosts.is_any(),
        _ => Host::parse(name.as_bytes()).is_ok_and(|it| hosts.contains(&it)),
    }
}
