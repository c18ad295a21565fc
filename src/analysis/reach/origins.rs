//! Origins that stand for all others.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use config::Entry;
use policy::host::Host;
use policy::origin::Origin;
use policy::pattern::{HostPattern, OriginHosts, OriginPattern, OriginRegex, Ports};
use policy::request::Source;
use policy::rules::Rules;

use super::Subject;
use super::expressions::{Languages, literal};
use super::names::Names;
use super::places::Place;
use crate::automaton::TooLarge;

/// Origins for which each set of rules has the same words, the shortest first.
#[derive(Debug)]
pub(crate) struct OriginClass {
    pub origins: Vec<String>,
    pub words: OriginWords,
}

impl OriginClass {
    /// A value of `Origin` that names no origin.
    pub(crate) fn unread(text: &str) -> Self {
        Self {
            origins: vec![text.to_owned()],
            words: OriginWords {
                own: text.to_owned(),
                ..OriginWords::default()
            },
        }
    }
}

/// What there is to say of an origin, as far as decisions can tell.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OriginWords {
    own: String,
    /// What each set of rules of each policy says.
    rules: Vec<Vec<String>>,
    /// Which entries of `policies` are for its host.
    scopes: Vec<Option<bool>>,
}

impl OriginWords {
    /// What is said where not all rules are looked at.
    pub(crate) fn at(&self, place: &Place) -> (&str, Vec<&str>) {
        let sides = self.rules.iter().zip(&place.looked_at);
        let words = sides.flat_map(|(words, looked_at)| looked_at.rules().filter_map(|at| words.get(at)));
        (&self.own, words.map(String::as_str).collect())
    }
}

/// What an entry of a list of origins or hosts matches.
pub(crate) enum Pattern {
    Origin(OriginPattern),
    Expression(OriginRegex),
    Host(HostPattern),
}

/// How much a pattern covers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breadth {
    One,
    Many,
    All,
}

impl Pattern {
    /// Reads an entry; `None` is one of another kind.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        match entry.list.rsplit('.').next()? {
            "allowed_origins" | "trusted_origins" => OriginPattern::parse(&entry.text).ok().map(Self::Origin),
            "allowed_origin_regexes" => OriginRegex::parse(&entry.text).ok().map(Self::Expression),
            "allowed_hosts" | "hosts" => HostPattern::parse(&entry.text).ok().map(Self::Host),
            _ => None,
        }
    }

    /// How much it covers: one thing, many, or all.
    pub(crate) fn breadth(&self) -> Breadth {
        match self {
            Self::Origin(OriginPattern::Any) | Self::Host(HostPattern::Any) => Breadth::All,
            Self::Host(HostPattern::One(_)) => Breadth::One,
            Self::Origin(OriginPattern::Of {
                hosts: OriginHosts::One(_),
                ports: Ports::One(_),
                ..
            }) => Breadth::One,
            _ => Breadth::Many,
        }
    }

    /// Whether it is one of origins, and matches this one.
    pub(crate) fn matches(&self, origin: &Origin<'_>) -> bool {
        match self {
            Self::Origin(pattern) => pattern.matches(origin),
            Self::Expression(expression) => expression.matches(origin),
            Self::Host(_) => false,
        }
    }
}

/// The classes, those with the shortest origins first.
pub(super) fn classes(subjects: &[&Subject]) -> Result<Vec<OriginClass>, TooLarge> {
    let mut collected = Collected::default();
    for (side, subject) in subjects.iter().enumerate() {
        for entry in &subject.entries {
            if let Some(pattern) = Pattern::of(entry) {
                collected.add(side, entry, &pattern);
            }
        }
    }
    // What pages of the web send is easier to read than what others do.
    let mut classes: BTreeMap<OriginWords, BTreeSet<(bool, usize, String)>> = BTreeMap::new();
    for text in collected.origins()? {
        if let Ok(origin) = Origin::parse(text.as_bytes()) {
            let class = classes.entry(words_on(subjects, &origin)).or_default();
            class.insert((!origin.is_web(), text.len(), text.clone()));
        }
    }
    let mut classes: Vec<_> = classes.into_iter().map(|(words, origins)| (origins, words)).collect();
    classes.sort();
    let classes = classes.into_iter().map(|(origins, words)| OriginClass {
        origins: origins.into_iter().map(|(.., text)| text).collect(),
        words,
    });
    Ok(classes.collect())
}

