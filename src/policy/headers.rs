//! Header names, and the grammars of what stands in them.

/// `Access-Control-Allow-Credentials`.
pub const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
/// `Access-Control-Allow-Headers`.
pub const ALLOW_HEADERS: &str = "access-control-allow-headers";
/// `Access-Control-Allow-Methods`.
pub const ALLOW_METHODS: &str = "access-control-allow-methods";
/// `Access-Control-Allow-Origin`.
pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";
/// `Access-Control-Allow-Private-Network`.
pub const ALLOW_PRIVATE_NETWORK: &str = "access-control-allow-private-network";
/// `Access-Control-Expose-Headers`.
pub const EXPOSE_HEADERS: &str = "access-control-expose-headers";
/// `Access-Control-Max-Age`.
pub const MAX_AGE: &str = "access-control-max-age";
/// `Access-Control-Request-Headers`.
pub const REQUEST_HEADERS: &str = "access-control-request-headers";
/// `Access-Control-Request-Method`.
pub const REQUEST_METHOD: &str = "access-control-request-method";
/// `Access-Control-Request-Private-Network`.
pub const REQUEST_PRIVATE_NETWORK: &str = "access-control-request-private-network";
/// `Cache-Control`.
pub const CACHE_CONTROL: &str = "cache-control";
/// `Content-Type`.
pub const CONTENT_TYPE: &str = "content-type";
/// `Forwarded`.
pub const FORWARDED: &str = "forwarded";
/// `Host`.
pub const HOST: &str = "host";
/// `Origin`.
pub const ORIGIN: &str = "origin";
/// `Sec-Fetch-Mode`.
pub const SEC_FETCH_MODE: &str = "sec-fetch-mode";
/// `Sec-Fetch-Site`.
pub const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// `Sec-WebSocket-Key`.
pub const SEC_WEBSOCKET_KEY: &str = "sec-websocket-key";
/// `Set-Cookie`.
pub const SET_COOKIE: &str = "set-cookie";
/// `Upgrade`.
pub const UPGRADE: &str = "upgrade";
/// `Vary`.
pub const VARY: &str = "vary";
/// `X-Forwarded-Host`.
pub const X_FORWARDED_HOST: &str = "x-forwarded-host";
/// `X-Forwarded-Proto`.
pub const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// What tells the finding on a response, under `debug`.
pub const X_ORIGIN_GATE: &str = "x-origin-gate";

/// Every response header of the CORS protocol: what a backend may not decide once a policy is in force.
/// The first [`GRANTED`] are those by which a response says who may read it.
pub const RESPONSE_NAMES: [&str; 7] = [
    ALLOW_ORIGIN,
    ALLOW_CREDENTIALS,
    EXPOSE_HEADERS,
    ALLOW_METHODS,
    ALLOW_HEADERS,
    MAX_AGE,
    ALLOW_PRIVATE_NETWORK,
];

/// How many of [`RESPONSE_NAMES`] say who may read a response; the others are for preflights.
pub const GRANTED: usize = 3;

/// The longest `Access-Control-Request-Headers` that is read, in bytes. Browsers send the names that a script set;
/// nothing real comes near this.
pub const MAX_REQUEST_HEADERS: usize = 4096;

/// The most names in `Access-Control-Request-Headers` that are compared.
pub const MAX_REQUEST_HEADER_NAMES: usize = 128;

/// Whether these bytes are a token (RFC 9110 §5.6.2): what a method or a field name is made of.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(is_tchar)
}

pub(super) fn is_tchar(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// Whether a method is one that a script may use without asking (Fetch §2.2.1 "CORS-safelisted method").
#[must_use]
pub fn is_safelisted_method(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

/// Whether a method is one that browsers let no script use (Fetch §2.2.1 "forbidden method"), in any case.
#[must_use]
pub fn is_forbidden_method(method: &[u8]) -> bool {
    [b"CONNECT".as_slice(), b"TRACE", b"TRACK"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(method))
}

/// The methods that browsers spell in capitals whatever the script wrote (Fetch, "normalize a method"), and `PATCH`,
/// which they do not, so that a script must.
const CAPITAL_METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The method that was meant by one in the wrong case.
#[must_use]
pub fn in_capitals(method: &[u8]) -> Option<&'static str> {
    let is_meant = |it: &&str| it.as_bytes().eq_ignore_ascii_case(method) && it.as_bytes() != method;
    CAPITAL_METHODS.into_iter().find(is_meant)
}

/// Fetch, "forbidden request-header": the ones that are forbidden by name.
const FORBIDDEN_HEADERS: [&str; 19] = [
    "accept-charset",
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Whether a header is one that browsers let no script set, or of the CORS protocol itself, in any case.
#[must_use]
pub fn is_forbidden_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let begins = ["proxy-", "sec-"];
    FORBIDDEN_HEADERS.contains(&lower.as_str())
        || is_of_protocol(name.as_bytes())
        || begins.iter().any(|it| lower.starts_with(it))
}

/// What scripts may read of any answer (Fetch, "CORS-safelisted response-header name").
const SAFELISTED_RESPONSE: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// Whether scripts may read a header of any answer, whether or not it is exposed, in any case.
#[must_use]
pub fn is_safelisted_response(name: &[u8]) -> bool {
    SAFELISTED_RESPONSE
        .iter()
        .any(|it| it.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether a header is one that no script reads even if it is exposed (Fetch, "forbidden response-header name"), in any case.
#[must_use]
pub fn is_unreadable(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"set-cookie") || name.eq_ignore_ascii_case(b"set-cookie2")
}

/// Whether a header is of the CORS protocol, in any case.
#[must_use]
pub fn is_of_protocol(name: &[u8]) -> bool {
    const BEGIN: &[u8] = b"access-control-";
    name.get(..BEGIN.len()).is_some_and(|it| it.eq_ignore_ascii_case(BEGIN))
}

/// The members of a comma-separated list (RFC 9110 §5.6.1), white space around them and empty ones left out.
pub fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Whether a `Vary` value already makes caches tell origins apart (RFC 9110 §12.5.5).
#[must_use]
pub fn varies_by_origin(vary: &[u8]) -> bool {
    members(vary).any(|member| member == b"*" || member.eq_ignore_ascii_case(b"origin"))
}

/// Takes off optional white space (RFC 9110 §5.6.3), which is less than what ASCII calls white space.
pub(super) fn trim(mut member: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = member {
        member = rest;
    }
    member
}
