//! The configuration as it was written, from the point of view of one set of rules.

use super::super::django::Settings;
use super::super::rules::keeps_django_hosts;
use super::super::value::Value;
use policy::check::Mode;

type Object = [(String, Value)];

/// The keys outside `policies`, or one entry of `policies` with what it inherits.
#[derive(Clone)]
pub(crate) struct WrittenRules<'n> {
    /// Empty for the keys outside `policies`, else `policies[0]` and so on.
    pub path: String,
    own: &'n Object,
    outer: Option<&'n Object>,
    /// The default of `websocket.allowed_hosts`: Django Channels' meaning, where Django's own list of hosts is in force.
    pub django_hosts: bool,
}

fn find<'n>(object: &'n Object, key: &str) -> Option<&'n Value> {
    object.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Both lists of origins count as one key: an entry of `policies` that gives either inherits neither.
fn is_same_key(key: &str, name: &str) -> bool {
    key == name || key.starts_with("allowed_origin") && name.starts_with("allowed_origin")
}

impl<'n> WrittenRules<'n> {
    /// Returns the root's scope and then one for each entry of `policies`.
    pub(crate) fn all(root: &'n Object, settings: &Settings) -> Vec<Self> {
        let django_hosts = settings.used.contains(&"ALLOWED_HOSTS");
        let mut all_rules = vec![Self {
            path: String::new(),
            own: root,
            outer: None,
            django_hosts,
        }];
        if let Some(Value::List(entries)) = find(root, "policies") {
            for (index, entry) in entries.iter().enumerate() {
                let own = entry.as_object();
                let gives_hosts = find(own, "allowed_hosts").is_some();
                all_rules.push(Self {
                    path: format!("policies[{index}]"),
                    own,
                    outer: Some(root),
                    django_hosts: keeps_django_hosts(django_hosts, gives_hosts),
                });
            }
        }
        all_rules
    }

    /// Returns what the scope itself gives under a key.
    pub(crate) fn own(&self, key: &str) -> Option<&'n Value> {
        find(self.own, key)
    }

    /// Returns everything that the scope itself gives.
    pub(crate) fn keys(&self) -> &'n Object {
        self.own
    }

    /// Whether an entry of `policies` says anything but its name and for what it is.
    pub(crate) fn gives_rules(&self) -> bool {
        self.own
            .iter()
            .any(|(key, _)| !matches!(key.as_str(), "name" | "match"))
    }

    /// Returns the strings under a key of the entry's `match`.
    pub(crate) fn matched(&self, key: &str) -> impl Iterator<Item = &'n str> + use<'n> {
        let list = self.own("match").and_then(|it| find(it.as_object(), key));
        list.map_or(&[][..], Value::as_list).iter().filter_map(Value::as_text)
    }

    /// Whether the scope itself gives a key, so that it inherits nothing under it.
    pub(crate) fn gives(&self, key: &str) -> bool {
        self.own.iter().any(|(name, _)| is_same_key(key, name))
    }

    /// Whether rules that are written in `other` under a key are these rules'.
    pub(crate) fn uses(&self, other: &Self, key: &str) -> bool {
        self.path == other.path || other.outer.is_none() && !self.gives(key)
    }

    /// Returns what is in force under a key outside the sections.
    fn top(&self, key: &str) -> Option<&'n Value> {
        match self.outer {
            Some(outer) if !self.gives(key) || key.starts_with("dangerously_") => find(outer, key),
            _ => self.own(key),
        }
    }

    /// Returns what is in force under a key of a section, if it is written; an empty section is for keys outside them.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&'n Value> {
        match section {
            "" => self.top(key),
            _ => find(self.top(section)?.as_object(), key),
        }
    }

    /// Returns the strings in force under a key.
    pub(crate) fn list(&self, section: &str, key: &str) -> impl Iterator<Item = &'n str> + use<'n> {
        self.get(section, key)
            .map_or(&[][..], Value::as_list)
            .iter()
            .filter_map(Value::as_text)
    }

    /// Returns the mode in force of a section; `None` is off.
    pub(crate) fn mode(&self, section: &str) -> Option<Mode> {
        match self.get(section, "mode").and_then(Value::as_text) {
            Some("off") => None,
            Some("report_only") => Some(Mode::ReportOnly),
            None if section == "csrf" && self.top(section).is_none() => None,
            _ => Some(Mode::Enforce),
        }
    }

    /// Whether a check refuses anything.
    pub(crate) fn enforces(&self, section: &str) -> bool {
        self.mode(section) == Some(Mode::Enforce)
    }

    /// Whether a key of a section has this word for its value.
    pub(crate) fn says(&self, section: &str, key: &str, word: &str) -> bool {
        self.get(section, key).and_then(Value::as_text) == Some(word)
    }

    /// Whether a switch is on.
    pub(crate) fn flag(&self, section: &str, key: &str, default: bool) -> bool {
        match self.get(section, key) {
            Some(Value::Bool(value)) => *value,
            _ => default,
        }
    }

    /// Whether `*` or an expression grants as much as an entry that names its sites.
    pub(crate) fn trusts_any(&self) -> bool {
        const KEY: &str = "dangerously_allow_any_origin_with_credentials";
        find(self.outer.unwrap_or(self.own), KEY) == Some(&Value::Bool(true))
    }

    /// Whether `*` is in `allowed_origins`, where it stands alone.
    pub(crate) fn allows_any(&self) -> bool {
        self.list("", "allowed_origins").next() == Some("*")
    }

    /// Whether `allowed_hosts` names anything.
    pub(crate) fn names_hosts(&self) -> bool {
        self.list("", "allowed_hosts").any(|it| it != "*")
    }

    /// Whether a page's host in `allowed_hosts` is enough to open a WebSocket.
    pub(crate) fn opens_to_hosts(&self) -> bool {
        self.mode("websocket").is_some()
            && self.names_hosts()
            && self.flag("websocket", "allowed_hosts", self.django_hosts)
    }

    /// Returns the path of a key that the scope gives.
    #[inline(never)]
    pub(crate) fn path_of(&self, section: &str, key: &str) -> String {
        let mut path = self.path.clone();
        for part in [section, key] {
            if !path.is_empty() && !part.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    /// Returns the path of a key in force: that of the key, or if it is inherited or absent, also of the scope.
    #[cfg(not(target_os = "wasi"))]
    pub(crate) fn place_of(&self, section: &str, key: &str) -> String {
        let owner = if section.is_empty() { key } else { section };
        match self.gives(owner) || self.path.is_empty() {
            true => self.path_of(section, key),
            false => {
                let outer = Self {
                    path: String::new(),
                    ..self.clone()
                };
                format!("{}: {}", self.path, outer.path_of(section, key))
            }
        }
    }
}
