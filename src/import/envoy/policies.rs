//! Virtual hosts as a policy.

use manifests::Node;
use serde_json::{Map, Value, json};

use super::cors::CorsPolicy;
use super::csrf::CsrfPolicy;
use super::routes::{Filters, Paths, Route, VirtualHost};
use crate::hosts::{in_order, pattern};
use crate::imported::cors_off;

/// Whether a policy is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    On,
    /// It only counts what it would do.
    Shadow,
    Off,
}

impl State {
    /// `filter_enabled` and `shadow_enabled`. A share of the requests cannot be said.
    pub(super) fn read(policy: &Node) -> Result<Self, String> {
        let share = |keys: [&str; 2]| policy.get_any(&keys).map(share).transpose();
        match share(["filter_enabled", "filterEnabled"])? {
            None | Some(true) => Ok(Self::On),
            Some(false) if share(["shadow_enabled", "shadowEnabled"])? == Some(true) => Ok(Self::Shadow),
            Some(false) => Ok(Self::Off),
        }
    }
}

/// `RuntimeFractionalPercent`: all or none.
fn share(percent: &Node) -> Result<bool, String> {
    let value = percent.get_any(&["default_value", "defaultValue"]);
    let numerator = value.and_then(|it| it.get("numerator"));
    let denominator = value.and_then(|it| it.text("denominator"));
    let whole: u64 = match denominator {
        Some("TEN_THOUSAND") => 10_000,
        Some("MILLION") => 1_000_000,
        _ => 100,
    };
    match numerator {
        None => Ok(false),
        Some(Node::Number(number)) if number.as_u64() == Some(0) => Ok(false),
        Some(Node::Number(number)) if number.as_u64().is_some_and(|it| it >= whole) => Ok(true),
        Some(_) => Err("it is in force for a share of the requests alone, which a policy cannot say".to_owned()),
    }
}

/// The sections of one route.
type Sections = Map<String, Value>;

