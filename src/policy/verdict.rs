//! What a policy answers.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use super::cors::Cors;

/// The answer to one request: what to do, and why.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// Why.
    pub finding: Finding,
    /// What to do.
    pub decision: Decision<'a>,
}

/// Which check spoke last, what it said and by which rule. Written `<check>:<outcome>:<reason>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that decided.
    pub check: Check,
    /// What it decided.
    pub outcome: Outcome,
    /// By which rule.
    pub reason: Reason,
}

/// What becomes of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is carried out.
    Enforce,
    /// It is only told.
    ReportOnly,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Decision<'a> {
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
    /// The CORS headers that the response gets in place of the backend's; `None` if CORS is off.
    pub response: Option<(Rc<Cors>, Grant<'a>)>,
    /// Whether this asks for an upgrade: CORS has no part in a `101`.
    pub is_upgrade: bool,
    /// Whether a page of another site may read the response with its visitor's cookies, so that browsers drop those
    /// that are not marked for it.
    pub is_cross_site: bool,
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

impl RequestEdit {
    /// Whether this is one of those that take something out of a request.
    #[must_use]
    pub fn takes_out(&self) -> bool {
        match self {
            Self::Remove(_) | Self::Rewrite(..) => true,
            Self::AddWebSocketKey | Self::Set(..) => false,
        }
    }
}

/// What a page may do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant<'a> {
    /// Any page may read it: `*`.
    Any,
    /// The page of this origin may read it; the bytes are those received.
    Origin(&'a [u8]),
    /// No page of another origin may.
    Withheld,
}

/// A header to send.
pub type Header<'a> = (&'static str, Cow<'a, [u8]>);

/// An answer from the filter itself.
#[derive(Clone, Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// The headers; no name occurs twice.
    pub headers: Vec<Header<'a>>,
    /// The body; empty for none.
    pub body: String,
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
    /// What a check decided.
    Outcome {
        /// Yes.
        Allowed = "allowed",
        /// No. For `cors` an ordinary request goes on all the same: what is refused is the page's access to the answer.
        Rejected = "rejected",
        /// No, but the check only reports.
        WouldReject = "would_reject",
    }
}

codes! {
    /// The rule behind an outcome. The list is closed: codes are added in a release, never made from a request.
    Reason {
        /// The WebSocket's origin has its host in `allowed_hosts`.
        AllowedHosts = "allowed_hosts",
        /// `*` is listed.
        Any = "any",
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
        /// An entry without a wildcard in its host matched.
        Listed = "listed",
        /// A preflight asks for a method that `cors.allow_methods` does not list.
        MethodNotAllowed = "method_not_allowed",
        /// The check is switched off.
        Off = "off",
        /// `Origin` is not the serialization of one origin that browsers send.
        OriginMalformed = "origin_malformed",
        /// There is no `Origin`.
        OriginMissing = "origin_missing",
        /// No entry comes near the origin.
        OriginNotAllowed = "origin_not_allowed",
        /// The origin is `null`.
        OriginNull = "origin_null",
        /// An entry with a wildcard in its host matched.
        Pattern = "pattern",
        /// An entry has the origin's scheme and host, or the request its host, but with another port.
        PortMismatch = "port_mismatch",
        /// A regular expression matched.
        Regex = "regex",
        /// The page is on the host and port that it asks, whatever its scheme.
        SameHost = "same_host",
        /// An entry has the origin's host, but with another scheme.
        SchemeMismatch = "scheme_mismatch",
    }
}

/// Everything that a policy can find: what the counters are, and what the documents list.
pub const FINDINGS: [(Check, Outcome, &[Reason]); 10] = {
    use Reason::*;
    const HOSTS: &[Reason] = &[HostMalformed, HostNotAllowed];
    const WEBSOCKET: &[Reason] = &[
        OriginMalformed,
        OriginMissing,
        OriginNotAllowed,
        OriginNull,
        PortMismatch,
        SchemeMismatch,
    ];
    const CSRF: &[Reason] = &[
        CrossSiteWrite,
        OriginMalformed,
        OriginMissing,
        OriginNull,
        SchemeMismatch,
    ];
    const CORS: &[Reason] = &[
        HeaderNotAllowed,
        MethodNotAllowed,
        OriginMalformed,
        OriginNotAllowed,
        OriginNull,
        PortMismatch,
        SchemeMismatch,
    ];
    const GRANTS: &[Reason] = &[Any, Listed, Off, OriginMissing, OriginNull, Pattern, Regex, SameHost];
    const SOCKET_GRANTS: &[Reason] = &[
        AllowedHosts,
        Any,
        Listed,
        Off,
        OriginMissing,
        OriginNull,
        Pattern,
        Regex,
        SameHost,
    ];
    [
        (
            Check::Hosts,
            Outcome::Rejected,
            &[HeadersUnavailable, HostMalformed, HostNotAllowed],
        ),
        (Check::Hosts, Outcome::WouldReject, HOSTS),
        (Check::WebSocket, Outcome::Allowed, SOCKET_GRANTS),
        (Check::WebSocket, Outcome::Rejected, WEBSOCKET),
        (Check::WebSocket, Outcome::WouldReject, WEBSOCKET),
        (Check::Csrf, Outcome::Rejected, CSRF),
        (Check::Csrf, Outcome::WouldReject, CSRF),
        (Check::Cors, Outcome::Allowed, GRANTS),
        (Check::Cors, Outcome::Rejected, CORS),
        (Check::Cors, Outcome::WouldReject, CORS),
    ]
};

impl Finding {
    /// Everything that a policy can find, one by one.
    pub fn all() -> impl Iterator<Item = Self> {
        FINDINGS
            .into_iter()
            .flat_map(|(check, outcome, reasons)| reasons.iter().map(move |&reason| Self { check, outcome, reason }))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (check, outcome, reason) = (self.check.code(), self.outcome.code(), self.reason.code());
        write!(f, "{check}:{outcome}:{reason}")
    }
}
