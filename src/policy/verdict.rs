//! What a policy answers.
//!
//! Long: the closed list of reasons, and each name and word of it.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use super::headers;
use super::reply::Reply;

/// The answer to one request: what to do, why, and which rules said so.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// Why.
    pub finding: Finding,
    /// The entry of `policies` whose rules decided; `None` for the rules outside it.
    pub by: Option<usize>,
    /// What to do.
    pub action: Action<'a>,
}

/// Which check spoke last, and what it said by which rule. Written `<check>:<outcome>:<reason>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that decided.
    pub check: Check,
    /// What it decided, and by which rule.
    pub outcome: Outcome,
}

/// What a check decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes.
    Allowed(Allow),
    /// No. For `cors` an ordinary request goes on all the same: what is refused is the page's access to the answer.
    Rejected(Deny),
    /// No, but the check only reports.
    WouldReject(Deny),
}

/// Whether a check enforces what it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A refusal is carried out.
    Enforce,
    /// A refusal is only counted and logged.
    ReportOnly,
}

/// What becomes of a request that names no origin, where an origin would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingOrigin {
    /// It passes: no browser leaves the origin out, so its absence is no attack through one.
    Allow,
    /// It is refused.
    Reject,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Action<'a> {
    /// It goes on, and its response is edited.
    Forward(Forward<'a>),
    /// The filter answers it.
    Reply(Reply<'a>),
}

/// The edits to a request that goes on, and to whatever response it gets.
#[derive(Clone, Debug, Default)]
pub struct Forward<'a> {
    /// Edits to the request.
    pub request: Vec<RequestEdit>,
    /// Edits to the response.
    pub response: ResponseCors<'a>,
    /// Whether the request asks for an upgrade: CORS has no part in a `101`.
    pub is_upgrade: bool,
    /// Whether a page of another site asks, for whose fetches browsers drop cookies that are not marked for it.
    pub is_cross_site: bool,
}

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
    pub expose: Rc<str>,
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

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable code, as counters, logs and documents have it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

codes! {
    /// A check of the policy; each has a section of the configuration under its name.
    Check {
        /// May the host be asked for?
        Hosts = "hosts",
        /// May the origin open a WebSocket?
        WebSocket = "websocket",
        /// May the site write?
        Csrf = "csrf",
        /// May the page read the answer?
        Cors = "cors",
    }
}

codes! {
    /// The rule by which a check says yes. The list is closed: codes are added in a release, never made from a request.
    Allow {
        /// The WebSocket's origin has its host in `allowed_hosts`.
        AllowedHosts = "allowed_hosts",
        /// `*` is listed.
        Any = "any",
        /// An entry without a wildcard in its host matched.
        Listed = "listed",
        /// The check is switched off.
        Off = "off",
        /// There is no `Origin`.
        OriginMissing = "origin_missing",
        /// The origin is `null`, and that is allowed.
        OriginNull = "origin_null",
        /// An entry with a wildcard in its host matched.
        Pattern = "pattern",
        /// A regular expression matched.
        Regex = "regex",
        /// The page is on the host and port that it asks.
        SameHost = "same_host",
    }
}

codes! {
    /// Why a check says no. The list is closed, like that of [`Allow`].
    Deny {
        /// Another site's page asks for a change.
        CrossSiteWrite = "cross_site_write",
        /// A preflight asks for a header that `cors.allow_headers` does not list.
        HeaderNotAllowed = "header_not_allowed",
        /// The request's headers could not be read from the proxy, or its edits could not be made.
        HeadersUnavailable = "headers_unavailable",
        /// No host, more than one, or not the grammar of one.
        HostMalformed = "host_malformed",
        /// The host is not in `allowed_hosts`.
        HostNotAllowed = "host_not_allowed",
        /// A preflight asks for a method that `cors.allow_methods` does not list.
        MethodNotAllowed = "method_not_allowed",
        /// `Origin` is not the serialization of one origin that browsers send.
        OriginMalformed = "origin_malformed",
        /// There is no `Origin`.
        OriginMissing = "origin_missing",
        /// No entry comes near the origin, or only one that lets it read and no more.
        OriginNotAllowed = "origin_not_allowed",
        /// The origin is `null`.
        OriginNull = "origin_null",
        /// An entry has the origin's scheme and host, or the request its host, but with another port.
        PortMismatch = "port_mismatch",
        /// An entry has the origin's host, but with another scheme; or a page of `http` asks a request of `https`.
        SchemeMismatch = "scheme_mismatch",
    }
}

