//! Escapes: what stands behind a backslash.

use super::Error;
use super::class::{Set, named};
use super::parse::{Flags, Item, Parser};
use super::program::Look;

impl Parser<'_> {
    /// Reads what stands behind a backslash.
    pub(super) fn escape(&mut self) -> Result<Item, Error> {
        let byte = self.peek().ok_or(UNKNOWN)?;
        self.skip();
        Ok(match byte {
            b'0'..=b'9' => return Err("backreferences are not supported"),
            b'p' | b'P' => return Err("Unicode character classes are not supported"),
            b'x' => return self.code_point(2),
            b'u' => return self.code_point(4),
            b'U' => return self.code_point(8),
            b'd' | b'D' => Item::Set(perl(b"digit", byte)),
            b's' | b'S' => Item::Set(perl(b"space", byte)),
            b'w' | b'W' => Item::Set(perl(b"word", byte)),
            b'a' => Item::Char(7),
            b't' => Item::Char(9),
            b'n' => Item::Char(10),
            b'v' => Item::Char(11),
            b'f' => Item::Char(12),
            b'r' => Item::Char(13),
            b'A' => Item::Look(Look::Start),
            b'z' => Item::Look(Look::End),
            b'b' => Item::Look(self.boundary()?),
            b'B' => Item::Look(Look::Word(0b1001)),
            b'<' => Item::Look(WORD_START),
            b'>' => Item::Look(WORD_END),
            _ if byte.is_ascii_alphabetic() => return Err(UNKNOWN),
            _ => Item::Char(byte.into()),
        })
    }

    /// A character as it stands for itself: with `(?i)` in both cases.
    pub(super) fn literal(&self, code: u32) -> Item {
        match u8::try_from(code) {
            Ok(byte) if byte.is_ascii_alphabetic() && self.flags.has(Flags::FOLD) => {
                let mut set = Set::default();
                set.insert(code, code);
                set.fold();
                Item::Set(set)
            }
            _ => Item::Char(code),
        }
    }

    /// Reads the rest of `\x41`, `\u0041` or `\x{41}`; with `(?x)` there may be space anywhere behind the letter.
    fn code_point(&mut self, digits: u32) -> Result<Item, Error> {
        self.skip_space();
        let is_braced = self.peek() == Some(b'{');
        if is_braced {
            self.step();
        }
        let (mut code, mut count) = (0_u32, 0);
        while is_braced || count < digits {
            let byte = self.peek().ok_or(HEX)?;
            self.step();
            if is_braced && byte == b'}' {
                break;
            }
            let digit = char::from(byte).to_digit(16).ok_or(HEX)?;
            code = code.saturating_mul(16).saturating_add(digit);
            count += 1;
        }
        match char::from_u32(code) {
            Some(_) if count > 0 => Ok(self.literal(code)),
            _ => Err(HEX),
        }
    }

    /// Reads the rest of `\b` or `\b{start}`. `\b{2}` repeats a boundary.
    fn boundary(&mut self) -> Result<Look, Error> {
        let before = self.rest;
        let mut name = Vec::new();
        if self.peek() != Some(b'{') {
            return Ok(WORD);
        }
        let mut next = self.step().ok_or(BOUNDARY)?;
        while next.is_ascii_alphabetic() || next == b'-' {
            name.push(next);
            next = self.step().ok_or(BOUNDARY)?;
        }
        if name.is_empty() {
            self.rest = before;
            return Ok(WORD);
        }
        self.skip();
        match (name.as_slice(), next) {
            (b"start", b'}') => Ok(WORD_START),
            (b"end", b'}') => Ok(WORD_END),
            (b"start-half", b'}') => Ok(Look::Word(0b0011)),
            (b"end-half", b'}') => Ok(Look::Word(0b0101)),
            _ => Err(BOUNDARY),
        }
    }
}

const UNKNOWN: Error = "unrecognized escape sequence";
const HEX: Error = "invalid hexadecimal number";
const BOUNDARY: Error = "special word boundary assertion is unrecognized";

const WORD: Look = Look::Word(0b0110);
const WORD_START: Look = Look::Word(0b0010);
const WORD_END: Look = Look::Word(0b0100);

/// A class by its letter, of which the capital is the complement.
fn perl(name: &[u8], letter: u8) -> Set {
    let mut set = named(name).unwrap_or_default();
    if letter.is_ascii_uppercase() {
        set.invert();
    }
    set
}
