//! Asks both policies, and puts together what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use policy::host::Host;
use policy::origin::Origin;

use super::cause::{Cause, Edits};
use super::{Change, Diff, Direction, Witness};
use crate::automaton::TooLarge;
use crate::reach::{Answer, Ask, OriginClass, Pattern, Permission, Place, Question, Subject, Universe, host_of, named};

/// What a browser says of where a write comes from, as far as decisions tell it apart.
const SITES: [Option<&str>; 3] = [None, Some("same-origin"), Some("cross-site")];

const SCHEMES: [&str; 2] = ["https", "http"];

/// What a client may write into a header that names a host: something listed, something else, something unreadable.
const FORWARDING: [&str; 3] = ["x-forwarded-host", "x_forwarded_host", "forwarded"];

pub(super) fn diff(old: &Subject, new: &Subject) -> Result<Diff, TooLarge> {
    let universe = Universe::of(&[old, new])?;
    let mut gathering = Gathering {
        subjects: [old, new],
        universe: &universe,
        edits: Edits::between(old, new),
        found: BTreeMap::new(),
        causes: BTreeMap::new(),
        patterns: [old, new].map(|side| {
            let entries = side.entries.iter();
            let parsed = entries.filter_map(|it| Some((it.list.clone(), it.text.clone(), Pattern::of(it)?)));
            parsed.collect()
        }),
        whom: BTreeMap::new(),
        max_ages: BTreeSet::new(),
    };
    gathering.ask_everywhere();
    Ok(gathering.finish())
}

struct Gathering<'a> {
    subjects: [&'a Subject; 2],
    universe: &'a Universe,
    edits: Edits,
    found: BTreeMap<Key, Found>,
    causes: BTreeMap<(Direction, BTreeSet<String>, BTreeSet<Permission>, String), Option<Cause>>,
    /// The entries of each side for origins and hosts: their list, text and meaning.
    patterns: [Vec<(String, String, Pattern)>; 2],
    whom: BTreeMap<WhomKey, Rc<[Whom]>>,
    max_ages: BTreeSet<(u32, u32)>,
}

/// What changes have in common that are told as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    is_ambiguous: bool,
    direction: Direction,
    whom: BTreeSet<String>,
    cause: Option<Cause>,
}

/// Who some requests come from.
struct Whom {
    names: BTreeSet<String>,
    /// The entry that is for them alone, with an origin of it.
    entry: Option<Cause>,
    origin: Option<String>,
}

/// A class of origins, whether they are on the host that they ask, on either side the rules that decided, and whether an entry
/// may have done it.
type WhomKey = (String, bool, Direction, [Option<usize>; 2], bool);

/// Origins that ask.
struct Asked<'a> {
    class: &'a OriginClass,
    /// Whether they ask their own host.
    is_own_host: bool,
}

/// No origin at all.
const UNREADABLE: &str = "x";

#[derive(Default)]
struct Found {
    permissions: BTreeMap<Permission, Witness>,
    places: BTreeSet<String>,
}

