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
    exact: NameTable<Vec<Rule>>,
    subdomains: NameTable<Vec<Rule>>,
    labels: NameTable<Vec<LabelRule>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearMiss {
    /// The entry has another port.
    Port,
    /// The entry has another scheme.
    Scheme,
}

/// The rest of an entry whose host matched.
#[derive(Debug)]
struct Rule {
    scheme: Box<[u8]>,
    ports: Ports,
}

#[derive(Debug)]
struct LabelRule {
    prefix: Box<[u8]>,
    suffix: Box<[u8]>,
    rule: Rule,
}

impl Rule {
    fn allows(&self, origin: &Origin<'_>) -> bool {
        *self.scheme == *origin.scheme && self.ports.include(origin.port)
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
            let rule = Rule { scheme, ports };
            match hosts {
                OriginHosts::One(host) => set.exact.entry(host).push(rule),
                OriginHosts::Subdomains(domain) => set.subdomains.entry(domain).push(rule),
                OriginHosts::Labels { prefix, suffix, domain } => {
                    set.labels.entry(domain).push(LabelRule { prefix, suffix, rule });
                }
            }
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
        if self
            .exact
            .get(host)
            .is_some_and(|rules| rules.iter().any(|it| it.allows(origin)))
        {
            return Some(Match::Listed);
        }
        if self.wildcards(host).any(|rule| rule.allows(origin)) {
            return Some(Match::Pattern);
        }
        self.regexes.iter().any(|it| it.matches(origin)).then_some(Match::Regex)
    }

    /// In what a refused origin differs from the entry that comes nearest, if one has its host.
    #[must_use]
    pub fn near_miss(&self, origin: &Origin<'_>) -> Option<NearMiss> {
        let host = origin.host.text();
        let exact = self.exact.get(host).into_iter().flatten();
        exact
            .chain(self.wildcards(host))
            .map(|rule| {
                if *rule.scheme == *origin.scheme {
                    NearMiss::Port
                } else {
                    NearMiss::Scheme
                }
            })
            .min_by_key(|miss| *miss != NearMiss::Port)
    }

    fn wildcards<'a>(&'a self, host: &'a [u8]) -> impl Iterator<Item = &'a Rule> {
        let subdomains = self.subdomains.parents(host).flat_map(|(_, rules)| rules);
        let labels = self.labels.parents(host).flat_map(|(label, rules)| {
            let fitting = rules.iter().filter(move |it| fills(label, &it.prefix, &it.suffix));
            fitting.map(|it| &it.rule)
        });
        subdomains.chain(labels)
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

    /// What is under each proper parent domain of the name, nearest last, with the labels before that parent.
    fn parents<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        let bytes = if self.buckets.is_empty() { &[] } else { name };
        let mut hash = HASH_SEED;
        bytes.iter().enumerate().rev().filter_map(move |(at, byte)| {
            let hash_of_parent = hash;
            hash = hash_byte(hash, byte);
            if *byte != b'.' {
                return None;
            }
            let (before, parent) = name.split_at_checked(at)?;
            Some((before, self.get_hashed(parent.strip_prefix(b".")?, hash_of_parent)?))
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
