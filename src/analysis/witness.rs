//! Origins that show people what an expression lets in.

use super::automaton::{Automaton, DEAD, Letters, TooLarge};
use super::suffixes::{is_listed, site};
use policy::host::is_loopback;
use policy::origin::Origin;
use policy::pattern::OriginRegex;

/// What a stranger may register, from the best example to the worst.
const STRANGERS: [&str; 7] = ["evil", ".evil.net", "evil.", "-evil", "evil-", ".evil", "-"];

/// The longest host that is rewritten to be read more easily.
const MAX_HOST: usize = 80;

/// What the automaton makes of one origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// Whether the expression matches it.
    pub is_matched: bool,
    /// Whether its author spelled the scheme and the registrable domain.
    pub is_named: bool,
}

/// Reads one origin, by its definition and not by a search.
pub(crate) fn read(automaton: &mut Automaton, text: &str) -> Result<Read, TooLarge> {
    read_by(automaton, text, Letters::Spelled)
}

/// Whether an author spelled the registrable domain of an origin, whatever the scheme.
pub(crate) fn is_site_named(automaton: &mut Automaton, text: &str) -> Result<bool, TooLarge> {
    read_by(automaton, text, Letters::Any).map(|it| it.is_named)
}

fn read_by(automaton: &mut Automaton, text: &str, schemes: Letters) -> Result<Read, TooLarge> {
    let origin = Origin::parse(text.as_bytes()).ok();
    let Some((origin, text)) = origin.and_then(|it| Some((it, std::str::from_utf8(it.text).ok()?))) else {
        return Ok(Read::default());
    };
    let scheme = origin.scheme.len();
    let host = scheme + 3..scheme + 3 + origin.host.text().len();
    let spelled_host = spelled(text.get(host.clone()).unwrap_or_default());
    let spelled_host = host.start + spelled_host.start..host.start + spelled_host.end;
    let (mut all, mut named) = (automaton.start(), automaton.start());
    for (at, &byte) in text.as_bytes().iter().enumerate().rev() {
        let letters = match at {
            _ if at < scheme => schemes,
            _ if spelled_host.contains(&at) => Letters::Spelled,
            _ => Letters::Any,
        };
        all = automaton.step(all, byte, Letters::Any)?;
        named = automaton.step(named, byte, letters)?;
        if all == DEAD {
            break;
        }
    }
    Ok(Read {
        is_matched: automaton.accepts(all),
        is_named: automaton.accepts(named),
    })
}

/// Which part of a host its author has to have spelled.
fn spelled(host: &str) -> std::ops::Range<usize> {
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    if is_address && is_loopback(host.as_bytes()) {
        return 0..0;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let own = if is_address { name } else { site(name) };
    name.len() - own.len()..host.len()
}

/// The same hole, shown by an origin that is easier to read, if there is one.
pub(crate) fn nicer(
    automaton: &mut Automaton,
    expression: &str,
    regex: &OriginRegex,
    shortest: &str,
) -> Result<String, TooLarge> {
    let Some((scheme, rest)) = shortest.split_once("://") else {
        return Ok(shortest.to_owned());
    };
    let (host, port) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
    if host.starts_with('[') || host.len() > MAX_HOST || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Ok(shortest.to_owned());
    }
    let mut shows = |origin: &str| {
        let seen = read(automaton, origin)?;
        Ok(seen.is_matched && !seen.is_named && matches(regex, origin))
    };
    let anybody = format!("{scheme}://evil.com{port}");
    if shows(&anybody)? {
        return Ok(anybody);
    }
    let mut best: Option<((bool, usize, usize), String)> = None;
    for start in 0..=host.len() {
        for end in start..=host.len().min(start + 2) {
            for (rank, stranger) in STRANGERS.iter().enumerate() {
                if best
                    .as_ref()
                    .is_some_and(|((is_unknown, best, _), _)| !is_unknown && *best < rank)
                {
                    continue;
                }
                let before = host.get(..start).unwrap_or_default();
                let after = host.get(end..).unwrap_or_default();
                let name = [before, stranger, after].concat();
                // A top-level name that does not exist convinces nobody.
                let top = name.rsplit('.').next().unwrap_or_default();
                let score = (!is_listed(&name) && !expression.contains(top), rank, name.len());
                if best.as_ref().is_some_and(|(best, _)| *best <= score) {
                    continue;
                }
                let origin = format!("{scheme}://{name}{port}");
                if shows(&origin)? {
                    best = Some((score, origin));
                }
            }
        }
    }
    Ok(best.map_or_else(|| shortest.to_owned(), |(_, origin)| origin))
}

/// Whether the module would let an origin in by this expression.
pub(crate) fn matches(regex: &OriginRegex, origin: &str) -> bool {
    Origin::parse(origin.as_bytes()).is_ok_and(|origin| regex.matches(&origin))
}