pub(super) fn policy(
    hosts: &[VirtualHost<'_>],
    filters: &Filters<'_>,
    notes: &mut Vec<String>,
) -> Result<String, String> {
    let all = hosts
        .iter()
        .map(|host| rules(host, filters, notes))
        .collect::<Result<Vec<_>, _>>()?;
    if all.iter().flatten().all(|it| is_off(&it.1)) {
        return Err("no route has a policy of the filters cors or csrf".to_owned());
    }
    let owned: Vec<_> = hosts.iter().map(|host| names(host, notes)).collect();
    let mut policy = Map::new();
    let is_for_all = |host: &VirtualHost<'_>| host.domains.contains(&"*");
    match hosts.iter().find(|it| is_for_all(it)) {
        Some(host) => notes.push(format!(
            "{}: left out: it is for all hosts, so no host is refused",
            host.name
        )),
        None => {
            let mut names: Vec<_> = owned.iter().flatten().collect();
            names.sort();
            names.dedup();
            policy.insert("allowed_hosts".to_owned(), json!(names));
        }
    }
    if let [entries] = all.as_slice()
        && let [(None, sections)] = entries.as_slice()
    {
        policy.extend(sections.clone());
        return Ok(Value::from(policy).to_string());
    }
    policy.insert("policies".to_owned(), entries(hosts, &owned, &all).into());
    Ok(Value::from(policy).to_string())
}

/// The entries of all virtual hosts, in the order in which Envoy looks for them.
fn entries(hosts: &[VirtualHost<'_>], owned: &[Vec<String>], all: &[Vec<(Option<&str>, Sections)>]) -> Vec<Value> {
    let is_for_all = |host: &VirtualHost<'_>| host.domains.contains(&"*");
    let mut policies = Vec::new();
    let slices: Vec<_> = owned.iter().map(Vec::as_slice).collect();
    let ordered = in_order(&slices).into_iter().map(|(at, hosts)| (at, Some(hosts)));
    let for_all = hosts
        .iter()
        .enumerate()
        .filter(|(_, it)| is_for_all(it))
        .map(|(at, _)| (at, None));
    for (at, names) in ordered.chain(for_all) {
        let (Some(host), Some(entries)) = (hosts.get(at), all.get(at)) else {
            continue;
        };
        policies.extend(
            entries
                .iter()
                .map(|(prefix, sections)| entry(host.name, names.as_deref(), *prefix, sections)),
        );
    }
    policies
}

fn entry(name: &str, hosts: Option<&[String]>, prefix: Option<&str>, sections: &Sections) -> Value {
    let mut matched = Map::new();
    if let Some(hosts) = hosts {
        matched.insert("hosts".to_owned(), json!(hosts));
    }
    if prefix.is_some() || hosts.is_none() {
        matched.insert("path_prefixes".to_owned(), json!([prefix.unwrap_or("/")]));
    }
    let mut entry = Map::new();
    entry.insert("name".to_owned(), name.into());
    entry.insert("match".to_owned(), matched.into());
    entry.extend(sections.clone());
    entry.into()
}

/// The domains of a virtual host, `*` aside.
fn names(host: &VirtualHost<'_>, notes: &mut Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for domain in host.domains.iter().filter(|it| **it != "*") {
        // Ports do not count here.
        let name = match domain.rsplit_once(':') {
            Some((name, port)) if port == "*" || port.bytes().all(|it| it.is_ascii_digit()) && !port.is_empty() => name,
            _ => domain,
        };
        if name.ends_with('*') {
            notes.push(format!(
                "{}: left out: the domain `{domain}`: a host has no wildcard at its end here",
                host.name
            ));
            continue;
        }
        let own = pattern(name);
        if own != name {
            notes.push(format!(
                "{}: `{domain}` becomes `{own}`, which is the domain itself too",
                host.name
            ));
        }
        if !names.contains(&own) {
            names.push(own);
        }
    }
    names
}

/// The sections of the routes of a virtual host, each with its prefix; `None` is for what is left.
fn rules<'a>(
    host: &VirtualHost<'a>,
    filters: &Filters<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<(Option<&'a str>, Sections)>, String> {
    let mut routes = Vec::new();
    for route in &host.routes {
        routes.push((route, sections(host, route, filters, notes)?));
    }
    let mut entries = Vec::new();
    let mut rest = routes.as_slice();
    while let Some(((route, sections), later)) = rest.split_first() {
        if later.iter().all(|(_, it)| it == sections) {
            entries.push((None, sections.clone()));
            return Ok(entries);
        }
        match route.paths {
            Paths::All => {
                entries.push((None, sections.clone()));
                return Ok(entries);
            }
            Paths::Below(prefix) => entries.push((Some(prefix), sections.clone())),
            // What begins so within a segment falls to the later routes, of which none lets anybody in.
            Paths::Beginning(prefix) if later.iter().all(|(_, it)| is_off(it)) => {
                notes.push(format!(
                    "{}: {}: the prefix `{prefix}` ends at a segment here: `{prefix}/x` is below it, `{prefix}x` is not",
                    host.name, route.name
                ));
                entries.push((Some(prefix), sections.clone()));
            }
            Paths::Beginning(prefix) => {
                return Err(unsaid(
                    host,
                    route,
                    &format!("its prefix `{prefix}` ends within a segment; write `path_separated_prefix`"),
                ));
            }
            Paths::Other(why) => return Err(unsaid(host, route, why)),
        }
        rest = later;
    }
    Ok(entries)
}

fn unsaid(host: &VirtualHost<'_>, route: &Route<'_>, why: &str) -> String {
    format!(
        "{}: {}: its policies differ from those of later routes, and its paths cannot be said here: {why}",
        host.name, route.name
    )
}

fn sections(
    host: &VirtualHost<'_>,
    route: &Route<'_>,
    filters: &Filters<'_>,
    notes: &mut Vec<String>,
) -> Result<Sections, String> {
    let mut left_out = Vec::new();
    let mut note = |text: String| left_out.push(format!("{}: {text}", host.name));
    let wrong = |why: String| format!("{}: {}: {why}", host.name, route.name);
    let csrf = match route.policies.csrf.first().or(filters.csrf.first()) {
        Some(policy) => CsrfPolicy::read(policy, &mut note).map_err(wrong)?,
        None => None,
    };
    let mut cors = CorsPolicy::read(&route.policies.cors, &mut note).map_err(wrong)?;
    if let (Some(cors), Some(csrf)) = (&mut cors, &csrf) {
        leave_readers_out(cors, csrf, &host.domains, &mut note);
    }
    let mut sections = cors.as_ref().map_or_else(cors_off, CorsPolicy::sections);
    if let Some(csrf) = csrf {
        sections.insert("csrf".to_owned(), csrf.section());
    }
    // Many routes of a host have one policy.
    for note in left_out {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(sections)
}

/// Where writes are checked, an origin that may read may write here. Those that may only read there are left out.
fn leave_readers_out(cors: &mut CorsPolicy, csrf: &CsrfPolicy, domains: &[&str], note: &mut dyn FnMut(String)) {
    let mut leave = |origin: &String, may_write: bool| {
        if !may_write {
            note(format!(
                "left out: `{origin}`: it may read there and not write; an entry of allowed_origins lets both, where `csrf` is on"
            ));
        }
        may_write
    };
    // `*` grants reading alone.
    cors.origins
        .exact
        .retain(|it| leave(it, it == "*" || csrf.lets_write(it, domains)));
    cors.origins.expressions.retain(|it| leave(it, false));
}

fn is_off(sections: &Sections) -> bool {
    *sections == cors_off()
}
