//! Keys without effect, in one table: which key, when it has an effect, and what stands in its way.
//!
//! A key outside `policies` is inherited, so it counts as idle only if it is for every set of rules that uses it.

use super::super::checks::PLACES;
use super::super::diagnostic::Diagnostics;
use super::super::django::Settings;
use super::super::value::Value;
use super::keys::KEYS;
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;
use policy::Scope;
use policy::path::PathPrefix;

struct Row {
    section: &'static str,
    keys: &'static [&'static str],
    /// Whether a value asks for something.
    asks: fn(&Value) -> bool,
    /// Whether it gets that under these rules.
    works: fn(&WrittenRules<'_>) -> bool,
    code: DiagnosticCode,
    /// What stands in its way, where the code's text does not say it.
    why: &'static str,
}

const OFF: &str = " while `mode` is `off`";
const NO_HOSTS: &str = " without `allowed_hosts`, so that every host is let through";
const NO_READER: &str = " while `cors`, `websocket` and `csrf` are `off`";

/// Of the rows for a key, the first that applies says why.
const ROWS: [Row; 20] = [
    all_of("cors", |it| it.mode("cors").is_some()),
    all_of("websocket", |it| it.mode("websocket").is_some()),
    all_of("hosts", |it| it.mode("hosts").is_some()),
    all_of("csrf", |it| it.mode("csrf").is_some()),
    Row {
        code: DiagnosticCode::PrivateNetworkAny,
        ..row("cors", &["allow_private_network"], |it| !it.allows_any(), "")
    },
    Row {
        code: DiagnosticCode::PrivateNetwork,
        ..row("cors", &["allow_private_network"], |_| false, "")
    },
    row(
        "cors",
        &[
            "allow_credentials",
            "allow_methods",
            "allow_headers",
            "expose_headers",
            "max_age",
            "presets",
        ],
        |it| lists_origins(it) || it.flag("", "dangerously_allow_null_origin", false),
        " without `allowed_origins`, so that no page may read anything",
    ),
    row(
        "websocket",
        &["allowed_hosts"],
        |it| it.names_hosts(),
        " without names in `allowed_hosts`; `*` does not count",
    ),
    Row {
        code: DiagnosticCode::ExemptFromNothing,
        ..row("hosts", &["exempt_paths"], checks_hosts, "")
    },
    Row {
        asks: |it| it.as_text() == Some("check"),
        code: DiagnosticCode::ForwardedUnchecked,
        ..row("hosts", &["forwarded_host"], checks_hosts, "")
    },
    Row {
        asks: |it| it.as_text() == Some("check"),
        code: DiagnosticCode::ForwardedUnchecked,
        ..row(
            "hosts",
            &["forwarded_host"],
            |it| !it.list("", "allowed_hosts").any(|it| it == "*"),
            " but `*`",
        )
    },
    Row {
        asks: |it| it.as_text() == Some("strip"),
        ..row(
            "hosts",
            &["forwarded_host"],
            |it| it.enforces("hosts"),
            " while `mode` is `report_only`",
        )
    },
    row("hosts", &["reject_status"], checks_hosts, NO_HOSTS),
    Row {
        asks: |it| it.as_text() != Some("off"),
        ..row(
            "hosts",
            &["mode"],
            |it| checks_hosts(it) || it.says("hosts", "forwarded_host", "strip"),
            NO_HOSTS,
        )
    },
    row(
        "",
        &["allowed_origins", "allowed_origin_regexes"],
        reads_origins,
        NO_READER,
    ),
    Row {
        asks: |it| it.as_list().iter().any(|it| it.as_text() == Some("*")),
        ..row(
            "",
            &["allowed_origins"],
            |it| it.mode("cors").is_some() || it.trusts_any(),
            " while `cors` is `off`: `*` grants reading alone",
        )
    },
    row(
        "",
        &["allowed_hosts"],
        |it| {
            let is_for_sockets = it.flag("websocket", "same_host", true) || it.opens_to_hosts();
            it.mode("hosts").is_some() || it.mode("websocket").is_some() && is_for_sockets
        },
        " while `hosts` is `off` and `websocket` does not use it",
    ),
    row(
        "",
        &["dangerously_allow_null_origin"],
        |it| it.mode("cors").is_some(),
        " while `cors` is `off`: `null` may never do more than read",
    ),
    row(
        "",
        &["dangerously_allow_any_origin_with_credentials"],
        |it| reads_origins(it) && (it.allows_any() || lists_regexes(it)),
        " without `*` or an expression; remove it",
    ),
    row(
        "",
        &["dangerously_allow_insecure_origins"],
        |it| it.mode("websocket").is_some() || it.mode("csrf").is_some() || lists_origins(it),
        " while `websocket` and `csrf` are `off` and no origin is listed",
    ),
];

