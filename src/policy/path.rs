//! Paths that a policy names.
//!
//! A backend may decode, collapse or cut a path before it routes; the filter compares bytes. So an entry that ends in
//! `/` covers only paths that every backend reads alike, and a path that some would read otherwise is outside it.

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
    pub fn parse(entry: &str) -> Result<Self, &'static str> {
        let path = entry.as_bytes();
        if !path.starts_with(b"/") {
            return Err("a path begins with `/`");
        }
        if !path.iter().all(u8::is_ascii_graphic) {
            return Err("a path is compared as it is sent: printable ASCII, other bytes percent-encoded");
        }
        if path.contains(&b'?') || path.contains(&b'#') {
            return Err("only the path is compared; leave the query out");
        }
        if !is_plain(path) {
            return Err(
                "backends read `//`, `/../`, `;`, `\\` and encoded separators in more than one way; \
                        write the plain path",
            );
        }
        Ok(if path.ends_with(b"/") {
            Self::Below(path.into())
        } else {
            Self::One(path.into())
        })
    }

    /// Whether the target of a request, query and all, is covered.
    #[must_use]
    pub fn covers(&self, target: &[u8]) -> bool {
        let path = target
            .split(|&byte| byte == b'?' || byte == b'#')
            .next()
            .unwrap_or_default();
        match self {
            Self::One(one) => path == &**one,
            Self::Below(prefix) => path.starts_with(prefix) && is_plain(path),
        }
    }
}

/// Whether a path has one reading: no dot segments, empty segments, parameters, backslashes, and no `%2e`, `%2f` or
/// `%5c` that would decode into one of them.
fn is_plain(path: &[u8]) -> bool {
    let segments = path.strip_prefix(b"/").unwrap_or(path);
    let last = segments.iter().filter(|&&byte| byte == b'/').count();
    let is_ambiguous = |(at, segment): (usize, &[u8])| match segment {
        b"" => at != last,
        b"." | b".." => true,
        _ => segment.iter().any(|byte| matches!(byte, b';' | b'\\')) || has_encoded_separator(segment),
    };
    !segments.split(|&byte| byte == b'/').enumerate().any(is_ambiguous)
}

fn has_encoded_separator(segment: &[u8]) -> bool {
    segment.windows(3).any(|it| {
        [b"%2e", b"%2f", b"%5c", b"%3b", b"%25"]
            .iter()
            .any(|code| it.eq_ignore_ascii_case(*code))
    })
}
