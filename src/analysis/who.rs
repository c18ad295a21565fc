//! Who may do what by a policy, and by which rule: the first thing to look at in a review.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::automaton::TooLarge;
use super::reach::{Ask, Permission, Place, Subject, Universe, named};
use policy::text::printable;
use rows::{Asked, answer};

/// The policy as a table.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// What holds for requests of one entry of `policies`, and for those of none.
    pub regions: Vec<Region>,
    /// The entries of `policies` to which no request belongs, since others stand before them.
    pub hidden: Vec<String>,
}

/// What holds for some hosts and paths.
#[derive(Clone, Debug)]
pub struct Region {
    /// The entry of `policies`; empty for what is outside.
    pub policy: String,
    /// `match.hosts`; empty for all.
    pub hosts: Vec<String>,
    /// `match.path_prefixes`; empty for all.
    pub paths: Vec<String>,
    /// The hosts that may be asked for; `None` for every one.
    pub answers_for: Option<Vec<String>>,
    /// Who may do what.
    pub rows: Vec<Row>,
    /// What is not checked.
    pub unchecked: Vec<&'static str>,
}

/// Who may do the same.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who, each with the key by which they may.
    pub whom: Vec<(String, String)>,
    /// What; empty for nothing.
    pub permissions: BTreeSet<Permission>,
}

impl Who {
    /// Reads a policy, or what it says of a place.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if its expressions have too many states together.
    pub fn of(subject: &Subject, host: Option<&str>, path: Option<&str>) -> Result<Self, TooLarge> {
        let universe = Universe::of(&[subject])?;
        let mut places: BTreeMap<Option<usize>, Place> = BTreeMap::new();
        let mut all = match host {
            Some(host) => universe.places.on(&[subject], host),
            None => universe.places.elsewhere(&[subject], None),
        };
        if let Some(path) = path {
            all.iter_mut().for_each(|it| path.clone_into(&mut it.path));
        }
        for place in all.into_iter().filter(|it| !it.is_ambiguous && it.host.is_some()) {
            let answer = answer(subject, &place, None, Ask::Read);
            let is_answered = answer.permissions.contains(&Permission::Host);
            // One that is answered for shows more of the rules than one that is not.
            match places.get(&answer.by) {
                Some(_) if !is_answered => {}
                Some(known) if is_shown(subject, known) => {}
                _ => drop(places.insert(answer.by, place)),
            }
        }
        let mut who = Self::default();
        let mut is_seen = BTreeSet::new();
        let entries = (0..subject.policy().map_or(0, |it| it.scoped.len()))
            .map(Some)
            .chain([None]);
        for by in entries {
            match places.get(&by) {
                Some(place) => {
                    is_seen.insert(by);
                    who.regions.push(Region::of(subject, &universe, by, place));
                }
                None => who
                    .hidden
                    .extend(by.zip(subject.policy()).map(|(at, policy)| named(policy, at))),
            }
        }
        if host.is_some() || path.is_some() {
            who.hidden.clear();
        }
        Ok(who)
    }

    /// The lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let regions: Vec<_> = self.regions.iter().map(Region::text).collect();
        let mut text = regions.join("\n");
        for hidden in &self.hidden {
            text += &format!(
                "\n{}: no request belongs to it, since the entries before it have them all\n",
                printable(hidden)
            );
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "regions": self.regions.iter().map(Region::json).collect::<Vec<_>>(),
            "hidden": self.hidden,
        })
    }
}

fn is_shown(subject: &Subject, place: &Place) -> bool {
    answer(subject, place, None, Ask::Read)
        .permissions
        .contains(&Permission::Host)
}

impl Region {
    fn of(subject: &Subject, universe: &Universe, by: Option<usize>, place: &Place) -> Self {
        let rules = subject.policy().map(|it| it.rules_of(by));
        let of_list = |list: &str| {
            let entries = subject.entries.iter().filter(|it| it.list == list);
            entries.map(|it| it.text.clone()).collect::<Vec<_>>()
        };
        let matched = |key: &str| by.map_or_else(Vec::new, |at| of_list(&format!("policies[{at}].match.{key}")));
        let is_checked =
            rules.is_some_and(|it| it.hosts.is_some() && it.allowed_hosts.as_ref().is_some_and(|it| !it.is_any()));
        let unchecked = [
            (
                rules.is_some_and(|it| it.cors.is_some()),
                "what pages may read: `cors` is off",
            ),
            (
                rules.is_some_and(|it| it.websocket.is_some()),
                "who opens WebSockets: `websocket` is off",
            ),
            (rules.is_some_and(|it| it.csrf.is_some()), "who writes: `csrf` is off"),
        ];
        Self {
            policy: by
                .zip(subject.policy())
                .map(|(at, policy)| named(policy, at))
                .unwrap_or_default(),
            hosts: matched("hosts"),
            paths: matched("path_prefixes"),
            answers_for: is_checked.then(|| of_list(&subject.list(by, "allowed_hosts"))),
            rows: Asked::new(subject, universe, by, place).rows(),
            unchecked: unchecked
                .into_iter()
                .filter(|(is_on, _)| !is_on)
                .map(|(_, what)| what)
                .collect(),
        }
    }

    fn text(&self) -> String {
        let list = |items: &[String]| items.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        let hosts = if self.hosts.is_empty() {
            "every host".to_owned()
        } else {
            list(&self.hosts)
        };
        let paths = if self.paths.is_empty() {
            "every path".to_owned()
        } else {
            list(&self.paths)
        };
        let name = if self.policy.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.policy)
        };
        let mut text = printable(&format!("{name}{hosts}, {paths}")) + "\n";
        if let Some(hosts) = &self.answers_for {
            text += &format!("  requests may ask for {}\n", printable(&list(hosts)));
        }
        for row in &self.rows {
            text += &row.text();
        }
        for what in &self.unchecked {
            text += &format!("  nothing checks {what}\n");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "policy": Some(&self.policy).filter(|it| !it.is_empty()),
            "hosts": self.hosts,
            "paths": self.paths,
            "answers_for": self.answers_for,
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "unchecked": self.unchecked,
        })
    }
}

impl Row {
    fn text(&self) -> String {
        const FEW: usize = 20;
        let may: Vec<_> = self.permissions.iter().map(Permission::to_string).collect();
        let mut text = match may.is_empty() {
            true => "  may do nothing of this\n".to_owned(),
            false => format!("  may {}\n", may.join(", ")),
        };
        for (who, key) in self.whom.iter().take(FEW) {
            let by = if key.is_empty() {
                String::new()
            } else {
                format!("  {key}")
            };
            text += &printable(&format!("    {who}{by}"));
            text += "\n";
        }
        if self.whom.len() > FEW {
            text += &format!("    and {} more, which --json names\n", self.whom.len() - FEW);
        }
        text
    }

    fn json(&self) -> Value {
        let whom = self.whom.iter().map(|(who, key)| json!({"who": who, "key": key}));
        json!({
            "whom": whom.collect::<Vec<_>>(),
            "may": self.permissions.iter().map(Permission::code).collect::<Vec<_>>(),
        })
    }
}
