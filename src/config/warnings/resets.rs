//! A section in an entry of `policies` replaces the whole outer section, so that a key which is stricter outside and not
//! written inside goes back to its default.

use super::super::node::Node;
use super::super::note::{Note, Report};
use super::super::presets::PRESETS;
use super::keys::{Default, KEYS, Key};
use super::scope::Scope;
use crate::policy::problem::Problem;

pub fn warn(scopes: &[Scope<'_>], report: &mut Report) {
    let Some((root, entries)) = scopes.split_first() else {
        return;
    };
    for entry in entries {
        for section in ["cors", "websocket", "hosts", "csrf"] {
            let Some(own) = entry.own(section).map(Node::as_object) else {
                continue;
            };
            let mut reset: Vec<_> = KEYS
                .iter()
                .filter(|key| key.section == section && !own.iter().any(|(name, _)| name == key.name))
                .filter(|_| root.mode(section).is_some() && entry.mode(section).is_some())
                .filter_map(|key| change(key, root, entry))
                .collect();
            // The other checks only refuse more in `enforce`; this one grants.
            let outer = root
                .get("cors", "mode")
                .filter(|_| section == "cors" && entry.enforces("cors"));
            if let Some(outer) = outer.filter(|it| it.as_text() != Some("enforce"))
                && !own.iter().any(|(name, _)| name == "mode")
            {
                reset.push(format!("`mode` from `{outer}` to `enforce`"));
            }
            if !reset.is_empty() {
                let message = format!("{}: {}", Problem::SectionResets.text(), reset.join(", "));
                report.warn(Note::at(&entry.path_of(section, ""), (Problem::SectionResets, message)));
            }
        }
    }
}

/// Returns what becomes laxer, if an outer value is stricter than the default.
fn change(key: &Key, root: &Scope<'_>, entry: &Scope<'_>) -> Option<String> {
    let outer = root.get(key.section, key.name).filter(|_| key.is_lax)?;
    let name = key.name;
    match (&key.default, outer) {
        (Default::Word(word), Node::String(it)) if it != word => Some(format!("`{name}` from `{it}` to `{word}`")),
        (Default::Flag(flag), Node::Bool(false)) if *flag || entry.django_hosts => {
            Some(format!("`{name}` from `false` to `true`"))
        }
        (Default::Count(count), Node::Number(it)) if *it < f64::from(*count) => {
            Some(format!("`{name}` from `{outer}` to `{count}`"))
        }
        (Default::List(names), Node::List(_)) => {
            let presets = root.list("cors", "presets");
            let presets = presets.filter_map(|name| PRESETS.iter().find(|it| it.name == name));
            let presets: Vec<_> = presets
                .filter(|_| name == "allow_headers")
                .flat_map(|it| it.allow)
                .collect();
            let has = |added: &str| {
                let mut listed = root.list("cors", name).chain(presets.iter().map(|it| **it));
                listed.any(|it| it == "*" || it.eq_ignore_ascii_case(added))
            };
            let added: Vec<_> = names.iter().copied().filter(|it| !has(it)).collect();
            (!added.is_empty()).then(|| format!("`{name}` to its default, which adds `{}`", added.join("`, `")))
        }
        _ => None,
    }
}
