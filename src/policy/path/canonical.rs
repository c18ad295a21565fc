//! One spelling for all spellings of the characters of a path.
//!
//! Percent-decoding, `%uXXXX`, overlong UTF-8, Unicode's folds, ASCII case and `\` for `/` are rewritings of a few bytes
//! each, none of which overlaps another, so that their order does not change what is left when none applies any more.
//! A redex is whole when its last byte comes, so each byte is pushed and the end of what was pushed is rewritten: one
//! pass, whatever the nesting.
//!
//! One reading is not like these. A decoder that does not look at the upper bits of what follows `%c0` or `%c1` takes any
//! byte for the rest of a character, where others have two bytes; and in legacy encodings such pairs are letters of
//! every day. So a path that has one has a second canonical form, by [`Pairs`].

use super::folds::{Fold, fold};
use super::plain::hex;

/// A byte that was received as it stands.
pub(super) const LITERAL: u8 = 0;
/// A byte that came out of a fold; the lower bits count how often it was decoded.
const FOLDED: u8 = 0x80;
/// How often a backend decodes.
const DECODINGS: u8 = 2;

/// What becomes of `%c0` and `%c1` where what follows is not of UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// They are bytes that stand for themselves.
    Apart,
    /// They begin a character all the same: `%c0%2f` is `/`, and so are `%c0%ef` and `%c0o`.
    Decoded,
}

/// The characters of a path, with what became of each.
#[derive(Clone, Debug)]
pub(super) struct Canonical {
    pub bytes: Vec<u8>,
    /// For each byte [`LITERAL`] or what it came from.
    pub marks: Vec<u8>,
    /// Whether readings go on where this ends: it decodes more than twice, or a pair is decoded whose parts were not
    /// decoded together.
    pub is_open: bool,
    /// Whether there is a pair that the one or the other form has.
    pub has_pairs: bool,
    pairs: Pairs,
}

impl Canonical {
    pub(super) fn of(path: &[u8], pairs: Pairs) -> Self {
        let mut canonical = Self {
            bytes: Vec::with_capacity(path.len()),
            marks: Vec::with_capacity(path.len()),
            is_open: false,
            has_pairs: false,
            pairs,
        };
        let mut rest = path;
        while let Some((&byte, after)) = rest.split_first() {
            let (after, byte, mark) = match escape(rest) {
                Some((decoded, after)) => (after, decoded, 1),
                None => (after, byte, LITERAL),
            };
            canonical.push(byte, mark);
            if canonical.is_open {
                break;
            }
            rest = canonical.take_inert(after);
        }
        canonical
    }

