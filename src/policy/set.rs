//! Many patterns, compiled: what [`pattern`](super::pattern) defines for one, at a cost that does not grow with the
//! number of entries.

mod hosts;

use std::collections::BinaryHeap;

pub use hosts::HostSet;

use super::origin::Origin;
use super::pattern::{OriginHosts, OriginPattern, OriginRegex, Ports, fills, is_single_label};
use super::suffix_map::SuffixMap;

/// The compiled `allowed_origins`.
#[derive(Debug, Default)]
pub struct OriginSet {
    any: bool,
    exact: SuffixMap<SchemePorts>,
    subdomains: SuffixMap<SchemePorts>,
    /// `prefix*suffix.domain` under `domain`, there under `prefix`, and there under `suffix`.
    labels: SuffixMap<SuffixMap<SuffixMap<SchemePorts>>>,
    regexes: Vec<OriginRegex>,
}

/// How an origin was found in an [`OriginSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// By `*`.
    Any,
    /// By an entry without a wildcard in its host.
    Listed,
    /// By an entry with one.
    Pattern,
    /// By a regular expression.
    Regex,
}

/// In what an origin differs from an entry that has its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// The entry has another port.
    Port,
    /// The entry has another scheme.
    Scheme,
}

/// What may stand around a host that matched: schemes and ports, in order.
#[derive(Debug, Default)]
struct SchemePorts(Vec<(Box<[u8]>, Ports)>);

impl SchemePorts {
    fn allow(&self, origin: &Origin<'_>) -> bool {
        self.find(origin).is_some()
    }

    fn find(&self, origin: &Origin<'_>) -> Option<usize> {
        let find = |ports| {
            self.0
                .binary_search_by(|(scheme, it)| (&**scheme, *it).cmp(&(origin.scheme, ports)))
                .ok()
        };
        find(Ports::One(origin.port)).or_else(|| find(Ports::Any))
    }

    /// The entry with these hosts that allows the origin, or else has its scheme, or else any.
    fn closest(&self, hosts: HostPart<'_>, origin: &Origin<'_>) -> Option<OriginPattern> {
        let of_scheme = self.0.partition_point(|(scheme, _)| **scheme < *origin.scheme);
        let closest = self.find(origin).unwrap_or(of_scheme);
        let (scheme, ports) = self.0.get(closest).or_else(|| self.0.last())?;
        Some(OriginPattern::Of {
            scheme: scheme.clone(),
            hosts: hosts.into(),
            ports: *ports,
        })
    }

    fn mismatch(&self, origin: &Origin<'_>) -> Mismatch {
        match self.0.binary_search_by(|(scheme, _)| (**scheme).cmp(origin.scheme)) {
            Ok(_) => Mismatch::Port,
            Err(_) => Mismatch::Scheme,
        }
    }
}

impl FromIterator<OriginPattern> for OriginSet {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            let OriginPattern::Of { scheme, hosts, ports } = pattern else {
                set.any = true;
                continue;
            };
            let rules = match hosts {
                OriginHosts::One(host) => set.exact.entry(host),
                OriginHosts::Subdomains(domain) => set.subdomains.entry(domain),
                OriginHosts::Labels { prefix, suffix, domain } => set.labels.entry(domain).entry(prefix).entry(suffix),
            };
            rules.0.push((scheme, ports));
        }
        let labels = set.labels.values_mut().flat_map(SuffixMap::values_mut);
        let labels = labels.flat_map(SuffixMap::values_mut);
        for rules in set.exact.values_mut().chain(set.subdomains.values_mut()).chain(labels) {
            rules.0 = BinaryHeap::from(std::mem::take(&mut rules.0)).into_sorted_vec();
        }
        set
    }
}

impl OriginSet {
    /// Adds the regular expressions, which are asked last.
    #[must_use]
    pub fn with_regexes(self, regexes: Vec<OriginRegex>) -> Self {
        Self { regexes, ..self }
    }

