//! The hash FNV-1a (draft-eastlake-fnv). It resists no collisions that somebody looks for.

/// The hash of nothing.
pub const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Adds a byte to a hash.
#[inline]
#[must_use]
pub const fn add(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}
