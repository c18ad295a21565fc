//! The paths that a policy names.

use super::index::PathIndex;
use super::plain::is_plain;
use super::readings::Segments;
use super::request_path::RequestPath;
use crate::Scope;
use crate::error::PathError;

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
    /// What is wrong with it: an entry begins with `/`, is printable ASCII, has no query, and no segment that a backend
    /// may leave out or split.
    pub fn parse(entry: &str) -> Result<Self, PathError> {
        let PathPrefix(written) = PathPrefix::parse(entry)?;
        Ok(if written.ends_with(b"/") {
            Self::Below(written)
        } else {
            Self::One(written)
        })
    }
}

/// Whether one of the entries holds the path of a request, byte for byte and however a backend reads it.
#[must_use]
pub fn any_covers(patterns: &[PathPattern], path: &RequestPath<'_>) -> bool {
    let received = path.received();
    let is_one = |it: &PathPattern| matches!(it, PathPattern::One(one) if *received == **one);
    let is_below = |it: &PathPattern| matches!(it, PathPattern::Below(prefix) if received.starts_with(prefix));
    patterns.iter().any(is_one) || (patterns.iter().any(is_below) && path.is_settled())
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
    pub fn parse(entry: &str) -> Result<Self, PathError> {
        let path = entry.as_bytes();
        if !path.starts_with(b"/") {
            return Err(PathError::Slash);
        }
        if !path.iter().all(u8::is_ascii_graphic) {
            return Err(PathError::Ascii);
        }
        if path.contains(&b'?') || path.contains(&b'#') {
            return Err(PathError::Query);
        }
        if path == b"/" {
            return Err(PathError::Everything);
        }
        if !is_plain(path) || Segments::of_prefix(path).is_none() {
            return Err(PathError::Ambiguous);
        }
        Ok(Self(path.into()))
    }

    /// The prefix as it was written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.0
    }

    /// Whether a path lies below this prefix: byte for byte and under every reading, under some, or under none.
    #[must_use]
    pub fn scope(&self, path: &[u8]) -> Scope {
        let scopes = PathIndex::new([std::slice::from_ref(self)]).scopes(&RequestPath::new(path));
        scopes.first().map_or(Scope::Outside, |it| it.1)
    }
}