    /// Takes the bytes that nothing before them could make a redex of, and none of them begins one.
    fn take_inert<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let is_inert = |byte: &u8| byte.is_ascii() && !matches!(byte, b'%' | b'\\');
        // `%uXXX` is the longest that waits for a byte.
        if !self.bytes.iter().rev().take(5).all(is_inert) {
            return rest;
        }
        let count = rest.iter().take_while(|byte| is_inert(byte)).count();
        let (inert, rest) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(inert);
        self.bytes.iter_mut().skip(start).for_each(u8::make_ascii_lowercase);
        self.marks.resize(self.bytes.len(), LITERAL);
        rest
    }

    fn push(&mut self, byte: u8, mark: u8) {
        let is_continuation = matches!(byte, 0x80..=0xBF);
        if let Some(&lead @ (0xC0 | 0xC1)) = self.bytes.last()
            && !is_continuation
        {
            self.has_pairs = true;
            if self.pairs == Pairs::Decoded {
                self.decode_pair(lead, byte, mark);
                return;
            }
        }
        let (byte, mark) = match byte {
            b'\\' => (b'/', mark | FOLDED),
            _ => (byte.to_ascii_lowercase(), mark),
        };
        self.bytes.push(byte);
        self.marks.push(mark);
        if byte.is_ascii_hexdigit() {
            self.decode();
        } else if is_continuation {
            self.fold();
        }
    }

    /// Takes a byte for the rest of the character that the last byte began. The decoder that does so takes it as it was
    /// received: in this case, and before anything else is done to it.
    fn decode_pair(&mut self, lead: u8, byte: u8, mark: u8) {
        let depth = self.marks.pop().unwrap_or(LITERAL).max(mark) & !FOLDED;
        self.bytes.pop();
        // Of what is decoded twice, or may be, each time may be by another decoder.
        if byte == b'%' || depth >= DECODINGS {
            self.is_open = true;
        } else {
            self.push((lead & 1) << 6 | (byte & 0x3F), depth | FOLDED);
        }
    }

    /// Decodes a `%XX` or `%uXXXX` that has just become whole.
    fn decode(&mut self) {
        match *self.bytes.as_slice() {
            [.., b'%', high, low] => {
                if let (Some(high), Some(low)) = (hex(high), hex(low)) {
                    self.replace(3, &[high << 4 | low], 1);
                }
            }
            [.., b'%', b'u', a, b, c, d] => {
                let digits = [a, b, c, d].map(hex);
                if let [Some(a), Some(b), Some(c), Some(d)] = digits {
                    let unit = [a, b, c, d].iter().fold(0, |unit, it| unit << 4 | u32::from(*it));
                    self.unit(unit);
                }
            }
            _ => {}
        }
    }

    /// A unit of UTF-16; the second half of a pair makes one character with the first.
    fn unit(&mut self, unit: u32) {
        let mut buffer = [0; 4];
        // The first half is kept as the three bytes that its number would have.
        let before = self.bytes.get(..self.bytes.len().saturating_sub(6));
        match (unit, before) {
            (0xDC00..=0xDFFF, Some([.., 0xED, second @ 0xA0..=0xAF, third])) => {
                let high = u32::from(second & 0x0F) << 6 | u32::from(third & 0x3F);
                let character = char::from_u32(0x10000 + (high << 10 | (unit & 0x3FF)));
                let bytes = character.map(|it| it.encode_utf8(&mut buffer).as_bytes());
                self.replace(9, bytes.unwrap_or_default(), 1);
            }
            _ => match char::from_u32(unit) {
                Some(character) => self.replace(6, character.encode_utf8(&mut buffer).as_bytes(), 1),
                None => {
                    let [_, _, upper, lower] = (unit << 2).to_be_bytes();
                    let third = 0x80 | (lower >> 2);
                    self.replace(6, &[0xED, 0x80 | (upper & 0x3F), third], 1);
                }
            },
        }
    }

    /// Folds the character that has just become whole, if it has a fold, and shortens one that is written too long.
    fn fold(&mut self) {
        let tail = self.bytes.iter().rev().take(6);
        let count = tail.take_while(|it| matches!(it, 0x80..=0xBF)).count();
        let Some((&lead, rest)) = self
            .bytes
            .len()
            .checked_sub(count + 1)
            .and_then(|at| self.bytes.get(at..)?.split_first())
        else {
            return;
        };
        let (length, bits) = match lead {
            0xC0..=0xDF => (1, lead & 0x1F),
            0xE0..=0xEF => (2, lead & 0x0F),
            0xF0..=0xF7 => (3, lead & 0x07),
            0xF8..=0xFB => (4, lead & 0x03),
            0xFC..=0xFD => (5, lead & 0x01),
            _ => return,
        };
        if length != count {
            return;
        }
        let point = rest
            .iter()
            .fold(u32::from(bits), |it, byte| it << 6 | u32::from(byte & 0x3F));
        let Some(character) = char::from_u32(point) else {
            return;
        };
        match fold(character) {
            Some(Fold::One(byte)) => self.replace(count + 1, &[byte], 0),
            Some(Fold::Many(text)) => self.replace(count + 1, text.as_bytes(), 0),
            None if character.len_utf8() <= count => {
                let mut buffer = [0; 4];
                self.replace(count + 1, character.encode_utf8(&mut buffer).as_bytes(), 0);
            }
            None => {}
        }
    }

    /// Puts other bytes in the place of the last ones, and goes on from there.
    fn replace(&mut self, count: usize, by: &[u8], decodings: u8) {
        let start = self.bytes.len().saturating_sub(count);
        let depth = self.marks.drain(start..).map(|it| it & !FOLDED).max().unwrap_or(0) + decodings;
        self.bytes.truncate(start);
        if depth > DECODINGS {
            self.is_open = true;
            return;
        }
        let mark = if decodings == 0 { depth | FOLDED } else { depth };
        for &byte in by {
            self.push(byte, mark);
        }
    }
}

/// What a path begins with, if that is `%XX`: nothing before or within it can make another redex of its parts.
#[must_use]
pub fn escape(path: &[u8]) -> Option<(u8, &[u8])> {
    match path {
        [b'%', high, low, rest @ ..] => Some((hex(*high)? << 4 | hex(*low)?, rest)),
        _ => None,
    }
}
