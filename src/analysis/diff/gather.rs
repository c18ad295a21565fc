//! Asks both policies, and puts together what differs.

use std::collections::{BTreeMap, BTreeSet};

use policy::origin::Origin;

use super::cause::{Cause, Edits};
use super::changes::{Found, Key};
use super::whom::{Asked, Names, UNREADABLE, Whom};
use super::{Diff, Direction, Witness};
use crate::automaton::TooLarge;
use crate::reach::{
    Answer, Ask, LookedAt, OriginClass, Permission, Place, Question, Subject, Universe, host_of, named,
};

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
        found: Found::default(),
        causes: BTreeMap::new(),
        names: Names::new([old, new]),
        max_ages: BTreeSet::new(),
        same_preflights: BTreeMap::new(),
    };
    gathering.ask_everywhere();
    Ok(gathering.finish())
}

/// In which direction something changed, for whom, what, and in which place.
type CauseKey = (Direction, BTreeSet<String>, BTreeSet<Permission>, String);

struct Gathering<'a> {
    subjects: [&'a Subject; 2],
    universe: &'a Universe,
    edits: Edits,
    found: Found,
    causes: BTreeMap<CauseKey, Option<Cause>>,
    names: Names<'a>,
    max_ages: BTreeSet<(u32, u32)>,
    /// What was answered to readers at a place where preflights are answered alike.
    same_preflights: BTreeMap<(Vec<LookedAt>, String), Vec<[Answer; 2]>>,
}

