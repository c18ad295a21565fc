//! The origin of a request: the request-time parser.
//!
//! It takes exactly the serialization that a browser emits (Fetch §3.1 "`Origin` header", HTML "ASCII serialization
//! of an origin") and nothing that would have to be folded, trimmed, decoded or repaired first. Two spellings of one
//! origin are how origin checks are bypassed; here there is one, apart from a default port, which may be written out.

use std::error::Error;
use std::fmt;

use super::host::{Authority, Host, Name, split_port};

/// The longest scheme in bytes. Far above any in use, so that hostile values end early.
pub const MAX_SCHEME: usize = 64;

/// `scheme` + `://` + a name with its root dot + `:65535`.
pub const MAX_ORIGIN: usize = MAX_SCHEME + 3 + super::host::MAX_NAME + 1 + 6;

/// An origin that has a scheme, a host and a port (RFC 6454 §4), in canonical form.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The one serialization of this origin: the bytes received, without a default port.
    pub text: &'a [u8],
    /// The scheme, in lower case, without `://`.
    pub scheme: &'a [u8],
    /// The host, in canonical form.
    pub host: Host<'a>,
    /// The port; `None` is the scheme's default, written out or not.
    pub port: Option<u16>,
}

/// Why an `Origin` value names no origin to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOrigin {
    /// Not the canonical serialization of an origin.
    Malformed,
    /// The literal `null`: an opaque origin, which any site can produce (HTML, "opaque origin").
    Null,
}

impl fmt::Display for NoOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not the canonical serialization of an origin",
            Self::Null => "an opaque origin, which any site can have",
        })
    }
}

impl Error for NoOrigin {}

impl<'a> Origin<'a> {
    /// Reads the value of one `Origin` field.
    ///
    /// # Errors
    ///
    /// [`NoOrigin`] for `null` and for everything that is not canonical.
    #[inline]
    pub fn parse(value: &'a [u8]) -> Result<Self, NoOrigin> {
        if value == b"null" {
            return Err(NoOrigin::Null);
        }
        Self::parse_tuple(value).ok_or(NoOrigin::Malformed)
    }

    #[inline]
    fn parse_tuple(value: &'a [u8]) -> Option<Self> {
        if value.len() > MAX_ORIGIN {
            return None;
        }
        let (scheme, rest) = split_scheme(value)?;
        let name = Name::at_start_of(rest);
        let (host, port) = match name {
            // Most have no port, and no brackets that a port would come after.
            Some(name) if name.text.len() == rest.len() => (name.is_canonical().then_some(Host::Name(rest))?, None),
            _ => {
                let (host, port) = split_port(rest);
                (Host::parse(host).ok().filter(Host::is_canonical)?, port)
            }
        };
        let Some(digits) = port else {
            return Some(Self {
                text: value,
                scheme,
                host,
                port: None,
            });
        };
        let port = parse_port(digits)?;
        if Some(port) == default_port(scheme) {
            let text = value.get(..value.len() - digits.len() - 1)?;
            return Some(Self {
                text,
                scheme,
                host,
                port: None,
            });
        }
        Some(Self {
            text: value,
            scheme,
            host,
            port: Some(port),
        })
    }

    /// Whether its pages come over plain HTTP from another machine, where anybody on the path may write them.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.scheme == b"http" && !self.is_loopback()
    }

    /// Whether its pages come from the visitor's own machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.is_loopback()
    }

    /// Whether its pages are of the web, whose scheme says how they came.
    #[must_use]
    pub fn is_web(&self) -> bool {
        matches!(self.scheme, b"http" | b"https")
    }

    /// Whether a request asks the host and port that its page is on. Only web pages have a host to ask.
    #[must_use]
    pub fn is_at(&self, target: &Authority<'_>) -> bool {
        self.is_on_host(target) && self.is_on_port(target.port)
    }

    /// The same, whatever the port.
    #[must_use]
    pub fn is_on_host(&self, target: &Authority<'_>) -> bool {
        self.is_web() && target.host == self.host
    }

    /// Whether a request that shows this port, or none, is on the origin's own: one not shown is the default.
    pub(super) fn is_on_port(&self, shown: Option<u16>) -> bool {
        shown.filter(|&port| Some(port) != default_port(self.scheme)) == self.port
    }
}

/// The port that the URL Standard elides for a special scheme.
#[must_use]
pub fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        _ => None,
    }
}

/// Splits `scheme://rest`; the scheme is RFC 3986 §3.1 in lower case.
pub(super) fn split_scheme(value: &[u8]) -> Option<(&[u8], &[u8])> {
    // As nearly all origins begin.
    if let Some(rest) = value.strip_prefix(b"https://") {
        return Some((b"https", rest));
    }
    let colon = value.iter().take(MAX_SCHEME + 1).position(|&byte| byte == b':')?;
    let (scheme, rest) = value.split_at_checked(colon)?;
    Some((scheme, rest.strip_prefix(b"://")?)).filter(|_| is_scheme(scheme))
}

/// Whether this is a scheme as RFC 3986 §3.1 has it, in lower case.
fn is_scheme(text: &[u8]) -> bool {
    let is_inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    text.first().is_some_and(u8::is_ascii_lowercase) && text.len() <= MAX_SCHEME && text.iter().all(is_inner)
}

/// A port as a URL serializes it: 1 to 65535, without leading zeros. Nothing listens on port 0.
pub(super) fn parse_port(digits: &[u8]) -> Option<u16> {
    if !digits.iter().all(u8::is_ascii_digit) || digits.first() == Some(&b'0') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
