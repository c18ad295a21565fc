//! Many patterns, compiled: what [`pattern`](super::pattern) defines for one, at a cost that does not grow with the
//! number of entries.

mod exact;
mod hosts;

use std::sync::Arc;

pub use exact::{ExactOrigins, MalformedLine};
pub use hosts::HostSet;

use super::origin::Origin;
use super::pattern::{HostPart, OriginParts, OriginPattern, OriginRegex, Ports, fills};
use super::suffix_map::SuffixMap;

/// The compiled `allowed_origins`.
#[derive(Debug, Default)]
pub struct OriginSet {
    any: bool,
    exact: Arc<ExactOrigins>,
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

    /// Whether the entry was not there yet.
    fn insert(&mut self, parts: &OriginParts<'_>) -> bool {
        let entry = |(scheme, ports): &(Box<[u8]>, Ports)| (&**scheme, *ports).cmp(&(parts.scheme, parts.ports));
        let at = self.0.binary_search_by(entry);
        if let Err(at) = at {
            self.0.insert(at, (parts.scheme.into(), parts.ports));
        }
        at.is_err()
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

/// An [`OriginSet`] in the making.
#[derive(Debug, Default)]
pub struct OriginSetBuilder {
    set: OriginSet,
    /// The entries without a wildcard in their host.
    lines: Vec<u8>,
}

impl OriginSetBuilder {
    /// Adds an entry; `None` is `*`. Returns `false` if it has a wildcard in its host and is there already.
    pub fn add(&mut self, parts: Option<&OriginParts<'_>>) -> bool {
        let Some(parts) = parts else {
            self.set.any = true;
            return true;
        };
        let rules = match parts.hosts {
            HostPart::One(host) => {
                exact::write(host, parts, &mut self.lines);
                return true;
            }
            HostPart::Subdomains(domain) => self.set.subdomains.entry(domain.into()),
            HostPart::Labels { prefix, suffix, domain } => {
                let prefixes = self.set.labels.entry(domain.into());
                prefixes.entry(prefix.into()).entry(suffix.into())
            }
        };
        rules.insert(parts)
    }

    /// The set; `repeats` becomes whether there are entries without a wildcard in their host that were added twice.
    pub fn finish(self, repeats: &mut bool) -> OriginSet {
        OriginSet {
            exact: ExactOrigins::sort(&self.lines, repeats).into(),
            ..self.set
        }
    }
}

impl FromIterator<OriginPattern> for OriginSet {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let mut builder = OriginSetBuilder::default();
        for pattern in patterns {
            builder.add(pattern.parts().as_ref());
        }
        builder.finish(&mut false)
    }
}

impl OriginSet {
    /// Adds the regular expressions, which are asked last.
    #[must_use]
    pub fn with_regexes(self, regexes: Vec<OriginRegex>) -> Self {
        Self { regexes, ..self }
    }

    /// Has these origins in the place of those that were added without a wildcard in their host.
    #[must_use]
    pub fn with_exact(self, exact: Arc<ExactOrigins>) -> Self {
        Self { exact, ..self }
    }

    /// Whether `*` is listed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// The entries without a wildcard in their host.
    #[must_use]
    pub fn exact(&self) -> &ExactOrigins {
        &self.exact
    }

    /// How the origin is allowed, if it is.
    #[must_use]
    pub fn find(&self, origin: &Origin<'_>) -> Option<Match> {
        if self.any {
            return Some(Match::Any);
        }
        if self.exact.allow(origin) {
            return Some(Match::Listed);
        }
        if self.any_wildcard(origin.host.text(), &mut |_, rules| rules.allow(origin)) {
            return Some(Match::Pattern);
        }
        self.regexes.iter().any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// How the origin is allowed beside credentials, if it is: `*`, what covers every site under one label, and an
    /// expression that is open let pages read without them, and no more.
    #[must_use]
    pub fn find_credentialed(&self, origin: &Origin<'_>) -> Option<Match> {
        if self.exact.allow(origin) {
            return Some(Match::Listed);
        }
        if self.covers(origin) {
            return Some(Match::Pattern);
        }
        let mut closed = self.regexes.iter().filter(|it| !it.is_open());
        closed.any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// Whether an entry with a wildcard in its host allows the origin beside credentials.
    #[must_use]
    pub fn covers(&self, origin: &Origin<'_>) -> bool {
        let mut is_own = |hosts: HostPart<'_>, rules: &SchemePorts| !hosts.cover_single_label() && rules.allow(origin);
        self.any_wildcard(origin.host.text(), &mut is_own)
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
        let closest = self.exact.closest(host, origin);
        let mut nearest = closest.map(|it| match it.scheme == origin.scheme {
            true => Mismatch::Port,
            false => Mismatch::Scheme,
        });
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
        let exact = self.exact.closest(host, origin);
        let mut entries: Vec<_> = exact.map(|it| Some(it).into()).into_iter().collect();
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
        let subdomains = self.subdomains.iter();
        let subdomains = subdomains.flat_map(|(domain, rules)| {
            rules.0.iter().map(move |(scheme, ports)| OriginPattern::Of {
                scheme: scheme.clone(),
                hosts: HostPart::Subdomains(domain).into(),
                ports: *ports,
            })
        });
        self.exact.iter().map(|it| Some(it).into()).chain(subdomains)
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
