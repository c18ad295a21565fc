//! Hosts and authorities as a request names them.
//!
//! RFC 9110 §7.2 takes the grammar of `Host` from RFC 3986 §3.2.2; this module accepts the part of it that names real
//! hosts, within the limits of DNS (RFC 1035 §2.3.4), and refuses the rest: user information, percent-encoding,
//! empty labels, zone identifiers. Nothing is decoded or repaired.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::address::{V6Text, parse_v4, parse_v6};

/// The longest name, without its root dot, in bytes (RFC 1035 §2.3.4, in presentation form).
pub const MAX_NAME: usize = 253;

/// The longest label, in bytes (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// A host, borrowed from the request or from a pattern.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// A registered name or an IPv4 address, in the bytes received: any case, perhaps with a root dot.
    Name(&'a [u8]),
    /// An IPv6 address, and the bytes that spelled it, brackets included.
    V6(&'a [u8], Ipv6Addr),
}

/// The bytes do not name a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedHost;

impl fmt::Display for MalformedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the grammar of a host")
    }
}

impl Error for MalformedHost {}

impl<'a> Host<'a> {
    /// Reads a host without its port.
    ///
    /// # Errors
    ///
    /// [`MalformedHost`] for an empty or over-long name or label, a byte outside `[A-Za-z0-9._-]`, or brackets around
    /// anything but an IPv6 address.
    #[inline]
    pub fn parse(text: &'a [u8]) -> Result<Self, MalformedHost> {
        if let Some(rest) = text.strip_prefix(b"[") {
            let inside = rest.strip_suffix(b"]").ok_or(MalformedHost)?;
            return match parse_v6(inside) {
                Some(address) => Ok(Self::V6(text, address)),
                None => Err(MalformedHost),
            };
        }
        let name = Name::at_start_of(text).filter(|it| it.text.len() == text.len());
        name.map(|_| Self::Name(text)).ok_or(MalformedHost)
    }

    /// The bytes that were parsed.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        match *self {
            Self::Name(text) | Self::V6(text, _) => text,
        }
    }

    /// Whether this is the machine itself, by a name or address that is reserved for it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => is_loopback(name),
            Self::V6(_, address) => address.is_loopback(),
        }
    }

    /// Whether systems connect to the machine itself for this: loopback, the unspecified address and its network
    /// (RFC 6890 §2.2.2), and the same within IPv6. Ask this where loopback is to be held back, and
    /// [`is_loopback`](Self::is_loopback) where it is granted more than others.
    #[must_use]
    pub fn is_own_machine(&self) -> bool {
        let is_own = |it: Ipv4Addr| matches!(it.octets(), [0 | 127, ..]);
        match *self {
            Self::Name(name) => is_loopback(name) || parse_v4(without_root_dot(name)).is_some_and(is_own),
            Self::V6(_, address) => {
                address.is_unspecified() || address.is_loopback() || address.to_ipv4_mapped().is_some_and(is_own)
            }
        }
    }

    /// Whether this is the one spelling that the URL Standard's host serializer emits: lower case, IPv4 in four
    /// decimal parts, IPv6 compressed. An IPv4-mapped address has none here: its two spellings would need a rule of
    /// their own, and no site is served from one.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        match *self {
            Self::Name(text) => Name::at_start_of(text).is_some_and(|it| it.is_canonical()),
            Self::V6(text, address) => {
                let inside = text.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]"));
                address.to_ipv4_mapped().is_none() && inside == Some(V6Text::new(address).as_bytes())
            }
        }
    }
}

/// Equal as hosts: names without regard to ASCII case, addresses by value. A root dot counts: browsers hold
/// `example.com.` and `example.com` for different hosts.
impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::V6(_, a), Self::V6(_, b)) => a == b,
            _ => false,
        }
    }
}

/// A host with the port that was written after it: the value of `Host`, `:authority` or `X-Forwarded-Host`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Authority<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port, if one was written.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host` or `host:port`.
    ///
    /// # Errors
    ///
    /// [`MalformedHost`] if the host is malformed, or the port is empty, not all digits or above 65535.
    #[inline]
    pub fn parse(text: &'a [u8]) -> Result<Self, MalformedHost> {
        // Most have no port, and no brackets that a port would come after.
        if let Some(name) = Name::at_start_of(text).filter(|it| it.text.len() == text.len()) {
            return Ok(Self {
                host: Host::Name(name.text),
                port: None,
            });
        }
        let (host, port) = split_port(text);
        Ok(Self {
            host: Host::parse(host)?,
            port: port.map(parse_port).transpose()?,
        })
    }
}

