//! The hosts of Ingresses.

use yaml_rust2::Yaml;

use crate::hosts::pattern;

/// The hosts of an Ingress's rules, with its `server-alias`; `None` where a rule has no host, so that it is for all.
pub(super) fn read(rules: &Yaml, aliases: &str, note: &mut dyn FnMut(String)) -> Option<Vec<String>> {
    let rules = rules.as_vec()?;
    let mut hosts = Vec::new();
    let mut is_for_all = false;
    for rule in rules {
        match rule["host"].as_str() {
            None | Some("") => is_for_all = true,
            Some(host) => hosts.push(noted(host, note)),
        }
    }
    for alias in aliases.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        // nginx takes what begins so for an expression.
        if alias.starts_with('~') {
            note(format!(
                "left out: server-alias `{alias}`: hosts are no expressions here"
            ));
        } else {
            hosts.push(noted(alias, note));
        }
    }
    let mut once = Vec::new();
    for host in hosts {
        if !once.contains(&host) {
            once.push(host);
        }
    }
    (!is_for_all).then_some(once)
}

fn noted(host: &str, note: &mut dyn FnMut(String)) -> String {
    let pattern = pattern(host);
    if pattern != host {
        note(format!(
            "`{host}` becomes `{pattern}`, which is the domain and every subdomain, not one label only"
        ));
    }
    pattern
}
