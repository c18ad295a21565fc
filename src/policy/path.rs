//! Paths that a policy names.
//!
//! A backend may decode, collapse or cut a path before it routes; the filter compares bytes. So an entry that ends in
//! `/` covers only paths that every backend reads alike, and a path that some would read otherwise is outside it.

use super::Applies;
use super::problem::Problem;

/// One entry of a list of paths, such as `hosts.exempt_paths`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// This path.
    One(Box<[u8]>),
    /// Everything below this path, which ends in `/`.
    Below(Box<[u8]>),
}

impl PathPattern {
    /// Reads an entry: `/healthz` is that path alone, `/api/` is everything below it.
    ///
    /// # Errors
    ///
    /// What is wrong with it: an entry begins with `/`, is printable ASCII, and has no query or dot segment.
    pub fn parse(entry: &str) -> Result<Self, Problem> {
        let path = entry.as_bytes();
        if !path.starts_with(b"/") {
            return Err(Problem::PathSlash);
        }
        if !path.iter().all(u8::is_ascii_graphic) {
            return Err(Problem::PathAscii);
        }
        if path.contains(&b'?') || path.contains(&b'#') {
            return Err(Problem::PathQuery);
        }
        if path == b"/" {
            return Err(Problem::PathEverything);
        }
        if !is_plain(path) {
            return Err(Problem::PathAmbiguous);
        }
        Ok(if path.ends_with(b"/") {
            Self::Below(path.into())
        } else {
            Self::One(path.into())
        })
    }
}

/// Whether one of the entries covers the path of a request. However many there are, the path is read once.
#[must_use]
pub fn any_covers(patterns: &[PathPattern], path: &[u8]) -> bool {
    let is_one = |it: &PathPattern| matches!(it, PathPattern::One(one) if *path == **one);
    let is_below = |it: &PathPattern| matches!(it, PathPattern::Below(prefix) if path.starts_with(prefix));
    patterns.iter().any(is_one) || (patterns.iter().any(is_below) && is_plain(path))
}

/// One entry of `match.path_prefixes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathPrefix(Box<[u8]>);

impl PathPrefix {
    /// Reads an entry: `/api` is that path and everything below it, `/api/` only what is below it. `/apis` is neither.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as for [`PathPattern`].
    pub fn parse(entry: &str) -> Result<Self, Problem> {
        let (PathPattern::One(path) | PathPattern::Below(path)) = PathPattern::parse(entry)?;
        Ok(Self(path))
    }

    /// Whether a path that has one reading begins with this one, segment by segment. Some backends route without
    /// regard to case, so where only the case differs it may.
    #[must_use]
    pub fn applies(&self, path: &[u8]) -> Applies {
        let Some((start, rest)) = path.split_at_checked(self.0.len()) else {
            return Applies::No;
        };
        let is_whole = rest.is_empty() || self.0.ends_with(b"/") || rest.starts_with(b"/");
        match is_whole {
            true if *start == *self.0 => Applies::Yes,
            true if start.eq_ignore_ascii_case(&self.0) => Applies::Perhaps,
            _ => Applies::No,
        }
    }
}

/// The path of a request target.
pub(super) fn without_query(target: &[u8]) -> &[u8] {
    target
        .split(|&byte| byte == b'?' || byte == b'#')
        .next()
        .unwrap_or_default()
}

/// Whether a path has one reading: no dot segments, empty segments, parameters or backslashes, and nothing
/// percent-encoded that some backends would decode into them, or into a plain character, before they route.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let segments = path.strip_prefix(b"/").unwrap_or(path);
    let last = segments.iter().filter(|&&byte| byte == b'/').count();
    let is_ambiguous = |(at, segment): (usize, &[u8])| match segment {
        b"" => at != last,
        b"." | b".." => true,
        _ => {
            let is_odd = |byte: &u8| matches!(byte, b';' | b'\\') || !byte.is_ascii_graphic();
            segment.iter().any(is_odd) || has_needless_encoding(segment)
        }
    };
    path.starts_with(b"/") && !segments.split(|&byte| byte == b'/').enumerate().any(is_ambiguous)
}

/// Whether a segment has `%XX` for a separator, for a control character or for one that needs none (RFC 3986 §2.3), or
/// what `%` encodes is not UTF-8, such as an overlong dot.
fn has_needless_encoding(segment: &[u8]) -> bool {
    if !segment.contains(&b'%') {
        return false;
    }
    let mut decoded = Vec::new();
    let mut parts = segment.split(|&byte| byte == b'%');
    decoded.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        let Some(([high, low], rest)) = part.split_first_chunk() else {
            return true;
        };
        let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
            return true;
        };
        let byte = high << 4 | low;
        if byte.is_ascii_alphanumeric() || byte.is_ascii_control() || b"-._~/\\;%?#".contains(&byte) {
            return true;
        }
        decoded.push(byte);
        decoded.extend_from_slice(rest);
    }
    std::str::from_utf8(&decoded).is_err()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}
