//! Hosts and paths that stand for all others.

use std::collections::{BTreeMap, BTreeSet};

use policy::Scope;
use policy::host::Host;
use policy::path::{PathIndex, PathPattern, RequestPath, any_covers};
use policy::pattern::HostPattern;
use policy::rules::Rules;
use policy::set::HostSet;

use super::Subject;
use super::names::Names;

/// Where a request asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The host; `None` is one that cannot be read.
    pub host: Option<String>,
    /// The path.
    pub path: String,
    /// Whether backends may read the path in ways that belong to different entries.
    pub is_ambiguous: bool,
    /// What each policy looks at there.
    pub looked_at: Vec<LookedAt>,
}

/// What a policy looks at for a request to a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LookedAt {
    is_own_machine: bool,
    /// The sets of rules, by their place in [`Subject::rules`], with what their lists say of the path and of the host.
    rules: Vec<(usize, Scope, Exempt, Allowed)>,
}

impl LookedAt {
    /// The sets of rules.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().map(|(at, ..)| *at)
    }
}

/// Whether `hosts` and `csrf` exempt a path.
type Exempt = (bool, bool);

/// Whether a host is allowed, and whether it is listed, where there is a list.
type Allowed = Option<(bool, bool)>;

/// The places that some policy tells apart.
pub(crate) struct Places {
    /// A path of each kind, with what tells it from others.
    paths: Vec<(String, bool, Vec<PathWords>)>,
    /// Two hosts of each kind.
    hosts: Vec<Option<String>>,
    /// How many prefixes there are too many to try all together of which a path may have a reading.
    untried: Option<usize>,
}

/// What a policy's lists say of a path: of each entry whether it is asked, and which sets of rules exempt it.
type PathWords = (Vec<Scope>, Vec<Exempt>);

/// With so many prefixes each two are tried together, and each three.
const MAX_PAIRS: usize = 60;
const MAX_TRIPLES: usize = 16;

impl Places {
    pub(super) fn of(subjects: &[&Subject]) -> Self {
        let prefixes = prefixes(subjects);
        let mut paths = BTreeMap::new();
        for (path, is_ambiguous) in paths_of(&prefixes) {
            let words: Vec<_> = subjects.iter().map(|it| words_on_path(it, &path)).collect();
            let is_ambiguous = is_ambiguous || words.iter().any(|(scopes, _)| scopes.contains(&Scope::Ambiguous));
            let known = paths.entry((is_ambiguous, words)).or_insert_with(|| path.clone());
            if (path.len(), &path) < (known.len(), known) {
                *known = path;
            }
        }
        let paths = paths
            .into_iter()
            .map(|((is_ambiguous, words), path)| (path, is_ambiguous, words));
        Self {
            paths: paths.collect(),
            hosts: hosts(subjects),
            untried: Some(prefixes.len()).filter(|it| *it > MAX_TRIPLES && is_cut_anew(subjects)),
        }
    }

    /// How many prefixes there are, if paths with several readings may belong to sets of entries that were not tried: where both
    /// policies have the same entries, pairs are enough.
    pub(crate) fn untried(&self) -> Option<usize> {
        self.untried
    }

    /// Whether backends may read a path in several ways.
    pub(crate) fn is_ambiguous(&self, path: &str) -> bool {
        self.paths
            .iter()
            .any(|(it, is_ambiguous, _)| *is_ambiguous && it == path)
    }

    /// The hosts.
    pub(crate) fn hosts(&self) -> &[Option<String>] {
        &self.hosts
    }

    /// One place of each kind, on hosts other than that of a page.
    pub(crate) fn elsewhere(&self, subjects: &[&Subject], page: Option<&str>) -> Vec<Place> {
        let hosts = self.hosts.iter().filter(|it| it.is_none() || it.as_deref() != page);
        self.of_each_kind(subjects, hosts.cloned())
    }

