//! A section in an entry of `policies` replaces the whole outer section, so that a key which is stricter outside and not
//! written inside goes back to its default.

use super::super::checks::SECTIONS;
use super::super::diagnostic::Diagnostics;
use super::super::presets::PRESETS;
use super::super::value::Value;
use super::keys::{Default, KEYS, Key};
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;

pub(super) fn warn(all_rules: &[WrittenRules<'_>], diagnostics: &mut Diagnostics) {
    let Some((root, entries)) = all_rules.split_first() else {
        return;
    };
    for entry in entries {
        for section in SECTIONS {
            if !entry.gives(section) || entry.mode(section).is_none() {
                continue;
            }
            let mut reset = Vec::new();
            // The other checks only refuse more in `enforce`; this one grants.
            let is_watched = section == "cors" && entry.get(section, "mode").is_none() && !root.enforces(section);
            if is_watched {
                reset.push("mode");
            }
            let keys = KEYS
                .iter()
                .filter(|key| key.section == section && root.mode(section).is_some());
            let keys = keys.filter(|key| entry.get(section, key.name).is_none() && is_laxer(key, root, entry));
            reset.extend(keys.map(|key| key.name));
            if !reset.is_empty() {
                let names = format!(": `{}`", reset.join("`, `"));
                let path = entry.path_of(section, "");
                super::warn(diagnostics, &path, None, DiagnosticCode::SectionResets, &names);
            }
        }
    }
}

/// Whether the default of a key is laxer than what the outer section says.
fn is_laxer(key: &Key, root: &WrittenRules<'_>, entry: &WrittenRules<'_>) -> bool {
    let Some(outer) = root.get(key.section, key.name).filter(|_| key.is_lax) else {
        return false;
    };
    match (&key.default, outer) {
        (Default::Word(word), Value::String(it)) => it != word,
        (Default::Flag(flag), Value::Bool(false)) => *flag || entry.django_hosts,
        (Default::Count(count), Value::Number(it)) => *it < f64::from(*count),
        (Default::List(names), Value::List(_)) => {
            let presets = root.list("cors", "presets");
            let presets = presets.filter_map(|name| PRESETS.iter().find(|it| it.name == name));
            let presets = presets
                .filter(|_| key.name == "allow_headers")
                .flat_map(|it| it.allow)
                .copied();
            let listed: Vec<_> = root.list("cors", key.name).chain(presets).collect();
            !listed.contains(&"*")
                && !names
                    .iter()
                    .all(|name| listed.iter().any(|it| it.eq_ignore_ascii_case(name)))
        }
        _ => false,
    }
}