const fn row(
    section: &'static str,
    keys: &'static [&'static str],
    works: fn(&WrittenRules<'_>) -> bool,
    why: &'static str,
) -> Row {
    Row {
        section,
        keys,
        asks: |it| *it != Value::Bool(false),
        works,
        code: DiagnosticCode::KeyIdle,
        why,
    }
}

/// All keys of a section but its mode.
const fn all_of(section: &'static str, works: fn(&WrittenRules<'_>) -> bool) -> Row {
    Row {
        asks: |_| true,
        ..row(section, &[], works, OFF)
    }
}

fn checks_hosts(rules: &WrittenRules<'_>) -> bool {
    rules.get("", "allowed_hosts").is_some()
}

fn lists_regexes(rules: &WrittenRules<'_>) -> bool {
    rules.list("", "allowed_origin_regexes").next().is_some()
}

fn lists_origins(rules: &WrittenRules<'_>) -> bool {
    lists_regexes(rules) || rules.list("", "allowed_origins").next().is_some()
}

fn reads_origins(rules: &WrittenRules<'_>) -> bool {
    ["cors", "websocket", "csrf"].iter().any(|it| rules.mode(it).is_some())
}

pub(super) fn warn(all_rules: &[WrittenRules<'_>], settings: &Settings, diagnostics: &mut Diagnostics) {
    for rules in all_rules {
        for section in PLACES {
            let written = match section {
                "" => rules.keys(),
                _ => rules.own(section).map_or(&[][..], Value::as_object),
            };
            for (key, value) in written {
                let path = rules.path_of(section, key);
                // Origins that Django's settings bring here are for Django's own check.
                if let Some(row) = idle(all_rules, rules, section, key, value)
                    .filter(|_| section != "csrf" || settings.of(&path).is_none())
                {
                    let value = Some(value).filter(|it| !matches!(it, Value::List(_)));
                    super::warn(diagnostics, &path, value.map(|it| it as _), row.code, row.why);
                }
            }
        }
        warn_of_exempt_elsewhere(rules, diagnostics);
    }
}

/// Returns the first row by which a key has no effect.
fn idle(
    all_rules: &[WrittenRules<'_>],
    rules: &WrittenRules<'_>,
    section: &str,
    key: &str,
    value: &Value,
) -> Option<&'static Row> {
    let default = KEYS.iter().find(|it| it.section == section && it.name == key);
    if default.is_some_and(|it| it.default.is(value)) {
        return None;
    }
    let owner = if section.is_empty() { key } else { section };
    ROWS.iter().find(|row| {
        let is_for = match row.keys {
            [] => default.is_some(),
            keys => keys.contains(&key),
        };
        row.section == section
            && is_for
            && (row.asks)(value)
            && all_rules
                .iter()
                .filter(|it| it.uses(rules, owner))
                .all(|it| !(row.works)(it))
    })
}

/// An exemption in an entry of `policies` that is for other paths.
fn warn_of_exempt_elsewhere(rules: &WrittenRules<'_>, diagnostics: &mut Diagnostics) {
    let prefixes: Vec<_> = rules.matched("path_prefixes").collect();
    for section in ["hosts", "csrf"] {
        let written = rules.own(section).map_or(&[][..], Value::as_object);
        let paths = written.iter().find(|(key, _)| key == "exempt_paths");
        let paths = paths.map_or(&[][..], |(_, value)| value.as_list()).iter().enumerate();
        for (index, value) in paths.filter(|_| !prefixes.is_empty() && rules.mode(section).is_some()) {
            let path = value.as_text().unwrap_or_default();
            if !prefixes.iter().any(|prefix| meets(path, prefix)) {
                let place = format!("{}[{index}]", rules.path_of(section, "exempt_paths"));
                super::warn(diagnostics, &place, Some(value), DiagnosticCode::ExemptElsewhere, "");
            }
        }
    }
}

/// Whether some path of an exemption is asked of a prefix, however it is read.
pub(super) fn meets(exempt: &str, prefix: &str) -> bool {
    let is_asked = |prefix: &str, path: &str| {
        PathPrefix::parse(prefix).is_ok_and(|it| it.scope(path.as_bytes()) != Scope::Outside)
    };
    is_asked(prefix, exempt) || exempt.ends_with('/') && is_asked(exempt, prefix)
}

/// Whether every plain path of one prefix begins with another.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}
