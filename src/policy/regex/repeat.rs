//! Repetitions: how often the last item comes.

use super::Error;
use super::parse::{Parser, is_space, trimmed};

const UNCLOSED: Error = "found unclosed counted repetition operator";

impl Parser<'_> {
    /// Reads `?`, `*` or `+`.
    pub(super) fn repeat(&mut self, byte: u8) -> Result<(), Error> {
        let item = self
            .level
            .item
            .ok_or("uncounted repetition operator must be applied to a sub-expression")?;
        self.skip();
        let is_lazy = self.take(b"?");
        let (least, most) = match byte {
            b'?' => (0, Some(1)),
            b'*' => (0, None),
            _ => (1, None),
        };
        self.apply(item, least, most, is_lazy)
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`.
    pub(super) fn repeat_counted(&mut self) -> Result<(), Error> {
        let item = self
            .level
            .item
            .ok_or("counted repetition operator must be applied to a sub-expression")?;
        self.step();
        let least = self.count()?;
        let mut most = Some(least);
        if self.peek() == Some(b',') {
            most = match self.step() {
                Some(b'}') => None,
                _ => Some(self.count()?),
            };
        }
        match self.peek() {
            Some(b'}') => {}
            Some(_) => return Err("expected closing brace for counted repetition, but got something else"),
            None => return Err(UNCLOSED),
        }
        self.step();
        let is_lazy = self.take(b"?");
        if most.is_some_and(|most| most < least) {
            return Err("found counted repetition with a min bigger than its max");
        }
        self.apply(item, least, most, is_lazy)
    }

    fn apply(&mut self, item: usize, least: u32, most: Option<u32>, is_lazy: bool) -> Result<(), Error> {
        self.level.repeat(least, most, is_lazy);
        match (least, most) {
            (1, Some(1)) => Ok(()),
            _ => self.program.repeat(item, least, most),
        }
    }

    /// Reads a number, with space around it.
    fn count(&mut self) -> Result<u32, Error> {
        self.rest = trimmed(self.rest);
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let before = number.unwrap_or(0_u32).checked_mul(10);
            let after = before.and_then(|it| it.checked_add((digit - b'0').into()));
            number = Some(after.ok_or("got invalid decimal number")?);
            self.step();
        }
        while self.peek().is_some_and(is_space) {
            self.step();
        }
        number.ok_or("expected decimal number, but found no digits")
    }
}
