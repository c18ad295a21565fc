//! Routers as entries of `policies`, in the order in which Traefik asks them.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use super::headers;
use super::rule::{Alternative, alternatives};
use super::sources::{Fields, Sources};
use crate::imported::cors_off;

/// One alternative of a router.
struct Entry<'a> {
    router: &'a str,
    matched: Alternative,
    sections: Map<String, Value>,
}

pub(super) fn policy(sources: &Sources, notes: &mut Vec<String>) -> Result<Value, String> {
    let mut routers: Vec<_> = sources
        .routers
        .iter()
        .filter(|(_, it)| it.contains_key("rule"))
        .collect();
    if routers.is_empty() {
        return Err(
            "there is no router with a rule in it: give the labels, the dynamic file or the IngressRoute too"
                .to_owned(),
        );
    }
    routers.sort_by_key(|(_, router)| Reverse(priority(router)));
    let mut entries = Vec::new();
    for (name, router) in routers {
        let sections = sections(sources, name, router, notes)?;
        let rule = router.get("rule").and_then(|it| it.first()).map_or("", String::as_str);
        let read = alternatives(rule).ok_or_else(|| format!("{name}: the rule `{rule}` cannot be read"))?;
        entries.extend(read.into_iter().map(|matched| Entry {
            router: name,
            matched,
            sections: sections.clone(),
        }));
    }
    if entries.iter().all(|it| it.sections == cors_off()) {
        return Err("no router has a middleware `headers` with CORS".to_owned());
    }
    let mut policy = Map::new();
    add_hosts(&entries, &mut policy, notes);
    let is_plain = |it: &Entry<'_>| it.matched.prefixes.is_none() && it.matched.other.is_none();
    match entries.as_slice() {
        [first, rest @ ..] if entries.iter().any(is_plain) && rest.iter().all(|it| it.sections == first.sections) => {
            policy.extend(first.sections.clone());
        }
        entries => _ = policy.insert("policies".to_owned(), policies(entries, notes)?.into()),
    }
    Ok(policy.into())
}

/// `allowed_hosts`, unless a router is for all.
fn add_hosts(entries: &[Entry<'_>], policy: &mut Map<String, Value>, notes: &mut Vec<String>) {
    if let Some(entry) = entries.iter().find(|it| it.matched.hosts.is_none()) {
        notes.push(format!(
            "{}: left out: it is for all hosts, so no host is refused",
            entry.router
        ));
        return;
    }
    let mut hosts: Vec<_> = entries
        .iter()
        .flat_map(|it| it.matched.hosts.iter().flatten())
        .collect();
    hosts.sort();
    hosts.dedup();
    policy.insert("allowed_hosts".to_owned(), json!(hosts));
}

/// Without one, the length of the rule.
fn priority(router: &Fields) -> i64 {
    let first = |key: &str| router.get(key).and_then(|it| it.first());
    let written = first("priority").and_then(|it| it.parse().ok()).filter(|it| *it != 0);
    let length = first("rule").map_or(0, String::len);
    written.unwrap_or_else(|| i64::try_from(length).unwrap_or(i64::MAX))
}

fn sections(
    sources: &Sources,
    name: &str,
    router: &Fields,
    notes: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    let mut found = Vec::new();
    collect(sources, name, router.get("middlewares"), &mut found, 0)?;
    match found.as_slice() {
        [] => Ok(cors_off()),
        [(own, middleware)] => Ok(headers::sections(middleware, &mut |text| {
            let note = format!("{own}: {text}");
            if !notes.contains(&note) {
                notes.push(note);
            }
        })),
        _ => Err(format!("{name}: several of its middlewares are about CORS: keep one")),
    }
}

/// The middlewares about CORS of a router, chains followed.
fn collect<'a>(
    sources: &'a Sources,
    router: &str,
    names: Option<&Vec<String>>,
    found: &mut Vec<(String, &'a Fields)>,
    depth: usize,
) -> Result<(), String> {
    for name in names.into_iter().flatten().filter(|it| !it.is_empty()) {
        let own = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
        let Some(middleware) = sources.middlewares.get(&own) else {
            return Err(format!(
                "{router}: its middleware `{name}` is not in these files: give it too"
            ));
        };
        if headers::is_about_cors(middleware) {
            found.push((own, middleware));
        } else if depth < 8 {
            collect(
                sources,
                router,
                middleware.get("chain.middlewares"),
                found,
                depth.saturating_add(1),
            )?;
        }
    }
    Ok(())
}

fn policies(entries: &[Entry<'_>], notes: &mut Vec<String>) -> Result<Vec<Value>, String> {
    let mut policies = Vec::new();
    let mut rest = entries;
    while let Some((entry, later)) = rest.split_first() {
        rest = later;
        let others = || {
            later
                .iter()
                .filter(|it| overlap(&it.matched, &entry.matched) && it.sections != entry.sections)
        };
        if let Some(other) = &entry.matched.other {
            if others().next().is_some() {
                return Err(format!(
                    "{}: `{other}` of its rule cannot be said here, and other routers of these hosts have other rules",
                    entry.router
                ));
            }
            notes.push(format!("{}: `{other}` of its rule does not count here", entry.router));
        }
        for prefix in entry.matched.prefixes.iter().flatten().filter(|it| !it.ends_with('/')) {
            if others().any(|it| it.sections != cors_off()) {
                return Err(format!(
                    "{}: Traefik takes `{prefix}x` for below `{prefix}`, and what other routers then have cannot be said here: end the \
                     prefix with `/`",
                    entry.router
                ));
            }
            notes.push(format!("{}: `{prefix}x` is not below `{prefix}` here", entry.router));
        }
        let mut matched = Map::new();
        let all = ["/".to_owned()];
        if let Some(hosts) = &entry.matched.hosts {
            matched.insert("hosts".to_owned(), json!(hosts));
        }
        match &entry.matched.prefixes {
            Some(prefixes) => _ = matched.insert("path_prefixes".to_owned(), json!(prefixes)),
            None if entry.matched.hosts.is_none() => _ = matched.insert("path_prefixes".to_owned(), json!(all)),
            None => {}
        }
        let mut written = Map::new();
        written.insert("name".to_owned(), entry.router.into());
        written.insert("match".to_owned(), matched.into());
        written.extend(entry.sections.clone());
        policies.push(written.into());
    }
    Ok(policies)
}

/// Whether some host is of both.
fn overlap(one: &Alternative, other: &Alternative) -> bool {
    match (&one.hosts, &other.hosts) {
        (Some(one), Some(other)) => one.iter().any(|it| other.contains(it)),
        _ => true,
    }
}
