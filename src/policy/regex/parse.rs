//! Reads an expression, and writes its program as it goes: there is no tree.

use super::Error;
use super::class::Set;
use super::level::Level;
use super::program::{Instruction, Look, Program};

/// What is read of an expression.
pub(crate) struct Parser<'a> {
    pub(super) rest: &'a [u8],
    pub(super) flags: Flags,
    pub(super) program: Program,
    /// The groups around the one that is read, the whole expression first.
    around: Vec<Level>,
    pub(super) level: Level,
    /// Where the jumps are that lead to the ends of these groups.
    jumps: Vec<usize>,
    names: Vec<&'a [u8]>,
}

/// The flags that are on: a bit for each of [`FLAGS`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags(u8);

/// What flags are there. `U` swaps which repetitions are lazy, and `u` is for Unicode: neither means anything here.
const FLAGS: &[u8; 7] = b"imsRxUu";

impl Flags {
    pub(super) const FOLD: u8 = 1;
    const LINES: u8 = 2;
    const ALL: u8 = 4;
    const CRLF: u8 = 8;
    pub(super) const SPACE: u8 = 16;

    pub(super) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// What stands for itself, in a class or outside.
pub(super) enum Item {
    /// A character, ASCII or not.
    Char(u32),
    /// One of several.
    Set(Set),
    /// A place.
    Look(Look),
}

/// How deep an expression may be: 50, of which its anchors take one.
const MAX_DEPTH: usize = 49;

const UNCLOSED_GROUP: Error = "found open group without closing ')'";
const UNKNOWN_FLAG: Error = "unrecognized inline flag";
const TOO_DEEP: Error = "pattern has too much nesting";

impl<'a> Parser<'a> {
    /// Reads an expression, which is ASCII; gives its program, and how much it counts: its characters and operators, with
    /// counted repetitions written out.
    pub(crate) fn parse(text: &'a [u8]) -> Result<(Program, usize), Error> {
        let mut parser = Self {
            rest: text,
            flags: Flags::default(),
            program: Program::default(),
            around: Vec::new(),
            level: Level::new(Flags::default(), false, 0, 0),
            jumps: Vec::new(),
            names: Vec::new(),
        };
        loop {
            parser.skip_space();
            match parser.peek() {
                Some(byte) => parser.read(byte)?,
                None => break,
            }
        }
        if !parser.around.is_empty() {
            return Err(UNCLOSED_GROUP);
        }
        parser.land();
        match parser.level.depth() > MAX_DEPTH {
            true => Err(TOO_DEEP),
            false => Ok((parser.program, parser.level.size)),
        }
    }

    fn read(&mut self, byte: u8) -> Result<(), Error> {
        match byte {
            b'(' => return self.begin_group(),
            b')' => return self.end_group(),
            b'|' => {
                self.skip();
                let jump = self.program.end_alternative(self.level.alternative)?;
                self.jumps.push(jump);
                self.level.next(self.program.len());
                return Ok(());
            }
            b'?' | b'*' | b'+' => return self.repeat(byte),
            b'{' => return self.repeat_counted(),
            _ => {}
        }
        let start = self.program.len();
        match self.item(byte)? {
            Item::Char(code) => self.program.push_char(code),
            Item::Set(set) => self.program.push_set(set),
            Item::Look(look) => self.program.push(Instruction::Look(look)),
        }?;
        self.level.add(start, 1, 0);
        Ok(())
    }

    fn item(&mut self, byte: u8) -> Result<Item, Error> {
        if byte == b'[' {
            return self.class().map(Item::Set);
        }
        self.skip();
        Ok(match byte {
            b'\\' => return self.escape(),
            b'.' => {
                let mut set = Set::default();
                if !self.flags.has(Flags::ALL) {
                    set.insert(10, 10);
                    if self.flags.has(Flags::CRLF) {
                        set.insert(13, 13);
                    }
                }
                set.invert();
                Item::Set(set)
            }
            b'^' => Item::Look(self.anchor([Look::Start, Look::LineStart, Look::CrlfStart])),
            b'$' => Item::Look(self.anchor([Look::End, Look::LineEnd, Look::CrlfEnd])),
            _ => self.literal(byte.into()),
        })
    }