fn words_on(subjects: &[&Subject], origin: &Origin<'_>) -> OriginWords {
    let own = (
        (origin.is_web(), origin.scheme == b"http", origin.port.is_none()),
        (origin.is_loopback(), origin.host.is_own_machine()),
        origin.host.text().ends_with(b"."),
    );
    let rules = subjects
        .iter()
        .map(|subject| subject.rules().map(|(_, rules)| words_of(rules, origin)).collect());
    let scoped = subjects.iter().filter_map(|it| it.policy()).flat_map(|it| &it.scoped);
    OriginWords {
        own: format!("{own:?}"),
        rules: rules.collect(),
        scopes: scoped
            .map(|it| it.hosts.as_ref().map(|hosts| hosts.contains(&origin.host)))
            .collect(),
    }
}

/// What a set of rules says of an origin.
fn words_of(rules: &Rules, origin: &Origin<'_>) -> String {
    let set = &rules.origins.set;
    let words = (
        rules.origins.find(&Source::Origin(*origin)),
        set.find_credentialed(origin),
        set.find_any(origin),
        rules.csrf.as_ref().map(|it| it.trusted.find_credentialed(origin)),
        rules
            .allowed_hosts
            .as_ref()
            .map(|it| (it.lists(&origin.host), it.contains(&origin.host))),
    );
    format!("{words:?}")
}

/// What the entries name.
#[derive(Default)]
struct Collected {
    names: Names,
    languages: Languages,
    expressions: Vec<OriginRegex>,
    /// The exact origins, which matter to an expression that matches them.
    exact: BTreeSet<String>,
    /// The schemes other than those of the web, with a host.
    schemes: BTreeSet<(String, String)>,
    /// The ports on hosts that are named, and those beside a wildcard.
    ports: BTreeMap<String, BTreeSet<u16>>,
    wildcard_ports: BTreeSet<u16>,
}

const ANY_SCHEME: &str = "[a-z][a-z0-9+.-]*";
const ANY_PORT: &str = "(?::[0-9]+)?";

impl Collected {
    fn add(&mut self, side: usize, entry: &Entry, pattern: &Pattern) {
        match pattern {
            Pattern::Origin(OriginPattern::Any) => {}
            Pattern::Origin(OriginPattern::Of { scheme, hosts, ports }) => {
                let scheme = String::from_utf8_lossy(scheme).into_owned();
                self.add_origin(
                    &(side, &entry.list, &scheme, format!("{ports:?}")),
                    &scheme,
                    hosts,
                    *ports,
                    &entry.text,
                );
            }
            Pattern::Expression(expression) => {
                self.languages.add(expression.text());
                self.expressions.push(expression.clone());
                self.wildcard_ports.extend(numbers(expression.text()));
            }
            Pattern::Host(host) => self.add_host(&(side, &entry.list), host),
        }
    }

    fn add_origin(&mut self, used: &impl Hash, scheme: &str, hosts: &OriginHosts, ports: Ports, text: &str) {
        let port = match ports {
            Ports::One(port) => port,
            Ports::Any => None,
        };
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let host = match hosts {
            OriginHosts::One(host) => {
                let host = lossy(host);
                self.names.add_exact(&host, hash(used));
                self.ports.entry(host.clone()).or_default().extend(port);
                if !matches!(scheme, "http" | "https") {
                    self.schemes.insert((scheme.to_owned(), host.clone()));
                }
                match ports {
                    Ports::One(_) => {
                        self.exact.insert(text.to_owned());
                        return;
                    }
                    Ports::Any => literal(&host),
                }
            }
            OriginHosts::Subdomains(domain) => {
                self.names.add_below(&lossy(domain));
                format!("(?:[a-z0-9_-]+\\.)+{}", literal(&lossy(domain)))
            }
            OriginHosts::Labels { prefix, suffix, domain } => {
                let (prefix, suffix, domain) = (lossy(prefix), lossy(suffix), lossy(domain));
                self.names.add_labels(&prefix, &suffix, &domain);
                format!(
                    "{}[a-z0-9-]+{}\\.{}",
                    literal(&prefix),
                    literal(&suffix),
                    literal(&domain)
                )
            }
        };
        self.wildcard_ports.extend(port);
        let port = match ports {
            Ports::Any => ANY_PORT.to_owned(),
            Ports::One(port) => port.map(|it| format!(":{it}")).unwrap_or_default(),
        };
        self.languages.add_other(format!("{}://{host}{port}", literal(scheme)));
    }

