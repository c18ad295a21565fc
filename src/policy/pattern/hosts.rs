//! The config-time parser of `allowed_hosts`.

use super::{HostPattern, is_address};
use crate::address::{V6Text, parse_v6};
use crate::error::HostError;
use crate::host::{Host, split_port};
use crate::text::split_once;

/// Reads an entry other than `*`, or says what is wrong with it.
pub(super) fn parse(entry: &str) -> Result<HostPattern, HostError> {
    let entry = entry.to_ascii_lowercase();
    if split_once(&entry, "://").is_some() {
        return Err(HostError::Scheme);
    }
    if entry.starts_with("*.") {
        return Err(HostError::Wildcard);
    }
    if !entry.is_ascii() {
        return Err(HostError::Ascii);
    }
    if entry.contains('/') {
        return Err(HostError::Path);
    }
    let (domain, is_domain) = match entry.strip_prefix('.') {
        Some(domain) => (domain, true),
        None => (entry.as_str(), false),
    };
    if domain.strip_suffix('.').is_some_and(|name| !name.is_empty()) {
        return Err(HostError::RootDot);
    }
    match Host::parse(domain.as_bytes()) {
        Ok(host) if is_domain && is_address(&host) => Err(HostError::AddressSubdomains),
        Ok(_) if is_domain => Ok(HostPattern::Domain(domain.as_bytes().into())),
        Ok(Host::V6(_, address)) => {
            let text = [b"[", V6Text::new(address).as_bytes(), b"]"].concat();
            Ok(HostPattern::One(text.into()))
        }
        Ok(Host::Name(name)) => Ok(HostPattern::One(name.into())),
        Err(_) if is_bare_v6(domain) => Err(HostError::Brackets),
        Err(_) if split_port(domain.as_bytes()).1.is_some() => Err(HostError::Port),
        Err(_) => Err(HostError::Malformed),
    }
}

/// The right form of a wrong entry: its host, without a scheme, path, port or trailing dot.
pub(super) fn meant(entry: &str) -> Option<String> {
    let entry = entry.to_ascii_lowercase();
    let host = split_once(&entry, "://").map_or(entry.as_str(), |(_, rest)| rest.split('/').next().unwrap_or_default());
    if is_bare_v6(host) {
        return Some(format!("[{host}]"));
    }
    let (host, _) = split_port(host.as_bytes());
    let host = std::str::from_utf8(host).ok()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.strip_prefix("*.") {
        Some(domain) => Some(format!(".{domain}")),
        None => Some(host.to_owned()).filter(|it| it != "*"),
    }
}

fn is_bare_v6(host: &str) -> bool {
    parse_v6(host.as_bytes()).is_some()
}
