//! The validators of Channels.

use serde_json::{Map, Value};

use super::answer::Answer;

/// Writes into the policy who may open WebSockets, as far as it can be said, and returns what should be known of the rest.
pub(crate) fn apply(answer: &Answer, policy: &mut Map<String, Value>) -> Vec<String> {
    let Some(found) = answer.sockets() else {
        return Vec::new();
    };
    let application = found.get("application").and_then(Value::as_str).unwrap_or_default();
    let mut notes = Vec::new();
    if found.get("is_known") != Some(&true.into()) {
        notes.push(format!(
            "left out: what `{application}` checks of WebSockets could not be followed; keep it, and compare it with `websocket`"
        ));
    }
    let validators: Vec<_> = found
        .get("validators")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(Validator::of)
        .collect();
    if found.get("unguarded") == Some(&true.into()) {
        notes.push(format!(
            "note: `{application}` lets pages of any origin open some of its WebSockets; here its own host and \
             `allowed_origins` may"
        ));
    }
    for validator in &validators {
        notes.extend(validator.notes(policy));
    }
    notes.extend(write(&validators, policy));
    notes
}

/// Writes the section of these validators.
fn write(validators: &[Validator<'_>], policy: &mut Map<String, Value>) -> Option<String> {
    let (mut websocket, mut note) = (Map::new(), None);
    // Channels refuses who shows no origin, unless it lets everybody in.
    if !validators.is_empty()
        && validators
            .iter()
            .all(|it| it.kind != Kind::OwnCode && !it.origins.contains(&"*"))
    {
        websocket.insert("missing_origin".to_owned(), "reject".into());
    }
    if !validators.is_empty() && validators.iter().all(|it| it.kind == Kind::AllowedHosts) {
        websocket.insert("allowed_hosts".to_owned(), true.into());
    } else if validators
        .iter()
        .any(|it| it.kind == Kind::List && !it.admits_every_host(policy))
    {
        websocket.insert("same_host".to_owned(), false.into());
        note = Some(
            "note: `websocket.same_host` is off, since the application's validator does not list every host of ALLOWED_HOSTS"
                .to_owned(),
        );
    }
    if !websocket.is_empty() {
        policy.insert("websocket".to_owned(), websocket.into());
    }
    note
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    AllowedHosts,
    List,
    OwnCode,
}

struct Validator<'a> {
    class: &'a str,
    kind: Kind,
    origins: Vec<&'a str>,
}

impl<'a> Validator<'a> {
    fn of(entry: &'a Value) -> Self {
        let is = |key: &str| entry.get(key) == Some(&true.into());
        let origins = entry.get("origins").and_then(Value::as_array).into_iter().flatten();
        let kind = match () {
            () if is("is_own_code") => Kind::OwnCode,
            () if is("is_allowed_hosts") => Kind::AllowedHosts,
            () => Kind::List,
        };
        let class = entry.get("class").and_then(Value::as_str).unwrap_or_default();
        Self {
            // It is a function that makes the class with the list.
            class: if kind == Kind::AllowedHosts {
                "AllowedHostsOriginValidator"
            } else {
                class
            },
            kind,
            origins: origins.filter_map(Value::as_str).collect(),
        }
    }

    fn notes(&self, policy: &Map<String, Value>) -> Vec<String> {
        if self.kind == Kind::OwnCode {
            return vec![format!(
                "left out: `{}` decides on WebSockets by code of its own; keep it, and compare it with `websocket`",
                self.class
            )];
        }
        let listed = texts(policy, "allowed_origins");
        let mut notes = Vec::new();
        let mut more: Vec<_> = listed.iter().copied().filter(|it| !self.admits(it)).collect();
        if !self.origins.contains(&"*") {
            more.extend(texts(policy, "allowed_origin_regexes"));
        }
        if !more.is_empty() {
            notes.push(format!(
                "note: {}: one list serves CORS and WebSockets, so that pages of these may open them here, also those that `{}` in \
                 the application refuses: keep it",
                more.join(", "),
                self.class
            ));
        }
        if self.kind == Kind::List {
            let left: Vec<_> = self
                .origins
                .iter()
                .copied()
                .filter(|it| *it != "*" && !listed.contains(it))
                .collect();
            if !left.is_empty() {
                notes.push(format!(
                    "left out: {}: `{}` lets pages of these open WebSockets; in `allowed_origins` they could read answers too",
                    left.join(", "),
                    self.class
                ));
            }
        }
        notes
    }

    fn admits_every_host(&self, policy: &Map<String, Value>) -> bool {
        let hosts = texts(policy, "allowed_hosts");
        self.origins.contains(&"*") || (!hosts.is_empty() && hosts.iter().all(|it| self.origins.contains(it)))
    }

    /// Whether Channels' rules admit an origin: by its host, or by scheme, host and port where an entry has a scheme.
    fn admits(&self, origin: &str) -> bool {
        let (scheme, rest) = origin.split_once("://").unwrap_or(("", origin));
        let (host, port) = split_port(rest);
        self.origins.iter().any(|entry| match entry.split_once("://") {
            _ if *entry == "*" => true,
            None => covers(entry, host),
            Some((other, rest)) => {
                let (pattern, its_port) = split_port(rest);
                let port_of = |port: Option<&str>| {
                    port.map_or(if scheme == "https" { "443" } else { "80" }.to_owned(), str::to_owned)
                };
                other == scheme && covers(pattern, host) && port_of(its_port) == port_of(port)
            }
        })
    }
}

fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

/// Django's `is_same_domain`.
fn covers(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix('.') {
        Some(domain) => host == domain || host.ends_with(&pattern),
        None => host == pattern,
    }
}

fn texts<'p>(policy: &'p Map<String, Value>, key: &str) -> Vec<&'p str> {
    let items = policy.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}
