//! What a policy meant in 0.1 and does not mean in 0.2, for `origin-gate check`. Remove this file with 0.3.
//!
//! These are no warnings: a policy that is right under 0.2 has some too.

use super::Environment;
use super::carry::{remark, written};
use super::grants::{Http, Kind, insecure_trust, partial_entries};
use super::node::Node;
use super::warnings::Scope;

/// Names each entry of a policy whose meaning changed in 0.2.
#[must_use]
pub fn changes(configuration: &[u8], environment: &Environment<'_>, http: &Http<'_>) -> Vec<String> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let scopes = Scope::all(&root, &settings);
    let mut changes = Vec::new();
    for scope in &scopes {
        origins(&scopes, scope, http, &mut changes);
        trusted(scope, &mut changes);
        sockets(scope, &mut changes);
        paths(scope, &mut changes);
        let forwarded = scope
            .own("hosts")
            .and_then(|_| scope.get("hosts", "forwarded_host")?.as_text());
        if let Some(word) = forwarded.filter(|it| *it != "ignore" && scope.mode("hosts").is_some()) {
            changes.push(Change {
                path: scope.path_of("hosts", "forwarded_host"),
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
fn origins<'n>(scopes: &[Scope<'n>], scope: &Scope<'n>, http: &Http<'_>, changes: &mut Vec<Change<'n>>) {
    if !scope.gives("allowed_origins") && !scope.path.is_empty() {
        return;
    }
    let uses = |check: &str| {
        scopes
            .iter()
            .any(|it| it.uses(scope, "allowed_origins") && it.mode(check).is_some())
    };
    let granted = match (uses("websocket"), uses("csrf")) {
        (true, true) => "WebSockets and writes",
        (true, false) => "WebSockets",
        (false, true) => "writes",
        (false, false) => return,
    };
    for it in partial_entries(scope, http) {
        let keep = match it.kind {
            Kind::Open => "list the origins, or set `dangerously_allow_any_origin_with_credentials` to keep it",
            Kind::TopLevel => "list the origins to keep it",
            Kind::Insecure => INSECURE,
        };
        let now = match it.kind {
            Kind::Insecure => "only on requests of `http`",
            Kind::Open | Kind::TopLevel => "no longer",
        };
        let whom = match (it.key, it.kind) {
            ("allowed_origin_regexes", Kind::Insecure) => "to origins of `http` ",
            _ => "",
        };
        changes.push(Change {
            path: format!("{}[{}]", scope.path_of("", it.key), it.index),
            value: Some(it.text),
            what: format!("{whom}it granted {granted} too, and does {now}; {keep}"),
        });
    }
    const NULL: &str = "dangerously_allow_null_origin";
    if scope.path.is_empty() && scope.flag("", NULL, false) {
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
fn trusted<'n>(scope: &Scope<'n>, changes: &mut Vec<Change<'n>>) {
    changes.extend(insecure_trust(scope).map(|(index, text)| Change {
        path: format!("{}[{index}]", scope.path_of("csrf", "trusted_origins")),
        value: Some(text),
        what: format!("it granted writes, and does only on requests of `http`; {INSECURE}"),
    }));
}

/// Who else may open a WebSocket.
fn sockets(scope: &Scope<'_>, changes: &mut Vec<Change<'_>>) {
    if scope.mode("websocket").is_none() {
        return;
    }
    let is_own = scope.path.is_empty() || scope.gives("websocket") || scope.gives("allowed_hosts");
    if is_own && scope.names_hosts() {
        let what = match scope.get("websocket", "allowed_hosts") {
            Some(Node::Bool(false)) => None,
            None if !scope.django_hosts => Some(
                "it was `true`, and is `false` unless it is written; write `true` if pages of one of `allowed_hosts` \
                 open WebSockets on another",
            ),
            _ => Some(
                "the page's port must be its scheme's default or the request's, and no page of `http` counts for `https`",
            ),
        };
        if let Some(what) = what {
            let path = scope.place_of("websocket", "allowed_hosts");
            changes.push(Change {
                path,
                value: None,
                what: what.to_owned(),
            });
        }
    }
    if scope.gives("websocket") && scope.get("websocket", "same_host") == Some(&Node::Bool(true)) {
        let path = scope.path_of("websocket", "same_host");
        let what = "no page of `http` counts for a request of `https`, and only `http` and `https` pages count";
        changes.push(Change {
            path,
            value: None,
            what: what.to_owned(),
        });
    }
}

/// Which paths belong to an entry of `policies`, and which are exempt.
fn paths(scope: &Scope<'_>, changes: &mut Vec<Change<'_>>) {
    if scope.matched("path_prefixes").next().is_some() {
        changes.push(Change {
            path: format!("{}.path_prefixes", scope.path_of("match", "")),
            value: None,
            what: "this entry is also asked of paths that a backend may take for these: `/a` for `/a/`, `/a.json` for \
                   `/a`, `/%40a` for `/@a`"
                .to_owned(),
        });
    }
    for section in ["hosts", "csrf"] {
        let is_below = |it: &str| it.ends_with('/');
        if scope.gives(section) && scope.mode(section).is_some() && scope.list(section, "exempt_paths").any(is_below) {
            changes.push(Change {
                path: scope.path_of(section, "exempt_paths"),
                value: None,
                what: "a path that some backend may read as one outside is no longer exempt".to_owned(),
            });
        }
    }
}