impl Gathering<'_> {
    fn ask_everywhere(&mut self) {
        let universe = self.universe;
        for place in universe.places.elsewhere(&self.subjects, None) {
            if !self.ask_host(&place) {
                self.ask_without_origin(&place);
            }
        }
        let unread = ["null", UNREADABLE].map(|it| OriginClass {
            origins: vec![it.to_owned()],
        });
        for class in universe.origins.iter().chain(&unread) {
            let Some(origin) = class.origins.first() else { continue };
            let host = host_of(origin);
            for place in universe.places.elsewhere(&self.subjects, host.as_deref()) {
                let is_own_host = false;
                self.ask_at(&Asked { class, is_own_host }, origin, &place);
            }
            if let Some(host) = host {
                for place in universe.places.on(&self.subjects, &host) {
                    let is_own_host = true;
                    self.ask_at(&Asked { class, is_own_host }, origin, &place);
                }
            }
        }
    }

    /// Whether one policy alone answers for the host, so that all else there is of that policy.
    fn ask_host(&mut self, place: &Place) -> bool {
        let question = ask(place, None, Ask::Read);
        let [old, new] = self.answers(&question);
        let is_changed = old.permissions != new.permissions;
        if is_changed {
            let whom = self.describe_host(place.host.as_deref());
            self.compare(&whom, question, None);
        }
        is_changed
    }

    fn ask_without_origin(&mut self, place: &Place) {
        let whom = &["requests without `Origin`".to_owned()].into();
        let client = &["requests of any client".to_owned()].into();
        for site in SITES {
            self.compare(whom, ask(place, None, Ask::Write(site)), None);
        }
        self.compare(whom, ask(place, None, Ask::Socket), None);
        let hosts = self.universe.places.hosts();
        for name in FORWARDING {
            for host in hosts.iter().map(|it| it.as_deref().unwrap_or("a b")) {
                let value = if name == "forwarded" {
                    format!("host={host}")
                } else {
                    host.to_owned()
                };
                self.compare(client, ask(place, None, Ask::Forwarded(name, value)), None);
            }
        }
    }

    fn ask_at(&mut self, asked: &Asked<'_>, origin: &str, place: &Place) {
        let [old, new] = self.answers(&ask(place, None, Ask::Read));
        if old.permissions != new.permissions {
            return;
        }
        let at = |asked: Ask| ask(place, Some(origin), asked);
        let readers = self.compare_of(asked, at(Ask::Read));
        let methods = self.universe.methods.all().map(|it| Ask::Method(it.clone()));
        let headers = self.universe.headers.all().map(|it| Ask::Header(it.clone()));
        for preflight in methods.chain(headers).chain([Ask::PrivateNetwork]) {
            self.compare_unless(asked, at(preflight), &readers);
        }
        // What is read does not depend on the scheme and port of a request.
        for port in ports(origin, place) {
            for scheme in SCHEMES {
                for asks in [Ask::Socket].into_iter().chain(SITES.map(Ask::Write)) {
                    let host = place.host.as_ref().map(|host| format!("{host}{port}"));
                    self.compare_of(
                        asked,
                        Question {
                            scheme,
                            host,
                            ..at(asks)
                        },
                    );
                }
            }
        }
    }

    /// Compares what a class of origins is permitted. In which directions there is something.
    fn compare_of(&mut self, asked: &Asked<'_>, question: Question) -> BTreeSet<(Direction, Permission)> {
        self.compare_unless(asked, question, &BTreeSet::new())
    }

    /// The same, where pages may read what they did not, or the reverse: then all that is for readers is told by that.
    fn compare_unless(
        &mut self,
        asked: &Asked<'_>,
        question: Question,
        told: &BTreeSet<(Direction, Permission)>,
    ) -> BTreeSet<(Direction, Permission)> {
        let mut found = BTreeSet::new();
        let answers = self.answers(&question);
        let [old, new] = &answers;
        if let (Some(old), Some(new)) = (old.max_age, new.max_age)
            && old != new
        {
            self.max_ages.insert((old, new));
        }
        if old.permissions == new.permissions {
            return found;
        }
        for direction in [Direction::Permits, Direction::Refuses] {
            let is_told = |it: &Permission| {
                let by = if it.is_of_reader() {
                    Permission::Read
                } else {
                    it.clone()
                };
                told.contains(&(direction, by))
            };
            let permissions = gained(&answers, direction);
            if permissions.iter().all(is_told) {
                continue;
            }
            let is_by_entry = permissions
                .iter()
                .any(|it| matches!(it, Permission::Read | Permission::Write | Permission::Socket));
            for whom in self.whom(asked, direction, &answers, is_by_entry).iter() {
                let question = match &whom.origin {
                    Some(origin) => moved(&question, origin, asked.is_own_host),
                    None => question.clone(),
                };
                self.compare_in(direction, &whom.names, question, whom.entry.clone());
            }
            found.extend(permissions.into_iter().map(|it| (direction, it)));
        }
        found
    }

    fn compare(&mut self, whom: &BTreeSet<String>, question: Question, entry: Option<Cause>) {
        for direction in [Direction::Permits, Direction::Refuses] {
            self.compare_in(direction, whom, question.clone(), entry.clone());
        }
    }

    fn compare_in(&mut self, direction: Direction, whom: &BTreeSet<String>, question: Question, entry: Option<Cause>) {
        let answers = self.answers(&question);
        let permissions = gained(&answers, direction);
        if permissions.is_empty() {
            return;
        }
        let is_ambiguous = self.universe.places.is_ambiguous(&question.path);
        let place = self.place(direction, &answers);
        let cause = entry.or_else(|| self.cause(direction, whom, &question, &permissions, &place));
        let key = Key {
            is_ambiguous,
            direction,
            whom: whom.clone(),
            cause,
        };
        let found = self.found.entry(key).or_default();
        found.places.insert(place);
        let witness = Witness {
            question,
            findings: answers.map(|it| it.finding),
        };
        for permission in permissions {
            let permission = self.universe.told(permission);
            add(&mut found.permissions, permission, witness.clone());
        }
    }

    /// The edit that did it. What is alike for the same origins in the same place has one cause, which is looked for once.
    fn cause(
        &mut self,
        direction: Direction,
        whom: &BTreeSet<String>,
        question: &Question,
        permissions: &BTreeSet<Permission>,
        place: &str,
    ) -> Option<Cause> {
        let key = (direction, whom.clone(), permissions.clone(), place.to_owned());
        if let Some(known) = self.causes.get(&key) {
            return known.clone();
        }
        let cause = self.edits.cause(direction, self.subjects, question, permissions);
        self.causes.insert(key, cause.clone());
        cause
    }

    fn answers(&self, question: &Question) -> [Answer; 2] {
        self.subjects.map(|it| Answer::of(it.policy(), question))
    }

    /// Who the origins of a class are: the entries that only one side has and that match one of them, or all together.
    fn whom(
        &mut self,
        asked: &Asked<'_>,
        direction: Direction,
        answers: &[Answer; 2],
        is_by_entry: bool,
    ) -> Rc<[Whom]> {
        let class = asked.class;
        let by = answers.each_ref().map(|it| it.by);
        let key = (
            class.origins.first().cloned().unwrap_or_default(),
            asked.is_own_host,
            direction,
            by,
            is_by_entry,
        );
        if let Some(known) = self.whom.get(&key) {
            return Rc::clone(known);
        }
        let side = match direction {
            Direction::Permits => 1,
            Direction::Refuses => 0,
        };
        let parsed: Vec<_> = class
            .origins
            .iter()
            .filter_map(|it| Origin::parse(it.as_bytes()).ok())
            .collect();
        let own = self.edits.entries(side).filter_map(|(entry, pattern)| {
            let shortest = parsed.iter().find(|it| is_by_entry && pattern.matches(it))?;
            self.is_in_force(side, by, &entry.list).then(|| Whom {
                names: [format!("`{}`", entry.text)].into(),
                entry: Some(Cause::Entry(entry.path.clone(), entry.text.clone())),
                origin: Some(String::from_utf8_lossy(shortest.text).into_owned()),
            })
        });
        let mut whom: Vec<_> = own.collect();
        if whom.is_empty() {
            whom.push(Whom {
                names: self.describe(asked, &parsed, by),
                entry: None,
                origin: None,
            });
        }
        let whom: Rc<[_]> = whom.into();
        self.whom.insert(key, Rc::clone(&whom));
        whom
    }

    /// Whether a list of origins is that of the rules by which a side decided.
    fn is_in_force(&self, side: usize, by: [Option<usize>; 2], list: &str) -> bool {
        let (Some(subject), Some(by)) = (self.subjects.get(side), by.get(side)) else {
            return false;
        };
        subject.lists(*by).iter().any(|it| it == list)
    }

    fn describe(&self, asked: &Asked<'_>, parsed: &[Origin<'_>], by: [Option<usize>; 2]) -> BTreeSet<String> {
        match asked.class.origins.first().map(String::as_str) {
            Some("null") => return ["`null`".to_owned()].into(),
            Some(UNREADABLE) => return ["an `Origin` that cannot be read".to_owned()].into(),
            _ => {}
        }
        let mut named = BTreeSet::new();
        for (side, patterns) in self.patterns.iter().enumerate() {
            let in_force = patterns.iter().filter(|(list, ..)| self.is_in_force(side, by, list));
            let matched = in_force.filter(|(_, _, pattern)| parsed.iter().any(|it| pattern.matches(it)));
            named.extend(matched.map(|(_, text, _)| format!("`{text}`")));
        }
        let is_own = asked.is_own_host && parsed.iter().any(Origin::is_web);
        or_other(
            named,
            match is_own {
                true => "a page of the host that it asks",
                false => "any other origin",
            },
        )
    }

    fn describe_host(&self, host: Option<&str>) -> BTreeSet<String> {
        let parsed = host.and_then(|it| Host::parse(it.as_bytes()).ok());
        let Some(parsed) = parsed else {
            return ["requests whose host cannot be read".to_owned()].into();
        };
        let patterns = self.patterns.iter().flatten();
        let named = patterns.filter(|(.., pattern)| matches!(pattern, Pattern::Host(it) if it.matches(&parsed)));
        let named = named.map(|(_, text, _)| format!("requests for `{text}`"));
        or_other(named.collect(), "requests for any other host")
    }

    /// The entry of `policies` by which something is permitted, or else refused.
    fn place(&self, direction: Direction, answers: &[Answer; 2]) -> String {
        let [old, new] = [0, 1].map(|side| (self.subjects.get(side).and_then(|it| it.policy()), answers.get(side)));
        let (policy, answer) = match direction {
            Direction::Permits => new,
            Direction::Refuses => old,
        };
        match (policy, answer.and_then(|it| it.by)) {
            (Some(policy), Some(at)) => format!("in {}", named(policy, at)),
            (Some(policy), None) if !policy.scoped.is_empty() => "outside `policies`".to_owned(),
            _ => String::new(),
        }
    }

    fn finish(self) -> Diff {
        let mut changes: Vec<Change> = Vec::new();
        for (key, found) in self.found {
            let says_all = found.permissions.contains_key(&Permission::Read);
            let permissions = found.permissions.into_iter();
            let change = Change {
                direction: key.direction,
                whom: key.whom,
                permissions: permissions.filter(|(it, _)| !(says_all && it.is_of_reader())).collect(),
                places: found.places,
                cause: key.cause,
                is_ambiguous: key.is_ambiguous,
            };
            let is_known = |it: &Change| {
                it.direction == change.direction
                    && change.permissions.keys().all(|own| it.permissions.contains_key(own))
            };
            if change.is_ambiguous && changes.iter().any(is_known) {
                continue;
            }
            match changes.iter_mut().find(|it| it.is_alike(&change)) {
                Some(known) => known.add(change),
                None => changes.push(change),
            }
        }
        let max_ages = self.max_ages.iter();
        let mut notes: Vec<_> = max_ages
            .map(|(old, new)| format!("browsers keep the answer to a preflight for {new} s, and kept it for {old} s"))
            .collect();
        notes.extend(self.edits.apart());
        let undecided = self.universe.places.untried().map(|count| {
            format!(
                "{count} prefixes are too many to try all together: on a path that backends read in several ways more may be \
                 permitted"
            )
        });
        Diff {
            changes,
            notes,
            undecided,
        }
    }
}

