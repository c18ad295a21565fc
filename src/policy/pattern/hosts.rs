//! The config-time parser of `allowed_hosts`.

use super::{HostPattern, is_address};
use crate::policy::host::{Host, split_port};

/// Reads an entry other than `*`, or says what is wrong with it and what may have been meant.
pub(super) fn parse(entry: &str) -> Result<HostPattern, (&'static str, Option<String>)> {
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
        Err(_) => match split_port(lower.as_bytes()) {
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
