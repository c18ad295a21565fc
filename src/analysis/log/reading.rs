//! Reading logs, line by line.

use std::io::{self, BufRead, Read};

use super::line::{LogLine, Name};

/// The longest line that is read, in bytes. Envoy takes requests with 60 KiB of headers, and JSON may write six bytes for one.
const LONGEST: u64 = 1 << 20;

/// How many lines are looked at to see which fields a log has, since what a request does not have is left out of many.
const SAMPLE: usize = 1000;

/// The most of them that is held, in bytes.
const SAMPLE_SIZE: usize = 4 << 20;

/// How many lines are named of those that cannot be read.
const NAMED: usize = 5;

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
    /// Why.
    pub why: &'static str,
}

/// What became of the lines of logs.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How many lines there were, empty ones aside.
    pub lines: u64,
    /// How many of them cannot be read.
    pub unread: u64,
    /// The first of these.
    pub named: Vec<Unread>,
    /// The host of lines that have none.
    host: Option<Vec<u8>>,
}

impl Reading {
    /// Begins, with the host of lines of which the log does not say it.
    #[must_use]
    pub fn new(host: Option<&str>) -> Self {
        Self {
            host: host.map(|it| it.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    /// Reads a log to its end, and hands each line on: what it says, and its text.
    ///
    /// # Errors
    ///
    /// If there is an error in reading; what was read until then has been handed on.
    pub fn read(
        &mut self,
        file: &str,
        mut log: impl BufRead,
        mut each: impl FnMut(&LogLine<'_>, &[u8]),
    ) -> io::Result<()> {
        let (mut sample, mut failed) = (Vec::new(), None);
        let mut size = 0;
        while sample.len() < SAMPLE && size < SAMPLE_SIZE {
            let mut text = Vec::new();
            match next(&mut log, &mut text) {
                Ok(None) => break,
                Ok(Some(is_whole)) => {
                    size += text.len();
                    sample.push((text, is_whole));
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let mut place = Place {
            file,
            line: 0,
            logged: 0,
        };
        for (text, _) in &sample {
            place.logged |= LogLine::read(text).map_or(0, |line| line.logged());
        }
        for (text, is_whole) in sample {
            self.take(&mut place, &text, is_whole, &mut each);
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let mut text = Vec::new();
        while let Some(is_whole) = next(&mut log, &mut text)? {
            self.take(&mut place, &text, is_whole, &mut each);
        }
        Ok(())
    }

    /// What is wrong, if no line can be read.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let first = self.named.first().filter(|_| self.lines == self.unread)?;
        Some(format!(
            "no line can be read: {}:{}: {}",
            first.file, first.line, first.why
        ))
    }

    /// What there is to say of the lines that cannot be read.
    pub(super) fn notes(&self) -> Vec<String> {
        if self.unread == 0 {
            return Vec::new();
        }
        let named = self.named.iter();
        let named: Vec<_> = named.map(|it| format!("{}:{}: {}", it.file, it.line, it.why)).collect();
        let more = if self.unread > named.len() as u64 { "; …" } else { "" };
        let (unread, lines) = (self.unread, self.lines);
        vec![format!(
            "{unread} of {lines} lines cannot be read: {}{more}",
            named.join("; ")
        )]
    }

    fn take(&mut self, place: &mut Place<'_>, text: &[u8], is_whole: bool, each: &mut impl FnMut(&LogLine<'_>, &[u8])) {
        place.line += 1;
        let bom: &[u8] = if place.line == 1 { b"\xef\xbb\xbf" } else { b"" };
        let text = text.strip_prefix(bom).unwrap_or(text).trim_ascii();
        if text.is_empty() {
            return;
        }
        self.lines += 1;
        let Some(mut line) = LogLine::read(text).filter(|_| is_whole) else {
            self.unread += 1;
            if self.named.len() < NAMED {
                self.named.push(Unread {
                    file: place.file.to_owned(),
                    line: place.line,
                    why: why(text, is_whole),
                });
            }
            return;
        };
        place.logged |= line.logged();
        line.complete(place.logged);
        self.complete(&mut line);
        each(&line, text);
    }

    /// Gives a line the host that it does not say.
    pub(super) fn complete<'a>(&'a self, line: &mut LogLine<'a>) {
        if let (super::Logged::Unlogged, Some(host)) = (line.get(Name::Authority), &self.host) {
            line.set(Name::Authority, super::Logged::Value(host.as_slice().into()));
        }
    }
}

/// Where a line stands, and which fields the lines of its log had so far.
struct Place<'a> {
    file: &'a str,
    line: u64,
    logged: u32,
}

/// Reads the next line. `None` at the end; `false` if it is too long, and its text only the beginning.
fn next(log: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<Option<bool>> {
    text.clear();
    log.by_ref().take(LONGEST).read_until(b'\n', text)?;
    if text.is_empty() {
        return Ok(None);
    }
    let is_whole = text.ends_with(b"\n") || (text.len() as u64) < LONGEST;
    if !is_whole {
        text.truncate(0);
        text.push(b'?');
        log.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

fn why(text: &[u8], is_whole: bool) -> &'static str {
    match text.first() {
        _ if !is_whole => "it is longer than 1 MiB",
        Some(b'{') => "it begins like JSON, and is not an object of JSON",
        _ => "it is neither JSON, nor Envoy's own format, nor the combined one of nginx",
    }
}
