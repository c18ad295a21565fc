//! Entries of `policies` that requests never reach: because an earlier entry takes them, or because the host check does.

use super::super::diagnostic::Diagnostics;
use super::super::value::Value;
use super::idle::is_below;
#[cfg(not(target_os = "wasi"))]
use super::idle::meets;
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;
use policy::host::Host;
use policy::pattern::HostPattern;
use policy::set::HostSet;
use policy::{Policy, Scoped};

/// One entry of `policies`: how it was written and what it was parsed to.
struct Entry<'a> {
    rules: &'a WrittenRules<'a>,
    parsed: &'a Scoped,
    /// Without any it is for all.
    hosts: Vec<HostEntry<'a>>,
    prefixes: Vec<&'a str>,
    /// The hosts that the host check lets come this far, each with the index of the one that it belongs to.
    asked: Vec<(usize, HostEntry<'a>)>,
}

/// A host pattern.
#[derive(Clone)]
pub(super) struct HostEntry<'n> {
    pub text: &'n str,
    /// The host that stands for all of them.
    name: String,
}

impl<'n> HostEntry<'n> {
    /// Under a domain, a name that no other pattern has stands for all.
    pub(super) fn new(text: &'n str) -> Self {
        let name = text.to_ascii_lowercase();
        let name = match name.strip_prefix('.') {
            Some(domain) => ["_origin-gate_.", domain].concat(),
            None => name,
        };
        Self { text, name }
    }

    /// Returns the patterns of a list that are for none but these hosts.
    fn within(&self, list: impl Iterator<Item = &'n str>) -> Vec<Self> {
        let own: HostSet = HostPattern::parse(self.text).into_iter().collect();
        list.map(Self::new).filter(|it| it.are_in(&own)).collect()
    }

    /// Whether a set holds every one of these hosts.
    pub(super) fn are_in(&self, set: &HostSet) -> bool {
        set.is_any() || Host::parse(self.name.as_bytes()).is_ok_and(|it| set.contains(&it))
    }
}

pub(super) fn warn(all_rules: &[WrittenRules<'_>], policy: &Policy, diagnostics: &mut Diagnostics) {
    let entries: Vec<_> = all_rules
        .iter()
        .skip(1)
        .zip(&policy.scoped)
        .map(|(rules, parsed)| Entry {
            rules,
            parsed,
            hosts: rules.matched("hosts").map(HostEntry::new).collect(),
            prefixes: rules.matched("path_prefixes").collect(),
            asked: asked(rules, all_rules.first(), parsed),
        })
        .collect();
    for (at, entry) in entries.iter().enumerate() {
        let (before, after) = entries.split_at(at);
        entry.warn_of_earlier(before, diagnostics);
        entry.warn_of_refused_hosts(diagnostics);
        let is_exception = |later: &Entry<'_>| entry.meets(later);
        if !entry.rules.gives_rules() && !after.iter().skip(1).any(is_exception) {
            super::warn(diagnostics, &entry.rules.path, None, DiagnosticCode::EntryIdle, "");
        }
    }
    #[cfg(not(target_os = "wasi"))]
    if let Some(root) = all_rules.first() {
        warn_of_lost_exemptions(root, &entries, diagnostics);
    }
}

/// Returns the hosts for which an entry of `policies` is written. What the host check leaves of them is for the command.
#[cfg(target_os = "wasi")]
fn asked<'a>(rules: &'a WrittenRules<'a>, _: Option<&WrittenRules<'a>>, _: &Scoped) -> Vec<(usize, HostEntry<'a>)> {
    rules.matched("hosts").map(HostEntry::new).enumerate().collect()
}

/// Returns the hosts for which an entry of `policies` decides more than the host check outside would.
#[cfg(not(target_os = "wasi"))]
fn asked<'a>(
    rules: &'a WrittenRules<'a>,
    root: Option<&WrittenRules<'a>>,
    parsed: &Scoped,
) -> Vec<(usize, HostEntry<'a>)> {
    let list = || rules.list("", "allowed_hosts");
    // An entry that has another list refuses by it, and that is something.
    let is_same = root.is_some_and(|root| root.enforces("hosts") && root.list("", "allowed_hosts").eq(list()));
    let may_be_exempt = |path: &str| {
        let mut prefixes = rules.matched("path_prefixes").peekable();
        prefixes.peek().is_none() || prefixes.any(|it| meets(path, it))
    };
    let is_narrowed = is_same
        && rules.enforces("hosts")
        && !rules.list("hosts", "exempt_paths").any(may_be_exempt)
        && !list().any(|it| it == "*");
    let allowed = parsed.rules.allowed_hosts.as_ref().filter(|_| is_narrowed);
    let mut asked: Vec<_> = rules.matched("hosts").map(HostEntry::new).enumerate().collect();
    match allowed {
        Some(_) if asked.is_empty() => list().map(|it| (0, HostEntry::new(it))).collect(),
        Some(allowed) => {
            let narrow = |(at, hosts): (usize, HostEntry<'a>)| {
                let within = match hosts.are_in(allowed) {
                    true => Vec::new(),
                    false => hosts.within(list()),
                };
                let kept = within.is_empty().then_some(hosts);
                kept.into_iter().chain(within).map(move |it| (at, it))
            };
            asked.drain(..).flat_map(narrow).collect()
        }
        None => asked,
    }
}

