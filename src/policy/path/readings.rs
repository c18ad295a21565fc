//! The segments of a path, with what readings do to them.

use super::canonical::{Canonical, LITERAL, Pairs};

/// One segment, in canonical spelling and without what a reading may cut off or drop at its end.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub text: &'a [u8],
    /// Where the bytes of `text` came from; empty if all were received as they stand.
    pub marks: &'a [u8],
    /// Some reading leaves it out: `..` follows, or `;` stands before a slash that is not yet one.
    pub is_optional: bool,
    /// Under some reading the path ends with it.
    pub may_end: bool,
}

/// A path as backends may read it.
#[derive(Clone, Debug)]
pub(super) enum Readings {
    /// Segment by segment as they stand: nothing is encoded, and none may be `..`.
    Literal,
    /// In those that the segments tell, and the second ones if there are such.
    Segments(Segments, Option<Segments>),
    /// In ways that are not followed: it may be of any entry.
    Any,
}

/// The segments of a path that is not simple.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    canonical: Canonical,
    parts: Vec<Part>,
    /// Whether some segment is `..` under some reading.
    pub has_parent: bool,
}

#[derive(Clone, Debug)]
struct Part {
    start: usize,
    length: usize,
    is_optional: bool,
    may_end: bool,
}

impl Readings {
    pub(super) fn of(path: &[u8]) -> Self {
        if !path.starts_with(b"/") {
            return Self::Any;
        }
        if is_literal(path) {
            return Self::Literal;
        }
        let canonical = Canonical::of(path, Pairs::Apart);
        let second = canonical.has_pairs.then(|| Canonical::of(path, Pairs::Decoded));
        if canonical.is_open || second.as_ref().is_some_and(|it| it.is_open) {
            return Self::Any;
        }
        Self::Segments(Segments::of(canonical), second.map(Segments::of))
    }
}

/// Whether no byte stands for another, and every reading has the same segments: none begins as `..` might, or with `:`.
pub(super) fn is_literal(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().all(|&byte| {
        let is_odd = matches!(byte, b'%' | b'\\' | b' ' | 0x80..);
        let begins_oddly = before == b'/' && matches!(byte, b'.' | b':');
        before = byte;
        !is_odd && !begins_oddly
    })
}

/// The segments of a literal path, each read when it is asked for: most paths leave the tree at the first.
pub(super) fn of_literal(path: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = path.split(|&byte| byte == b'/').filter(|it| !it.is_empty());
    std::iter::from_fn(move || {
        let (kept, text) = rest
            .by_ref()
            .map(|it| (Read::of(it).kept, it))
            .find(|it| !it.0.is_empty())?;
        // What follows is nothing, or is cut where it begins, and with it what comes then.
        let is_last = || {
            let mut following = rest.clone();
            let next = following.find(|it| cut(it).len() < it.len() || !trimmed(it).is_empty());
            next.is_none_or(|it| trimmed(cut(it)).is_empty())
        };
        Some(Segment {
            text: kept,
            marks: &[],
            is_optional: false,
            may_end: cut(text).len() < text.len() || is_last(),
        })
    })
}

impl Segments {
    fn of(canonical: Canonical) -> Self {
        let mut split = Split::default();
        let mut start = 0_usize;
        for text in canonical.bytes.split(|&byte| byte == b'/') {
            let slash = start.checked_sub(1).and_then(|at| canonical.marks.get(at));
            if slash.is_none_or(|&it| it == LITERAL) {
                split.begin_piece();
            }
            split.read(start, text);
            start += text.len() + 1;
        }
        let (parts, has_parent) = split.finish();
        Self {
            canonical,
            parts,
            has_parent,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Segment<'_>> {
        self.parts.iter().map(|part| {
            let range = part.start..part.start + part.length;
            Segment {
                text: self.canonical.bytes.get(range.clone()).unwrap_or_default(),
                marks: self.canonical.marks.get(range).unwrap_or_default(),
                is_optional: part.is_optional,
                may_end: part.may_end,
            }
        })
    }

    /// The segments of a prefix, if every reading of it has all of them. Where a reading cuts it, the shorter one holds.
    pub(super) fn of_prefix(path: &[u8]) -> Option<Self> {
        let canonical = Canonical::of(path, Pairs::Apart);
        let is_open = canonical.is_open;
        let kept = canonical.bytes.iter().take_while(|&byte| !ends_path(byte));
        let kept = kept.filter(|&&byte| byte == b'/').count();
        let mut segments = Self::of(canonical);
        let written = path.split(|&byte| byte == b'/').filter(|it| !it.is_empty()).count();
        let is_whole = !is_open && !segments.has_parent && segments.parts.len() == written;
        segments.parts.truncate(kept);
        is_whole.then_some(segments)
    }
}

impl<'a> Segment<'a> {
    /// What format suffixes leave of it: `users` of `users.json`. Where a dot was encoded, one before it may begin the
    /// suffix for a backend that takes it off before it decodes.
    pub(super) fn stems(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Some(self.text);
        std::iter::from_fn(move || {
            let text = rest.take()?;
            let dot = text.iter().rposition(|&byte| byte == b'.')?;
            let stem = text.get(..dot)?;
            let is_firm = self.marks.get(dot).is_none_or(|&it| it == LITERAL);
            rest = Some(stem).filter(|_| !is_firm);
            Some(trimmed(stem)).filter(|it| !it.is_empty())
        })
    }
}

/// The segments that were read.
#[derive(Default)]
struct Split {
    parts: Vec<Part>,
    /// Of what stands between two slashes that were received as such: where it begins.
    first: usize,
    /// Where the last such piece begins that has a segment.
    last: usize,
    /// Whether a segment of this piece was cut.
    is_cut: bool,
    /// How many segments some `..` may take away.
    below_parent: usize,
    has_parent: bool,
}

impl Split {
    /// A slash that was received as such begins another piece.
    fn begin_piece(&mut self) {
        (self.first, self.is_cut) = (self.parts.len(), false);
    }

