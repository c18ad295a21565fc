//! Where a site begins in a host's name, by the public-suffix list.

use psl::Psl;

/// Whether anybody registers names under a domain, by the public-suffix list, with or without a root dot.
#[must_use]
pub fn is_public_suffix(domain: &[u8]) -> bool {
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    psl::suffix(domain).is_some_and(|suffix| suffix.as_bytes() == domain)
}

/// How a domain stands to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is a suffix, or a single name: whoever likes registers the name before it.
    Shared,
    /// It has one owner, and so has everything below it.
    Owned,
    /// It has one owner, but lends some of the names below it to others (`amazonaws.com`).
    Lends,
    /// It has one owner, but whatever is directly below it is a suffix (`kawasaki.jp`).
    LendsAll,
}

/// How a domain stands to the list, apart from loopback names.
#[must_use]
pub fn standing(domain: &str) -> Standing {
    if domain == "localhost" {
        return Standing::Owned;
    }
    if psl::domain(domain.as_bytes()).is_none() {
        return Standing::Shared;
    }
    // No rule has this label by its name.
    let below = format!("origin-gate-probe.{domain}");
    if is_public_suffix(below.as_bytes()) {
        return Standing::LendsAll;
    }
    // The list asks for another label only where it has rules that are longer.
    let mut labels = domain.bytes().filter(|&it| it == b'.').count() + 1;
    let mut asks_for_more = false;
    let names = below.as_bytes().rsplit(|&it| it == b'.').inspect(|_| match labels {
        0 => asks_for_more = true,
        _ => labels -= 1,
    });
    psl::List.find(names);
    match asks_for_more {
        true => Standing::Lends,
        false => Standing::Owned,
    }
}

/// The domain of the one who owns a host; the whole host where that is a suffix or a single name.
#[must_use]
pub(crate) fn site(host: &str) -> &str {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name == "localhost" || name.ends_with(".localhost") {
        return "localhost";
    }
    let domain = psl::domain_str(name).unwrap_or(name);
    domain.strip_suffix('.').unwrap_or(domain)
}

/// Whether the list has the suffix of a host, and does not only take its last label for one.
#[must_use]
pub(crate) fn is_listed(host: &str) -> bool {
    psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known())
}
