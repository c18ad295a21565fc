//! Classes: sets of characters.

use super::Error;
use super::parse::{Flags, Item, Parser};

/// The ASCII characters of a class: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; 2]);

/// The bits of `A` to `Z` in the second half of a [`Set`]. Those of `a` to `z` are 32 bits above.
const UPPER: u64 = 0x07ff_fffe;

/// The bits from `Z` to `a`.
const BETWEEN: u64 = 0x0003_fc00_0000;

impl Set {
    pub(super) fn contains(&self, byte: u8) -> bool {
        let half = self.0.get(usize::from(byte >> 6));
        half.is_some_and(|half| half >> (byte & 63) & 1 != 0)
    }

    pub(super) fn insert(&mut self, first: u32, last: u32) {
        let mut code = first;
        while code <= last.min(0x7f) {
            if let Some(half) = self.0.get_mut(code as usize >> 6) {
                *half |= 1 << (code & 63);
            }
            code += 1;
        }
    }

    pub(super) fn unite(&mut self, other: &Self) {
        let Self([low, high]) = other;
        self.0[0] |= low;
        self.0[1] |= high;
    }

    pub(super) fn invert(&mut self) {
        self.0 = self.0.map(|half| !half);
    }

    /// Adds the other case of each letter, as `regex-lite` does: range by range, and of one that has letters of both cases
    /// the lower ones alone.
    pub(super) fn fold(&mut self) {
        let [_, high] = &mut self.0;
        let lower = *high >> 32 & UPPER;
        let mut upper = *high & UPPER;
        if *high & BETWEEN == BETWEEN {
            // Those that stand before the last gap.
            let gaps = !*high & UPPER;
            upper &= u64::MAX.checked_shr(gaps.leading_zeros()).unwrap_or_default();
        }
        *high |= lower | upper << 32;
    }
}

/// The names between `[:` and `:]`, each with its ranges.
const NAMED: [(&[u8], &[u8]); 14] = [
    (b"alnum", b"09AZaz"),
    (b"alpha", b"AZaz"),
    (b"ascii", b"\0\x7f"),
    (b"blank", b"\t\t  "),
    (b"cntrl", b"\0\x1f\x7f\x7f"),
    (b"digit", b"09"),
    (b"graph", b"!~"),
    (b"lower", b"az"),
    (b"print", b" ~"),
    (b"punct", b"!/:@[`{~"),
    (b"space", b"\t\r  "),
    (b"upper", b"AZ"),
    (b"word", b"09AZ__az"),
    (b"xdigit", b"09AFaf"),
];

pub(super) fn named(name: &[u8]) -> Option<Set> {
    let (_, ranges) = NAMED.iter().find(|(it, _)| *it == name)?;
    let mut set = Set::default();
    let mut ends = ranges.iter().copied();
    while let (Some(first), Some(last)) = (ends.next(), ends.next()) {
        set.insert(first.into(), last.into());
    }
    Some(set)
}

const UNCLOSED: Error = "found unclosed character class";

impl Parser<'_> {
    /// Reads the rest of `[^]a[:digit:]\]]`.
    pub(super) fn class(&mut self) -> Result<Set, Error> {
        let mut set = Set::default();
        let mut next = self.step();
        let is_inverted = next == Some(b'^');
        if is_inverted {
            next = self.step();
        }
        // A bracket or any number of hyphens stand for themselves here.
        if next == Some(b']') {
            set.insert(b']'.into(), b']'.into());
            self.step();
        }
        while next == Some(b'-') {
            set.insert(b'-'.into(), b'-'.into());
            next = self.step();
        }
        loop {
            self.skip_space();
            match self.peek().ok_or(UNCLOSED)? {
                b']' => break,
                b'[' => set.unite(&self.named_class().ok_or("nested character classes are not supported")?),
                byte @ (b'&' | b'-' | b'~') if self.rest.get(1) == Some(&byte) => {
                    return Err("character class operators are not supported");
                }
                _ => self.range(&mut set)?,
            }
        }
        self.skip();
        if self.flags.has(Flags::FOLD) {
            set.fold();
        }
        if is_inverted {
            set.invert();
        }
        Ok(set)
    }

    /// Reads `a`, `a-z` or `\d`.
    fn range(&mut self, set: &mut Set) -> Result<(), Error> {
        let first = self.member()?;
        self.skip_space();
        if self.peek() != Some(b'-') || matches!(self.after_hyphen(), Some(b']' | b'-')) {
            match first {
                Item::Char(code) => set.insert(code, code),
                Item::Set(of) => set.unite(&of),
                Item::Look(_) => return Err("invalid escape sequence in character class"),
            }
            return Ok(());
        }
        self.step();
        match (first, self.member()?) {
            (Item::Char(first), Item::Char(last)) if first <= last => set.insert(first, last),
            (Item::Char(_), Item::Char(_)) => return Err("invalid range in character class"),
            _ => return Err("character class ranges must start and end with a single character"),
        }
        Ok(())
    }

    fn member(&mut self) -> Result<Item, Error> {
        let byte = self.peek().ok_or(UNCLOSED)?;
        self.skip();
        match byte {
            b'\\' => self.escape(),
            _ => Ok(Item::Char(byte.into())),
        }
    }

    /// What stands behind a hyphen; with `(?x)` behind space and the beginning of one comment, as `regex-lite` has it.
    fn after_hyphen(&self) -> Option<u8> {
        let mut rest = self.rest.get(1..)?;
        if self.flags.has(Flags::SPACE) {
            rest = super::parse::trimmed(rest);
            rest = rest.strip_prefix(b"#").map_or(rest, super::parse::trimmed);
        }
        rest.first().copied()
    }

    /// Reads `[:alpha:]` or `[:^alpha:]`.
    fn named_class(&mut self) -> Option<Set> {
        let inside = self.rest.strip_prefix(b"[:")?;
        let (is_inverted, inside) = match inside.strip_prefix(b"^") {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let end = inside.iter().position(|&it| it == b':')?;
        let (name, rest) = inside.split_at_checked(end)?;
        let mut set = named(name)?;
        self.rest = rest.strip_prefix(b":]")?;
        if is_inverted {
            set.invert();
        }
        Some(set)
    }
}
