//! Who asks: the entries that match an origin or a host, or what it is if none does.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use policy::host::Host;
use policy::origin::Origin;

use super::Direction;
use super::cause::{Cause, Edits};
use crate::reach::{OriginClass, Pattern, Question, Subject, host_of};

/// Who some requests come from.
pub(super) struct Whom {
    pub names: BTreeSet<String>,
    /// The entry that is for them alone, with an origin of it.
    pub entry: Option<Cause>,
    pub origin: Option<String>,
}

/// A class of origins, whether they are on the host that they ask, on either side the rules that decided, and whether an entry
/// may have done it.
type WhomKey = (String, bool, Direction, [Option<usize>; 2], bool);

/// Origins that ask.
pub(super) struct Asked<'a> {
    pub class: &'a OriginClass,
    /// Whether they ask their own host.
    pub is_own_host: bool,
}

/// No origin at all.
pub(super) const UNREADABLE: &str = "x";

/// Says who asks.
pub(super) struct Names<'a> {
    subjects: [&'a Subject; 2],
    /// The entries of each side for origins and hosts: their list, text and meaning.
    patterns: [Vec<(String, String, Pattern)>; 2],
    known: BTreeMap<WhomKey, Rc<[Whom]>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(subjects: [&'a Subject; 2]) -> Self {
        let patterns = subjects.map(|side| {
            let entries = side.entries.iter();
            let parsed = entries.filter_map(|it| Some((it.list.clone(), it.text.clone(), Pattern::of(it)?)));
            parsed.collect()
        });
        Self {
            subjects,
            patterns,
            known: BTreeMap::new(),
        }
    }

    /// Who the origins of a class are: the entries that only one side has and that match one of them, or all together.
    pub(super) fn of(
        &mut self,
        edits: &Edits,
        asked: &Asked<'_>,
        direction: Direction,
        by: [Option<usize>; 2],
        is_by_entry: bool,
    ) -> Rc<[Whom]> {
        let class = asked.class;
        let key = (
            class.origins.first().cloned().unwrap_or_default(),
            asked.is_own_host,
            direction,
            by,
            is_by_entry,
        );
        if let Some(known) = self.known.get(&key) {
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
        let own = edits.entries(side).filter_map(|(entry, pattern)| {
            let shortest = parsed.iter().find(|it| is_by_entry && pattern.matches(it))?;
            self.is_in_force(side, by, &entry.list).then(|| Whom {
                names: [format!("`{}`", entry.text)].into(),
                entry: Some(Cause::Entry(entry.path.clone(), entry.text.clone())),
                origin: Some(String::from_utf8_lossy(shortest.text).into_owned()),
            })
        });
        let mut whom: Vec<_> = own.collect();
        if whom.is_empty() {
            whom.push(Whom::all(self.describe(asked, &parsed, by)));
        }
        let whom: Rc<[_]> = whom.into();
        self.known.insert(key, Rc::clone(&whom));
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
        let mut matched = BTreeSet::new();
        for (side, patterns) in self.patterns.iter().enumerate() {
            let in_force = patterns.iter().filter(|(list, ..)| self.is_in_force(side, by, list));
            let all = in_force.filter(|(_, _, pattern)| parsed.iter().any(|it| pattern.matches(it)));
            matched.extend(all.map(|(_, text, pattern)| (pattern.breadth(), format!("`{text}`"))));
        }
        // What one side lists by name another may cover by `*`, of which most is not meant here.
        let least = matched.first().map(|(breadth, _)| *breadth);
        let narrowest = matched.into_iter().filter(|(breadth, _)| Some(*breadth) == least);
        let named = narrowest.map(|(_, name)| name).collect();
        let is_own = asked.is_own_host && parsed.iter().any(Origin::is_web);
        or_other(
            named,
            match is_own {
                true => "a page of the host that it asks",
                false => "any other origin",
            },
        )
    }

    /// Who asks for a host.
    pub(super) fn host(&self, host: Option<&str>) -> BTreeSet<String> {
        let parsed = host.and_then(|it| Host::parse(it.as_bytes()).ok());
        let Some(parsed) = parsed else {
            return ["requests whose host cannot be read".to_owned()].into();
        };
        let patterns = self.patterns.iter().flatten();
        let named = patterns.filter(|(.., pattern)| matches!(pattern, Pattern::Host(it) if it.matches(&parsed)));
        let named = named.map(|(_, text, _)| format!("requests for `{text}`"));
        or_other(named.collect(), "requests for any other host")
    }
}

impl Whom {
    /// Requests that no entry for origins is about.
    pub(super) fn all(names: BTreeSet<String>) -> Self {
        Self {
            names,
            entry: None,
            origin: None,
        }
    }

    /// A request of theirs, which asks as another of the same class does.
    pub(super) fn ask(&self, question: &Question, is_own_host: bool) -> Question {
        match &self.origin {
            Some(origin) => moved(question, origin, is_own_host),
            None => question.clone(),
        }
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

fn or_other(named: BTreeSet<String>, other: &str) -> BTreeSet<String> {
    if named.is_empty() {
        [other.to_owned()].into()
    } else {
        named
    }
}
