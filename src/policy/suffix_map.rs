//! A map that is looked up by a whole name, or by all suffixes of a name at once, at a cost that does not grow with the
//! number of names.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::fnv;

/// A read-only map from names to `T`, asked by a whole name or by its parent domains, without regard to ASCII case.
///
/// Names are hashed from their last byte to their first, so that one pass over a name yields the hash of each of its
/// parents. Who sends requests does not choose the keys, so the hash need not resist collisions; keys are compared.
#[derive(Debug)]
pub(super) struct SuffixMap<T> {
    buckets: HashMap<u64, Entries<T>, BuildHasherDefault<AlreadyHashed>>,
    lengths: Lengths,
    /// The length of the longest name: no parent that is longer is looked for.
    longest: usize,
}

/// Which lengths names have. This alone rules out most parents of a long name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lengths([u64; 4]);

impl Lengths {
    /// Adds the length of a name.
    pub(super) fn add(&mut self, name: &[u8]) {
        if let Some(word) = self.0.get_mut(name.len() / 64) {
            *word |= 1 << (name.len() % 64);
        }
    }

    /// Whether any name is as long.
    pub(super) fn have(&self, name: &[u8]) -> bool {
        let word = self.0.get(name.len() / 64);
        word.is_some_and(|word| word & (1 << (name.len() % 64)) != 0)
    }
}

/// The names with one hash.
type Entries<T> = Vec<(Box<[u8]>, T)>;

impl<T> Default for SuffixMap<T> {
    fn default() -> Self {
        Self {
            buckets: HashMap::default(),
            lengths: Lengths::default(),
            longest: 0,
        }
    }
}

impl<T: Default> SuffixMap<T> {
    /// The value under a name, made if need be.
    pub(super) fn entry(&mut self, name: Box<[u8]>) -> &mut T {
        self.lengths.add(&name);
        self.longest = self.longest.max(name.len());
        let entries = self.buckets.entry(hash(&name)).or_default();
        let at = match entries.iter().position(|(key, _)| *key == name) {
            Some(at) => at,
            None => {
                entries.push((name, T::default()));
                entries.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "`at` was found or made above")]
        &mut entries[at].1
    }
}

impl<T> SuffixMap<T> {
    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        if !self.lengths.have(name) {
            return None;
        }
        self.get_hashed(name, hash(name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The names and their values, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.buckets.values().flatten().map(|(name, value)| (&**name, value))
    }

    /// Some name and its value; the same one each time.
    pub(super) fn first(&self) -> Option<(&[u8], &T)> {
        self.buckets
            .values()
            .flatten()
            .map(|(name, value)| (&**name, value))
            .next()
    }

    /// What is under each proper parent domain of the name, nearest last, with the labels before that parent.
    pub(super) fn parents<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        let bytes = if self.is_empty() { &[] } else { name };
        self.tails_after(bytes, |before| before == Some(b'.'))
    }

    /// What is under each end of the name, the empty one and the whole too, with what stands before that end.
    pub(super) fn tails<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        self.tails_after(name, |_| true)
    }

    fn tails_after<'a>(
        &'a self,
        name: &'a [u8],
        is_asked: impl Fn(Option<u8>) -> bool,
    ) -> impl Iterator<Item = (&'a [u8], &'a T)> {
        let first = name.len().saturating_sub(self.longest);
        let (mut hash, mut next) = (fnv::SEED, Some(name.len()));
        std::iter::from_fn(move || {
            while let Some(at) = next {
                let (before, tail) = name.split_at_checked(at)?;
                let hash_of_tail = hash;
                next = at.checked_sub(1).filter(|at| *at >= first);
                let last = before.last().copied();
                hash = last.map_or(hash, |byte| hash_byte(hash, byte));
                if is_asked(last)
                    && let Some(found) = self.get_hashed(tail, hash_of_tail)
                {
                    return Some((before, found));
                }
            }
            None
        })
    }

    fn get_hashed(&self, name: &[u8], hash: u64) -> Option<&T> {
        if !self.lengths.have(name) {
            return None;
        }
        let entries = self.buckets.get(&hash)?;
        // Most names come in lower case, and to compare without regard to it takes many times as long.
        entries
            .iter()
            .find(|(key, _)| **key == *name || key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn hash(name: &[u8]) -> u64 {
    name.iter().rev().fold(fnv::SEED, |hash, &byte| hash_byte(hash, byte))
}

/// Folds the case of letters, and one other sign into another: the names themselves are compared later.
fn hash_byte(hash: u64, byte: u8) -> u64 {
    fnv::add(hash, byte | 0x20)
}

/// Takes the keys of [`SuffixMap`], which are hashes, as they are. The standard hasher would ask the proxy for random
/// numbers, which not every one offers.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| hash_byte(hash, byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
