//! What an operator lists: the config-time parsers, and the one definition of what a pattern matches.
//!
//! A pattern either means what it says or is an error that names the right form; none is trimmed, folded or ignored.
//! [`set`](super::set) answers the same questions for many patterns at once, and tests hold it to the `matches` here.

use std::fmt;

use url::Url;

use super::host::{Host, without_root_dot};
use super::origin::{Origin, parse_port, split_scheme};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every well-formed host.
    Any,
    /// This host, in lower case.
    One(Box<[u8]>),
    /// `.domain`: the domain and every subdomain.
    Domain(Box<[u8]>),
}

/// Why an entry is no pattern, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    problem: &'static str,
    instead: Option<String>,
}

impl OriginPattern {
    /// Reads one entry of `allowed_origins`.
    ///
    /// # Errors
    ///
    /// [`PatternError`], with the canonical form of what was probably meant where there is one.
    pub fn parse(entry: &str) -> Result<Self, PatternError> {
        if entry == "*" {
            return Ok(Self::Any);
        }
        parse_origin(entry.as_bytes()).map_err(|problem| PatternError {
            problem,
            instead: canonical_spelling(entry).filter(|it| it != entry && Self::parse(it).is_ok()),
        })
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

    /// Whether the pattern covers everything under one label (`https://*.com`), which is to say strangers' sites.
    /// `.localhost` is the machine's own (RFC 6761 §6.3).
    #[must_use]
    pub fn covers_single_label(&self) -> bool {
        match self {
            Self::Of {
                hosts: OriginHosts::Subdomains(domain) | OriginHosts::Labels { domain, .. },
                ..
            } => {
                let domain = without_root_dot(domain);
                !domain.contains(&b'.') && domain != b"localhost"
            }
            _ => false,
        }
    }

    /// Whether the origins of this pattern come over plain HTTP from another machine, where anybody on the path may
    /// write their pages.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        match self {
            Self::Of { scheme, hosts, .. } => &**scheme == b"http" && !hosts.are_loopback(),
            Self::Any => false,
        }
    }
}

impl OriginHosts {
    fn include(&self, host: &[u8]) -> bool {
        match self {
            Self::One(name) => host == &**name,
            Self::Subdomains(domain) => subdomain(host, domain).is_some_and(|rest| !rest.is_empty()),
            Self::Labels { prefix, suffix, domain } => {
                subdomain(host, domain).is_some_and(|label| fills(label, prefix, suffix))
            }
        }
    }

