//! Hosts that stand for all others: for each set of patterns that some host matches and no other, the shortest such host.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a list holds of an exact host. Hosts with the same uses are alike.
type Use = u64;

/// The host parts of every pattern that is compared.
#[derive(Default)]
pub(super) struct Names {
    exact: BTreeMap<String, BTreeSet<Use>>,
    /// The domains of `*.domain` and `.domain`.
    domains: BTreeSet<String>,
    /// The pairs of `prefix*suffix`, by their domain.
    labels: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Names as a request may have them, with and without the root dot.
    dotted: BTreeSet<String>,
}

/// The visitor's own machine, and what systems take for it; some of them, since one not listed is as another.
const OWN_MACHINE: [&str; 6] = ["localhost", "a.localhost", "127.0.0.1", "127.0.0.2", "[::1]", "0.0.0.0"];

/// How many hosts stand for those that are alike: a request may have to ask another one than its page's.
const ALIKE: usize = 2;

impl Names {
    pub(super) fn add_exact(&mut self, host: &str, it: Use) {
        self.exact.entry(host.to_owned()).or_default().insert(it);
    }

    pub(super) fn add_below(&mut self, domain: &str) {
        self.domains.insert(domain.to_owned());
    }

    pub(super) fn add_labels(&mut self, prefix: &str, suffix: &str, domain: &str) {
        let pairs = self.labels.entry(domain.to_owned()).or_default();
        pairs.insert((prefix.to_owned(), suffix.to_owned()));
    }

    /// Notes that a list drops the root dot of this host, or of those below it.
    pub(super) fn add_dotted(&mut self, host: &str) {
        self.dotted.insert(host.to_owned());
    }

    /// Every host that is named, beside those that stand for others.
    pub(super) fn each(&self) -> BTreeSet<String> {
        let mut each = self.all();
        each.extend(self.exact.keys().cloned());
        each
    }

    /// The hosts that stand for all others.
    pub(super) fn all(&self) -> BTreeSet<String> {
        let mut alike: HashMap<_, Vec<&str>> = HashMap::new();
        for (host, uses) in &self.exact {
            alike.entry((uses, self.wildcards_on(host))).or_default().push(host);
        }
        let mut all: BTreeSet<String> = OWN_MACHINE.into_iter().map(str::to_owned).collect();
        for mut hosts in alike.into_values() {
            hosts.sort_by_key(|it| (it.len(), *it));
            all.extend(hosts.into_iter().take(ALIKE).map(str::to_owned));
        }
        all.extend(self.others(""));
        for domain in self.domains.iter().chain(self.labels.keys()) {
            all.extend(self.others(domain));
        }
        for (domain, pairs) in &self.labels {
            // One of as many words is neither listed nor goes on as another beginning or end does.
            let tries = pairs.len() * 2 + self.exact.len() + ALIKE;
            let labels = labels(pairs, tries, |label| self.is_free(&join(label, domain)));
            all.extend(labels.iter().map(|label| join(label, domain)));
        }
        let with_root_dot = |host: &String| (!host.ends_with(['.', ']'])).then(|| format!("{host}."));
        let dotted = all.iter().filter(|it| self.has_dotted(it)).filter_map(with_root_dot);
        let dotted: Vec<_> = dotted.collect();
        all.extend(dotted);
        all
    }

    /// Hosts below a domain that no list names.
    fn others(&self, domain: &str) -> impl Iterator<Item = String> {
        let names = words().filter(|it| !it.starts_with(|first: char| first.is_ascii_digit()));
        let free = names
            .map(move |label| join(&label, domain))
            .filter(|host| self.is_free(host));
        free.take(ALIKE)
    }

    fn is_free(&self, host: &str) -> bool {
        !self.exact.contains_key(host)
    }

    /// The nearest domain above a host that has a wildcard, and the wildcards inside a label that the host matches.
    fn wildcards_on<'a>(&'a self, host: &str) -> (Option<&'a str>, Vec<&'a (String, String)>) {
        let mut parents = parents(host);
        let nearest = parents.find_map(|it| self.domains.get(it)).map(String::as_str);
        let split = host.split_once('.');
        let pairs = split.and_then(|(label, domain)| Some((label, self.labels.get(domain)?)));
        let matched = pairs.into_iter().flat_map(|(label, pairs)| {
            let is_match = move |(prefix, suffix): &&(String, String)| {
                let star = label
                    .strip_prefix(prefix.as_str())
                    .and_then(|it| it.strip_suffix(suffix.as_str()));
                star.is_some_and(|it| !it.is_empty() && !it.contains('_'))
            };
            pairs.iter().filter(is_match)
        });
        (nearest, matched.collect())
    }

    fn has_dotted(&self, host: &str) -> bool {
        self.dotted.contains(host) || parents(host).any(|it| self.dotted.contains(it)) || !host.contains('.')
    }
}

/// The domains above a host, the nearest first.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..))
}

fn join(label: &str, domain: &str) -> String {
    if domain.is_empty() {
        label.to_owned()
    } else {
        format!("{label}.{domain}")
    }
}

/// What words are made of.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// All words, the shortest first.
fn words() -> impl Iterator<Item = String> {
    (1_usize..).map(|mut number| {
        let mut word = Vec::new();
        while number > 0 {
            number -= 1;
            word.extend(LETTERS.get(number % LETTERS.len()).copied().map(char::from));
            number /= LETTERS.len();
        }
        word.iter().rev().collect()
    })
}

/// A label for each set of pairs that some label matches: with the longest beginning and the longest end that are listed, and
/// with these two one behind the other or run together.
fn labels(pairs: &BTreeSet<(String, String)>, tries: usize, is_free: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let prefixes: BTreeSet<&str> = pairs.iter().map(|(prefix, _)| prefix.as_str()).collect();
    let suffixes: BTreeSet<&str> = pairs.iter().map(|(_, suffix)| suffix.as_str()).chain([""]).collect();
    let mut labels = BTreeSet::new();
    for &prefix in &prefixes {
        let longer_prefixes: Vec<&str> = longer(&prefixes, |it| it.starts_with(prefix) && it != prefix);
        for &suffix in &suffixes {
            let longer_suffixes: Vec<&str> = longer(&suffixes, |it| it.ends_with(suffix) && it != suffix);
            let is_own = |label: &String| {
                !longer_prefixes.iter().any(|it| label.starts_with(it))
                    && !longer_suffixes.iter().any(|it| label.ends_with(it))
            };
            let filled = words().map(|star| [prefix, star.as_str(), suffix].concat());
            labels.extend(filled.take(tries).filter(is_own).filter(|it| is_free(it)).take(ALIKE));
            for length in 0..=prefix.len().min(suffix.len()) {
                let (end, begin) = (prefix.get(prefix.len() - length..), suffix.get(..length));
                let rest = suffix.get(length..).filter(|_| end == begin);
                labels.extend(rest.map(|rest| [prefix, rest].concat()));
            }
        }
    }
    labels
}

fn longer<'a>(all: &BTreeSet<&'a str>, is_longer: impl Fn(&str) -> bool) -> Vec<&'a str> {
    all.iter().copied().filter(|it| is_longer(it)).collect()
}