    /// Whether `*` is listed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// How the origin is allowed, if it is.
    #[must_use]
    pub fn find(&self, origin: &Origin<'_>) -> Option<Match> {
        if self.any {
            return Some(Match::Any);
        }
        let host = origin.host.text();
        if self.exact.get(host).is_some_and(|rules| rules.allow(origin)) {
            return Some(Match::Listed);
        }
        if self.any_wildcard(host, &mut |_, rules| rules.allow(origin)) {
            return Some(Match::Pattern);
        }
        self.regexes.iter().any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// How the origin is allowed beside credentials, if it is: `*`, what covers every site under one label, and an
    /// expression that is open let pages read without them, and no more.
    #[must_use]
    pub fn find_credentialed(&self, origin: &Origin<'_>) -> Option<Match> {
        let host = origin.host.text();
        if self.exact.get(host).is_some_and(|rules| rules.allow(origin)) {
            return Some(Match::Listed);
        }
        let mut is_own = |hosts: HostPart<'_>, rules: &SchemePorts| !hosts.cover_single_label() && rules.allow(origin);
        if self.any_wildcard(host, &mut is_own) {
            return Some(Match::Pattern);
        }
        let mut closed = self.regexes.iter().filter(|it| !it.is_open());
        closed.any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// How `*` or an open expression allows the origin, if one does.
    #[must_use]
    pub fn find_any(&self, origin: &Origin<'_>) -> Option<Match> {
        let mut open = self.regexes.iter().filter(|it| it.is_open());
        let by_regex = || open.any(|it| it.matches(origin)).then_some(Match::Regex);
        self.any.then_some(Match::Any).or_else(by_regex)
    }

    /// In what a refused origin differs from the entry that comes nearest, if one has its host.
    #[must_use]
    pub fn mismatch(&self, origin: &Origin<'_>) -> Option<Mismatch> {
        let host = origin.host.text();
        let mut nearest = self.exact.get(host).map(|rules| rules.mismatch(origin));
        self.any_wildcard(host, &mut |_, rules| {
            nearest = nearest.into_iter().chain([rules.mismatch(origin)]).min();
            nearest == Some(Mismatch::Port)
        });
        nearest
    }

    /// The entries whose host part holds this host, whatever their scheme and port: of those with the same hosts, the
    /// one that is closest to the origin.
    #[must_use]
    pub fn entries_on(&self, host: &[u8], origin: &Origin<'_>) -> Vec<OriginPattern> {
        let exact = self.exact.get(host);
        let mut entries: Vec<_> = exact
            .and_then(|it| it.closest(HostPart::One(host), origin))
            .into_iter()
            .collect();
        self.any_wildcard(host, &mut |hosts, rules| {
            entries.extend(rules.closest(hosts, origin));
            false
        });
        entries
    }

    /// The entry for the subdomains of just this domain that is closest to the origin.
    #[must_use]
    pub fn entry_below(&self, domain: &[u8], origin: &Origin<'_>) -> Option<OriginPattern> {
        self.subdomains
            .get(domain)?
            .closest(HostPart::Subdomains(domain), origin)
    }

    /// An entry with a wildcard that begins as the host's leftmost label does, and then ends in another way.
    #[must_use]
    pub fn entry_beginning(&self, host: &[u8], origin: &Origin<'_>) -> Option<OriginPattern> {
        self.labels_of(host).find_map(|(prefix, _, domain, suffixes)| {
            let (suffix, rules) = suffixes.first()?;
            rules.closest(HostPart::Labels { prefix, suffix, domain }, origin)
        })
    }

    /// Every entry for one host or the subdomains of one, in no order.
    pub fn entries(&self) -> impl Iterator<Item = OriginPattern> {
        let exact = self.exact.iter().map(|(host, rules)| (HostPart::One(host), rules));
        let subdomains = self.subdomains.iter();
        let subdomains = subdomains.map(|(domain, rules)| (HostPart::Subdomains(domain), rules));
        exact.chain(subdomains).flat_map(|(hosts, rules)| {
            rules.0.iter().map(move |(scheme, ports)| OriginPattern::Of {
                scheme: scheme.clone(),
                hosts: hosts.into(),
                ports: *ports,
            })
        })
    }

    /// The text of the regular expression that matches.
    #[must_use]
    pub fn regex(&self, origin: &Origin<'_>) -> Option<&str> {
        self.regexes.iter().find(|it| it.matches(origin)).map(OriginRegex::text)
    }

    /// Calls `visit` for each wildcard entry that matches `host`, until it returns `true`. Returns whether it did.
    fn any_wildcard(&self, host: &[u8], visit: &mut dyn FnMut(HostPart<'_>, &SchemePorts) -> bool) -> bool {
        for (before, rules) in self.subdomains.parents(host) {
            let (_, domain) = host.split_at_checked(before.len()).unwrap_or_default();
            if visit(HostPart::Subdomains(domain), rules) {
                return true;
            }
        }
        for (prefix, rest, domain, suffixes) in self.labels_of(host) {
            for (star, rules) in suffixes.tails(rest).filter(|(star, _)| fills(star)) {
                let (_, suffix) = rest.split_at_checked(star.len()).unwrap_or_default();
                if visit(HostPart::Labels { prefix, suffix, domain }, rules) {
                    return true;
                }
            }
        }
        false
    }

    /// The patterns inside a label that begin as the host's leftmost does, up to a hyphen, and have its domain: that
    /// beginning, what is left of the label, the domain, and the patterns by how they end.
    fn labels_of<'a>(
        &'a self,
        host: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8], &'a [u8], &'a SuffixMap<SchemePorts>)> {
        let end_of_label = host.iter().position(|&byte| byte == b'.');
        let split = end_of_label.and_then(|end| Some((host.get(..end)?, host.get(end + 1..)?)));
        let found = split.and_then(|(label, domain)| Some((label, domain, self.labels.get(domain)?)));
        found.into_iter().flat_map(|(label, domain, prefixes)| {
            let hyphens = label.iter().enumerate().filter(|(_, byte)| **byte == b'-');
            hyphens.filter_map(move |(at, _)| {
                let (prefix, rest) = label.split_at_checked(at + 1)?;
                Some((prefix, rest, domain, prefixes.get(prefix)?))
            })
        })
    }
}

/// The host part of an entry, put together from the host that it holds.
#[derive(Clone, Copy)]
enum HostPart<'a> {
    One(&'a [u8]),
    Subdomains(&'a [u8]),
    Labels {
        prefix: &'a [u8],
        suffix: &'a [u8],
        domain: &'a [u8],
    },
}

impl HostPart<'_> {
    fn cover_single_label(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Subdomains(domain) | Self::Labels { domain, .. } => is_single_label(domain),
        }
    }
}

impl From<HostPart<'_>> for OriginHosts {
    fn from(hosts: HostPart<'_>) -> Self {
        match hosts {
            HostPart::One(host) => Self::One(host.into()),
            HostPart::Subdomains(domain) => Self::Subdomains(domain.into()),
            HostPart::Labels { prefix, suffix, domain } => Self::Labels {
                prefix: prefix.into(),
                suffix: suffix.into(),
                domain: domain.into(),
            },
        }
    }
}
