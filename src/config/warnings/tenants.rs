//! `websocket.allowed_hosts` while `policies` are for different hosts: the page of one may open a WebSocket on another.

use super::super::note::Report;
use super::hidden::covers;
use super::scope::Scope;
use crate::policy::Policy;
use crate::policy::problem::Problem;
use crate::policy::set::HostSet;

pub fn warn(scopes: &[Scope<'_>], policy: &Policy, report: &mut Report) {
    let tenants: Vec<_> = policy.scoped.iter().filter_map(|it| it.hosts.as_ref()).collect();
    let mut places = Vec::new();
    for (at, scope) in scopes.iter().enumerate().filter(|(_, it)| it.opens_to_hosts()) {
        let place = if scope.gives("websocket") {
            scope
        } else {
            scopes.first().unwrap_or(scope)
        };
        let Some((page, host)) = joined(at, scopes, policy, &tenants).filter(|_| !places.contains(&&place.path)) else {
            continue;
        };
        places.push(&place.path);
        let pair =
            format!(": a page of `{page}` may open a WebSocket on `{host}`; give each entry its own `allowed_hosts`");
        let path = place.path_of("websocket", "allowed_hosts");
        super::warn(report, &path, None, Problem::TenantSockets, &pair);
    }
}

/// Returns two hosts that `policies` keep apart, where pages of the first may open WebSockets on the second.
fn joined<'n>(at: usize, scopes: &[Scope<'n>], policy: &Policy, tenants: &[&HostSet]) -> Option<(&'n str, &'n str)> {
    let own = at.checked_sub(1).and_then(|at| policy.scoped.get(at));
    let rules = own.map_or(&policy.rules, |it| &it.rules);
    let allowed = rules.allowed_hosts.as_ref()?;
    let matched = scopes
        .iter()
        .flat_map(|it| it.matched("hosts"))
        .filter(|it| *it != "*" && covers(allowed, it));
    let listed = scopes.get(at)?.list("", "allowed_hosts").filter(|it| *it != "*");
    let hosts: Vec<_> = listed.chain(matched).collect();
    let is_asked_here = |host: &str| match own.map(|it| &it.hosts) {
        Some(hosts) => hosts.as_ref().is_none_or(|own| covers(own, host)),
        // An entry for the whole of a host leaves nothing of it to the rules outside `policies`.
        None => !policy
            .scoped
            .iter()
            .any(|it| it.paths.is_empty() && it.hosts.as_ref().is_some_and(|hosts| covers(hosts, host))),
    };
    let served: Vec<_> = hosts.iter().copied().filter(|it| is_asked_here(it)).collect();
    tenants.iter().find_map(|tenant| {
        let of = |hosts: &[&'n str], is_own: bool| hosts.iter().copied().find(|it| covers(tenant, it) == is_own);
        let joins = |is_own: bool| Some((of(&hosts, !is_own)?, of(&served, is_own)?));
        joins(true).or_else(|| joins(false))
    })
}
