//! What is written into requests and responses, ready to be written: nothing here asks a policy.

use std::borrow::Cow;
use std::sync::Arc;

use super::headers;

/// What becomes of the CORS headers of a response. The order is that of strictness, the strictest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResponseCors<'a> {
    /// The policy's headers take the place of the backend's.
    Replace(CorsGrant<'a>),
    /// The policy's headers are added where the backend sent no `Access-Control-Allow-Origin`.
    Keep(CorsGrant<'a>),
    /// They stay as the backend sent them.
    #[default]
    Untouched,
}

/// What a page may read of a response, as headers that are ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsGrant<'a> {
    /// Which page may read it.
    pub origin: AllowOrigin<'a>,
    /// Whether it may read it with its visitor's cookies.
    pub credentials: bool,
    /// The names of the headers that it may read, joined; empty for none.
    pub expose: Arc<str>,
}

/// Which page may read a response. The order is that of strictness, the strictest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowOrigin<'a> {
    /// No page of another origin.
    Withheld,
    /// The page of this origin; the bytes are those received.
    Named(Cow<'a, [u8]>),
    /// Any page: `*`.
    Any,
}

/// One edit to a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEdit {
    /// Add a fresh random `Sec-WebSocket-Key` (RFC 6455 §4.1, point 7).
    AddWebSocketKey,
    /// Take all lines of that name out.
    Remove(String),
    /// Add the header, after its removal, with what of it may go on.
    Rewrite(&'static str, Vec<u8>),
    /// Replace the header.
    Set(&'static str, &'static str),
}

impl ResponseCors<'_> {
    /// The same, without what it borrows of the request, for a response that comes when the request is gone.
    #[inline]
    #[must_use]
    pub fn into_owned(self) -> ResponseCors<'static> {
        match self {
            Self::Replace(grant) => ResponseCors::Replace(grant.into_owned()),
            Self::Keep(grant) => ResponseCors::Keep(grant.into_owned()),
            Self::Untouched => ResponseCors::Untouched,
        }
    }
}

impl CorsGrant<'_> {
    #[inline]
    fn into_owned(self) -> CorsGrant<'static> {
        CorsGrant {
            origin: match self.origin {
                AllowOrigin::Withheld => AllowOrigin::Withheld,
                AllowOrigin::Named(origin) => AllowOrigin::Named(Cow::Owned(origin.into_owned())),
                AllowOrigin::Any => AllowOrigin::Any,
            },
            credentials: self.credentials,
            expose: self.expose,
        }
    }

    /// The values of the first [`GRANTED`](headers::GRANTED) of [`RESPONSE_NAMES`](headers::RESPONSE_NAMES).
    #[must_use]
    pub fn values(&self) -> [Option<&[u8]>; headers::GRANTED] {
        let origin: Option<&[u8]> = match &self.origin {
            AllowOrigin::Any => Some(b"*"),
            AllowOrigin::Named(received) => Some(received),
            AllowOrigin::Withheld => None,
        };
        let credentials = origin.filter(|_| self.credentials).map(|_| &b"true"[..]);
        let expose = origin.map(|_| self.expose.as_bytes()).filter(|value| !value.is_empty());
        [origin, credentials, expose]
    }

    /// The headers by which a response says who may read it.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let lines = headers::RESPONSE_NAMES.into_iter().zip(self.values());
        lines.filter_map(|(name, value)| Some((name, value?)))
    }
}
