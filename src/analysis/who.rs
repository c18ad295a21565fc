//! Who may do what by a policy, and by which rule: the first thing to look at in a review.

use std::collections::{BTreeMap, BTreeSet};

use policy::origin::Origin;
use serde_json::{Value, json};

use super::automaton::TooLarge;
use super::check::printable;
use super::reach::{Answer, Ask, Pattern, Permission, Place, Question, Subject, Universe, host_of, named};

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
            let answer = answer(subject, &place, None, Ask::Read, "https");
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

/// What pages can do; the rest is about names, and is told with the configuration.
const SHOWN: [Permission; 5] = [
    Permission::Read,
    Permission::ReadWithCookies,
    Permission::Backend,
    Permission::Write,
    Permission::Socket,
];

fn is_shown(subject: &Subject, place: &Place) -> bool {
    answer(subject, place, None, Ask::Read, "https")
        .permissions
        .contains(&Permission::Host)
}

fn answer(subject: &Subject, place: &Place, origin: Option<&str>, ask: Ask, scheme: &'static str) -> Answer {
    let question = Question {
        ask,
        origin: origin.map(str::to_owned),
        host: place.host.clone(),
        scheme,
        path: place.path.clone(),
    };
    Answer::of(subject.policy(), &question)
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
            rows: rows(subject, universe, by, place),
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

/// Who may do what at a place.
fn rows(subject: &Subject, universe: &Universe, by: Option<usize>, place: &Place) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |who: String, key: String, permissions: BTreeSet<Permission>| match rows
        .iter_mut()
        .find(|it| it.permissions == permissions)
    {
        Some(row) => row.whom.push((who, key)),
        None => rows.push(Row {
            whom: vec![(who, key)],
            permissions,
        }),
    };
    let is_checked = |permission: &Permission| {
        subject.policy().is_some_and(|it| {
            let rules = it.rules_of(by);
            match permission {
                Permission::Write => rules.csrf.is_some(),
                Permission::Socket => rules.websocket.is_some(),
                Permission::Backend => rules.cors.is_some(),
                _ => true,
            }
        })
    };
    let may = |place: &Place, origin: Option<&str>| {
        let mut all = may(subject, place, origin);
        all.retain(is_checked);
        all
    };
    let lists = subject.lists(by);
    for entry in subject.entries.iter().filter(|it| lists.contains(&it.list)) {
        let Some(pattern) = Pattern::of(entry) else { continue };
        let own = Origin::parse(entry.text.as_bytes())
            .is_ok()
            .then_some(entry.text.as_str());
        if let Some(origin) = own.or_else(|| shortest(universe, place, &pattern)) {
            add(
                format!("`{}`", entry.text),
                entry.path.clone(),
                may(place, Some(origin)),
            );
        }
    }
    let own_host = place.host.as_ref().map(|host| format!("https://{host}"));
    let listed = |origin: &str| {
        let origin = Origin::parse(origin.as_bytes());
        origin.is_ok_and(|it| {
            subject
                .entries
                .iter()
                .filter(|entry| lists.contains(&entry.list))
                .any(|entry| Pattern::of(entry).is_some_and(|pattern| pattern.matches(&it)))
        })
    };
    if let Some(origin) = own_host.filter(|it| !listed(it)) {
        add(
            "a page of the host that it asks".to_owned(),
            String::new(),
            may(place, Some(&origin)),
        );
    }
    add("`null`".to_owned(), String::new(), may(place, Some("null")));
    add("requests without `Origin`".to_owned(), String::new(), may(place, None));
    let others = universe.origins.iter().flat_map(|it| &it.origins);
    let mut others = others.filter(|it| it.starts_with("https:") && host_of(it) != place.host);
    if let Some(origin) = others.find(|it| !listed(it)) {
        add("every other page".to_owned(), String::new(), may(place, Some(origin)));
    }
    rows
}

/// The shortest origin that an entry matches and that is not on the host that is asked.
fn shortest<'a>(universe: &'a Universe, place: &Place, pattern: &Pattern) -> Option<&'a str> {
    let origins = universe.origins.iter().flat_map(|it| &it.origins);
    let matched = origins.filter(|it| Origin::parse(it.as_bytes()).is_ok_and(|origin| pattern.matches(&origin)));
    let matched = matched.filter(|it| host_of(it) != place.host);
    // Of an open scheme, what most pages have.
    matched
        .min_by_key(|it| (!it.starts_with("https:"), it.len()))
        .map(String::as_str)
}

fn may(subject: &Subject, place: &Place, origin: Option<&str>) -> BTreeSet<Permission> {
    let asks = [Ask::Read, Ask::Socket, Ask::Write(Some("cross-site"))];
    // Programs that are no browsers say nothing of where they come from.
    let asks = asks.into_iter().map(|ask| match (origin, ask) {
        (None, Ask::Write(_)) => Ask::Write(None),
        (_, ask) => ask,
    });
    let all = asks.flat_map(|ask| answer(subject, place, origin, ask, "https").permissions);
    all.filter(|it| SHOWN.contains(it)).collect()
}