    /// One place of each kind on one host.
    pub(crate) fn on(&self, subjects: &[&Subject], host: &str) -> Vec<Place> {
        self.of_each_kind(subjects, [Some(host.to_owned())])
    }

    fn of_each_kind(&self, subjects: &[&Subject], hosts: impl IntoIterator<Item = Option<String>>) -> Vec<Place> {
        let mut places: BTreeMap<_, Place> = BTreeMap::new();
        for host in hosts {
            let on_host: Vec<_> = subjects.iter().map(|it| words_on_host(it, host.as_deref())).collect();
            for (path, is_ambiguous, words) in &self.paths {
                let asked = subjects.iter().zip(words).zip(&on_host);
                let place = Place {
                    host: host.clone(),
                    path: path.clone(),
                    is_ambiguous: *is_ambiguous,
                    looked_at: asked
                        .map(|((subject, words), hosts)| looked_at(subject, words, hosts))
                        .collect(),
                };
                let length = |it: &Place| it.host.as_ref().map_or(usize::MAX / 2, String::len) + it.path.len();
                let kind = (*is_ambiguous, place.looked_at.clone());
                let known = places.entry(kind).or_insert_with(|| place.clone());
                if length(&place) < length(known) {
                    *known = place;
                }
            }
        }
        let mut places: Vec<_> = places.into_values().collect();
        places.sort_by_key(|it| (it.is_ambiguous, it.path.len(), it.path.clone()));
        places
    }
}

/// What a policy's lists say of a host: of the entries of `policies`, and of the hosts that each set of rules allows.
type HostWords = (Vec<Scope>, Vec<Allowed>, bool);

fn words_on_host(subject: &Subject, host: Option<&str>) -> HostWords {
    let host = host.and_then(|it| Host::parse(it.as_bytes()).ok());
    let scoped = subject.policy().into_iter().flat_map(|it| &it.scoped);
    let scopes = scoped.map(|it| match (&it.hosts, &host) {
        (None, _) => Scope::Inside,
        (Some(_), None) => Scope::Ambiguous,
        (Some(hosts), Some(host)) if hosts.contains(host) => Scope::Inside,
        (Some(_), Some(_)) => Scope::Outside,
    });
    let allowed = subject.rules().map(|(_, rules)| {
        let hosts = rules.allowed_hosts.as_deref();
        hosts.map(|hosts: &HostSet| {
            host.as_ref()
                .map_or((false, false), |it| (hosts.contains(it), hosts.lists(it)))
        })
    });
    (
        scopes.collect(),
        allowed.collect(),
        host.is_some_and(|it| it.is_own_machine()),
    )
}

/// The rules that are asked of a place, and what those say of it.
fn looked_at(subject: &Subject, (paths, exempt): &PathWords, (hosts, allowed, is_own_machine): &HostWords) -> LookedAt {
    let mut looked_at = Vec::new();
    for (at, (rules, _)) in subject.rules().enumerate() {
        let scope = match (paths.get(at), hosts.get(at)) {
            (Some(path), Some(host)) if rules.is_some() => *path.min(host),
            _ => Scope::Inside,
        };
        if scope == Scope::Outside {
            continue;
        }
        let words = exempt.get(at).copied().zip(allowed.get(at).copied());
        looked_at.extend(words.map(|(exempt, allowed)| (at, scope, exempt, allowed)));
        if scope == Scope::Inside {
            break;
        }
    }
    LookedAt {
        is_own_machine: *is_own_machine,
        rules: looked_at,
    }
}