impl Change {
    /// Whether two can be told as one.
    fn is_alike(&self, other: &Self) -> bool {
        (self.direction, self.is_ambiguous) == (other.direction, other.is_ambiguous)
            && (&self.cause, &self.places) == (&other.cause, &other.places)
            && self.permissions.keys().eq(other.permissions.keys())
    }

    fn add(&mut self, other: Self) {
        self.whom.extend(other.whom);
        for (permission, witness) in other.permissions {
            add(&mut self.permissions, permission, witness);
        }
    }
}

/// Keeps the shorter of two requests that show the same.
fn add(permissions: &mut BTreeMap<Permission, Witness>, permission: Permission, witness: Witness) {
    match permissions.get_mut(&permission) {
        Some(known) if known.question.length() <= witness.question.length() => {}
        Some(known) => *known = witness,
        None => drop(permissions.insert(permission, witness)),
    }
}

fn ask(place: &Place, origin: Option<&str>, ask: Ask) -> Question {
    Question {
        ask,
        origin: origin.map(str::to_owned),
        host: place.host.clone(),
        scheme: "https",
        path: place.path.clone(),
    }
}

/// The same request from another origin of the same class.
fn moved(question: &Question, origin: &str, is_own_host: bool) -> Question {
    let page = question.origin.as_deref().and_then(host_of);
    let host = match (&question.host, page, host_of(origin)) {
        (Some(host), Some(page), Some(other)) if is_own_host => Some(host.replacen(&page, &other, 1)),
        (host, ..) => host.clone(),
    };
    Question {
        origin: Some(origin.to_owned()),
        host,
        ..question.clone()
    }
}

/// What one policy alone permits.
fn gained([old, new]: &[Answer; 2], direction: Direction) -> BTreeSet<Permission> {
    let (more, less) = match direction {
        Direction::Permits => (new, old),
        Direction::Refuses => (old, new),
    };
    let every = Permission::Expose("*".to_owned());
    let has_every = less.permissions.contains(&every);
    let gained = more.permissions.difference(&less.permissions);
    gained
        .filter(|it| !(has_every && matches!(it, Permission::Expose(_))))
        .cloned()
        .collect()
}

/// The ports that a request may show: none, that of the page, and another.
fn ports(origin: &str, place: &Place) -> BTreeSet<String> {
    let mut ports = BTreeSet::from([String::new()]);
    if place.host.is_some() {
        let own = Origin::parse(origin.as_bytes()).ok().and_then(|it| it.port);
        ports.extend(own.map(|port| format!(":{port}")));
        ports.extend(
            [1, 2]
                .into_iter()
                .find(|it| Some(*it) != own)
                .map(|port| format!(":{port}")),
        );
    }
    ports
}

fn or_other(named: BTreeSet<String>, other: &str) -> BTreeSet<String> {
    if named.is_empty() {
        [other.to_owned()].into()
    } else {
        named
    }
}
