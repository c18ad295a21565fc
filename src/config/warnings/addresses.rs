//! Entries that are no name: the visitor's own machine, and addresses that are somebody else's on another network.

use std::net::{IpAddr, Ipv4Addr};

use super::super::diagnostic::Diagnostics;
use super::super::value::Value;
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;
use policy::address::{parse_v4, parse_v6};
use policy::host::Host;
use policy::origin::Origin;
use policy::pattern::OriginRegex;

pub(super) fn warn(all_rules: &[WrittenRules<'_>], diagnostics: &mut Diagnostics) {
    for rules in all_rules {
        let lists = [("", "allowed_origins"), ("csrf", "trusted_origins")];
        for (section, key) in lists {
            let list = match section {
                "" => rules.own(key),
                _ => rules.own(section).and_then(|_| rules.get(section, key)),
            };
            warn_of(list, &rules.path_of(section, key), host_of, origin_code, diagnostics);
        }
        for (index, regex) in items(rules.own("allowed_origin_regexes")) {
            if takes_loopback(regex) {
                let path = format!("{}[{index}]", rules.path_of("", "allowed_origin_regexes"));
                super::warn(
                    diagnostics,
                    &path,
                    Some(&Value::from(regex)),
                    DiagnosticCode::OriginLoopback,
                    "",
                );
            }
        }
        let hosts = rules.own("allowed_hosts").filter(|_| are_for_sockets(all_rules, rules));
        warn_of(
            hosts,
            &rules.path_of("", "allowed_hosts"),
            |it| Some(it),
            host_code,
            diagnostics,
        );
    }
}

/// Hosts under a top-level name, where anybody has one.
pub(super) fn warn_of_top_level(all_rules: &[WrittenRules<'_>], diagnostics: &mut Diagnostics) {
    for rules in all_rules {
        let more = match are_for_sockets(all_rules, rules) {
            true => "; until then any page under it may open a WebSocket here",
            false => "",
        };
        for (index, text) in items(rules.own("allowed_hosts")) {
            let domain = text.strip_prefix('.').filter(|it| !it.contains('.'));
            if domain.is_some_and(|it| !it.eq_ignore_ascii_case("localhost")) {
                let path = format!("{}[{index}]", rules.path_of("", "allowed_hosts"));
                super::warn(
                    diagnostics,
                    &path,
                    Some(&Value::from(text)),
                    DiagnosticCode::HostSingleLabel,
                    more,
                );
            }
        }
    }
}

/// Whether a page on one of these `allowed_hosts` may open a WebSocket.
fn are_for_sockets(all_rules: &[WrittenRules<'_>], owner: &WrittenRules<'_>) -> bool {
    let mut users = all_rules.iter().filter(|it| it.uses(owner, "allowed_hosts"));
    users.any(WrittenRules::opens_to_hosts)
}

/// What is wrong with a host in an origin, if it is the visitor's own machine or an address.
#[cfg(not(target_os = "wasi"))]
pub fn code_of_host(host: &str) -> Option<DiagnosticCode> {
    place(host).and_then(origin_code)
}

fn items(list: Option<&Value>) -> impl Iterator<Item = (usize, &str)> {
    let items = list.map_or(&[][..], Value::as_list).iter().enumerate();
    items.filter_map(|(index, value)| Some((index, value.as_text()?)))
}

fn warn_of(
    list: Option<&Value>,
    path: &str,
    host: fn(&str) -> Option<&str>,
    code: fn(Place) -> Option<DiagnosticCode>,
    diagnostics: &mut Diagnostics,
) {
    for (index, text) in items(list) {
        // Lists are long, and most entries have no port.
        if is_name(text) {
            continue;
        }
        if let Some(code) = host(text).and_then(place).and_then(code) {
            let path = format!("{path}[{index}]");
            super::warn(diagnostics, &path, Some(&Value::from(text)), code, "");
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

fn origin_code(place: Place) -> Option<DiagnosticCode> {
    Some(match place {
        Place::Loopback => DiagnosticCode::OriginLoopback,
        Place::Network => DiagnosticCode::OriginNetwork,
        Place::Public => DiagnosticCode::OriginAddress,
    })
}

/// A loopback entry counts only where the request is for a loopback host too: nobody else is let in.
fn host_code(place: Place) -> Option<DiagnosticCode> {
    match place {
        Place::Loopback => None,
        Place::Network | Place::Public => Some(DiagnosticCode::HostAddress),
    }
}

/// Returns the host of an entry for web pages, without the label that has a wildcard.
pub(super) fn host_of(entry: &str) -> Option<&str> {
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

/// Most names end like no address, and like no `localhost`.
fn is_name(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_alphabetic() && !matches!(last, 't' | 'T'))
}

fn place(host: &str) -> Option<Place> {
    if is_name(host) {
        return None;
    }
    let host = host.strip_prefix('.').unwrap_or(host).to_ascii_lowercase();
    let address = match host.strip_prefix('[') {
        Some(rest) => parse_v6(rest.strip_suffix(']')?.as_bytes()).map(IpAddr::V6),
        None => parse_v4(host.as_bytes()).map(IpAddr::V4),
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
