//! The lines of a long list by their hash: bisection of the whole takes several times as long.

/// Where the lines of a list begin, by the hash of a key.
///
/// Whoever writes a list may choose lines of one hash. So those of a bucket are in the order in which they came, for bisection,
/// and a look-up never takes longer than one in the whole list.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// Where each bucket ends; nothing for a list that is too short to need any.
    ends: Vec<u32>,
    /// Where lines begin, bucket after bucket.
    starts: Vec<u32>,
}

impl Buckets {
    /// How many keys a bucket has, in the mean, at most.
    const KEYS: usize = 4;

    /// Distributes so many lines. `visit_all` visits their keys in order, with where a line begins, each time that it is
    /// called.
    pub(super) fn new(lines: usize, visit_all: impl Fn(&mut dyn FnMut(&[u8], u32))) -> Self {
        let count = (lines / Self::KEYS).next_power_of_two();
        if count == 1 {
            return Self::default();
        }
        let mut ends = vec![0; count];
        visit_all(&mut |key, _| {
            if let Some(keys) = ends.get_mut(number(key, count)) {
                *keys += 1;
            }
        });
        // Where a bucket begins, until it is filled.
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut starts = vec![0; total as usize];
        visit_all(&mut |key, start| {
            if let Some(end) = ends.get_mut(number(key, count))
                && let Some(place) = starts.get_mut(*end as usize)
            {
                *place = start;
                *end += 1;
            }
        });
        Self { ends, starts }
    }

    /// The lines with a key's hash; `None` if there are no buckets.
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u32]> {
        if self.ends.is_empty() {
            return None;
        }
        let number = number(key, self.ends.len());
        let begin = number
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .unwrap_or(&0);
        self.starts.get(*begin as usize..*self.ends.get(number)? as usize)
    }
}

/// The number of a key's bucket. A list has so many keys that its loading would take twice as long with a hash that takes them
/// byte for byte, as [`fnv`](crate::fnv) does.
fn number(key: &[u8], count: usize) -> usize {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let mut hash = match key.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => key.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    let mut rest = key;
    while let Some((word, tail)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*word));
        rest = tail;
    }
    // The upper half is mixed best. Counts are powers of two.
    (mix(hash, 0) >> 32) as usize & (count - 1)
}
