//! Patterns that a person may put in place of many entries.

use std::collections::BTreeMap;

use crate::{Standing, standing};
use policy::host::Host;
use policy::origin::Origin;
use policy::pattern::OriginPattern;

/// So many names under one domain are no accident.
const MANY: usize = 4;

/// A pattern, and the entries that it would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) pattern: String,
    pub(super) instead_of: Vec<String>,
}

/// The patterns that many of these origins are of, each over a domain that has one owner.
pub(super) fn proposals<'a>(origins: impl IntoIterator<Item = &'a str>) -> Vec<Proposal> {
    let mut domains = BTreeMap::<_, Vec<_>>::new();
    for text in origins {
        let Ok(origin) = Origin::parse(text.as_bytes()) else {
            continue;
        };
        let Host::Name(name) = origin.host else { continue };
        let Some((label, domain)) = std::str::from_utf8(name).ok().and_then(|it| it.split_once('.')) else {
            continue;
        };
        if origin.is_web() && domain.contains('.') && standing(domain) == Standing::Owned {
            domains
                .entry((origin.scheme, domain, origin.port))
                .or_default()
                .push((label, text));
        }
    }
    let many = domains.into_iter().filter(|(_, found)| found.len() >= MANY);
    many.filter_map(|((scheme, domain, port), found)| {
        let prefix = common_prefix(found.iter().map(|(label, _)| *label));
        let port = port.map(|it| format!(":{it}")).unwrap_or_default();
        let scheme = String::from_utf8_lossy(scheme);
        let under = if prefix.is_empty() { "*" } else { &format!("{prefix}*") };
        let pattern = OriginPattern::parse(&format!("{scheme}://{under}.{domain}{port}")).ok()?;
        let covers = |text: &str| Origin::parse(text.as_bytes()).is_ok_and(|it| pattern.matches(&it));
        found.iter().all(|(_, text)| covers(text)).then(|| Proposal {
            pattern: pattern.to_string(),
            instead_of: found.iter().map(|(_, text)| (*text).to_owned()).collect(),
        })
    })
    .collect()
}

/// What all labels begin with, up to a hyphen, which a pattern within a label needs.
fn common_prefix<'a>(labels: impl Iterator<Item = &'a str>) -> &'a str {
    let common = labels.reduce(|prefix, label| {
        let same = prefix.bytes().zip(label.bytes()).take_while(|(a, b)| a == b).count();
        prefix.get(..same).unwrap_or_default()
    });
    let common = common.unwrap_or_default();
    common.rfind('-').and_then(|at| common.get(..=at)).unwrap_or_default()
}