/// Exempt paths outside `policies` of which every request is for an entry that has the section itself.
#[cfg(not(target_os = "wasi"))]
fn warn_of_lost_exemptions(root: &WrittenRules<'_>, entries: &[Entry<'_>], diagnostics: &mut Diagnostics) {
    for section in ["hosts", "csrf"].into_iter().filter(|it| root.mode(it).is_some()) {
        let is_asked =
            section == "csrf" && root.enforces("hosts") && root.list("hosts", "exempt_paths").next().is_none();
        let hosts = root.list("", "allowed_hosts").filter(|_| is_asked);
        let hosts: Vec<_> = hosts.map(|it| (0, HostEntry::new(it))).collect();
        for (index, path) in root.list(section, "exempt_paths").enumerate() {
            let inherits = |it: &Entry<'_>| {
                let is_here = it.prefixes.is_empty() || it.prefixes.iter().any(|prefix| meets(path, prefix));
                is_here && !it.rules.gives(section)
            };
            let taken = match entries.iter().any(inherits) {
                true => Vec::new(),
                false => taken(&hosts, &[path], entries),
            };
            if let Some(by) = takers(entries, &mut taken.iter()) {
                let place = format!("{}[{index}]", root.path_of(section, "exempt_paths"));
                let why = format!(" on paths of an entry that gives `{section}` itself; write it there{by}");
                super::warn(
                    diagnostics,
                    &place,
                    Some(&Value::from(path)),
                    DiagnosticCode::KeyIdle,
                    &why,
                );
            }
        }
    }
}

impl Entry<'_> {
    /// Whether this entry is for all of some hosts; none stands for all there are.
    fn covers_hosts(&self, hosts: Option<&HostEntry<'_>>) -> bool {
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

    fn warn_of_earlier(&self, before: &[Entry<'_>], diagnostics: &mut Diagnostics) {
        let taken = taken(&self.asked, &self.prefixes, before);
        if let Some(by) = takers(before, &mut taken.iter()) {
            let is_repeated = before.iter().any(|it| it.covers(self) && self.covers(it));
            let (code, by) = match is_repeated {
                true => (DiagnosticCode::MatchRepeated, String::new()),
                false => (DiagnosticCode::MatchHidden, by),
            };
            return super::warn(diagnostics, &self.rules.path_of("match", ""), None, code, &by);
        }
        let width = self.prefixes.len().max(1);
        let mut hidden = |place: String, at: usize, text: &str, cells: &mut dyn Iterator<Item = &Option<usize>>| {
            if let Some(by) = takers(before, cells) {
                let place = format!("{place}[{at}]");
                super::warn(
                    diagnostics,
                    &place,
                    Some(&Value::from(text)),
                    DiagnosticCode::MatchHidden,
                    &by,
                );
            }
        };
        for (at, prefix) in self.prefixes.iter().enumerate() {
            let place = self.rules.path_of("match", "path_prefixes");
            hidden(place, at, prefix, &mut taken.iter().skip(at).step_by(width));
        }
        for (at, hosts) in self.hosts.iter().enumerate() {
            let lines = taken.chunks(width).zip(&self.asked).filter(|(_, (of, _))| *of == at);
            let place = self.rules.path_of("match", "hosts");
            hidden(place, at, hosts.text, &mut lines.flat_map(|(line, _)| line));
        }
        #[cfg(not(target_os = "wasi"))]
        for section in ["hosts", "csrf"] {
            let is_own = self.rules.gives(section) && self.rules.mode(section).is_some();
            let paths = self.rules.list(section, "exempt_paths").enumerate();
            for (at, path) in paths.filter(|(_, path)| is_own && self.covers_prefix(Some(path))) {
                let place = self.rules.path_of(section, "exempt_paths");
                hidden(place, at, path, &mut self::taken(&self.asked, &[path], before).iter());
            }
        }
    }

    /// The hosts of an entry for which the host check refuses every request.
    fn warn_of_refused_hosts(&self, diagnostics: &mut Diagnostics) {
        let allowed = self.parsed.rules.allowed_hosts.as_ref();
        let Some(allowed) = allowed.filter(|_| self.rules.enforces("hosts")) else {
            return;
        };
        for (index, hosts) in self.hosts.iter().enumerate().filter(|(_, it)| !it.are_in(allowed)) {
            if hosts.within(self.rules.list("", "allowed_hosts")).is_empty() {
                let path = format!("{}[{index}]", self.rules.path_of("match", "hosts"));
                super::warn(
                    diagnostics,
                    &path,
                    Some(&Value::from(hosts.text)),
                    DiagnosticCode::MatchRefused,
                    "",
                );
            }
        }
    }
}

/// Returns which entry takes each pair of a host and a prefix; nothing if none takes any.
fn taken(asked: &[(usize, HostEntry<'_>)], prefixes: &[&str], before: &[Entry<'_>]) -> Vec<Option<usize>> {
    let mut taken = Vec::new();
    for (at, earlier) in before.iter().enumerate() {
        // There may be many hosts, so that the paths are asked first.
        let below: Vec<_> = all(prefixes).map(|it| earlier.covers_prefix(it.copied())).collect();
        if !below.contains(&true) {
            continue;
        }
        let hosts = all(asked).map(|it| earlier.covers_hosts(it.map(|(_, hosts)| hosts)));
        let hosts: Vec<_> = hosts.collect();
        if !hosts.contains(&true) {
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
            names += &entry.rules.path;
            if let Some(name) = &entry.parsed.name {
                names += &format!(" ({})", Value::from(name.as_str()));
            }
        }
    }
    Some(names).filter(|it| !it.is_empty())
}
