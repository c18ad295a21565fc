//! What a policy meant in 0.1 and does not mean in 0.2, for `origin-gate check`. Remove this file with 0.3.
//!
//! These are no warnings: a policy that is right under 0.2 has some too.

use super::Environment;
use super::convert::{remark, written};
use super::grants::{Http, Restriction, insecure_trust, partial_entries};
use super::value::Value;
use super::warnings::WrittenRules;

/// Names each entry of a policy whose meaning changed in 0.2.
#[must_use]
pub fn changes(configuration: &[u8], environment: &Environment, http: &Http<'_>) -> Vec<String> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let all_rules = WrittenRules::all(&root, &settings);
    let mut changes = Vec::new();
    for rules in &all_rules {
        origins(&all_rules, rules, http, &mut changes);
        trusted(rules, &mut changes);
        sockets(rules, &mut changes);
        paths(rules, &mut changes);
        let forwarded = rules
            .own("hosts")
            .and_then(|_| rules.get("hosts", "forwarded_host")?.as_text());
        if let Some(word) = forwarded.filter(|it| *it != "ignore" && rules.mode("hosts").is_some()) {
            changes.push(Change {
                path: rules.path_of("hosts", "forwarded_host"),
                value: Some(word),
                what: "it now covers `host=` of `Forwarded`, and names with `_` for `-`".to_owned(),
            });
        }
    }
    let changes = changes.iter();
    changes
        .map(|it| remark(&settings, &it.path, it.value, &format!("changed in 0.2: {}", it.what)))
        .collect()
}

struct Change<'n> {
    path: String,
    value: Option<&'n str>,
    what: String,
}

/// What entries granted beside reading.
fn origins<'n>(
    all_rules: &[WrittenRules<'n>],
    rules: &WrittenRules<'n>,
    http: &Http<'_>,
    changes: &mut Vec<Change<'n>>,
) {
    if !rules.gives("allowed_origins") && !rules.path.is_empty() {
        return;
    }
    let uses = |check: &str| {
        all_rules
            .iter()
            .any(|it| it.uses(rules, "allowed_origins") && it.mode(check).is_some())
    };
    let granted = match (uses("websocket"), uses("csrf")) {
        (true, true) => "WebSockets and writes",
        (true, false) => "WebSockets",
        (false, true) => "writes",
        (false, false) => return,
    };
    for it in partial_entries(rules, http) {
        let keep = match it.restriction {
            Restriction::Open => "list the origins, or set `dangerously_allow_any_origin_with_credentials` to keep it",
            Restriction::TopLevel => "list the origins to keep it",
            Restriction::Insecure => INSECURE,
        };
        let now = match it.restriction {
            Restriction::Insecure => "only on requests of `http`",
            Restriction::Open | Restriction::TopLevel => "no longer",
        };
        let whom = match (it.key, it.restriction) {
            ("allowed_origin_regexes", Restriction::Insecure) => "to origins of `http` ",
            _ => "",
        };
        changes.push(Change {
            path: format!("{}[{}]", rules.path_of("", it.key), it.index),
            value: Some(it.text),
            what: format!("{whom}it granted {granted} too, and does {now}; {keep}"),
        });
    }
    const NULL: &str = "dangerously_allow_null_origin";
    if rules.path.is_empty() && rules.flag("", NULL, false) {
        let what = format!("it granted {granted} too, and does no longer");
        changes.push(Change {
            path: NULL.to_owned(),
            value: None,
            what,
        });
    }
}

const INSECURE: &str = "set `dangerously_allow_insecure_origins` to keep it";

/// What origins to trust granted.
fn trusted<'n>(rules: &WrittenRules<'n>, changes: &mut Vec<Change<'n>>) {
    changes.extend(insecure_trust(rules).map(|(index, text)| Change {
        path: format!("{}[{index}]", rules.path_of("csrf", "trusted_origins")),
        value: Some(text),
        what: format!("it granted writes, and does only on requests of `http`; {INSECURE}"),
    }));
}

/// Who else may open a WebSocket.
fn sockets(rules: &WrittenRules<'_>, changes: &mut Vec<Change<'_>>) {
    if rules.mode("websocket").is_none() {
        return;
    }
    let is_own = rules.path.is_empty() || rules.gives("websocket") || rules.gives("allowed_hosts");
    if is_own && rules.names_hosts() {
        let what = match rules.get("websocket", "allowed_hosts") {
            Some(Value::Bool(false)) => None,
            None if !rules.django_hosts => Some(
                "it was `true`, and is `false` unless it is written; write `true` if pages of one of `allowed_hosts` \
                 open WebSockets on another",
            ),
            _ => Some(
                "the page's port must be its scheme's default or the request's, and no page of `http` counts for `https`",
            ),
        };
        if let Some(what) = what {
            let path = rules.place_of("websocket", "allowed_hosts");
            changes.push(Change {
                path,
                value: None,
                what: what.to_owned(),
            });
        }
    }
    if rules.gives("websocket") && rules.get("websocket", "same_host") == Some(&Value::Bool(true)) {
        let path = rules.path_of("websocket", "same_host");
        let what = "no page of `http` counts for a request of `https`, and only `http` and `https` pages count";
        changes.push(Change {
            path,
            value: None,
            what: what.to_owned(),
        });
    }
}

/// Which paths belong to an entry of `policies`, and which are exempt.
fn paths(rules: &WrittenRules<'_>, changes: &mut Vec<Change<'_>>) {
    if rules.matched("path_prefixes").next().is_some() {
        changes.push(Change {
            path: format!("{}.path_prefixes", rules.path_of("match", "")),
            value: None,
            what: "this entry is also asked of paths that a backend may take for these: `/a` for `/a/`, `/a.json` for \
                   `/a`, `/%40a` for `/@a`"
                .to_owned(),
        });
    }
    for section in ["hosts", "csrf"] {
        let is_below = |it: &str| it.ends_with('/');
        if rules.gives(section) && rules.mode(section).is_some() && rules.list(section, "exempt_paths").any(is_below) {
            changes.push(Change {
                path: rules.path_of(section, "exempt_paths"),
                value: None,
                what: "a path that some backend may read as one outside is no longer exempt".to_owned(),
            });
        }
    }
}