impl Allow {
    /// Whether an entry for the origin says so, and not that nothing was asked or checked.
    #[must_use]
    pub fn is_of_entry(self) -> bool {
        matches!(
            self,
            Self::Any | Self::Listed | Self::OriginNull | Self::Pattern | Self::Regex
        )
    }
}

impl Outcome {
    /// The stable code of each, in the order of the variants.
    pub const CODES: [&str; 3] = ["allowed", "rejected", "would_reject"];

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::Rejected(_) => "rejected",
            Self::WouldReject(_) => "would_reject",
        }
    }

    /// The stable code of the rule behind it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Allowed(allow) => allow.code(),
            Self::Rejected(deny) | Self::WouldReject(deny) => deny.code(),
        }
    }

    /// Why not, where the answer is no.
    #[must_use]
    pub fn deny(self) -> Option<Deny> {
        match self {
            Self::Allowed(_) => None,
            Self::Rejected(deny) | Self::WouldReject(deny) => Some(deny),
        }
    }

    /// Whether the answer is yes.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Every finding there is: what the counters are, and what the documents list.
const GRANTS: [(Check, &[Allow]); 2] = {
    use Allow::*;
    [
        (
            Check::WebSocket,
            &[AllowedHosts, Any, Listed, Off, OriginMissing, Pattern, Regex, SameHost],
        ),
        (
            Check::Cors,
            &[Any, Listed, Off, OriginMissing, OriginNull, Pattern, Regex, SameHost],
        ),
    ]
};

/// See [`GRANTS`].
const REFUSALS: [(Check, &[Deny]); 4] = {
    use Deny::*;
    [
        (Check::Hosts, &[HostMalformed, HostNotAllowed]),
        (
            Check::WebSocket,
            &[
                OriginMalformed,
                OriginMissing,
                OriginNotAllowed,
                OriginNull,
                PortMismatch,
                SchemeMismatch,
            ],
        ),
        (
            Check::Csrf,
            &[
                CrossSiteWrite,
                OriginMalformed,
                OriginMissing,
                OriginNull,
                SchemeMismatch,
            ],
        ),
        (
            Check::Cors,
            &[
                HeaderNotAllowed,
                MethodNotAllowed,
                OriginMalformed,
                OriginNotAllowed,
                OriginNull,
                PortMismatch,
                SchemeMismatch,
            ],
        ),
    ]
};

impl Finding {
    /// The request could not be read.
    pub const UNAVAILABLE: Self = Self {
        check: Check::Hosts,
        outcome: Outcome::Rejected(Deny::HeadersUnavailable),
    };

    /// Everything that a policy can find, one by one.
    pub fn all() -> impl Iterator<Item = Self> {
        let grants = GRANTS.into_iter().flat_map(|(check, allows)| {
            allows.iter().map(move |&allow| Self {
                check,
                outcome: Outcome::Allowed(allow),
            })
        });
        let refusals = [Outcome::Rejected, Outcome::WouldReject]
            .into_iter()
            .flat_map(|outcome| {
                REFUSALS.into_iter().flat_map(move |(check, denies)| {
                    denies.iter().map(move |&deny| Self {
                        check,
                        outcome: outcome(deny),
                    })
                })
            });
        grants.chain([Self::UNAVAILABLE]).chain(refusals)
    }
}

impl ResponseCors<'_> {
    /// The same, without what it borrows of the request, for a response that comes when the request is gone.
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

    /// The headers by which a response says who may read it.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let origin: Option<&[u8]> = match &self.origin {
            AllowOrigin::Any => Some(b"*"),
            AllowOrigin::Named(received) => Some(received),
            AllowOrigin::Withheld => None,
        };
        let credentials = origin.filter(|_| self.credentials).map(|_| &b"true"[..]);
        let expose = origin.map(|_| self.expose.as_bytes()).filter(|value| !value.is_empty());
        [
            (headers::ALLOW_ORIGIN, origin),
            (headers::ALLOW_CREDENTIALS, credentials),
            (headers::EXPOSE_HEADERS, expose),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (check, outcome, reason) = (self.check.code(), self.outcome.code(), self.outcome.reason());
        write!(f, "{check}:{outcome}:{reason}")
    }
}
