//! A browser's archive, request by request: what was refused, grouped by what is to be changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Facts;
use super::har::archive;
use crate::browser::Visit;
use crate::explain::{Color, Colors, Explainer, row};
use policy::text::printable;
use policy::verdict::Check;

/// What becomes of the requests of an archive.
pub struct Archive {
    /// How many of them the policy was asked about.
    asked: usize,
    groups: Vec<Group>,
    /// Hosts that the policy does not serve, and whose requests were answered: they are other servers'.
    others: BTreeSet<String>,
    /// Requests that could be sent by no browser, each with the reason.
    unread: BTreeSet<String>,
}

/// Requests that are refused for one reason and with one fix.
struct Group {
    visit: Visit,
    origin: String,
    host: String,
    /// Method and path of each, without queries.
    requests: Vec<String>,
}

/// How many requests of a group are shown.
const SHOWN: usize = 5;

/// Reads an archive and asks the policy about each request; about those to one host, if `only` says so.
///
/// # Errors
///
/// If it is no archive.
pub fn explain_archive(explainer: &Explainer, text: &str, only: &Facts) -> Result<Archive, String> {
    let mut found = Archive {
        asked: 0,
        groups: Vec::new(),
        others: BTreeSet::new(),
        unread: BTreeSet::new(),
    };
    for archived in archive(text)? {
        let host = archived.facts.host.clone().unwrap_or_default();
        if only.host.as_ref().is_some_and(|it| *it != host) {
            continue;
        }
        let facts = archived.facts.overridden_by(Facts {
            headers: only.headers.clone(),
            ..Facts::default()
        });
        let method = facts.method.clone().unwrap_or_default();
        let path = facts.path.clone().unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let origin = facts.origin.clone().unwrap_or_else(|| "-".to_owned());
        let visit = match facts.explain(explainer) {
            Ok((visit, _)) => visit,
            Err(problem) => {
                found.unread.insert(problem);
                continue;
            }
        };
        let is_of_another = visit.explanation.finding.check == Check::Hosts && !visit.explanation.is_allowed();
        if is_of_another && archived.is_answered {
            found.others.insert(host);
            continue;
        }
        found.asked += 1;
        if !visit.succeeds() {
            found.add(visit, origin, host, format!("{method} {path}"));
        }
    }
    Ok(found)
}

impl Archive {
    /// Whether every request of a page gets its answer.
    #[must_use]
    pub fn succeeds(&self) -> bool {
        self.groups.is_empty()
    }

    fn add(&mut self, visit: Visit, origin: String, host: String, request: String) {
        let known = self.groups.iter_mut().find(|it| {
            it.origin == origin
                && it.host == host
                && it.visit.decisive().finding == visit.decisive().finding
                && it.visit.fix() == visit.fix()
        });
        match known {
            Some(group) => group.requests.push(request),
            None => self.groups.push(Group {
                visit,
                origin,
                host,
                requests: vec![request],
            }),
        }
    }

    fn refused(&self) -> usize {
        self.groups.iter().map(|it| it.requests.len()).sum()
    }

    /// For people.
    #[must_use]
    pub fn text(&self, colors: Colors) -> String {
        let mut text = String::new();
        for group in &self.groups {
            text += &group.text(colors);
        }
        let (asked, refused) = (self.asked, self.refused());
        text += &match refused {
            0 => format!("{}: requests={asked}\n", colors.paint(Color::Green, "none refused")),
            _ => format!(
                "{}: {refused} of {asked} requests, for {} reasons\n",
                colors.paint(Color::Red, "refused"),
                self.groups.len()
            ),
        };
        if !self.others.is_empty() {
            let others: Vec<_> = self.others.iter().map(|it| printable(it)).collect();
            text += &format!(
                "note: left out, because they were answered and `allowed_hosts` does not have them: {}\n",
                others.join(", ")
            );
        }
        for problem in &self.unread {
            text += &format!("note: left out: {}\n", printable(problem));
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let groups = self.groups.iter().map(|it| {
            let mut json = it.visit.json(&[]);
            if let Some(fields) = json.as_object_mut() {
                fields.insert("count".to_owned(), json!(it.requests.len()));
                fields.insert("requests".to_owned(), json!(it.distinct()));
                fields.insert("origin".to_owned(), json!(it.origin));
                fields.insert("host".to_owned(), json!(it.host));
            }
            json
        });
        json!({
            "allowed": self.succeeds(),
            "asked": self.asked,
            "refused": self.refused(),
            "groups": groups.collect::<Vec<_>>(),
            "other_hosts": self.others,
            "unread": self.unread,
        })
    }
}

impl Group {
    fn distinct(&self) -> Vec<&str> {
        let distinct: BTreeSet<_> = self.requests.iter().map(String::as_str).collect();
        distinct.into_iter().collect()
    }

    fn text(&self, colors: Colors) -> String {
        let (word, color, what) = self.visit.headline();
        let decisive = self.visit.decisive();
        let distinct = self.distinct();
        let more = distinct.len().saturating_sub(SHOWN);
        let shown: Vec<_> = distinct.iter().take(SHOWN).map(|it| printable(it)).collect();
        let mut text = format!(
            "{}  {}  {}, from {} to {}\n{what}\n\n",
            colors.paint(color, word),
            decisive.finding,
            match self.requests.len() {
                1 => "1 request".to_owned(),
                many => format!("{many} requests"),
            },
            printable(&self.origin),
            printable(&self.host),
        );
        text += &row("asked", &shown.join(", "));
        if more > 0 {
            text += &row("", &format!("and {more} more"));
        }
        text += &decisive.rows();
        for (name, value) in [("console", &self.visit.page.console), ("fix", &self.visit.page.fix)] {
            if let Some(value) = value {
                text += &row(name, &printable(value));
            }
        }
        text + "\n"
    }
}
