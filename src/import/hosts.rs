//! Hosts of other programs' configurations, and the order in which those look for them: an exact name, then the longest
//! wildcard.

use std::cmp::Reverse;

/// A host as `allowed_hosts` has it.
pub(crate) fn pattern(host: &str) -> String {
    match host.strip_prefix("*.") {
        Some(domain) => format!(".{domain}"),
        None => host.to_owned(),
    }
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
