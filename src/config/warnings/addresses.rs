//! Entries that are no name: the visitor's own machine, and addresses that are somebody else's on another network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::node::Node;
use super::super::note::Report;
use super::scope::Scope;
use crate::problem::Problem;
use policy::host::Host;
use policy::origin::Origin;
use policy::pattern::OriginRegex;

pub fn warn(scopes: &[Scope<'_>], report: &mut Report) {
    for scope in scopes {
        let lists = [("", "allowed_origins"), ("csrf", "trusted_origins")];
        for (section, key) in lists {
            let list = match section {
                "" => scope.own(key),
                _ => scope.own(section).and_then(|_| scope.get(section, key)),
            };
            warn_of(list, &scope.path_of(section, key), host_of, origin_problem, report);
        }
        for (index, regex) in items(scope.own("allowed_origin_regexes")) {
            if takes_loopback(regex) {
                let path = format!("{}[{index}]", scope.path_of("", "allowed_origin_regexes"));
                super::warn(report, &path, Some(&Node::from(regex)), Problem::OriginLoopback, "");
            }
        }
        let hosts = scope.own("allowed_hosts").filter(|_| are_for_sockets(scopes, scope));
        warn_of(
            hosts,
            &scope.path_of("", "allowed_hosts"),
            |it| Some(it),
            host_problem,
            report,
        );
    }
}

/// Hosts under a top-level name, where anybody has one.
pub fn warn_of_top_level(scopes: &[Scope<'_>], report: &mut Report) {
    for scope in scopes {
        let more = match are_for_sockets(scopes, scope) {
            true => "; until then any page under it may open a WebSocket here",
            false => "",
        };
        for (index, text) in items(scope.own("allowed_hosts")) {
            let domain = text.strip_prefix('.').filter(|it| !it.contains('.'));
            if domain.is_some_and(|it| !it.eq_ignore_ascii_case("localhost")) {
                let path = format!("{}[{index}]", scope.path_of("", "allowed_hosts"));
                super::warn(report, &path, Some(&Node::from(text)), Problem::HostSingleLabel, more);
            }
        }
    }
}

/// Whether a page on one of these `allowed_hosts` may open a WebSocket.
fn are_for_sockets(scopes: &[Scope<'_>], owner: &Scope<'_>) -> bool {
    let mut users = scopes.iter().filter(|it| it.uses(owner, "allowed_hosts"));
    users.any(Scope::opens_to_hosts)
}

/// What is wrong with a host in an origin, if it is the visitor's own machine or an address.
#[cfg(not(target_arch = "wasm32"))]
pub fn problem_of_host(host: &str) -> Option<Problem> {
    place(host).and_then(origin_problem)
}

fn items(list: Option<&Node>) -> impl Iterator<Item = (usize, &str)> {
    let items = list.map_or(&[][..], Node::as_list).iter().enumerate();
    items.filter_map(|(index, node)| Some((index, node.as_text()?)))
}

fn warn_of(
    list: Option<&Node>,
    path: &str,
    host: fn(&str) -> Option<&str>,
    problem: fn(Place) -> Option<Problem>,
    report: &mut Report,
) {
    for (index, text) in items(list) {
        if let Some(problem) = host(text).and_then(place).and_then(problem) {
            let path = format!("{path}[{index}]");
            super::warn(report, &path, Some(&Node::from(text)), problem, "");
        }
    }
}

/// Whose an address is.
#[derive(Clone, Copy)]
enum Place {
    /// The visitor's own machine.
    Loopback,
    /// A machine of the visitor's network.
    Network,
    /// A machine of the internet.
    Public,
}

fn origin_problem(place: Place) -> Option<Problem> {
    Some(match place {
        Place::Loopback => Problem::OriginLoopback,
        Place::Network => Problem::OriginNetwork,
        Place::Public => Problem::OriginAddress,
    })
}

/// A loopback entry counts only where the request is for a loopback host too: nobody else is let in.
fn host_problem(place: Place) -> Option<Problem> {
    match place {
        Place::Loopback => None,
        Place::Network | Place::Public => Some(Problem::HostAddress),
    }
}

/// Returns the host of an entry for web pages, without the label that has a wildcard.
pub fn host_of(entry: &str) -> Option<&str> {
    let rest = entry
        .strip_prefix("http://")
        .or_else(|| entry.strip_prefix("https://"))?;
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => rest,
    };
    match host.split_once('.') {
        Some((label, domain)) if label.contains('*') => Some(domain),
        _ => Some(host),
    }
}

fn place(host: &str) -> Option<Place> {
    let host = host.strip_prefix('.').unwrap_or(host).to_ascii_lowercase();
    let address = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    match address {
        _ if Host::parse(host.as_bytes()).is_ok_and(|it| it.is_own_machine()) => Some(Place::Loopback),
        None => None,
        Some(IpAddr::V4(it)) if is_of_network(it) => Some(Place::Network),
        Some(IpAddr::V6(it)) if it.is_unique_local() || it.is_unicast_link_local() => Some(Place::Network),
        Some(_) => Some(Place::Public),
    }
}

/// RFC 1918, RFC 3927 and RFC 6598.
fn is_of_network(address: Ipv4Addr) -> bool {
    let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_private() || address.is_link_local() || is_shared
}

/// Whether an expression matches origins of the visitor's own machine, and not just because it matches everything.
fn takes_loopback(regex: &str) -> bool {
    const LOOPBACK: [&[u8]; 8] = [
        b"http://localhost",
        b"http://localhost:3000",
        b"http://localhost:8080",
        b"https://localhost",
        b"https://localhost:3000",
        b"http://127.0.0.1",
        b"http://127.0.0.1:8080",
        b"http://[::1]:8080",
    ];
    OriginRegex::parse(regex).is_ok_and(|regex| {
        let matches = |it: &[u8]| Origin::parse(it).is_ok_and(|it| regex.matches(&it));
        LOOPBACK.iter().any(|it| matches(it))
            && !matches(b"http://origin-gate-probe.invalid")
            && !matches(b"https://origin-gate-probe.invalid")
    })
}
