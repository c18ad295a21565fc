//! Where a site begins in a host's name, by the public-suffix list.

use psl_types::List;

/// The list that is compiled in.
#[cfg(feature = "suffixes")]
mod list {
    use psl::List;

    pub(super) fn list() -> &'static List {
        &List
    }
}

/// The list that was loaded; until then the last label of every name is a suffix, and none is known.
#[cfg(not(feature = "suffixes"))]
mod list {
    use std::sync::OnceLock;

    use crate::SuffixRules;

    static LOADED: OnceLock<SuffixRules> = OnceLock::new();
    static NONE: OnceLock<SuffixRules> = OnceLock::new();

    pub(super) fn list() -> &'static SuffixRules {
        LOADED.get().unwrap_or_else(|| NONE.get_or_init(SuffixRules::default))
    }

    /// Takes a list for the rest of the program's life. The first one stays.
    pub fn load_suffixes(rules: SuffixRules) {
        let _ = LOADED.set(rules);
    }
}

use list::list;
#[cfg(not(feature = "suffixes"))]
pub use list::load_suffixes;

/// Whether anybody registers names under a domain, by the public-suffix list, with or without a root dot.
#[must_use]
pub fn is_public_suffix(domain: &[u8]) -> bool {
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    list().suffix(domain).is_some_and(|suffix| suffix.as_bytes() == domain)
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
    if list().domain(domain.as_bytes()).is_none() {
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
    list().find(names);
    match asks_for_more {
        true => Standing::Lends,
        false => Standing::Owned,
    }
}

/// The registrable domain of a host; the whole host where that is a suffix or a single name.
#[must_use]
pub(crate) fn site(host: &str) -> &str {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name == "localhost" || name.ends_with(".localhost") {
        return "localhost";
    }
    let domain = domain(name.as_bytes()).and_then(|it| std::str::from_utf8(it).ok());
    let domain = domain.unwrap_or(name);
    domain.strip_suffix('.').unwrap_or(domain)
}

/// The registrable domain of a name, if it has one.
#[must_use]
pub(crate) fn domain(name: &[u8]) -> Option<&[u8]> {
    list().domain(name).map(|it| it.as_bytes())
}

/// Whether the list has the suffix of a host, and does not only take its last label for one.
#[must_use]
pub(crate) fn is_listed(host: &str) -> bool {
    list().suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known())
}
