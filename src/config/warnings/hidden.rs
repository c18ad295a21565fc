//! Entries of `policies` that requests never reach: because an earlier entry takes them, or because the host check does.

use super::super::node::Node;
use super::super::note::{Note, Report};
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
            report.warn(Note::at(&entry.scope.path, Problem::EntryIdle));
        }
    }
}

/// The earlier entry that takes all plain requests of one host and one prefix; `None` if none does.
type Taken = Option<usize>;

impl Entry<'_> {
    /// Returns the hosts of the entry; none stands for all.
    fn hosts(&self) -> Vec<&str> {
        self.scope.matched("hosts").collect()
    }

    fn prefixes(&self) -> Vec<&str> {
        self.scope.matched("path_prefixes").collect()
    }

    /// Returns where the entry stands, and its name.
    fn name(&self) -> String {
        let name = self.parsed.name.as_deref().map(Node::from);
        let name = name.map_or(String::new(), |name| format!(" ({name})"));
        format!("`{}`{name}", self.scope.path)
    }

    /// Whether both are for the same hosts and prefixes.
    fn is_alike(&self, other: &Self) -> bool {
        let sorted = |mut texts: Vec<_>| {
            texts.sort_unstable();
            texts
        };
        sorted(self.hosts()) == sorted(other.hosts()) && sorted(self.prefixes()) == sorted(other.prefixes())
    }

    fn covers_host(&self, host: Option<&str>) -> bool {
        match (&self.parsed.hosts, host) {
            (None, _) => true,
            (Some(hosts), None) => hosts.is_any(),
            (Some(hosts), Some(host)) => covers(hosts, host),
        }
    }

    fn covers_prefix(&self, prefix: Option<&str>) -> bool {
        let mut prefixes = self.scope.matched("path_prefixes").peekable();
        prefixes.peek().is_none() || prefix.is_some_and(|it| prefixes.any(|prefix| is_below(it, prefix)))
    }

    /// Whether some request is for both entries.
    fn meets(&self, other: &Self) -> bool {
        let (hosts, prefixes) = (self.hosts(), self.prefixes());
        let meets_host =
            |it: &&str| other.covers_host(Some(it)) || other.hosts().iter().any(|host| self.covers_host(Some(host)));
        let meets_prefix = |it: &&str| {
            other.covers_prefix(Some(it)) || other.prefixes().iter().any(|prefix| self.covers_prefix(Some(prefix)))
        };
        (hosts.is_empty() || hosts.iter().any(meets_host)) && (prefixes.is_empty() || prefixes.iter().any(meets_prefix))
    }

    fn warn_of_earlier(&self, before: &[Entry<'_>], report: &mut Report) {
        let of = |texts: Vec<_>| {
            if texts.is_empty() {
                vec![None]
            } else {
                texts.into_iter().map(Some).collect()
            }
        };
        let (hosts, prefixes) = (of(self.hosts()), of(self.prefixes()));
        let taken = self.taken(before, &hosts, &prefixes);
        if taken.is_empty() {
            return;
        }
        let names = |by: &mut dyn Iterator<Item = usize>| {
            let mut by: Vec<_> = by.collect();
            by.sort_unstable();
            by.dedup();
            let names = by.iter().filter_map(|at| before.get(*at)).map(Entry::name);
            names.collect::<Vec<_>>().join(" and ")
        };
        let hidden = |place: &str, value: Option<&str>, by: String, report: &mut Report| {
            let what = (
                Problem::MatchHidden,
                format!("every plain request for this goes to {by}; move this entry up, or remove this"),
            );
            let path = [self.scope.path.as_str(), ".match", place].concat();
            report.warn(match value {
                Some(value) => Note::on(&path, Node::from(value), what),
                None => Note::at(&path, what),
            });
        };
        let cell = |host: usize, prefix: usize| taken.get(host * prefixes.len() + prefix).copied().flatten();
        let column = |prefix| {
            (0..hosts.len())
                .map(move |host| cell(host, prefix))
                .collect::<Option<Vec<_>>>()
        };
        let line = |host| {
            (0..prefixes.len())
                .map(move |prefix| cell(host, prefix))
                .collect::<Option<Vec<_>>>()
        };
        if taken.iter().all(Option::is_some) {
            if before.iter().any(|it| it.is_alike(self)) {
                return report.warn(Note::at(&self.scope.path_of("match", ""), Problem::MatchRepeated));
            }
            return hidden("", None, names(&mut taken.iter().copied().flatten()), report);
        }
        for (at, prefix) in prefixes.iter().enumerate() {
            if let Some(by) = column(at) {
                hidden(
                    &format!(".path_prefixes[{at}]"),
                    *prefix,
                    names(&mut by.into_iter()),
                    report,
                );
            }
        }
        for (at, host) in hosts.iter().enumerate() {
            if let Some(by) = line(at) {
                hidden(&format!(".hosts[{at}]"), *host, names(&mut by.into_iter()), report);
            }
        }
    }

    /// Returns which earlier entry takes each pair of a host and a prefix; nothing if none takes any.
    fn taken(&self, before: &[Entry<'_>], hosts: &[Option<&str>], prefixes: &[Option<&str>]) -> Vec<Taken> {
        let mut taken = Vec::new();
        for (at, earlier) in before.iter().enumerate() {
            let hosts: Vec<_> = hosts.iter().map(|it| earlier.covers_host(*it)).collect();
            if !hosts.contains(&true) {
                continue;
            }
            let below: Vec<_> = prefixes.iter().map(|it| earlier.covers_prefix(*it)).collect();
            if !below.contains(&true) {
                continue;
            }
            taken.resize(hosts.len() * below.len(), None);
            let pairs = hosts.iter().flat_map(|host| below.iter().map(move |it| *host && *it));
            for (cell, is_taken) in taken.iter_mut().zip(pairs) {
                if is_taken && cell.is_none() {
                    *cell = Some(at);
                }
            }
        }
        taken
    }

    /// The hosts of an entry for which the host check refuses every request.
    fn warn_of_refused_hosts(&self, report: &mut Report) {
        let Some(allowed) = self
            .parsed
            .rules
            .allowed_hosts
            .as_ref()
            .filter(|_| self.scope.enforces("hosts"))
        else {
            return;
        };
        for (index, host) in self.hosts().into_iter().enumerate() {
            let is_around = |it: &str| covers(&HostPattern::parse(host).into_iter().collect(), it);
            if !covers(allowed, host) && !self.scope.list("", "allowed_hosts").any(is_around) {
                let path = format!("{}.match.hosts[{index}]", self.scope.path);
                report.warn(Note::on(&path, Node::from(host), Problem::MatchRefused));
            }
        }
    }
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