    fn anchor(&self, [text, line, crlf]: [Look; 3]) -> Look {
        match (self.flags.has(Flags::LINES), self.flags.has(Flags::CRLF)) {
            (false, _) => text,
            (true, false) => line,
            (true, true) => crlf,
        }
    }

    /// Reads `(`, `(?:`, `(?i:` or `(?<name>`; also `(?i)`, which is no group.
    fn begin_group(&mut self) -> Result<(), Error> {
        self.step();
        let flags = self.flags;
        let mut is_capture = true;
        if self.take(b"?") {
            let looks: [&[u8]; 4] = [b"=", b"!", b"<=", b"<!"];
            if looks.iter().any(|look| self.rest.starts_with(look)) {
                return Err("look-around is not supported");
            }
            if self.take(b"P<") || self.take(b"<") {
                self.read_name()?;
            } else {
                is_capture = false;
                if self.read_flags()? == b')' {
                    return Ok(());
                }
            }
        }
        if self.around.len() >= MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        let level = Level::new(flags, is_capture, self.program.len(), self.jumps.len());
        self.around.push(std::mem::replace(&mut self.level, level));
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), Error> {
        let around = self.around.pop().ok_or("found closing ')' without matching '('")?;
        self.skip();
        self.land();
        let inside = std::mem::replace(&mut self.level, around);
        self.flags = inside.flags;
        self.level
            .add(inside.start, inside.size.saturating_add(1), inside.depth());
        Ok(())
    }

    /// Lets the alternatives of the group end here.
    fn land(&mut self) {
        while self.jumps.len() > self.level.jumps
            && let Some(jump) = self.jumps.pop()
        {
            self.program.land(jump);
        }
    }

    /// Reads the rest of `(?<name>`.
    fn read_name(&mut self) -> Result<(), Error> {
        let end = self.rest.iter().position(|&it| it == b'>');
        let (name, rest) = end.and_then(|end| self.rest.split_at_checked(end)).unwrap_or_default();
        let is_name = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'[' | b']');
        let first = name.first().is_some_and(|it| it.is_ascii_alphabetic() || *it == b'_');
        if !first || !name.iter().all(is_name) {
            return Err("invalid group name");
        }
        if self.names.contains(&name) {
            return Err("duplicate capture group name");
        }
        self.names.push(name);
        self.rest = rest;
        self.skip();
        // A name is compared with each other.
        self.program.check_room(4 * self.names.len())
    }

    /// Reads the rest of `(?i-s:` or `(?i-s)`, and gives its last byte.
    fn read_flags(&mut self) -> Result<u8, Error> {
        let (mut flags, mut seen, mut is_off, mut before) = (self.flags.0, 0, false, b'?');
        loop {
            let byte = self.peek().ok_or(UNCLOSED_GROUP)?;
            self.skip();
            match byte {
                b':' | b')' if before == b'-' => return Err(UNKNOWN_FLAG),
                b')' if before == b'?' => return Err("empty flag directive '(?)' is not allowed"),
                b':' | b')' => {
                    self.flags = Flags(flags);
                    return Ok(byte);
                }
                b'-' if !is_off => is_off = true,
                b'-' => return Err("inline flag negation cannot be repeated"),
                _ => {
                    let flag = FLAGS.iter().position(|&it| it == byte).ok_or(UNKNOWN_FLAG)?;
                    let flag = 1 << flag;
                    if seen & flag != 0 {
                        return Err("duplicate inline flag is not allowed");
                    }
                    seen |= flag;
                    flags = if is_off { flags & !flag } else { flags | flag };
                }
            }
            before = byte;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Goes past a byte and the space behind it, and gives the next.
    pub(super) fn step(&mut self) -> Option<u8> {
        self.skip();
        self.skip_space();
        self.peek()
    }

    pub(super) fn take(&mut self, prefix: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// With `(?x)` goes past space and comments.
    pub(super) fn skip_space(&mut self) {
        while self.flags.has(Flags::SPACE) {
            self.rest = trimmed(self.rest);
            if self.peek() != Some(b'#') {
                return;
            }
            let end = self.rest.iter().position(|&it| it == b'\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Without the space that it begins with.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|it| is_space(**it)).count();
    text.get(spaces..).unwrap_or_default()
}
