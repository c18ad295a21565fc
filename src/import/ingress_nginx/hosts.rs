//! The hosts of Ingresses, and the order in which nginx looks for them: an exact name, then the longest wildcard.

use std::cmp::Reverse;

use yaml_rust2::Yaml;

/// The hosts of an Ingress's rules, with its `server-alias`; `None` where a rule has no host, so that it is for all.
pub(crate) fn read(rules: &Yaml, aliases: &str, note: &mut dyn FnMut(String)) -> Option<Vec<String>> {
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

/// A host of a rule as `allowed_hosts` has it.
pub(crate) fn pattern(host: &str) -> String {
    match host.strip_prefix("*.") {
        Some(domain) => format!(".{domain}"),
        None => host.to_owned(),
    }
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

/// Whose hosts come first, where the first match counts: all exact ones, then each domain before those around it.
pub(crate) fn in_order(owned: &[&[String]]) -> Vec<(usize, Vec<String>)> {
    let mut exact = Vec::new();
    let mut domains = Vec::new();
    for (at, hosts) in owned.iter().enumerate() {
        let (own_domains, own): (Vec<_>, Vec<_>) = hosts.iter().cloned().partition(|it| it.starts_with('.'));
        domains.extend(own_domains.into_iter().map(|it| (at, it)));
        if !own.is_empty() {
            exact.push((at, own));
        }
    }
    domains.sort_by_key(|(_, domain)| Reverse(domain.len()));
    // `.a.example` is `a.example` too, which `*.a.example` is not: it belongs to the domain around it.
    for (at, domain) in &domains {
        let apex = domain.trim_start_matches('.');
        let is_taken = exact.iter().any(|(_, hosts)| hosts.iter().any(|it| it == apex));
        let around = domains
            .iter()
            .find(|(_, it)| it != domain && domain.ends_with(it.as_str()));
        if let Some((owner, _)) = around.filter(|(owner, _)| owner != at && !is_taken) {
            match exact.iter_mut().find(|(it, _)| it == owner) {
                Some((_, hosts)) => hosts.push(apex.to_owned()),
                None => exact.push((*owner, vec![apex.to_owned()])),
            }
        }
    }
    let mut ordered: Vec<(usize, Vec<String>)> = exact;
    for (at, domain) in domains {
        match ordered
            .last_mut()
            .filter(|(last, hosts)| *last == at && hosts.iter().all(|it| it.starts_with('.')))
        {
            Some((_, hosts)) => hosts.push(domain),
            None => ordered.push((at, vec![domain])),
        }
    }
    ordered
}
