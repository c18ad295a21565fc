//! `websocket.allowed_hosts` while `policies` are for different hosts: the page of one may open a WebSocket on another.

use super::super::diagnostic::Diagnostics;
use super::hidden::HostEntry;
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;
use policy::{Policy, Scoped};

pub(super) fn warn(all_rules: &[WrittenRules<'_>], policy: &Policy, diagnostics: &mut Diagnostics) {
    let matched: Vec<_> = all_rules
        .iter()
        .flat_map(|it| it.matched("hosts"))
        .filter(|it| *it != "*")
        .map(HostEntry::new)
        .collect();
    let mut places = Vec::new();
    for (at, rules) in all_rules.iter().enumerate().filter(|(_, it)| it.opens_to_hosts()) {
        let place = match rules.gives("websocket") {
            true => rules.path.as_str(),
            false => "",
        };
        if places.contains(&place) {
            continue;
        }
        if let Some((page, host)) = joined(at, rules, policy, &matched) {
            let pair = format!(
                ": a page of `{page}` may open a WebSocket on `{host}`; give each entry its own `allowed_hosts`"
            );
            let path = [
                place,
                if place.is_empty() { "" } else { "." },
                "websocket.allowed_hosts",
            ]
            .concat();
            super::warn(diagnostics, &path, None, DiagnosticCode::TenantSockets, &pair);
            places.push(place);
        }
    }
}

/// Returns two hosts that `policies` keep apart, where pages of the first may open WebSockets on the second.
fn joined<'n>(
    at: usize,
    written: &WrittenRules<'n>,
    policy: &Policy,
    matched: &[HostEntry<'n>],
) -> Option<(&'n str, &'n str)> {
    let own = at.checked_sub(1).and_then(|at| policy.scoped.get(at));
    let rules = own.map_or(&policy.rules, |it| &it.rules);
    let allowed = rules.allowed_hosts.as_ref()?;
    let listed: Vec<_> = written
        .list("", "allowed_hosts")
        .filter(|it| *it != "*")
        .map(HostEntry::new)
        .collect();
    let hosts: Vec<_> = listed
        .iter()
        .chain(matched.iter().filter(|it| it.are_in(allowed)))
        .collect();
    // An entry for the whole of a host leaves nothing of it to the rules outside `policies`.
    let is_left = |hosts: &HostEntry<'_>| {
        let takes = |it: &Scoped| it.paths.is_empty() && it.hosts.as_ref().is_some_and(|it| hosts.are_in(it));
        !policy.scoped.iter().any(takes)
    };
    let is_asked_here = |hosts: &HostEntry<'_>| match own {
        Some(own) => own.hosts.as_ref().is_none_or(|it| hosts.are_in(it)),
        None => is_left(hosts),
    };
    let served: Vec<_> = hosts.iter().copied().filter(|it| is_asked_here(it)).collect();
    policy
        .scoped
        .iter()
        .filter_map(|it| it.hosts.as_ref())
        .find_map(|tenant| {
            let of = |hosts: &[&HostEntry<'n>], is_own: bool| {
                hosts.iter().find(|it| it.are_in(tenant) == is_own).map(|it| it.text)
            };
            let joins = |is_own: bool| Some((of(&hosts, !is_own)?, of(&served, is_own)?));
            joins(true).or_else(|| joins(false))
        })
}
