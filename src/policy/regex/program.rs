//! What an expression is compiled to, and how it matches.

use super::Error;
use super::class::Set;

/// The most bytes that an expression may have, once compiled.
pub(crate) const MAX_SIZE: usize = 64 << 10;

/// A compiled expression.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    code: Vec<Instruction>,
    sets: Vec<Set>,
    /// What was written and taken out again, which was work as well.
    dropped: usize,
}

/// One step. The next instruction follows it, and targets are counted from it, so that a piece of a program can be copied.
/// The end of the program is the match.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    /// This byte.
    Byte(u8),
    /// A byte of a set of the program.
    Set(u16),
    /// What follows, and what is so far away.
    Split(i16),
    /// What is so far away.
    Jump(i16),
    /// Nothing, at a place where this holds.
    Look(Look),
}

/// What must hold at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    /// The same where a line may end in CR, LF or both.
    CrlfStart,
    CrlfEnd,
    /// Two bits for whether the byte before and the one after are of words say which bit of these to look at.
    Word(u8),
}

const TOO_LARGE: Error = "compiled regex exceeded size limit";

/// A byte that no text has: what is not ASCII.
const NEVER: u8 = 0xff;

/// Up to so many instructions a match allocates nothing.
const SHORT: usize = 128;

impl Program {
    pub(super) fn len(&self) -> usize {
        self.code.len()
    }

    /// Adds an instruction.
    pub(super) fn push(&mut self, instruction: Instruction) -> Result<(), Error> {
        self.code.push(instruction);
        self.check_room(0)
    }

    /// Adds a character.
    pub(super) fn push_char(&mut self, code: u32) -> Result<(), Error> {
        let byte = u8::try_from(code).ok().filter(u8::is_ascii);
        self.push(Instruction::Byte(byte.unwrap_or(NEVER)))
    }

    /// Adds a class.
    pub(super) fn push_set(&mut self, set: Set) -> Result<(), Error> {
        let index = u16::try_from(self.sets.len()).map_err(|_| TOO_LARGE)?;
        self.sets.push(set);
        self.push(Instruction::Set(index))
    }

    /// Repeats what was written from a place on, which is the first of its copies.
    pub(super) fn repeat(&mut self, mut start: usize, least: u32, most: Option<u32>) -> Result<(), Error> {
        let length = self.code.len() - start;
        if most == Some(0) {
            self.code.truncate(start);
            self.dropped += length;
        }
        if length == 0 || most == Some(0) {
            return Ok(());
        }
        let (least, copies) = (least as usize, most.unwrap_or(least.max(1)) as usize);
        let splits = copies.saturating_sub(least).saturating_add(most.is_none().into());
        self.check_room(length.saturating_mul(copies - 1).saturating_add(splits))?;
        // To the end at once, and not to the next copy, which could be left out as well.
        let split = |copies: usize| Instruction::Split(offset(copies * (length + 1)));
        if least == 0 {
            self.code.insert(start, split(copies));
            start += 1;
        }
        for at in 1..copies {
            if at >= least {
                self.code.push(split(copies - at));
            }
            self.code.extend_from_within(start..start + length);
        }
        if most.is_none() {
            self.code.push(Instruction::Split(-offset(length)));
        }
        Ok(())
    }

    /// Ends an alternative that begins at a place, and returns that of a jump to where they all end.
    pub(super) fn end_alternative(&mut self, start: usize) -> Result<usize, Error> {
        let length = self.code.len() - start;
        self.check_room(2)?;
        self.code.insert(start, Instruction::Split(offset(length + 2)));
        self.code.push(Instruction::Jump(0));
        Ok(self.code.len() - 1)
    }

    /// Lets a jump lead to what is written next.
    pub(super) fn land(&mut self, jump: usize) {
        let distance = offset(self.code.len() - jump);
        if let Some(instruction) = self.code.get_mut(jump) {
            *instruction = Instruction::Jump(distance);
        }
    }