    fn add_host(&mut self, used: &impl Hash, host: &HostPattern) {
        let (HostPattern::One(name) | HostPattern::Domain(name)) = host else {
            return;
        };
        let name = String::from_utf8_lossy(name).into_owned();
        self.names.add_exact(&name, hash(used));
        self.names.add_dotted(&name);
        let below = match host {
            HostPattern::Domain(_) => {
                self.names.add_below(&name);
                "(?:[a-z0-9_-]+\\.)*"
            }
            _ => "",
        };
        self.languages
            .add_other(format!("{ANY_SCHEME}://{below}{}\\.?{ANY_PORT}", literal(&name)));
    }

    /// Every origin that may have a class of its own.
    fn origins(mut self) -> Result<BTreeSet<String>, TooLarge> {
        let mut origins: BTreeSet<String> = ["a://a".to_owned()].into();
        let used: BTreeSet<u16> = self
            .ports
            .values()
            .flatten()
            .chain(&self.wildcard_ports)
            .copied()
            .collect();
        let free = (1..=u16::MAX).find(|port| !used.contains(port));
        for host in self.names.all() {
            let own = self.ports.get(&host);
            let ports = own
                .into_iter()
                .flatten()
                .chain(&self.wildcard_ports)
                .copied()
                .chain(free);
            let ports: BTreeSet<_> = ports.map(|port| format!(":{port}")).chain([String::new()]).collect();
            for port in ports {
                origins.extend(["https", "http"].map(|scheme| format!("{scheme}://{host}{port}")));
            }
        }
        origins.extend(self.schemes.iter().flat_map(|(scheme, host)| {
            let ports = self
                .ports
                .get(host)
                .into_iter()
                .flatten()
                .map(|port| format!(":{port}"));
            let ports: Vec<_> = ports.chain([String::new()]).collect();
            ports.into_iter().map(move |port| format!("{scheme}://{host}{port}"))
        }));
        for text in &self.exact {
            let is_matched = |it: &OriginRegex| Origin::parse(text.as_bytes()).is_ok_and(|origin| it.matches(&origin));
            if self.expressions.iter().any(is_matched) {
                self.languages.add_other(literal(text));
            }
        }
        if !self.languages.is_empty() {
            self.languages.add_other(format!(
                "{ANY_SCHEME}://(?:(?:[a-z0-9_-]+\\.)*localhost\\.?|127\\..*|\\[::1\\]){ANY_PORT}"
            ));
        }
        origins.extend(self.languages.origins()?);
        // What has the default port written out is the same origin.
        origins.retain(|it| Origin::parse(it.as_bytes()).is_ok_and(|origin| origin.text == it.as_bytes()));
        Ok(origins)
    }
}

/// The numbers in an expression, of which some may be ports.
fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split(|it: char| !it.is_ascii_digit())
        .filter_map(|it| it.parse().ok())
}

fn hash(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// A host without what a URL has around it.
pub(crate) fn host_of(origin: &str) -> Option<String> {
    let origin = Origin::parse(origin.as_bytes()).ok()?;
    let text = match origin.host {
        Host::Name(text) | Host::V6(text, _) => text,
    };
    Some(String::from_utf8_lossy(text).into_owned())
}