/// Splits `host:port` before the colon that begins a port; the colons inside brackets do not.
pub(super) fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut colon = None;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b']' => colon = None,
            b':' if colon.is_none() => colon = Some(at),
            _ => {}
        }
    }
    match colon.and_then(|at| text.split_at_checked(at)) {
        Some((host, port)) => (host, port.split_first().map(|(_, digits)| digits)),
        None => (text, None),
    }
}

/// RFC 3986 §3.2.3, bounded: at least one digit, at most 65535. `u16::from_str` would take a sign.
fn parse_port(digits: &[u8]) -> Result<u16, MalformedHost> {
    if digits.is_empty() {
        return Err(MalformedHost);
    }
    digits
        .iter()
        .try_fold(0_u16, |port, &byte| match byte {
            b'0'..=b'9' => port.checked_mul(10)?.checked_add(u16::from(byte - b'0')),
            _ => None,
        })
        .ok_or(MalformedHost)
}

/// Drops one trailing dot, the root of the name.
#[must_use]
pub fn without_root_dot(name: &[u8]) -> &[u8] {
    // `strip_suffix` would call a comparison of texts.
    match name {
        [name @ .., b'.'] => name,
        _ => name,
    }
}

const LOCALHOST: &[u8] = b"localhost";

/// Whether a host is the machine itself, in any case (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
pub fn is_loopback(host: &[u8]) -> bool {
    let host = without_root_dot(host);
    parse_v4(host).is_some_and(|it| it.is_loopback())
        || host == b"[::1]"
        || host.eq_ignore_ascii_case(LOCALHOST)
        || host
            .split_at_checked(host.len().saturating_sub(LOCALHOST.len()))
            .is_some_and(|(before, end)| before.ends_with(b".") && end.eq_ignore_ascii_case(LOCALHOST))
}

/// The name that a text begins with, or the IPv4 address: labels with a dot between two, and perhaps the root dot. Underscores
/// are not for hosts (RFC 952), but Docker and Kubernetes names and intranets have them, and browsers send them.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    /// The whole.
    pub text: &'a [u8],
    last_label: &'a [u8],
    is_lower: bool,
}

impl<'a> Name<'a> {
    /// Reads up to a byte that no name has, in one pass: every request and every entry of a list asks this.
    #[inline]
    pub(super) fn at_start_of(text: &'a [u8]) -> Option<Self> {
        let (mut end, mut label, mut before, mut is_lower) = (0, 0, 0, true);
        while let Some(&byte) = text.get(end) {
            match Class::of(byte) {
                Class::Plain => {}
                Class::Upper => is_lower = false,
                Class::Dot if (1..=MAX_LABEL).contains(&(end - label)) => (before, label) = (label, end + 1),
                Class::Dot => return None,
                Class::Other => break,
            }
            end += 1;
        }
        let text = text.get(..end)?;
        let last_label = match text.get(label..)? {
            [] => text.get(before..end.checked_sub(1)?)?,
            last => last,
        };
        let is_short = last_label.len() <= MAX_LABEL && without_root_dot(text).len() <= MAX_NAME;
        is_short.then_some(Self {
            text,
            last_label,
            is_lower,
        })
    }

    /// See [`Host::is_canonical`].
    pub(super) fn is_canonical(&self) -> bool {
        self.is_lower && (!is_number(self.last_label) || parse_v4(self.text).is_some())
    }
}

/// What a byte is in a name.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Upper,
    Dot,
    Other,
}

impl Class {
    /// A table takes a third of what comparisons do.
    const OF: [Self; 256] = {
        let mut classes = [Self::Other; 256];
        let mut rest = classes.as_mut_slice();
        let mut byte = 0;
        while let Some((class, others)) = rest.split_first_mut() {
            *class = match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => Self::Plain,
                b'A'..=b'Z' => Self::Upper,
                b'.' => Self::Dot,
                _ => Self::Other,
            };
            rest = others;
            byte = byte.wrapping_add(1);
        }
        classes
    };

    #[inline]
    fn of(byte: u8) -> Self {
        Self::OF.get(usize::from(byte)).copied().unwrap_or(Self::Other)
    }
}

/// The URL Standard's "ends in a number" test, on the last label.
fn is_number(label: &[u8]) -> bool {
    match label {
        [b'0', b'x' | b'X', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        _ => label.iter().all(u8::is_ascii_digit),
    }
}