    /// Each instruction has four bytes, and each class sixteen more.
    pub(super) fn check_room(&self, more: usize) -> Result<(), Error> {
        let count = self.code.len() + 4 * self.sets.len() + self.dropped;
        match count.saturating_add(more) <= MAX_SIZE / size_of::<Instruction>() {
            true => Ok(()),
            false => Err(TOO_LARGE),
        }
    }

    /// Whether the whole text matches. None of more than 65,534 bytes does.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        let states = self.code.len() + 1;
        let mut short = [0; 3 * SHORT];
        let mut long = Vec::new();
        let scratch = match short.get_mut(..3 * states) {
            Some(scratch) => scratch,
            None => {
                long.resize(3 * states, 0);
                long.as_mut_slice()
            }
        };
        let (seen, list) = scratch.split_at_mut(states);
        text.len() < usize::from(u16::MAX) && self.run(text, seen, list)
    }

    /// Follows every way through the program at once, byte by byte. `list` begins with the instructions that are reached at
    /// a place, and those that are reached from them without a byte come behind. What is reached one byte later is written
    /// over its beginning, of which that much was read. `seen` has, for each instruction, one more than the last place at
    /// which it was reached.
    fn run(&self, text: &[u8], seen: &mut [u16], list: &mut [u16]) -> bool {
        let (mut place, mut end) = (0_u16, 1);
        let mut before = None;
        while end > 0 {
            let after = text.get(usize::from(place)).copied();
            place += 1;
            let (mut read, mut kept) = (0, 0);
            while let Some(&first) = list.get(..end).and_then(|list| list.get(read)) {
                read += 1;
                let mut at = usize::from(first);
                while let Some(seen) = seen.get_mut(at).filter(|seen| **seen != place) {
                    *seen = place;
                    let takes = match self.code.get(at) {
                        None if after.is_none() => return true,
                        None => false,
                        Some(Instruction::Byte(byte)) => Some(*byte) == after,
                        Some(Instruction::Set(set)) => self.holds(*set, after),
                        Some(Instruction::Split(offset)) => {
                            add(list, &mut end, at.wrapping_add_signed((*offset).into()));
                            at += 1;
                            continue;
                        }
                        Some(Instruction::Jump(offset)) => {
                            at = at.wrapping_add_signed((*offset).into());
                            continue;
                        }
                        Some(Instruction::Look(look)) if look.holds(before, after) => {
                            at += 1;
                            continue;
                        }
                        Some(Instruction::Look(_)) => false,
                    };
                    if takes {
                        add(list, &mut kept, at + 1);
                    }
                    break;
                }
            }
            end = kept;
            before = after;
        }
        false
    }

    fn holds(&self, set: u16, byte: Option<u8>) -> bool {
        let set = self.sets.get(usize::from(set));
        set.zip(byte).is_some_and(|(set, byte)| set.contains(byte))
    }
}

/// The programs are no longer than this takes.
fn offset(distance: usize) -> i16 {
    i16::try_from(distance).unwrap_or(i16::MAX)
}

fn add(list: &mut [u16], count: &mut usize, instruction: usize) {
    if let Some(place) = list.get_mut(*count) {
        *place = instruction as u16;
        *count += 1;
    }
}

impl Look {
    fn holds(self, before: Option<u8>, after: Option<u8>) -> bool {
        let is_word = |byte: Option<u8>| byte.is_some_and(|it| it == b'_' || it.is_ascii_alphanumeric());
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::LineStart => matches!(before, None | Some(b'\n')),
            Self::LineEnd => matches!(after, None | Some(b'\n')),
            // Never between CR and LF.
            Self::CrlfStart => {
                matches!((before, after), (None | Some(b'\n'), _)) || before == Some(b'\r') && after != Some(b'\n')
            }
            Self::CrlfEnd => matches!(after, None | Some(b'\r')) || after == Some(b'\n') && before != Some(b'\r'),
            Self::Word(bits) => bits >> (2 * u8::from(is_word(before)) + u8::from(is_word(after))) & 1 != 0,
        }
    }
}
