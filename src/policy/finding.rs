//! Why a policy answers as it does: `<check>:<outcome>:<reason>`, from closed lists.

use std::error::Error;
use std::fmt;

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
        /// No entry allows the origin, and the browser asks CORS nothing: a navigation, an image, the page's own request.
        NotCors = "not_cors",
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

/// The words of each check, for people.
impl Check {
    /// Returns what the body of a refusal says.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Hosts => "this server does not answer for the host that was asked for",
            Self::WebSocket => "a page of this origin may not open a WebSocket here",
            Self::Csrf => "a page of this origin may not change anything here",
            Self::Cors => "a page of this origin may not read answers from here",
        }
    }

    /// Returns what a line of the log begins with.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Hosts => "Host",
            Self::WebSocket => "WebSocket origin",
            Self::Csrf => "Cross-site write",
            Self::Cors => "CORS origin",
        }
    }

    /// Returns what follows when a request is refused.
    #[must_use]
    pub const fn effect(self) -> &'static str {
        match self {
            Self::Hosts => "the backend never sees the request.",
            Self::WebSocket => "the page gets no WebSocket.",
            Self::Csrf => "nothing is written.",
            Self::Cors => "the browser does not send the request itself.",
        }
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
            &[
                Any,
                Listed,
                NotCors,
                Off,
                OriginMissing,
                OriginNull,
                Pattern,
                Regex,
                SameHost,
            ],
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

impl fmt::Display for Deny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Error for Deny {}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (check, outcome, reason) = (self.check.code(), self.outcome.code(), self.outcome.reason());
        write!(f, "{check}:{outcome}:{reason}")
    }
}
