//! The config-time parser of `allowed_origins`.

use super::{HostPart, OriginParts, Ports, is_address};
use crate::address::V6Text;
use crate::error::OriginError;
use crate::host::{Host, split_port, without_root_dot};
use crate::origin::{default_port, parse_port, split_scheme};
use crate::text::split_once;

/// Reads an entry other than `*`, or says what is wrong with it.
pub(crate) fn parse(entry: &[u8]) -> Result<OriginParts<'_>, OriginError> {
    // Lists are long and nearly all of their entries are good: what people write in place of an origin is looked for only
    // in what is none.
    read(entry).map_err(|reason| misspelling(entry).unwrap_or(reason))
}

fn read(entry: &[u8]) -> Result<OriginParts<'_>, OriginError> {
    let (scheme, rest) = split_scheme(entry).ok_or(OriginError::SchemeMissing)?;
    let (host, ports) = split_ports(rest, scheme)?;
    let hosts = read_hosts(host)?;
    if !matches!(scheme, b"https" | b"http") {
        if ports == Ports::Any || !matches!(hosts, HostPart::One(_)) {
            return Err(OriginError::WildcardScheme);
        }
        if is_opaque_scheme(scheme) {
            return Err(OriginError::Opaque);
        }
    }
    Ok(OriginParts { scheme, hosts, ports })
}

/// What an entry that is none was written as, if it is more than one wrong part.
fn misspelling(entry: &[u8]) -> Option<OriginError> {
    if entry == b"null" {
        return Some(OriginError::Null);
    }
    if !entry.is_ascii() {
        return Some(OriginError::Ascii);
    }
    if entry
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    {
        return Some(OriginError::Space);
    }
    let Some((scheme, rest)) = split_scheme(entry) else {
        return entry.windows(3).any(|it| it == b"://").then_some(OriginError::Scheme);
    };
    if is_opaque_scheme(scheme) {
        return Some(OriginError::Opaque);
    }
    if rest.contains(&b',') || rest.contains(&b';') {
        return Some(OriginError::List);
    }
    if rest.contains(&b'@') {
        return Some(OriginError::User);
    }
    let is_path = rest.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'));
    is_path.then_some(OriginError::Path)
}

/// Whether pages of a scheme have no origin of their own (HTML, "opaque origin").
pub fn is_opaque_scheme(scheme: &[u8]) -> bool {
    matches!(
        scheme,
        b"about" | b"blob" | b"data" | b"file" | b"filesystem" | b"javascript"
    )
}

fn split_ports<'a>(rest: &'a [u8], scheme: &[u8]) -> Result<(&'a [u8], Ports), OriginError> {
    if !rest.contains(&b':') {
        return Ok((rest, Ports::One(None)));
    }
    if let Some(host) = rest.strip_suffix(b":*") {
        return Ok((host, Ports::Any));
    }
    if rest.starts_with(b"[") && !rest.contains(&b']') {
        return Err(OriginError::Brackets);
    }
    if !rest.contains(&b'[') && rest.iter().filter(|&&byte| byte == b':').count() > 1 {
        return Err(OriginError::Brackets);
    }
    let (host, digits) = split_port(rest);
    let port = match digits {
        None => None,
        Some(digits) => Some(parse_port(digits).ok_or(OriginError::Port)?),
    };
    let port = port.filter(|&port| Some(port) != default_port(scheme));
    Ok((host, Ports::One(port)))
}

fn read_hosts(host: &[u8]) -> Result<HostPart<'_>, OriginError> {
    if host.is_empty() {
        return Err(OriginError::HostMissing);
    }
    if !host.contains(&b'*') {
        return canonical_name(host).map(HostPart::One);
    }
    let mut labels = host.splitn(2, |&byte| byte == b'.');
    let (first, domain) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let mut around_star = first.split(|&byte| byte == b'*');
    let (prefix, suffix) = (around_star.next().unwrap_or_default(), around_star.next());
    if domain.contains(&b'*') {
        return Err(OriginError::WildcardInner);
    }
    let suffix = suffix.unwrap_or_default();
    if around_star.next().is_some() {
        return Err(OriginError::WildcardMany);
    }
    if matches!(Host::parse(without_root_dot(domain)), Ok(host) if is_address(&host)) {
        return Err(OriginError::AddressSubdomains);
    }
    if domain.is_empty() {
        return Err(OriginError::WildcardDomain);
    }
    let domain = canonical_name(domain)?;
    if first == b"*" {
        return Ok(HostPart::Subdomains(domain));
    }
    if !prefix.ends_with(b"-") {
        return Err(OriginError::WildcardLiteral);
    }
    canonical_name(prefix)?;
    if !suffix.is_empty() {
        canonical_name(suffix)?;
    }
    Ok(HostPart::Labels { prefix, suffix, domain })
}