    fn are_loopback(&self) -> bool {
        let (Self::One(host) | Self::Subdomains(host) | Self::Labels { domain: host, .. }) = self;
        let host = without_root_dot(host);
        let text = std::str::from_utf8(host).unwrap_or_default();
        let is_v4 = text.parse::<std::net::Ipv4Addr>().is_ok_and(|it| it.is_loopback());
        is_v4 || host == b"[::1]" || host == b"localhost" || host.ends_with(b".localhost")
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
    pub fn parse(entry: &str) -> Result<Self, PatternError> {
        if entry == "*" {
            return Ok(Self::Any);
        }
        parse_host(entry).map_err(|(problem, instead)| PatternError {
            problem,
            instead: instead.filter(|it| Self::parse(it).is_ok()),
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

/// What stands before `.domain`.
fn subdomain<'a>(host: &'a [u8], domain: &[u8]) -> Option<&'a [u8]> {
    host.strip_suffix(domain)?.strip_suffix(b".")
}

/// Whether the label is `prefix`, one or more of `[a-z0-9-]`, `suffix`.
pub(super) fn fills(label: &[u8], prefix: &[u8], suffix: &[u8]) -> bool {
    let between = label.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    between.is_some_and(|between| {
        !between.is_empty()
            && between
                .iter()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    })
}

fn parse_origin(entry: &[u8]) -> Result<OriginPattern, &'static str> {
    if entry == b"null" {
        return Err("any site can send `null`, from a sandboxed frame or a `data:` page; \
                    if that is meant, set `dangerously_allow_null_origin`");
    }
    if !entry.is_ascii() {
        return Err("browsers send the ASCII form of a name; write its labels as `xn--…`");
    }
    if entry
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    {
        return Err("an origin has no white space or control characters; one entry is one origin");
    }
    let (scheme, rest) = match split_scheme(entry) {
        Some(parts) => parts,
        None if entry.windows(3).any(|it| it == b"://") => {
            return Err("a scheme is lower-case letters, digits, `+`, `-` and `.`");
        }
        None => return Err("an origin begins with a scheme"),
    };
    if matches!(
        scheme,
        b"about" | b"blob" | b"data" | b"file" | b"filesystem" | b"javascript"
    ) {
        return Err("pages of this scheme have no origin of their own; browsers send `null` for them");
    }
    if rest.contains(&b'@') {
        return Err("an origin has no user information");
    }
    if rest.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')) {
        return Err("an origin ends after the host or port: no path, not even `/`, no query");
    }
    let (host, ports) = split_ports(rest, scheme)?;
    let hosts = parse_origin_hosts(host)?;
    let is_web = matches!(scheme, b"http" | b"https");
    if !is_web && (ports == Ports::Any || !matches!(hosts, OriginHosts::One(_))) {
        return Err("wildcards are for `http` and `https`; list origins of other schemes one by one");
    }
    Ok(OriginPattern::Of {
        scheme: scheme.into(),
        hosts,
        ports,
    })
}

fn split_ports<'a>(rest: &'a [u8], scheme: &[u8]) -> Result<(&'a [u8], Ports), &'static str> {
    if let Some(host) = rest.strip_suffix(b":*") {
        return Ok((host, Ports::Any));
    }
    let (host, digits) = super::host::split_port(rest);
    let port = match digits {
        None => None,
        Some(digits) => {
            Some(parse_port(digits).ok_or("a port is 1 to 65535 without leading zeros, or `*` for every port")?)
        }
    };
    let port = port.filter(|&port| Some(port) != super::origin::default_port(scheme));
    Ok((host, Ports::One(port)))
}

fn parse_origin_hosts(host: &[u8]) -> Result<OriginHosts, &'static str> {
    if host.is_empty() {
        return Err("the host is missing");
    }
    let mut labels = host.splitn(2, |&byte| byte == b'.');
    let (first, domain) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let mut around_star = first.split(|&byte| byte == b'*');
    let (prefix, suffix) = (around_star.next().unwrap_or_default(), around_star.next());
    if domain.contains(&b'*') {
        return Err("a wildcard may only be the leftmost label");
    }
    let Some(suffix) = suffix else {
        return Ok(OriginHosts::One(canonical_name(host)?.into()));
    };
    if around_star.next().is_some() {
        return Err("a host has at most one `*`");
    }
    if matches!(Host::parse(without_root_dot(domain)), Ok(host) if is_address(&host)) {
        return Err("an IP address has no subdomains");
    }
    if domain.is_empty() {
        return Err("a wildcard needs a domain after it");
    }
    let domain = canonical_name(domain)?.into();
    if first == b"*" {
        return Ok(OriginHosts::Subdomains(domain));
    }
    if !prefix.ends_with(b"-") {
        return Err(
            "a `*` inside a label follows a literal that ends in `-`, as in `shop-*`; \
                    elsewhere it would match names that anybody can register",
        );
    }
    canonical_name(prefix)?;
    if !suffix.is_empty() {
        canonical_name(suffix)?;
    }
    Ok(OriginHosts::Labels {
        prefix: prefix.into(),
        suffix: suffix.into(),
        domain,
    })
}

fn canonical_name(host: &[u8]) -> Result<&[u8], &'static str> {
    match Host::parse(host) {
        Err(_) if host.contains(&b'[') || host.contains(&b':') => {
            Err("an IPv6 address stands in brackets, without a zone")
        }
        Err(_) if host.split(|&byte| byte == b'.').any(<[u8]>::is_empty) => Err("a host has no empty label"),
        Err(_) => Err("a host is labels of 1 to 63 of `a-z`, `0-9`, `-` and `_`, 253 bytes in all"),
        Ok(parsed) if parsed.is_canonical() => Ok(host),
        Ok(Host::V6(_, address)) if address.to_ipv4_mapped().is_some() => {
            Err("no site is served from an IPv4-mapped address; list the IPv4 address")
        }
        Ok(_) => Err("browsers send a host in one spelling: lower case, addresses in their short form"),
    }
}

