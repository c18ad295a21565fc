//! Entries of `policies` that requests never reach: because an earlier entry takes them, or because the host check does.

use super::super::node::Node;
use super::super::note::Report;
use super::idle::is_below;
use super::scope::Scope;
use policy::host::Host;
use policy::pattern::HostPattern;
use policy::problem::Problem;
use policy::set::HostSet;
use policy::{Policy, Scoped};

/// One entry of `policies`: how it was written and what it was parsed to.
struct Entry<'a> {
    scope: &'a Scope<'a>,
    parsed: &'a Scoped,
    /// Without any it is for all.
    hosts: Vec<Hosts<'a>>,
    prefixes: Vec<&'a str>,
}

/// A host pattern.
pub struct Hosts<'n> {
    pub text: &'n str,
    /// The host that stands for all of them.
    name: String,
}

impl<'n> Hosts<'n> {
    /// Under a domain, a name that no other pattern has stands for all.
    pub fn new(text: &'n str) -> Self {
        let name = text.to_ascii_lowercase();
        let name = match name.strip_prefix('.') {
            Some(domain) => ["_origin-gate_.", domain].concat(),
            None => name,
        };
        Self { text, name }
    }

    /// Whether a set holds every one of these hosts.
    pub fn are_in(&self, set: &HostSet) -> bool {
        set.is_any() || Host::parse(self.name.as_bytes()).is_ok_and(|it| set.contains(&it))
    }
}

pub fn warn(scopes: &[Scope<'_>], policy: &Policy, report: &mut Report) {
    let entries: Vec<_> = scopes
        .iter()
        .skip(1)
        .zip(&policy.scoped)
        .map(|(scope, parsed)| Entry {
            scope,
            parsed,
            hosts: scope.matched("hosts").map(Hosts::new).collect(),
            prefixes: scope.matched("path_prefixes").collect(),
        })
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

impl Entry<'_> {
    /// Whether this entry is for all of some hosts; none stands for all there are.
    fn covers_hosts(&self, hosts: Option<&Hosts<'_>>) -> bool {
        match (&self.parsed.hosts, hosts) {
            (None, _) => true,
            (Some(set), None) => set.is_any(),
            (Some(set), Some(hosts)) => hosts.are_in(set),
        }
    }

    fn covers_prefix(&self, prefix: Option<&str>) -> bool {
        self.prefixes.is_empty() || prefix.is_some_and(|it| self.prefixes.iter().any(|own| is_below(it, own)))
    }

    fn covers(&self, other: &Entry<'_>) -> bool {
        all(&other.hosts).all(|it| self.covers_hosts(it))
            && all(&other.prefixes).all(|it| self.covers_prefix(it.copied()))
    }

    /// Whether some request is for both entries.
    fn meets(&self, other: &Entry<'_>) -> bool {
        let covers_a_host = |a: &Entry<'_>, b: &Entry<'_>| all(&b.hosts).any(|it| a.covers_hosts(it));
        let covers_a_prefix = |a: &Entry<'_>, b: &Entry<'_>| all(&b.prefixes).any(|it| a.covers_prefix(it.copied()));
        (covers_a_host(self, other) || covers_a_host(other, self))
            && (covers_a_prefix(self, other) || covers_a_prefix(other, self))
    }

    fn warn_of_earlier(&self, before: &[Entry<'_>], report: &mut Report) {
        let taken = self.taken(before);
        if let Some(by) = takers(before, &mut taken.iter()) {
            let is_repeated = before.iter().any(|it| it.covers(self) && self.covers(it));
            let (problem, by) = match is_repeated {
                true => (Problem::MatchRepeated, String::new()),
                false => (Problem::MatchHidden, by),
            };
            return super::warn(report, &self.scope.path_of("match", ""), None, problem, &by);
        }
        let width = self.prefixes.len().max(1);
        let mut hidden = |key: &str, index: usize, text: &str, cells: &mut dyn Iterator<Item = &Option<usize>>| {
            if let Some(by) = takers(before, cells) {
                let path = format!("{}[{index}]", self.scope.path_of("match", key));
                super::warn(report, &path, Some(&Node::from(text)), Problem::MatchHidden, &by);
            }
        };
        for (at, prefix) in self.prefixes.iter().enumerate() {
            hidden("path_prefixes", at, prefix, &mut taken.iter().skip(at).step_by(width));
        }
        for (at, hosts) in self.hosts.iter().enumerate() {
            hidden("hosts", at, hosts.text, &mut taken.iter().skip(at * width).take(width));
        }
    }

    /// Returns which earlier entry takes each pair of a host and a prefix; nothing if none takes any.
    fn taken(&self, before: &[Entry<'_>]) -> Vec<Option<usize>> {
        let mut taken = Vec::new();
        for (at, earlier) in before.iter().enumerate() {
            let hosts: Vec<_> = all(&self.hosts).map(|it| earlier.covers_hosts(it)).collect();
            if !hosts.contains(&true) {
                continue;
            }
            let below: Vec<_> = all(&self.prefixes)
                .map(|it| earlier.covers_prefix(it.copied()))
                .collect();
            if !below.contains(&true) {
                continue;
            }
            taken.resize(hosts.len() * below.len(), None);
            for (line, is_host) in taken.chunks_mut(below.len()).zip(&hosts) {
                for (cell, is_below) in line.iter_mut().zip(&below) {
                    if *is_host && *is_below && cell.is_none() {
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
        for (index, hosts) in self.hosts.iter().enumerate().filter(|(_, it)| !it.are_in(allowed)) {
            let own: HostSet = HostPattern::parse(hosts.text).into_iter().collect();
            if !self
                .scope
                .list("", "allowed_hosts")
                .any(|it| Hosts::new(it).are_in(&own))
            {
                let path = format!("{}[{index}]", self.scope.path_of("match", "hosts"));
                super::warn(report, &path, Some(&Node::from(hosts.text)), Problem::MatchRefused, "");
            }
        }
    }
}

/// Returns the items of a list, or one `None` that stands for all there are.
fn all<T>(items: &[T]) -> impl Iterator<Item = Option<&T>> {
    let everything = items.is_empty().then_some(None);
    items.iter().map(Some).chain(everything)
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
