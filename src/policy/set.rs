//! Many patterns, compiled: what [`pattern`](super::pattern) defines for one, at a cost that does not grow with the
//! number of entries.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::host::{Host, without_root_dot};
use super::origin::Origin;
use super::pattern::{HostPattern, OriginHosts, OriginPattern, OriginRegex, Ports, fills};

/// The compiled `allowed_origins`.
#[derive(Debug, Default)]
pub struct OriginSet {
    any: bool,
    exact: NameTable<Rules>,
    subdomains: NameTable<Rules>,
    /// `prefix*suffix.domain` under `prefix.domain`, and there under `suffix`.
    labels: NameTable<NameTable<Rules>>,
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
pub enum NearMiss {
    /// The entry has another port.
    Port,
    /// The entry has another scheme.
    Scheme,
}

/// What may stand around a host that matched: schemes and ports, in order.
#[derive(Debug, Default)]
struct Rules(Vec<(Box<[u8]>, Ports)>);

impl Rules {
    fn allow(&self, origin: &Origin<'_>) -> bool {
        let has = |ports| {
            self.0
                .binary_search_by(|(scheme, it)| (&**scheme, *it).cmp(&(origin.scheme, ports)))
                .is_ok()
        };
        has(Ports::One(origin.port)) || has(Ports::Any)
    }

    fn near_miss(&self, origin: &Origin<'_>) -> NearMiss {
        match self.0.binary_search_by(|(scheme, _)| (**scheme).cmp(origin.scheme)) {
            Ok(_) => NearMiss::Port,
            Err(_) => NearMiss::Scheme,
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
                OriginHosts::Labels { prefix, suffix, domain } => {
                    let name = [&prefix, &b"."[..], &domain].concat();
                    set.labels.entry(name.into()).entry(suffix)
                }
            };
            rules.0.push((scheme, ports));
        }
        let labels = set.labels.values_mut().flat_map(NameTable::values_mut);
        for rules in set.exact.values_mut().chain(set.subdomains.values_mut()).chain(labels) {
            rules.0.sort_unstable();
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
        if self.wildcards(host).any(|rules| rules.allow(origin)) {
            return Some(Match::Pattern);
        }
        self.regexes.iter().any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// In what a refused origin differs from the entry that comes nearest, if one has its host.
    #[must_use]
    pub fn near_miss(&self, origin: &Origin<'_>) -> Option<NearMiss> {
        let host = origin.host.text();
        let rules = self.exact.get(host).into_iter().chain(self.wildcards(host));
        rules.map(|rules| rules.near_miss(origin)).min()
    }

    /// What the patterns with a wildcard that matches this host say.
    fn wildcards<'a>(&'a self, host: &'a [u8]) -> impl Iterator<Item = &'a Rules> {
        let subdomains = self.subdomains.parents(host).map(|(_, rules)| rules);
        let end_of_label = if self.labels.is_empty() {
            None
        } else {
            host.iter().position(|&byte| byte == b'.')
        };
        let label = end_of_label.and_then(|end| host.split_at_checked(end));
        let labels = label.into_iter().flat_map(move |(label, domain)| {
            let hyphens = label.iter().enumerate().filter(|(_, byte)| **byte == b'-');
            let parts = hyphens.filter_map(|(at, _)| label.split_at_checked(at + 1));
            parts.flat_map(move |(prefix, rest)| {
                let suffixes = self.labels.get(&[prefix, domain].concat());
                suffixes
                    .into_iter()
                    .flat_map(move |it| it.tails(rest).filter(|(star, _)| fills(star)))
            })
        });
        subdomains.chain(labels.map(|(_, rules)| rules))
    }
}

/// The compiled `allowed_hosts`.
#[derive(Debug, Default)]
pub struct HostSet {
    any: bool,
    exact: NameTable<()>,
    domains: NameTable<()>,
    addresses: Vec<std::net::Ipv6Addr>,
}

impl FromIterator<HostPattern> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostPattern>>(patterns: I) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            match pattern {
                HostPattern::Any => set.any = true,
                HostPattern::Domain(domain) => *set.domains.entry(domain) = (),
                HostPattern::One(host) => match Host::parse(&host) {
                    Ok(Host::V6(_, address)) => set.addresses.push(address),
                    _ => *set.exact.entry(host) = (),
                },
            }
        }
        set.addresses.sort_unstable();
        set
    }
}