    fn read(&mut self, start: usize, text: &[u8]) {
        let Read { kept, body, is_name } = Read::of(text);
        let is_cut_here = body.len() < text.len();
        // `..json` is `.` and a suffix, and the path ends before it for a backend that takes that off first.
        match kept
            .iter()
            .take_while(|it| matches!(it, b'.' | b' '))
            .filter(|&&it| it == b'.')
            .count()
        {
            0 => {}
            1 => self.end_before(),
            _ => self.below_parent = self.parts.len(),
        }
        if !kept.is_empty() {
            self.last = self.first;
            self.parts.push(Part {
                start,
                length: kept.len(),
                is_optional: is_name || self.is_cut,
                may_end: is_cut_here,
            });
        } else {
            if is_cut_here {
                self.end_before();
            }
            if body.iter().filter(|&&byte| byte == b'.').count() > 1 {
                (self.below_parent, self.has_parent) = (self.parts.len(), true);
            }
        }
        self.is_cut |= is_cut_here;
    }

    fn end_before(&mut self) {
        if let Some(part) = self.parts.last_mut() {
            part.may_end = true;
        }
    }

    /// What only the end tells: which segments some reading leaves out, and with which it may end.
    fn finish(mut self) -> (Vec<Part>, bool) {
        let mut is_end = true;
        for (at, part) in self.parts.iter_mut().enumerate().rev() {
            part.is_optional |= at < self.below_parent;
            part.may_end |= is_end || part.is_optional || at >= self.last;
            is_end &= part.is_optional;
        }
        (self.parts, self.has_parent)
    }
}

/// What is left of a segment.
struct Read<'a> {
    /// Without what a reading may cut off or drop.
    kept: &'a [u8],
    /// Without what a reading may cut off.
    body: &'a [u8],
    /// It begins with `:`. A cut would leave nothing of `:me`, which is a name all the same.
    is_name: bool,
}

impl<'a> Read<'a> {
    fn of(text: &'a [u8]) -> Self {
        let is_name = text.starts_with(b":");
        let body = if is_name { &[] } else { cut(text) };
        let kept = trimmed(if is_name { cut_behind_colons(text) } else { body });
        Self { kept, body, is_name }
    }
}

/// The part of a segment in front of what ends it for some backend.
fn cut(segment: &[u8]) -> &[u8] {
    let end = segment
        .iter()
        .position(|byte| matches!(byte, b';' | b':') || ends_path(byte));
    end.and_then(|at| segment.get(..at)).unwrap_or(segment)
}

/// The same of a segment that begins with `:`, which are no cut then.
fn cut_behind_colons(segment: &[u8]) -> &[u8] {
    let colons = segment.iter().take_while(|&&byte| byte == b':').count();
    let rest = segment.get(colons..).unwrap_or_default();
    segment.get(..colons + cut(rest).len()).unwrap_or_default()
}

/// Whether this character, decoded, ends the whole path for some backend.
fn ends_path(byte: &u8) -> bool {
    matches!(byte, b'?' | b'#') || byte.is_ascii_control()
}

/// A segment without the dots and spaces at its end.
fn trimmed(segment: &[u8]) -> &[u8] {
    let end = segment.iter().rposition(|byte| !matches!(byte, b'.' | b' '));
    end.and_then(|at| segment.get(..=at)).unwrap_or_default()
}
