//! A section in an entry of `policies` replaces the whole outer section, so that a key which is stricter outside and not
//! written inside goes back to its default.

use super::super::node::Node;
use super::super::note::Report;
use super::super::presets::PRESETS;
use super::keys::{Default, KEYS, Key};
use super::scope::Scope;
use crate::problem::Problem;

pub fn warn(scopes: &[Scope<'_>], report: &mut Report) {
    let Some((root, entries)) = scopes.split_first() else {
        return;
    };
    for entry in entries {
        for section in ["cors", "websocket", "hosts", "csrf"] {
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
                super::warn(report, &path, None, Problem::SectionResets, &names);
            }
        }
    }
}

/// Whether the default of a key is laxer than what the outer section says.
fn is_laxer(key: &Key, root: &Scope<'_>, entry: &Scope<'_>) -> bool {
    let Some(outer) = root.get(key.section, key.name).filter(|_| key.is_lax) else {
        return false;
    };
    match (&key.default, outer) {
        (Default::Word(word), Node::String(it)) => it != word,
        (Default::Flag(flag), Node::Bool(false)) => *flag || entry.django_hosts,
        (Default::Count(count), Node::Number(it)) => *it < f64::from(*count),
        (Default::List(names), Node::List(_)) => {
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