fn canonical_name(host: &[u8]) -> Result<&[u8], OriginError> {
    match Host::parse(host) {
        Err(_) if host.contains(&b'[') => Err(OriginError::Brackets),
        Err(_) if host.split(|&byte| byte == b'.').any(<[u8]>::is_empty) => Err(OriginError::EmptyLabel),
        Err(_) => Err(OriginError::HostMalformed),
        Ok(parsed) if parsed.is_canonical() => Ok(host),
        Ok(Host::V6(_, address)) if address.to_ipv4_mapped().is_some() => Err(OriginError::Mapped),
        Ok(_) => Err(OriginError::Spelling),
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
    let url = match split_once(entry, "://").is_some() {
        true => entry.to_owned(),
        false if is_local => format!("http://{entry}"),
        false => format!("https://{entry}"),
    };
    // What browsers make of other letters, however they are encoded, takes Unicode's tables.
    let is_plain = entry
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"%@,".contains(&byte))
        && split_once(&entry.to_ascii_lowercase(), "xn--").is_none();
    let is_one_thing = match split_once(entry, "://") {
        // Two that are run together.
        Some((_, rest)) => split_once(rest, "//").is_none(),
        // `https//…`
        None if split_once(entry, "//").is_some_and(|(before, _)| !before.is_empty()) => false,
        None => !entry.bytes().any(|it| matches!(it, b':' | b'\\')) || is_port(entry),
    };
    // `10.0.0.0/8`
    let is_range = entry.rsplit_once('/').is_some_and(|(before, bits)| {
        !before.ends_with('/') && !bits.is_empty() && bits.bytes().all(|it| it.is_ascii_digit())
    });
    let is_one_thing = is_one_thing && !is_range;
    let is_name = is_local || entry.bytes().any(|it| matches!(it, b'.' | b'/'));
    let candidates = match is_plain && is_one_thing && is_name {
        true => [leftmost_wildcard(&url), canonical(&url)],
        false => [None, None],
    };
    let lets_strangers_in = |hint: &String| parse(hint.as_bytes()).is_ok_and(|it| it.hosts.cover_single_label());
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

/// Domains under which anybody gets a name. Not for deciding anything: the list is not whole.
pub const SHARED_DOMAINS: [&str; 14] = [
    "azurewebsites.net",
    "cloudfront.net",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "onrender.com",
    "pages.dev",
    "s3.amazonaws.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Whether anybody gets names under a domain: one of those, or one that looks like a suffix, such as `co.uk`.
pub fn is_shared_domain(domain: &[u8]) -> bool {
    let Ok(domain) = std::str::from_utf8(without_root_dot(domain)) else {
        return true;
    };
    let is_suffix = match domain.split_once('.') {
        Some((second, top)) => second.len() <= 3 && top.len() == 2,
        None => true,
    };
    is_suffix || SHARED_DOMAINS.contains(&domain)
}

/// `https://a.*.b` and `https://**.b` as `https://*.b`, unless anybody gets names under `b`.
fn leftmost_wildcard(url: &str) -> Option<String> {
    let (scheme, host) = split_once(url, "://")?;
    let mut wildcards = host.rmatch_indices('*');
    let (before, domain) =
        wildcards.find_map(|(at, _)| Some((host.get(..at)?, host.get(at..)?.strip_prefix("*.")?)))?;
    let is_whole_label = before.is_empty() || before.ends_with(['.', '*']);
    let name = domain.split(':').next().unwrap_or_default();
    let is_own = name == "localhost" || !is_shared_domain(name.as_bytes());
    (is_whole_label && is_own).then(|| format!("{scheme}://*.{domain}"))
}

/// The origin of a URL whose authority is ASCII and has no user information, as the URL Standard's parser and origin
/// serializer have it. A host that is none stays as it is.
fn canonical(url: &str) -> Option<String> {
    let (url, any_port) = match url.trim_end_matches('/').strip_suffix(":*") {
        Some(url) => (url, ":*"),
        None => (url, ""),
    };
    let (scheme, rest) = split_once(url, "://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = default_port(scheme.as_bytes());
    // In the URLs of other schemes a backslash ends no host, and numbers are no address.
    let is_special = default_port.is_some();
    let ends = |it| matches!(it, '/' | '?' | '#') || (it == '\\' && is_special);
    let authority = rest.split(ends).next()?.to_ascii_lowercase();
    let (host, port) = split_port(authority.as_bytes());
    let port = match port.filter(|digits| !digits.is_empty()) {
        // `u16::from_str` would take a sign.
        Some(digits) if !digits.iter().all(u8::is_ascii_digit) => return None,
        Some(digits) => Some(std::str::from_utf8(digits).ok()?.parse().ok()?),
        None => None,
    };
    let port = port.filter(|&port| Some(port) != default_port);
    let host = match Host::parse(host) {
        Ok(Host::V6(_, address)) => format!("[{}]", std::str::from_utf8(V6Text::new(address).as_bytes()).ok()?),
        _ => {
            let host = std::str::from_utf8(host).ok()?;
            let address = v4_in_numbers(host).filter(|_| is_special);
            address.map_or_else(|| host.to_owned(), |[a, b, c, d]| format!("{a}.{b}.{c}.{d}"))
        }
    };
    let port = port.map_or(String::new(), |port: u16| format!(":{port}"));
    Some(format!("{scheme}://{host}{port}{any_port}"))
}

/// The URL Standard's IPv4 parser: one to four numbers, decimal, octal or hexadecimal, the last of which stands for all
/// the bytes that are left.
fn v4_in_numbers(host: &str) -> Option<[u8; 4]> {
    let numbers = host.strip_suffix('.').unwrap_or(host).split('.').map(v4_number);
    let numbers = numbers.collect::<Option<Vec<_>>>()?;
    let (last, first) = numbers.split_last()?;
    let bytes_left = 4_u32
        .checked_sub(u32::try_from(first.len()).ok()?)
        .filter(|&it| it > 0)?;
    if u64::from(*last) >= 256_u64.checked_pow(bytes_left)? {
        return None;
    }
    let mut address = *last;
    for (number, byte) in first.iter().zip([24, 16, 8]) {
        address |= u32::from(u8::try_from(*number).ok()?) << byte;
    }
    Some(address.to_be_bytes())
}

fn v4_number(digits: &str) -> Option<u32> {
    let (digits, radix) = match digits.strip_prefix('0') {
        Some(rest) if rest.starts_with(['x', 'X']) => (rest.get(1..)?, 16),
        Some(rest) => (rest, 8),
        None => (digits, 10),
    };
    if digits.is_empty() && radix != 10 {
        return Some(0);
    }
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix).ok().filter(|_| is_plain)
}
