//! The request headers that decide something, however their names are spelled.

use super::headers;

/// A request header that decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadHeader {
    /// `Content-Type`.
    ContentType,
    /// `Forwarded`.
    Forwarded,
    /// `Host`.
    Host,
    /// `Origin`.
    Origin,
    /// `Access-Control-Request-Headers`.
    RequestHeaders,
    /// `Access-Control-Request-Method`.
    RequestMethod,
    /// `Access-Control-Request-Private-Network`.
    RequestPrivateNetwork,
    /// `Sec-Fetch-Mode`.
    SecFetchMode,
    /// `Sec-Fetch-Site`.
    SecFetchSite,
    /// `Sec-WebSocket-Key`.
    SecWebSocketKey,
    /// `Upgrade`.
    Upgrade,
    /// `X-Forwarded-Host`.
    XForwardedHost,
    /// `X-Forwarded-Proto`.
    XForwardedProto,
}

/// How a name is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As HTTP/2 has it, and as proxies hand names on.
    Plain,
    /// In another way, which some backend takes for the same.
    Other,
}

impl ReadHeader {
    /// Whether a name has the length and the first letter of one that decides something: most lines of a request have not.
    #[inline]
    pub(crate) fn may_be(name: &[u8]) -> bool {
        // A letter in lower case.
        let first = name.first().map_or(0, |byte| byte | 0x20);
        match name.len() {
            4 => first == b'h',
            6 => first == b'o',
            7 => first == b'u',
            9 => first == b'f',
            12 => first == b'c',
            14 => first == b's',
            16 => first == b'x',
            17 => matches!(first, b's' | b'x'),
            29 | 30 | 38 => first == b'a',
            _ => false,
        }
    }

    /// The header that a name is a spelling of. Some proxies keep the case of names. Backends that make variables of them,
    /// as CGI does, write `_` for `-`, and a few of them for every other sign.
    #[must_use]
    #[inline]
    pub fn meant_by(name: &[u8]) -> Option<(Self, Spelling)> {
        match name.len() {
            4 => spelled(name, headers::HOST, Self::Host),
            6 => spelled(name, headers::ORIGIN, Self::Origin),
            7 => spelled(name, headers::UPGRADE, Self::Upgrade),
            9 => spelled(name, headers::FORWARDED, Self::Forwarded),
            12 => spelled(name, headers::CONTENT_TYPE, Self::ContentType),
            14 => spelled(name, headers::SEC_FETCH_MODE, Self::SecFetchMode)
                .or_else(|| spelled(name, headers::SEC_FETCH_SITE, Self::SecFetchSite)),
            16 => spelled(name, headers::X_FORWARDED_HOST, Self::XForwardedHost),
            17 => spelled(name, headers::X_FORWARDED_PROTO, Self::XForwardedProto)
                .or_else(|| spelled(name, headers::SEC_WEBSOCKET_KEY, Self::SecWebSocketKey)),
            29 => spelled(name, headers::REQUEST_METHOD, Self::RequestMethod),
            30 => spelled(name, headers::REQUEST_HEADERS, Self::RequestHeaders),
            38 => spelled(name, headers::REQUEST_PRIVATE_NETWORK, Self::RequestPrivateNetwork),
            _ => None,
        }
    }

    /// The name in its plain spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContentType => headers::CONTENT_TYPE,
            Self::Forwarded => headers::FORWARDED,
            Self::Host => headers::HOST,
            Self::Origin => headers::ORIGIN,
            Self::RequestHeaders => headers::REQUEST_HEADERS,
            Self::RequestMethod => headers::REQUEST_METHOD,
            Self::RequestPrivateNetwork => headers::REQUEST_PRIVATE_NETWORK,
            Self::SecFetchMode => headers::SEC_FETCH_MODE,
            Self::SecFetchSite => headers::SEC_FETCH_SITE,
            Self::SecWebSocketKey => headers::SEC_WEBSOCKET_KEY,
            Self::Upgrade => headers::UPGRADE,
            Self::XForwardedHost => headers::X_FORWARDED_HOST,
            Self::XForwardedProto => headers::X_FORWARDED_PROTO,
        }
    }
}

/// Compares with a name that is known when this is compiled, and so word by word.
#[inline]
fn spelled(name: &[u8], plain: &str, header: ReadHeader) -> Option<(ReadHeader, Spelling)> {
    if name == plain.as_bytes() {
        return Some((header, Spelling::Plain));
    }
    is_other_spelling(name, plain.as_bytes()).then_some((header, Spelling::Other))
}

fn is_other_spelling(name: &[u8], plain: &[u8]) -> bool {
    let is_same = |(byte, meant): (&u8, &u8)| {
        byte.to_ascii_lowercase() == *meant || *meant == b'-' && byte.is_ascii_punctuation()
    };
    // Names that are alike are so at their beginning.
    name.iter().zip(plain).rev().all(is_same)
}