fn words_on_path(subject: &Subject, path: &str) -> PathWords {
    let scoped = subject.policy().map_or(&[][..], |it| &it.scoped);
    let path = RequestPath::new(path.as_bytes());
    let mut scopes = vec![Scope::Outside; scoped.len()];
    for (at, scope) in PathIndex::new(scoped.iter().map(|it| it.paths.as_slice())).scopes(&path) {
        if let Some(known) = scopes.get_mut(at) {
            *known = scope;
        }
    }
    let covers = |patterns: Option<&[PathPattern]>| patterns.is_some_and(|it| any_covers(it, &path));
    let exempt = subject.rules().map(|(_, rules): (_, &Rules)| {
        let hosts = rules.hosts.as_ref().map(|it| it.exempt_paths.as_slice());
        let csrf = rules.csrf.as_ref().map(|it| it.exempt_paths.as_slice());
        (covers(hosts), covers(csrf))
    });
    (scopes, exempt.collect())
}

/// Whether the policies' entries are not for the same hosts and paths in the same order.
fn is_cut_anew(subjects: &[&Subject]) -> bool {
    let of = |subject: &&Subject| {
        let entries = subject.entries.iter().filter(|it| it.list.contains(".match."));
        entries.map(|it| (it.list.clone(), it.text.clone())).collect::<Vec<_>>()
    };
    subjects.first().map(of) != subjects.last().map(of)
}

/// The paths that the entries name, without a slash at their end.
fn prefixes(subjects: &[&Subject]) -> BTreeSet<String> {
    let entries = subjects.iter().flat_map(|it| &it.entries);
    let paths = entries.filter(|it| it.list.ends_with("path_prefixes") || it.list.ends_with("exempt_paths"));
    paths
        .map(|it| it.text.trim_end_matches('/').to_owned())
        .chain([String::new()])
        .collect()
}

/// Paths of every kind, and whether they have more than one reading.
fn paths_of(prefixes: &BTreeSet<String>) -> BTreeSet<(String, bool)> {
    let is_used = |word: &str| prefixes.iter().any(|it| it.split('/').any(|segment| segment == word));
    let word = (1..)
        .map(|length| "a".repeat(length))
        .find(|it| !is_used(it))
        .unwrap_or_default();
    let mut paths = BTreeSet::new();
    for prefix in prefixes {
        paths.insert((format!("{prefix}/{word}"), false));
        paths.insert((format!("{prefix}/"), false));
        if !prefix.is_empty() {
            paths.insert((prefix.clone(), false));
        }
    }
    if prefixes.len() > MAX_PAIRS {
        return paths;
    }
    // Which one it is depends on who decodes, and how often.
    let up = |prefix: &str, step: &str| step.repeat(prefix.matches('/').count() + 1);
    for one in prefixes {
        for two in prefixes.iter().filter(|it| *it != one) {
            let path = format!("{one}/{word}{}{two}/{word}", up(one, "/%2e%2e"));
            if prefixes.len() <= MAX_TRIPLES {
                for three in prefixes.iter().filter(|it| *it != one && *it != two) {
                    paths.insert((format!("{path}{}{three}/{word}", up(two, "/%252e%252e")), true));
                }
            }
            paths.insert((path, true));
        }
    }
    paths
}

/// Hosts of every kind: two of each, since the page of a request may be on one of them.
fn hosts(subjects: &[&Subject]) -> Vec<Option<String>> {
    let mut names = Names::default();
    for entry in subjects.iter().flat_map(|it| &it.entries) {
        if !entry.list.ends_with("hosts") {
            continue;
        }
        if let Ok(HostPattern::One(name) | HostPattern::Domain(name)) = HostPattern::parse(&entry.text) {
            let name = String::from_utf8_lossy(&name).into_owned();
            names.add_exact(&name, 0);
            if entry.text.starts_with('.') {
                names.add_below(&name);
            }
        }
    }
    let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for host in names.each() {
        let words: Vec<_> = subjects.iter().map(|it| words_on_host(it, Some(&host))).collect();
        alike.entry(words).or_default().push(host);
    }
    let hosts = alike.into_values().flat_map(|mut hosts| {
        hosts.sort_by_key(|it| (it.len(), it.clone()));
        hosts.into_iter().take(2).map(Some)
    });
    hosts.chain([None]).collect()
}