impl Gathering<'_> {
    fn ask_everywhere(&mut self) {
        let universe = self.universe;
        for place in universe.places.elsewhere(&self.subjects, None) {
            if !self.ask_host(&place) {
                self.ask_without_origin(&place);
            }
        }
        let unread = ["null", UNREADABLE].map(OriginClass::unread);
        let mut asked = BTreeSet::new();
        for class in universe.origins.iter().chain(&unread) {
            let Some(origin) = class.origins.first() else { continue };
            let host = host_of(origin);
            let elsewhere = universe.places.elsewhere(&self.subjects, host.as_deref());
            let own = host.map(|it| universe.places.on(&self.subjects, &it));
            let places = elsewhere.into_iter().map(|it| (it, false));
            for (place, is_own_host) in places.chain(own.into_iter().flatten().map(|it| (it, true))) {
                // Of origins that all rules of a place take for the same, one is asked there.
                let words = class.words.at(&place);
                if asked.insert((is_own_host, place.looked_at.clone(), place.path.clone(), words)) {
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
            let whom = Whom::all(self.names.host(place.host.as_deref()));
            self.compare(&whom, &question);
        }
        is_changed
    }

    fn ask_without_origin(&mut self, place: &Place) {
        let whom = Whom::all(["requests without `Origin`".to_owned()].into());
        let client = Whom::all(["requests of any client".to_owned()].into());
        for site in SITES {
            self.compare(&whom, &ask(place, None, Ask::Write(site)));
        }
        self.compare(&whom, &ask(place, None, Ask::Socket));
        let hosts = self.universe.places.hosts();
        for name in FORWARDING {
            for host in hosts.iter().map(|it| it.as_deref().unwrap_or("a b")) {
                let value = if name == "forwarded" {
                    format!("host={host}")
                } else {
                    host.to_owned()
                };
                self.compare(&client, &ask(place, None, Ask::Forwarded(name, value)));
            }
        }
    }

    fn ask_at(&mut self, asked: &Asked<'_>, origin: &str, place: &Place) {
        let at = |asked: Ask| ask(place, Some(origin), asked);
        let answers = self.answers(&ask(place, None, Ask::Read));
        let [old, new] = &answers;
        if old.permissions != new.permissions {
            // The report names who asks a new host together with the host, and what they may do there beside it.
            let reported = gained(&answers, Direction::Permits);
            let reported: Reported = reported.into_iter().map(|it| (Direction::Permits, it)).collect();
            for ask in [Ask::Read, Ask::Socket, Ask::Write(Some("cross-site"))] {
                if !reported.is_empty() {
                    self.compare_unless(asked, at(ask), &reported);
                }
            }
            return;
        }
        self.ask_preflights(asked, at(Ask::Read), place);
        let writes = [Ask::Socket].into_iter().chain(SITES.map(Ask::Write));
        for question in writes.map(at) {
            for question in with_schemes_and_ports(&question, origin, asked.is_own_host) {
                self.compare_of(asked, question);
            }
        }
    }

    /// Asks for what a page reads, and for all that a preflight grants. That is alike for all to whom the same rules give the
    /// same answer, so that it is asked no more where it did not differ.
    fn ask_preflights(&mut self, asked: &Asked<'_>, read: Question, place: &Place) {
        let answers = self.answers(&read);
        let kind = (place.looked_at.clone(), place.path.clone());
        let is_known = |it: &Vec<[Answer; 2]>| !place.is_ambiguous && it.contains(&answers);
        let is_same = self.same_preflights.get(&kind).is_some_and(is_known);
        let readers = self.compare_of(asked, read.clone());
        if is_same {
            return;
        }
        let methods = self.universe.methods.all().map(|it| Ask::Method(it.clone()));
        let headers = self.universe.headers.all().map(|it| Ask::Header(it.clone()));
        let mut is_same = true;
        for ask in methods.chain(headers).chain([Ask::PrivateNetwork]) {
            let question = Question { ask, ..read.clone() };
            is_same &= self.compare_unless(asked, question, &readers).is_empty();
        }
        if is_same {
            self.same_preflights.entry(kind).or_default().push(answers);
        }
    }

    /// Compares what a class of origins is permitted. In which directions there is something.
    fn compare_of(&mut self, asked: &Asked<'_>, question: Question) -> Reported {
        self.compare_unless(asked, question, &Reported::new())
    }

    /// The same, where pages may read what they did not, or the reverse: then that change stands for all that concerns readers.
    fn compare_unless(&mut self, asked: &Asked<'_>, question: Question, reported: &Reported) -> Reported {
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
            let permissions = unreported(gained(&answers, direction), direction, reported);
            if permissions.is_empty() {
                continue;
            }
            let is_granted_by_entries = |it: &Permission| {
                use Permission::{Read, ReadWithCookies, Socket, Write};
                matches!(it, Read | ReadWithCookies | Write | Socket)
            };
            let is_by_entry = permissions.iter().any(is_granted_by_entries);
            let by = answers.each_ref().map(|it| it.by);
            let all = self.names.of(&self.edits, asked, direction, by, is_by_entry);
            for whom in all.iter() {
                let question = whom.ask(&question, asked.is_own_host);
                self.compare_in(direction, whom, question, reported);
            }
            found.extend(permissions.into_iter().map(|it| (direction, it)));
        }
        found
    }

    fn compare(&mut self, whom: &Whom, question: &Question) {
        for direction in [Direction::Permits, Direction::Refuses] {
            self.compare_in(direction, whom, question.clone(), &Reported::new());
        }
    }

    fn compare_in(&mut self, direction: Direction, whom: &Whom, question: Question, reported: &Reported) {
        let answers = self.answers(&question);
        let permissions = unreported(gained(&answers, direction), direction, reported);
        if permissions.is_empty() {
            return;
        }
        let is_ambiguous = self.universe.places.is_ambiguous(&question.path);
        let place = self.place(direction, &answers);
        let by_edit = || self.cause(direction, &whom.names, &question, &permissions, &place);
        let cause = whom.entry.clone().or_else(by_edit);
        let key = Key {
            is_ambiguous,
            direction,
            whom: whom.names.clone(),
            cause,
        };
        let witness = Witness {
            question,
            findings: answers.map(|it| it.finding),
        };
        let reported = permissions.into_iter().map(|it| self.universe.shown(it));
        self.found.add(key, place, reported, &witness);
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
            changes: self.found.changes(),
            notes,
            undecided,
        }
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

/// What has been reported already, of a wider set of requests.
type Reported = BTreeSet<(Direction, Permission)>;

fn unreported(
    mut permissions: BTreeSet<Permission>,
    direction: Direction,
    reported: &Reported,
) -> BTreeSet<Permission> {
    permissions.retain(|it| {
        let by = if it.is_of_reader() {
            Permission::Read
        } else {
            it.clone()
        };
        !reported.contains(&(direction, by))
    });
    permissions
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

/// The same request by either scheme, as a page of `http` may do less where `https` is asked; on no port and on the page's, which
/// `websocket.allowed_hosts` takes on every host; and on the page's own host on another port, which is another site there.
fn with_schemes_and_ports(question: &Question, origin: &str, is_own_host: bool) -> Vec<Question> {
    let own = Origin::parse(origin.as_bytes()).ok().and_then(|it| it.port);
    let other = [1, 2].into_iter().find(|it| is_own_host && Some(*it) != own);
    let shown = own.into_iter().chain(other);
    let ports = [String::new()].into_iter().chain(shown.map(|port| format!(":{port}")));
    let of_port = |port: String| {
        SCHEMES.map(|scheme| Question {
            scheme,
            host: question.host.as_ref().map(|host| format!("{host}{port}")),
            ..question.clone()
        })
    };
    ports.flat_map(of_port).collect()
}
