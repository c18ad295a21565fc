//! What an operator lists: the config-time parsers, and the one definition of what a pattern matches.
//!
//! A pattern either means what it says or is an error that names the right form; none is trimmed, folded or ignored.
//! [`set`](super::set) answers the same questions for many patterns at once, and tests hold it to the `matches` here.

mod hosts;
pub(crate) mod origins;
mod parts;
mod regex;

use std::fmt;

use super::address::parse_v4;
use super::error::{HostError, OriginError, PatternError};
use super::host::{Host, without_root_dot};
use super::origin::Origin;

pub use origins::{SHARED_DOMAINS, is_opaque_scheme, is_shared_domain};
pub use parts::{HostPart, OriginParts};
pub use regex::{MAX_EXPRESSIONS, OriginRegex, probes};

/// One entry of `allowed_origins`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginPattern {
    /// `*`: every origin, and `null`.
    Any,
    /// The origins with this scheme whose host and port match.
    Of {
        /// The scheme, in lower case.
        scheme: Box<[u8]>,
        /// The hosts.
        hosts: OriginHosts,
        /// The ports.
        ports: Ports,
    },
}

/// The host part of an [`OriginPattern`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginHosts {
    /// This host.
    One(Box<[u8]>),
    /// `*.domain`: one or more whole labels before the domain, so never the domain itself.
    Subdomains(Box<[u8]>),
    /// `prefix*suffix.domain`: one or more of `[a-z0-9-]` between the two, within the leftmost label.
    Labels {
        /// What the label begins with; it ends in `-`.
        prefix: Box<[u8]>,
        /// What the label ends with; may be empty.
        suffix: Box<[u8]>,
        /// The labels after it.
        domain: Box<[u8]>,
    },
}

/// The port part of an [`OriginPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ports {
    /// This port; `None` is the scheme's default.
    One(Option<u16>),
    /// `:*`: every port, the default one too.
    Any,
}

/// One entry of `allowed_hosts`, in the dialect of Django's `ALLOWED_HOSTS`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostPattern {
    /// `*`: every well-formed host.
    Any,
    /// This host, in lower case.
    One(Box<[u8]>),
    /// `.domain`: the domain and every subdomain.
    Domain(Box<[u8]>),
}

impl OriginPattern {
    /// Reads one entry of `allowed_origins`.
    ///
    /// ```
    /// # use origin_gate_policy as policy;
    /// use policy::origin::Origin;
    /// use policy::pattern::OriginPattern;
    ///
    /// let shops = OriginPattern::parse("https://*.example.com").unwrap();
    /// assert!(shops.matches(&Origin::parse(b"https://a.b.example.com").unwrap()));
    /// assert!(!shops.matches(&Origin::parse(b"https://example.com").unwrap()));
    ///
    /// let wrong = OriginPattern::parse("https://Example.com/").unwrap_err();
    /// assert_eq!(wrong.instead.as_deref(), Some("https://example.com"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatternError`], with the canonical form of what was probably meant where there is one.
    pub fn parse(entry: &str) -> Result<Self, PatternError<OriginError>> {
        OriginParts::parse(entry).map(Self::from)
    }

    /// Whether this pattern allows the origin.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Of { scheme, hosts, ports } => {
                origin.scheme == &**scheme && ports.include(origin.port) && hosts.include(origin.host.text())
            }
        }
    }

    /// What this pattern owns.
    #[must_use]
    pub fn parts(&self) -> Option<OriginParts<'_>> {
        let Self::Of { scheme, hosts, ports } = self else {
            return None;
        };
        let hosts = match hosts {
            OriginHosts::One(host) => HostPart::One(host),
            OriginHosts::Subdomains(domain) => HostPart::Subdomains(domain),
            OriginHosts::Labels { prefix, suffix, domain } => HostPart::Labels { prefix, suffix, domain },
        };
        Some(OriginParts {
            scheme,
            hosts,
            ports: *ports,
        })
    }

    /// See [`OriginParts::covers_single_label`].
    #[must_use]
    pub fn covers_single_label(&self) -> bool {
        self.parts().is_some_and(|it| it.covers_single_label())
    }

    /// See [`OriginParts::is_socket`].
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.parts().is_some_and(|it| it.is_socket())
    }

    /// See [`OriginParts::is_insecure`].
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.parts().is_some_and(|it| it.is_insecure())
    }
}

