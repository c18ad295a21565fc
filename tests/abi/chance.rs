//! Numbers that look random and are the same on every run.

#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Default for Chance {
    fn default() -> Self {
        Self(1)
    }
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound.max(1))) >> 64) as u64
    }

    pub fn at(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.at(items.len())]
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Mostly short, now and then empty, seldom `longest`.
    pub fn length(&mut self, longest: usize) -> usize {
        match self.below(1024) {
            0 => longest,
            1..=15 => self.at(4096.min(longest)),
            16..=127 => 0,
            _ => self.at(64.min(longest)),
        }
    }

    /// The bytes with a few changes.
    pub fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        const SIGNS: &[u8] = b"\0\t\n\r ,;:/.*@[]-_%?#\x7f\x80\xc3\xff";
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.at(bytes.len() + 1);
            match self.below(7) {
                0 => bytes.insert(at, *self.pick(SIGNS)),
                1 => bytes.insert(at, self.next() as u8),
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(..at)),
                4 => bytes.extend_from_within(at..),
                _ if at == bytes.len() => bytes.push(*self.pick(SIGNS)),
                5 => bytes[at] ^= 1 << self.below(8),
                _ => bytes[at] ^= 0x20,
            }
        }
        bytes
    }
}
