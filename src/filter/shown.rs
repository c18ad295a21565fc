//! How much of a client's value the log repeats. A value that is no origin or host may be a whole address, with a password
//! in front and a token behind, and logs are read by more people than requests are.

use std::fmt;

/// The most of a value that is shown, in bytes.
pub(crate) const LONGEST: usize = 256;

/// The most that is looked through. Of a longer value only the scheme is shown: a mark may come after this, and 60 KB of it
/// are not to cost more than a refusal.
const READ: usize = 512;

/// How many segments of a path are shown.
pub(crate) const SEGMENTS: usize = 2;

/// What is shown of a value: no user information, no query, and no path beyond its first [`SEGMENTS`]. Values that log
/// identically are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shown<'a> {
    /// With its `://`, if the value begins with one.
    scheme: &'a [u8],
    has_user: bool,
    rest: &'a [u8],
    is_cut: bool,
}

impl<'a> From<&'a [u8]> for Shown<'a> {
    fn from(value: &'a [u8]) -> Self {
        let (scheme, rest) = value.split_at(scheme_length(value));
        if rest.len() <= LONGEST && rest.iter().all(is_plain) {
            return Self {
                scheme,
                has_user: false,
                rest,
                is_cut: false,
            };
        }
        let nothing = Self {
            scheme,
            has_user: false,
            rest: b"",
            is_cut: true,
        };
        // What is encoded may be any of the marks that are looked for below.
        if rest.len() > READ || rest.contains(&b'%') {
            return nothing;
        }
        let (has_user, rest) = match rest.iter().rposition(|&byte| byte == b'@') {
            None => (false, rest),
            Some(at) => match rest.split_at(at) {
                (user, [_, rest @ ..]) if !user.iter().any(ends_host) => (true, rest),
                // It is in a path or a query, or there is one in a password.
                _ => return nothing,
            },
        };
        let end = length(rest.get(..LONGEST).unwrap_or(rest));
        Self {
            scheme,
            has_user,
            rest: rest.get(..end).unwrap_or(rest),
            is_cut: end < rest.len(),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.has_user { "…@" } else { "" };
        let cut = if self.is_cut { "…" } else { "" };
        let (scheme, rest) = (self.scheme.escape_ascii(), self.rest.escape_ascii());
        write!(f, "{scheme}{user}{rest}{cut}")
    }
}

/// Whether a byte is of a host and port, and the same in quotes.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
}

/// As much of a name as is shown, which is a backend's and no address.
pub(crate) fn cut(name: &[u8]) -> &[u8] {
    name.get(..LONGEST).unwrap_or(name)
}

fn ends_host(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\' | b'?' | b'#')
}

/// The length of a scheme with its `://`, at the beginning.
fn scheme_length(value: &[u8]) -> usize {
    /// Longer than any that there is.
    const LONGEST: usize = 32;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let name = value.iter().take(LONGEST).take_while(|byte| is_scheme(byte)).count();
    match value.get(name..) {
        Some([b':', b'/', b'/', ..]) if name > 0 => name + 3,
        _ => 0,
    }
}

/// How much of hosts, in a list or alone, and of the path after one is shown. What follows a path is not: a comma may be
/// part of it. Neither are parameters, which some write behind `;` or `&`.
fn length(value: &[u8]) -> usize {
    let (mut at, mut segments) = (0, 0);
    while let Some(byte) = value.get(at) {
        let is_gap = byte.is_ascii_whitespace() || *byte == b',';
        match byte {
            b'?' | b'#' | b';' | b'&' => return at,
            b'/' | b'\\' if segments == SEGMENTS => return at + 1,
            b'/' | b'\\' => segments += 1,
            _ if is_gap && segments > 0 => return at,
            _ if is_gap => at += value.get(at + 1..).map_or(0, scheme_length),
            _ => {}
        }
        at += 1;
    }
    at
}