impl fmt::Display for OriginPattern {
    /// The canonical form of the entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Of { scheme, hosts, ports } = self else {
            return f.write_str("*");
        };
        let (before, domain) = match hosts {
            OriginHosts::One(host) => (Vec::new(), host),
            OriginHosts::Subdomains(domain) => (b"*.".to_vec(), domain),
            OriginHosts::Labels { prefix, suffix, domain } => ([prefix, &b"*"[..], suffix, b"."].concat(), domain),
        };
        write!(
            f,
            "{}://{}{}",
            scheme.escape_ascii(),
            before.escape_ascii(),
            domain.escape_ascii()
        )?;
        match ports {
            Ports::One(None) => Ok(()),
            Ports::One(Some(port)) => write!(f, ":{port}"),
            Ports::Any => f.write_str(":*"),
        }
    }
}

impl OriginHosts {
    fn include(&self, host: &[u8]) -> bool {
        match self {
            Self::One(name) => host == &**name,
            Self::Subdomains(domain) => subdomain(host, domain).is_some_and(|rest| !rest.is_empty()),
            Self::Labels { prefix, suffix, domain } => {
                let label = subdomain(host, domain).and_then(|label| label.strip_prefix(&**prefix));
                label.and_then(|rest| rest.strip_suffix(&**suffix)).is_some_and(fills)
            }
        }
    }
}

impl Ports {
    /// Whether these ports hold the one of a request.
    #[must_use]
    pub fn include(self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one == port,
        }
    }
}

impl HostPattern {
    /// Reads one entry of `allowed_hosts`.
    ///
    /// # Errors
    ///
    /// [`PatternError`]: schemes, ports and `*.` are no part of this dialect.
    pub fn parse(entry: &str) -> Result<Self, PatternError<HostError>> {
        if entry == "*" {
            return Ok(Self::Any);
        }
        hosts::parse(entry).map_err(|reason| PatternError {
            reason,
            instead: hosts::meant(entry).filter(|it| hosts::parse(it).is_ok()),
        })
    }

    /// Whether this pattern allows the host, port and one root dot aside.
    #[must_use]
    pub fn matches(&self, host: &Host<'_>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::One(one), Host::V6(_, address)) => {
                matches!(Host::parse(one), Ok(Host::V6(_, listed)) if listed == *address)
            }
            (Self::One(one), Host::Name(name)) => without_root_dot(name).eq_ignore_ascii_case(one),
            (Self::Domain(_), Host::V6(..)) => false,
            (Self::Domain(domain), Host::Name(name)) => {
                let name = without_root_dot(name).to_ascii_lowercase();
                *name == **domain || subdomain(&name, domain).is_some()
            }
        }
    }
}

/// Whether a domain is one label, so that strangers have names under it. `localhost` is the machine itself.
pub(super) fn is_single_label(domain: &[u8]) -> bool {
    let domain = without_root_dot(domain);
    !domain.contains(&b'.') && domain != b"localhost"
}

/// What stands before `.domain`.
fn subdomain<'a>(host: &'a [u8], domain: &[u8]) -> Option<&'a [u8]> {
    host.strip_suffix(domain)?.strip_suffix(b".")
}

/// Whether these bytes can stand for a `*` inside a label.
pub(super) fn fills(star: &[u8]) -> bool {
    !star.is_empty() && star.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Whether a host is an address, which has no subdomains.
#[must_use]
pub fn is_address(host: &Host<'_>) -> bool {
    match host {
        Host::V6(..) => true,
        Host::Name(name) => parse_v4(name).is_some(),
    }
}
