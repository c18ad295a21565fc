//! A request: what was received, and what it means, read once.

use super::host::Authority;
use super::origin::{NoOrigin, Origin};
use super::path::RequestPath;
pub use super::received::{Field, Reader, Received};

/// A request. Whatever decides reads what its fields mean; whatever shows them to a person, what was received.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Request<'a> {
    /// What was received.
    pub received: Received<'a>,
    /// The host and port that are asked for, if there is one well-formed answer (RFC 9110 §7.2).
    pub target: Option<Authority<'a>>,
    /// `http` or `https`, as the client asked. `X-Forwarded-Proto` tells it where TLS ends before this proxy; one at the
    /// edge is to write it itself, or else clients choose it.
    pub scheme: Option<&'static [u8]>,
    /// Where it says it comes from (Fetch §3.1).
    pub source: Source<'a>,
    /// The path, however backends may read it; empty for `CONNECT`.
    pub path: RequestPath<'a>,
}

/// Where a request says it comes from.
#[derive(Clone, Copy, Debug, Default)]
pub enum Source<'a> {
    /// It does not say.
    #[default]
    Missing,
    /// From no origin that could be compared.
    None(NoOrigin),
    /// From this one.
    Origin(Origin<'a>),
}

impl<'a> From<Received<'a>> for Request<'a> {
    fn from(received: Received<'a>) -> Self {
        Self {
            target: received.authority.one().and_then(|it| Authority::parse(it).ok()),
            scheme: scheme(&received),
            source: Source::from(received.origin),
            path: RequestPath::new(received.path),
            received,
        }
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for Request<'a> {
    /// Reads a request's fields, as [`Reader`] picks them.
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(fields: I) -> Self {
        Self::from(Received::from_iter(fields))
    }
}

impl<'a> From<Field<'a>> for Source<'a> {
    fn from(origin: Field<'a>) -> Self {
        match origin {
            Field::Absent => Self::Missing,
            Field::Many => Self::None(NoOrigin::Malformed),
            Field::One(value) => Origin::parse(value).map_or_else(Self::None, Self::Origin),
        }
    }
}

impl Request<'_> {
    /// Whether a page of this origin came over HTTP while this request came over HTTPS, or by a scheme that cannot be
    /// read. The other way round may be TLS that ended in front of the proxy.
    #[must_use]
    pub fn is_downgraded_by(&self, origin: &Origin<'_>) -> bool {
        origin.scheme == b"http" && self.scheme != Some(b"http")
    }

    /// Whether a page of this origin came over HTTPS while this request came over HTTP. Browsers mix no such content
    /// (<https://www.w3.org/TR/mixed-content/#should-block-fetch>): TLS ended in front of the proxy, which does not know it.
    #[must_use]
    pub fn is_misread_by(&self, origin: &Origin<'_>) -> bool {
        origin.scheme == b"https" && self.scheme == Some(b"http")
    }

    /// Whether a page of this origin is on the host and port that it asks.
    #[must_use]
    pub fn is_at(&self, origin: &Origin<'_>) -> bool {
        self.target.as_ref().is_some_and(|target| origin.is_at(target))
    }
}

/// The scheme, by the names that HTTP and WebSockets have for it.
fn scheme(received: &Received<'_>) -> Option<&'static [u8]> {
    let scheme = match received.forwarded_proto {
        Field::Absent => received.scheme,
        Field::One(proto) => proto,
        Field::Many => return None,
    };
    let is = |words: [&[u8]; 2]| words.iter().any(|word| word.eq_ignore_ascii_case(scheme));
    match scheme {
        // As proxies write it.
        b"https" => Some(b"https"),
        _ if is([b"https", b"wss"]) => Some(b"https"),
        _ if is([b"http", b"ws"]) => Some(b"http"),
        _ => None,
    }
}
