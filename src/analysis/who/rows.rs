//! The rows of one table.

use std::collections::BTreeSet;

use config::Entry;
use policy::origin::Origin;

use super::Row;
use crate::reach::{Answer, Ask, Pattern, Permission, Place, Question, Subject, Universe, host_of};

/// What pages can do; the rest is about names, and is shown with the configuration.
const SHOWN: [Permission; 5] = [
    Permission::Read,
    Permission::ReadWithCookies,
    Permission::Backend,
    Permission::Write,
    Permission::Socket,
];

/// Where a table is made: by the rules of an entry of `policies`, at a place that belongs to it.
pub(super) struct Asked<'a> {
    subject: &'a Subject,
    universe: &'a Universe,
    by: Option<usize>,
    place: &'a Place,
    /// The entries of the lists of origins that the rules use, with what each means.
    entries: Vec<(&'a Entry, Pattern)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(subject: &'a Subject, universe: &'a Universe, by: Option<usize>, place: &'a Place) -> Self {
        let lists = subject.lists(by);
        let entries = subject.entries.iter().filter(|it| lists.contains(&it.list));
        Self {
            subject,
            universe,
            by,
            place,
            entries: entries.filter_map(|it| Some((it, Pattern::of(it)?))).collect(),
        }
    }

    /// Who may do what: those of each entry, then those of none.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (entry, pattern) in &self.entries {
            let own = Origin::parse(entry.text.as_bytes()).is_ok();
            let origin = if own {
                Some(entry.text.as_str())
            } else {
                self.shortest(pattern)
            };
            if let Some(origin) = origin {
                add(
                    &mut rows,
                    format!("`{}`", entry.text),
                    &entry.path,
                    self.may(Some(origin)),
                );
            }
        }
        let own_host = self.place.host.as_ref().map(|host| format!("https://{host}"));
        if let Some(origin) = own_host {
            add(
                &mut rows,
                "a page of the host that it asks".to_owned(),
                "",
                self.may(Some(&origin)),
            );
        }
        add(&mut rows, "`null`".to_owned(), "", self.may(Some("null")));
        add(&mut rows, "requests without `Origin`".to_owned(), "", self.may(None));
        let mut others = self.origins_elsewhere().filter(|it| it.starts_with("https:"));
        if let Some(origin) = others.find(|it| !self.is_listed(it)) {
            add(&mut rows, "every other page".to_owned(), "", self.may(Some(origin)));
        }
        rows
    }

    fn is_listed(&self, origin: &str) -> bool {
        let origin = Origin::parse(origin.as_bytes());
        origin.is_ok_and(|it| self.entries.iter().any(|(_, pattern)| pattern.matches(&it)))
    }

    /// Origins that are not on the host that is asked.
    fn origins_elsewhere(&self) -> impl Iterator<Item = &'a str> {
        let origins = self.universe.origins.iter().flat_map(|it| &it.origins);
        let elsewhere = origins.filter(|it| host_of(it) != self.place.host);
        elsewhere.map(String::as_str)
    }

    /// The shortest of them that an entry matches.
    fn shortest(&self, pattern: &Pattern) -> Option<&'a str> {
        let is_matched = |it: &&str| Origin::parse(it.as_bytes()).is_ok_and(|origin| pattern.matches(&origin));
        // Of an open scheme, what most pages have.
        self.origins_elsewhere()
            .filter(is_matched)
            .min_by_key(|it| (!it.starts_with("https:"), it.len()))
    }

    fn may(&self, origin: Option<&str>) -> BTreeSet<Permission> {
        let asks = [Ask::Read, Ask::Socket, Ask::Write(Some("cross-site"))];
        // Programs that are no browsers say nothing of where they come from.
        let asks = asks.into_iter().map(|ask| match (origin, ask) {
            (None, Ask::Write(_)) => Ask::Write(None),
            (_, ask) => ask,
        });
        let all = asks.flat_map(|ask| answer(self.subject, self.place, origin, ask).permissions);
        all.filter(|it| SHOWN.contains(it) && self.is_checked(it)).collect()
    }

    /// Whether the rules look at it at all.
    fn is_checked(&self, permission: &Permission) -> bool {
        let rules = self.subject.policy().map(|it| it.rules_of(self.by));
        rules.is_some_and(|it| match permission {
            Permission::Write => it.csrf.is_some(),
            Permission::Socket => it.websocket.is_some(),
            Permission::Backend => it.cors.is_some(),
            _ => true,
        })
    }
}

fn add(rows: &mut Vec<Row>, who: String, key: &str, permissions: BTreeSet<Permission>) {
    let who = (who, key.to_owned());
    match rows.iter_mut().find(|it| it.permissions == permissions) {
        Some(row) => row.whom.push(who),
        None => rows.push(Row {
            whom: vec![who],
            permissions,
        }),
    }
}

pub(super) fn answer(subject: &Subject, place: &Place, origin: Option<&str>, ask: Ask) -> Answer {
    let question = Question {
        ask,
        origin: origin.map(str::to_owned),
        host: place.host.clone(),
        scheme: "https",
        path: place.path.clone(),
    };
    Answer::of(subject.policy(), &question)
}