impl HostSet {
    /// Whether `*` is listed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Whether the host is allowed; port and one root dot do not count.
    #[must_use]
    pub fn contains(&self, host: &Host<'_>) -> bool {
        self.any || self.lists(host)
    }

    /// Whether the host is allowed by an entry other than `*`.
    #[must_use]
    pub fn lists(&self, host: &Host<'_>) -> bool {
        match host {
            Host::V6(_, address) => self.addresses.binary_search(address).is_ok(),
            Host::Name(name) => {
                let name = without_root_dot(name);
                self.exact.get(name).is_some()
                    || self.domains.get(name).is_some()
                    || self.domains.parents(name).next().is_some()
            }
        }
    }
}

/// A read-only map from names to `T`, asked by a whole name or by its parent domains, without regard to ASCII case.
///
/// Names are hashed from their last byte to their first, so that one pass over a name yields the hash of each of its
/// parents. Who sends requests does not choose the keys, so the hash need not resist collisions; keys are compared.
#[derive(Debug)]
struct NameTable<T> {
    buckets: HashMap<u64, Bucket<T>, BuildHasherDefault<AlreadyHashed>>,
    /// Which lengths occur: most parents of a long name are told absent by this alone.
    lengths: [u64; 4],
}

/// The names with one hash.
type Bucket<T> = Vec<(Box<[u8]>, T)>;

impl<T> Default for NameTable<T> {
    fn default() -> Self {
        Self {
            buckets: HashMap::default(),
            lengths: [0; 4],
        }
    }
}

impl<T: Default> NameTable<T> {
    /// The value under a name, made if need be.
    fn entry(&mut self, name: Box<[u8]>) -> &mut T {
        if let Some(word) = self.lengths.get_mut(name.len() / 64) {
            *word |= 1 << (name.len() % 64);
        }
        let bucket = self
            .buckets
            .entry(name.iter().rev().fold(HASH_SEED, hash_byte))
            .or_default();
        let at = match bucket.iter().position(|(key, _)| *key == name) {
            Some(at) => at,
            None => {
                bucket.push((name, T::default()));
                bucket.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "`at` was found or made above")]
        &mut bucket[at].1
    }
}

impl<T> NameTable<T> {
    fn get(&self, name: &[u8]) -> Option<&T> {
        self.get_hashed(name, name.iter().rev().fold(HASH_SEED, hash_byte))
    }

    fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.buckets.values_mut().flatten().map(|(_, value)| value)
    }

    /// What is under each proper parent domain of the name, nearest last, with the labels before that parent.
    fn parents<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        let bytes = if self.is_empty() { &[] } else { name };
        self.tails_after(bytes, |before| before.ends_with(b"."))
    }

    /// What is under each end of the name, the empty one and the whole too, with what stands before that end.
    fn tails<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        self.tails_after(name, |_| true)
    }

    fn tails_after<'a>(
        &'a self,
        name: &'a [u8],
        is_asked: impl Fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        let mut hash = HASH_SEED;
        (0..=name.len()).rev().filter_map(move |at| {
            let (before, tail) = name.split_at_checked(at)?;
            let hash_of_tail = hash;
            hash = before.last().map_or(hash, |byte| hash_byte(hash, byte));
            if is_asked(before) {
                Some((before, self.get_hashed(tail, hash_of_tail)?))
            } else {
                None
            }
        })
    }

    fn get_hashed(&self, name: &[u8], hash: u64) -> Option<&T> {
        if self.lengths.get(name.len() / 64)? & (1 << (name.len() % 64)) == 0 {
            return None;
        }
        let bucket = self.buckets.get(&hash)?;
        bucket
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// FNV-1a.
const HASH_SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn hash_byte(hash: u64, byte: &u8) -> u64 {
    (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Takes the keys of [`NameTable`], which are hashes, as they are. The standard hasher would ask the proxy for random
/// numbers, which not every one offers.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, hash_byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
