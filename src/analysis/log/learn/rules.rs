//! What the pages of other origins may do on hosts that show the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::path_group::{count, shown};
use super::draft::Item;
use super::proposals::Proposal;
use super::{AskedHost, Page, Seen};
use policy::origin::Origin;
use policy::pattern::OriginPattern;

/// What some hosts show.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<Item>,
    pub(super) questions: Vec<Item>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) methods: Vec<Item>,
    pub(super) headers: Vec<Item>,
    pub(super) trusted: Vec<Item>,
}

impl Page {
    /// How often it got what it asked for, and others would not have.
    pub(super) fn granted(&self) -> u64 {
        self.reads.count + self.sockets.count
    }

    fn item(&self, seen: Seen) -> Item {
        let parts = [
            (self.reads.count, "answer"),
            (self.sockets.count, "WebSocket"),
            (self.forms.count, "form"),
            (self.refused.count, "refusal"),
        ];
        let parts = parts.into_iter().filter(|(many, _)| *many > 0);
        let mut what: Vec<_> = parts.map(|(many, what)| count(many, what)).collect();
        if self.anybody.count > 0 {
            what.push(count(self.anybody.count, "answer") + " for everybody");
        }
        Item {
            value: self.origin.clone(),
            seen,
            what: what.join(", "),
        }
    }
}

impl Rules {
    pub(super) fn of<'a>(host: &AskedHost, pages: impl Iterator<Item = &'a Page>, notes: &mut Vec<String>) -> Self {
        let named = |key: &str, names: &BTreeMap<String, Seen>| {
            let fit = names.iter().filter(|(name, _)| fits(key, name));
            let items = fit.map(|(name, seen)| Item {
                value: name.clone(),
                seen: *seen,
                what: count(seen.count, "request"),
            });
            items.collect()
        };
        let mut rules = Self {
            hosts: vec![host.name.clone()],
            methods: named("allow_methods", &host.methods),
            headers: named("allow_headers", &host.headers),
            ..Self::default()
        };
        for page in pages {
            let mut seen = page.reads;
            seen.join(page.sockets);
            if OriginPattern::parse(&page.origin).map_or(true, |it| it.is_socket()) {
                notes.push(format!(
                    "left out: {}, which no list can have",
                    shown(page.origin.as_bytes())
                ));
            } else if page.granted() > 0 {
                rules.origins.push(page.item(seen));
            } else if page.anybody.count > 0 {
                rules.questions.push(page.item(page.anybody));
            } else if page.forms.count > 0 && Origin::parse(page.origin.as_bytes()).is_ok_and(|it| it.is_web()) {
                rules.trusted.push(page.item(page.forms));
            }
        }
        for items in [&mut rules.origins, &mut rules.questions, &mut rules.trusted] {
            items.sort_by(|a, b| a.value.cmp(&b.value));
        }
        rules
    }

    /// Whether pages of other origins have no part in it.
    pub(super) fn is_empty(&self) -> bool {
        [&self.origins, &self.questions, &self.trusted]
            .iter()
            .all(|it| it.is_empty())
    }

    /// Its lists, by their keys.
    pub(super) fn lists(&self) -> [(&'static str, &[Item]); 4] {
        [
            ("allowed_origins", &self.origins),
            ("cors.allow_methods", &self.methods),
            ("cors.allow_headers", &self.headers),
            ("csrf.trusted_origins", &self.trusted),
        ]
    }

    /// What it would permit.
    pub(super) fn signature(&self) -> Vec<BTreeSet<String>> {
        let lists = self
            .lists()
            .into_iter()
            .chain([("questions", self.questions.as_slice())]);
        lists
            .map(|(_, items)| items.iter().map(|it| it.value.clone()).collect())
            .collect()
    }

    /// Adds what other hosts show, which is the same.
    pub(super) fn join(&mut self, other: Self) {
        self.hosts.extend(other.hosts);
        let pairs = [
            (&mut self.origins, other.origins),
            (&mut self.questions, other.questions),
            (&mut self.methods, other.methods),
            (&mut self.headers, other.headers),
            (&mut self.trusted, other.trusted),
        ];
        for (own, others) in pairs {
            for (item, other) in own.iter_mut().zip(others) {
                item.seen.join(other.seen);
                item.what = count(item.seen.count, "request");
            }
        }
    }
}

/// Whether a policy loads with this name.
fn fits(key: &str, name: &str) -> bool {
    let policy = json!({ "cors": { key: [name] } });
    config::load(policy.to_string().as_bytes()).is_ok()
}
