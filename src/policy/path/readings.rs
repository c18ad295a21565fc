//! The segments of a path, with what readings do to them.

use super::canonical::{Canonical, LITERAL};
use super::plain::{is_plain, is_simple};

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
pub(super) enum Readings<'a> {
    /// In one way, but for the case of letters and for the end.
    Simple(&'a [u8]),
    /// In those that the segments tell.
    Segments(Segments),
    /// In ways that are not followed: it may be of any entry.
    Any,
}

/// The segments of a path that is not simple.
pub(super) struct Segments {
    canonical: Canonical,
    parts: Vec<Part>,
    /// Whether some segment is `..` under some reading.
    has_parent: bool,
}

struct Part {
    start: usize,
    length: usize,
    is_optional: bool,
    may_end: bool,
}

impl<'a> Readings<'a> {
    pub fn of(path: &'a [u8]) -> Self {
        if is_simple(path) {
            return Self::Simple(path);
        }
        if !path.starts_with(b"/") {
            return Self::Any;
        }
        let canonical = Canonical::of(path);
        if canonical.is_open {
            return Self::Any;
        }
        Self::Segments(Segments::of(canonical))
    }

    /// Whether every reading leaves the path below whatever it lies below byte for byte, readings of its end aside.
    pub fn is_settled(&self, path: &[u8]) -> bool {
        match self {
            Self::Simple(_) => true,
            Self::Segments(segments) => !segments.has_parent && is_plain(path),
            Self::Any => false,
        }
    }
}

/// The segments of a simple path.
pub(super) fn of_simple(path: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let mut segments = path.split(|&byte| byte == b'/').peekable();
    std::iter::from_fn(move || {
        let text = segments.next()?;
        Some(Segment {
            text,
            marks: &[],
            is_optional: false,
            may_end: segments.peek().is_none(),
        })
    })
}

impl Segments {
    fn of(canonical: Canonical) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        // Of what stands between two slashes that were received as such: where it begins, and whether it was cut.
        let (mut first, mut is_cut) = (0, false);
        // Where the last such piece begins that has a segment; how many segments `..` may take away.
        let (mut last, mut below_parent, mut has_parent) = (0, 0, false);
        let mut start = 0_usize;
        for text in canonical.bytes.split(|&byte| byte == b'/') {
            let slash = start.checked_sub(1).and_then(|at| canonical.marks.get(at));
            let is_firm = slash.is_none_or(|&it| it == LITERAL);
            if is_firm {
                (first, is_cut) = (parts.len(), false);
            }
            let body = cut(text);
            // A cut would leave nothing of `:me`, which is a name all the same.
            let is_name = text.starts_with(b":");
            let kept = trimmed(if is_name { cut_behind_colons(text) } else { body });
            let is_cut_here = body.len() < text.len();
            if !kept.is_empty() {
                last = first;
                parts.push(Part {
                    start,
                    length: kept.len(),
                    is_optional: is_name || is_cut && !is_firm,
                    may_end: is_cut_here,
                });
            } else if body.iter().filter(|&&byte| byte == b'.').count() > 1 {
                (below_parent, has_parent) = (parts.len(), true);
            }
            is_cut |= is_cut_here;
            start += text.len() + 1;
        }
        let mut is_end = true;
        for (at, part) in parts.iter_mut().enumerate().rev() {
            part.is_optional |= at < below_parent;
            part.may_end |= is_end || part.is_optional || at >= last;
            is_end &= part.is_optional;
        }
        Self {
            canonical,
            parts,
            has_parent,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Segment<'_>> {
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
    pub fn of_prefix(path: &[u8]) -> Option<Vec<Box<[u8]>>> {
        let canonical = Canonical::of(path);
        let is_open = canonical.is_open;
        let end = canonical
            .bytes
            .iter()
            .position(ends_path)
            .unwrap_or(canonical.bytes.len());
        let kept = canonical.bytes.get(..end)?.iter().filter(|&&byte| byte == b'/').count();
        let segments = Self::of(canonical);
        let written = path.split(|&byte| byte == b'/').filter(|it| !it.is_empty()).count();
        let is_whole = !is_open && !segments.has_parent && segments.parts.len() == written;
        is_whole.then(|| segments.iter().take(kept).map(|it| it.text.into()).collect())
    }
}

impl<'a> Segment<'a> {
    /// What format suffixes leave of it: `users` of `users.json`. Where a dot was encoded, one before it may begin the
    /// suffix for a backend that takes it off before it decodes.
    pub fn stems(self) -> impl Iterator<Item = &'a [u8]> {
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

/// The part of a segment in front of what ends it for some backend.
fn cut(segment: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b';' | b':') || ends_path(byte);
    segment.split(is_end).next().unwrap_or_default()
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
