//! Entries that nearly allow an origin, for people who ask why it was refused. Nothing is decided here: other spellings
//! of the origin are made, and the one matcher says which entry holds them, at a cost that does not grow with the list.

use policy::host::{Host, without_root_dot};
use policy::origin::Origin;
use policy::pattern::{OriginHosts, OriginPattern};
use policy::set::OriginSet;

/// An entry that nearly allows an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// The entry.
    pub entry: OriginPattern,
    /// In what the origin differs from those that it allows.
    pub difference: Difference,
}

/// In what an origin differs from those that an entry allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The port.
    Port,
    /// The scheme.
    Scheme,
    /// One ends in the root dot, the other does not.
    RootDot,
    /// It is the domain itself, of which the wildcard covers the subdomains.
    Apex,
    /// One begins with `www.`, the other does not.
    Www,
    /// It is below the host that is listed.
    Subdomain,
    /// A label is another, missing, or one too many.
    Label,
}

/// The entry that comes nearest to an origin that the set does not allow. One that covers every site under one label says
/// nothing of whose an origin is, and one that has the origin nothing of what it lacks.
#[must_use]
pub fn nearest(set: &OriginSet, origin: &Origin<'_>) -> Option<Nearest> {
    let host = origin.host.text();
    let mut spellings = vec![(host.to_vec(), Difference::Port)];
    if let Host::Name(name) = origin.host {
        spellings.push((other_root(name), Difference::RootDot));
        spellings.push((other_www(name), Difference::Www));
        spellings.extend(parents(name).map(|parent| (parent.to_vec(), Difference::Subdomain)));
    }
    let apex = set.entry_below(host, origin).filter(|it| is_helpful(it, origin));
    let apex = apex.map(|entry| (entry, Difference::Apex));
    let spelled =
        |(host, difference): (Vec<u8>, Difference)| Some((closest(set.entries_on(&host, origin), origin)?, difference));
    let beginning = set.entry_beginning(host, origin).filter(|it| is_helpful(it, origin));
    let beginning = || beginning.map(|entry| (entry, Difference::Label));
    let found = spellings.into_iter().find_map(spelled);
    let (entry, difference) = match found {
        Some((_, Difference::Port)) => found,
        _ => apex.or(found).or_else(beginning),
    }?;
    let difference = match (&entry, difference) {
        (OriginPattern::Of { scheme, .. }, Difference::Port) if **scheme != *origin.scheme => Difference::Scheme,
        // Below what a wildcard inside a label holds there is a label too many.
        (
            OriginPattern::Of {
                hosts: OriginHosts::Labels { .. },
                ..
            },
            Difference::Subdomain,
        ) => Difference::Label,
        _ => difference,
    };
    Some(Nearest { entry, difference })
}

/// The entry whose hosts have one label more or less than this origin, or another one in its place, among those under
/// a domain that `is_kin`. This reads the whole list.
pub fn sibling(set: &OriginSet, origin: &Origin<'_>, is_kin: impl Fn(&[u8]) -> bool) -> Option<Nearest> {
    let Host::Name(name) = origin.host else { return None };
    let labels: Vec<_> = name.split(|&byte| byte == b'.').collect();
    let entries = set.entries().filter(|entry| match entry {
        OriginPattern::Of {
            hosts: OriginHosts::Subdomains(domain),
            ..
        } => is_kin(domain) && differ_by_one(labels.get(1..).unwrap_or_default(), domain),
        OriginPattern::Of {
            hosts: OriginHosts::One(host),
            ..
        } => is_kin(host) && differ_by_one(&labels, host),
        _ => false,
    });
    let entry = entries.min_by_key(|entry| (!agrees(entry, origin), entry.clone()))?;
    Some(Nearest {
        entry,
        difference: Difference::Label,
    })
}

/// The entry that differs least in what stands around the host.
fn closest(entries: Vec<OriginPattern>, origin: &Origin<'_>) -> Option<OriginPattern> {
    let entries = entries.into_iter().filter(|it| is_helpful(it, origin));
    entries.min_by_key(|entry| {
        let is_same_scheme = matches!(entry, OriginPattern::Of { scheme, .. } if **scheme == *origin.scheme);
        (!agrees(entry, origin), !is_same_scheme)
    })
}

/// Whether an entry says whose the origin is, and what the origin lacks.
fn is_helpful(entry: &OriginPattern, origin: &Origin<'_>) -> bool {
    !entry.covers_single_label() && !entry.matches(origin)
}

/// Whether scheme and port are those of the entry.
fn agrees(entry: &OriginPattern, origin: &Origin<'_>) -> bool {
    matches!(entry, OriginPattern::Of { scheme, ports, .. } if **scheme == *origin.scheme && ports.include(origin.port))
}

fn other_root(name: &[u8]) -> Vec<u8> {
    match name.strip_suffix(b".") {
        Some(name) => name.to_vec(),
        None => [name, b"."].concat(),
    }
}

fn other_www(name: &[u8]) -> Vec<u8> {
    match name.strip_prefix(b"www.") {
        Some(name) => name.to_vec(),
        None => [b"www.", name].concat(),
    }
}

/// The domains above a name, from the nearest to those with two labels.
fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = name.iter().enumerate().filter(|(_, byte)| **byte == b'.');
    let parents = dots.filter_map(|(at, _)| name.get(at + 1..));
    parents.filter(|parent| without_root_dot(parent).contains(&b'.'))
}

/// Whether one label in front of at least two common ones is added, missing or another.
fn differ_by_one(labels: &[&[u8]], domain: &[u8]) -> bool {
    let listed: Vec<_> = domain.split(|&byte| byte == b'.').collect();
    let same = |(a, b): &(&&[u8], &&[u8])| a == b;
    let ends_alike = labels.iter().rev().zip(listed.iter().rev()).take_while(same).count();
    let begins_alike = labels.iter().zip(&listed).take_while(same).count();
    let (longer, shorter) = (labels.len().max(listed.len()), labels.len().min(listed.len()));
    longer - shorter <= 1 && ends_alike >= 2 && ends_alike + begins_alike + 1 >= longer
}
