//! The config-time parser of `allowed_origins`.

use url::Url;

use super::{OriginHosts, OriginPattern, Ports, is_address};
use crate::policy::host::{Host, split_port, without_root_dot};
use crate::policy::origin::{default_port, parse_port, split_scheme};

const BRACKETS: &str = "an IPv6 address stands in brackets, without a zone";

/// Reads an entry other than `*`, or says what is wrong with it.
pub(super) fn parse(entry: &[u8]) -> Result<OriginPattern, &'static str> {
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
    if rest.contains(&b',') || rest.contains(&b';') {
        return Err("one entry is one origin; list each by itself");
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
    if rest.starts_with(b"[") && !rest.contains(&b']') {
        return Err(BRACKETS);
    }
    if !rest.contains(&b'[') && rest.iter().filter(|&&byte| byte == b':').count() > 1 {
        return Err(BRACKETS);
    }
    let (host, digits) = split_port(rest);
    let port = match digits {
        None => None,
        Some(digits) => {
            Some(parse_port(digits).ok_or("a port is 1 to 65535 without leading zeros, or `*` for every port")?)
        }
    };
    let port = port.filter(|&port| Some(port) != default_port(scheme));
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
        Err(_) if host.contains(&b'[') || host.contains(&b':') => Err(BRACKETS),
        Err(_) if host.split(|&byte| byte == b'.').any(<[u8]>::is_empty) => Err("a host has no empty label"),
        Err(_) => Err("a host is labels of 1 to 63 of `a-z`, `0-9`, `-` and `_`, 253 bytes in all"),
        Ok(parsed) if parsed.is_canonical() => Ok(host),
        Ok(Host::V6(_, address)) if address.to_ipv4_mapped().is_some() => {
            Err("no site is served from an IPv4-mapped address; list the IPv4 address")
        }
        Ok(_) => Err("browsers send a host in one spelling: lower case, addresses in their short form"),
    }
}

/// What the author of a wrong entry may have meant: the origin that a browser would make of it. Only ever shown, never
/// matched. Where the entry can be read in two ways, or a hint would let strangers in, there is none.
pub(super) fn meant(entry: &str) -> impl Iterator<Item = String> {
    let entry = entry.trim();
    let is_on = |host: &str| {
        entry
            .strip_prefix(host)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    let is_local = is_on("localhost") || is_on("127.0.0.1") || is_on("[::1]");
    let url = match entry.contains("://") {
        true => entry.to_owned(),
        false if is_local => format!("http://{entry}"),
        false => format!("https://{entry}"),
    };
    // Without Unicode's tables `url` can make nothing of other letters, however they are encoded; in debug builds it
    // panics over some.
    let is_plain = entry
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"%@,".contains(&byte))
        && !entry.to_ascii_lowercase().contains("xn--");
    let is_one_thing = entry.contains("://") || !entry.contains([':', '\\']) || is_port(entry);
    let is_name = is_local || entry.contains(['.', '/']);
    let candidates = match is_plain && is_one_thing && is_name {
        true => [leftmost_wildcard(&url), canonical(&url)],
        false => [None, None],
    };
    let lets_strangers_in = |hint: &String| parse(hint.as_bytes()).is_ok_and(|it| it.covers_single_label());
    candidates
        .into_iter()
        .flatten()
        .filter(move |hint| !lets_strangers_in(hint))
}

/// Whether the only colon begins a port.
fn is_port(entry: &str) -> bool {
    entry
        .split_once(':')
        .is_some_and(|(_, port)| port.trim_end_matches('/').bytes().all(|it| it.is_ascii_digit()))
        || entry.starts_with('[')
}

/// `https://a.*.b` and `https://**.b` as `https://*.b`, unless `b` looks like a suffix under which anybody registers
/// names, such as `co.uk`.
fn leftmost_wildcard(url: &str) -> Option<String> {
    let (scheme, host) = url.split_once("://")?;
    let (before, domain) = host.rsplit_once("*.")?;
    let is_whole_label = before.is_empty() || before.ends_with(['.', '*']);
    let is_suffix = matches!(domain.split_once('.'), Some((second, top)) if second.len() <= 3 && top.len() == 2);
    (is_whole_label && !is_suffix).then(|| format!("{scheme}://*.{domain}"))
}

fn canonical(url: &str) -> Option<String> {
    let (url, any_port) = match url.trim_end_matches('/').strip_suffix(":*") {
        Some(url) => (url, ":*"),
        None => (url, ""),
    };
    Some(format!(
        "{}{any_port}",
        Url::parse(url).ok()?.origin().ascii_serialization()
    ))
}
