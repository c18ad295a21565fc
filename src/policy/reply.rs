//! The filter's own answers: what they are, and how they are sent.

use std::borrow::Cow;

use super::edits::{AllowOrigin, CorsGrant};
use super::finding::{Check, Deny};
use super::headers;

/// A header to send.
pub type Header<'a> = (&'static str, Cow<'a, [u8]>);

/// An answer from the filter itself.
#[derive(Clone, Debug)]
pub enum Reply<'a> {
    /// The answer to a preflight whose origin is allowed.
    Preflight(Preflight<'a>),
    /// A refusal.
    Refusal(Refusal<'a>),
}

/// What a preflight is granted (Fetch §3.2.3).
#[derive(Clone, Debug)]
pub struct Preflight<'a> {
    /// Who asks.
    pub grant: CorsGrant<'a>,
    /// `Access-Control-Allow-Methods`.
    pub methods: AllowedNames<'a>,
    /// `Access-Control-Allow-Headers`.
    pub headers: AllowedNames<'a>,
    /// `Access-Control-Max-Age`, in seconds.
    pub max_age: u32,
    /// Whether `Access-Control-Allow-Private-Network` was asked for and is granted.
    pub private_network: bool,
}

/// Names that a preflight may ask for, joined; empty for none.
#[derive(Clone, Debug)]
pub enum AllowedNames<'a> {
    /// Every valid name is allowed: these are the ones that were asked for.
    Requested(Cow<'a, [u8]>),
    /// These are, whichever were asked for: the browser compares.
    Listed(Cow<'a, [u8]>),
}

/// A refusal: a status, and a body in the format of RFC 9457.
#[derive(Clone, Debug)]
pub struct Refusal<'a> {
    /// The status code.
    pub status: u16,
    /// The check that refused.
    pub check: Check,
    /// Why.
    pub reason: Deny,
    /// Who may read the body; `None` where CORS is not enforced.
    pub grant: Option<CorsGrant<'a>>,
}

/// A reply as it is sent: Envoy's "local reply".
#[derive(Clone, Debug)]
pub struct LocalReply<'a> {
    /// The status code.
    pub status: u16,
    /// The headers; no name occurs twice.
    pub headers: Vec<Header<'a>>,
    /// The body; empty for none.
    pub body: String,
}

impl Reply<'_> {
    /// The reply with its status, headers and body.
    #[must_use]
    pub fn render(&self) -> LocalReply<'_> {
        match self {
            Self::Preflight(preflight) => preflight.render(),
            Self::Refusal(refusal) => refusal.render(),
        }
    }
}

impl Preflight<'_> {
    fn render(&self) -> LocalReply<'_> {
        let mut headers = header_lines(&self.grant);
        for (name, value) in [
            (headers::ALLOW_METHODS, &self.methods),
            (headers::ALLOW_HEADERS, &self.headers),
        ] {
            let (AllowedNames::Requested(value) | AllowedNames::Listed(value)) = value;
            if !value.is_empty() {
                headers.push((name, Cow::Borrowed(&**value)));
            }
        }
        headers.push((headers::MAX_AGE, Cow::Owned(self.max_age.to_string().into_bytes())));
        if self.private_network {
            headers.push((headers::ALLOW_PRIVATE_NETWORK, Cow::Borrowed(b"true")));
        }
        headers.extend([(headers::VARY, Cow::Borrowed(VARY_PREFLIGHT)), NO_STORE]);
        LocalReply {
            status: 204,
            headers,
            body: String::new(),
        }
    }
}

impl Refusal<'_> {
    /// The body names nothing that the policy allows.
    fn render(&self) -> LocalReply<'_> {
        let Self {
            status,
            check,
            reason,
            grant,
        } = self;
        let content_type = Cow::Borrowed(&b"application/problem+json"[..]);
        let mut headers = vec![(headers::CONTENT_TYPE, content_type), NO_STORE];
        headers.extend(grant.iter().flat_map(header_lines));
        match (check, grant) {
            // CORS refuses preflights alone: an ordinary request goes on.
            (Check::Cors, _) => headers.push((headers::VARY, Cow::Borrowed(VARY_PREFLIGHT))),
            (_, Some(grant)) if grant.origin != AllowOrigin::Any => {
                headers.push((headers::VARY, Cow::Borrowed(b"Origin")));
            }
            _ => {}
        }
        let title = match status {
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            421 => "Misdirected Request",
            _ => "Internal Server Error",
        };
        let detail = match (check, reason) {
            (_, Deny::HeadersUnavailable) => "the request could not be checked against the policy",
            (Check::Hosts, Deny::HostMalformed) => "the request does not name one well-formed host",
            (check, _) => check.detail(),
        };
        let (check, reason) = (check.code(), reason.code());
        let body = format!(
            r#"{{"title":"{title}","status":{status},"detail":"{detail}","check":"{check}","reason":"{reason}"}}"#
        );
        LocalReply {
            status: *status,
            headers,
            body,
        }
    }
}

/// Caches keep a 404 and other answers without being asked to (RFC 9111 §4.2.2), and would give a refusal to all.
const NO_STORE: Header<'static> = (headers::CACHE_CONTROL, Cow::Borrowed(b"no-store"));

/// `Vary` on a preflight's answer. Caches must not store it (RFC 9110 §9.3.7), but some do.
const VARY_PREFLIGHT: &[u8] = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

fn header_lines<'a>(grant: &'a CorsGrant<'_>) -> Vec<Header<'a>> {
    let headers = grant.headers();
    headers.map(|(name, value)| (name, Cow::Borrowed(value))).collect()
}