fn is_address(host: &Host<'_>) -> bool {
    match host {
        Host::V6(..) => true,
        Host::Name(name) => std::str::from_utf8(name).is_ok_and(|name| name.parse::<std::net::Ipv4Addr>().is_ok()),
    }
}

/// The origin that a browser would make of the entry. Only ever shown to the operator, never matched.
fn canonical_spelling(entry: &str) -> Option<String> {
    let entry = entry.trim();
    let with_scheme = match entry.split_once("://") {
        Some((_, "")) | None if entry.is_empty() => return None,
        Some(_) => entry.to_owned(),
        None if entry.starts_with("localhost") || entry.starts_with("127.") => {
            format!("http://{entry}")
        }
        None => format!("https://{entry}"),
    };
    if let Some((scheme, rest)) = with_scheme.split_once("://")
        && let Some((_, domain)) = rest.rsplit_once("*.")
        && rest.find('*') != Some(0)
    {
        return Some(format!("{scheme}://*.{domain}"));
    }
    let (url, any_port) = match with_scheme.trim_end_matches('/').strip_suffix(":*") {
        Some(url) => (Url::parse(url).ok()?, ":*"),
        None => (Url::parse(&with_scheme).ok()?, ""),
    };
    Some(format!("{}{any_port}", url.origin().ascii_serialization()))
}

fn parse_host(entry: &str) -> Result<HostPattern, (&'static str, Option<String>)> {
    let lower = entry.to_ascii_lowercase();
    if let Some((_, rest)) = lower.split_once("://") {
        let host = rest.split(['/', ':']).next().map(str::to_owned);
        return Err(("a host has no scheme", host));
    }
    if let Some(domain) = lower.strip_prefix("*.") {
        let domain = Some(format!(".{domain}"));
        return Err((
            "a leading `.` stands for the domain and every subdomain; `*.` is for origins",
            domain,
        ));
    }
    if !lower.is_ascii() {
        return Err((
            "requests carry the ASCII form of a name; write its labels as `xn--…`",
            None,
        ));
    }
    if lower.contains('/') {
        return Err((
            "a host is a name or an address, without a path or an address range",
            None,
        ));
    }
    let (domain, is_domain) = match lower.strip_prefix('.') {
        Some(domain) => (domain, true),
        None => (lower.as_str(), false),
    };
    if let Some(name) = domain.strip_suffix('.')
        && !name.is_empty()
    {
        let dot = if is_domain { "." } else { "" };
        return Err((
            "the trailing dot of a request is dropped before it is compared",
            Some(format!("{dot}{name}")),
        ));
    }
    match Host::parse(domain.as_bytes()) {
        Ok(Host::V6(..)) if is_domain => Err(("an IP address has no subdomains", None)),
        Ok(host) if is_domain && is_address(&host) => Err(("an IP address has no subdomains", None)),
        Ok(_) if is_domain => Ok(HostPattern::Domain(domain.as_bytes().into())),
        Ok(Host::V6(_, address)) => Ok(HostPattern::One(format!("[{address}]").into_bytes().into())),
        Ok(Host::Name(name)) => Ok(HostPattern::One(name.into())),
        Err(_) if domain.parse::<std::net::Ipv6Addr>().is_ok() => {
            Err(("an IPv6 address stands in brackets", Some(format!("[{domain}]"))))
        }
        Err(_) => match super::host::split_port(lower.as_bytes()) {
            (host, Some(_)) => {
                let host = std::str::from_utf8(host).ok().map(str::to_owned);
                Err(("the port of a request is ignored; list the host without one", host))
            }
            _ => Err((
                "a host is labels of 1 to 63 of `a-z`, `0-9`, `-` and `_`, 253 bytes in all",
                None,
            )),
        },
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem)?;
        match &self.instead {
            Some(instead) => write!(f, "; write `{instead}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PatternError {}
