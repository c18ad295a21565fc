//! The sections `hosts`, `websocket` and `csrf`, and the hosts that they share.

use std::collections::BTreeSet;

use super::node::Node;
use super::note::{Note, Report};
use super::problem::Problem;
use super::section::{Section, parse_all, parse_each};
use policy::check::{Csrf, ForwardedHost, Hosts, MissingOrigin, Mode, WebSocket};
use policy::path::PathPattern;
use policy::pattern::{HostPattern, OriginPattern};

/// Reads `allowed_hosts`; `None` if the key is absent.
pub fn read_allowed_hosts(section: &mut Section<'_>, report: &mut Report) -> Option<Vec<HostPattern>> {
    const KEY: &str = "allowed_hosts";
    let items = section.list(KEY, report)?;
    if section.has_empty_list(KEY) {
        report.error(Note::at(&section.path_of(KEY), Problem::EmptyHosts));
    }
    if let Some(any) = items.iter().find(|item| item.text == "*").filter(|_| items.len() > 1) {
        report.warn(Note::on(&any.path(), "*", Problem::AnyAmongHosts));
    }
    Some(parse_all(&items, HostPattern::parse, report))
}

/// Reads `hosts`; `None` if it is off.
pub fn read_hosts(mut section: Section<'_>, report: &mut Report) -> Option<Hosts> {
    let mode = read_mode(&mut section, Some(Mode::Enforce), report);
    let reject_status = section.choice(
        "reject_status",
        &[421, 400, 403, 404].map(|it: u16| (it, it)),
        421,
        report,
    );
    let exempt_paths = read_paths(&mut section, report);
    let forwarded_host = section.choice(
        "forwarded_host",
        &[
            ("ignore", ForwardedHost::Ignore),
            ("check", ForwardedHost::Check),
            ("strip", ForwardedHost::Strip),
        ],
        ForwardedHost::Ignore,
        report,
    );
    section.finish(report);
    Some(Hosts {
        mode: mode?,
        reject_status,
        exempt_paths,
        forwarded_host,
    })
}

/// The `websocket` section as it was written.
#[derive(Clone, Copy)]
pub struct WrittenWebSocket {
    mode: Mode,
    same_host: bool,
    /// `None` if the key is absent.
    allowed_hosts: Option<bool>,
    missing_origin: MissingOrigin,
}

impl WrittenWebSocket {
    /// `same_host`.
    pub fn same_host(self) -> bool {
        self.same_host
    }

    /// The section, where the key `allowed_hosts` has this default.
    pub fn with_default(self, allowed_hosts: bool) -> WebSocket {
        WebSocket {
            mode: self.mode,
            same_host: self.same_host,
            allowed_hosts: self.allowed_hosts.unwrap_or(allowed_hosts),
            missing_origin: self.missing_origin,
        }
    }
}

/// Reads `websocket`; `None` if it is off.
pub fn read_websocket(mut section: Section<'_>, report: &mut Report) -> Option<WrittenWebSocket> {
    let mode = read_mode(&mut section, Some(Mode::Enforce), report);
    let same_host = section.bool("same_host", true, report);
    let is_written = section.has("allowed_hosts");
    let allowed_hosts = section.bool("allowed_hosts", false, report);
    let missing_origin = read_missing_origin(&mut section, report);
    section.finish(report);
    Some(WrittenWebSocket {
        mode: mode?,
        same_host,
        allowed_hosts: is_written.then_some(allowed_hosts),
        missing_origin,
    })
}

/// Reads `csrf`; `None` if it is off, as it is unless the section is there.
pub fn read_csrf(mut section: Section<'_>, is_given: bool, report: &mut Report) -> Option<Csrf> {
    let mode = read_mode(&mut section, is_given.then_some(Mode::Enforce), report);
    let trusted = section.list("trusted_origins", report).unwrap_or_default();
    if let Some(any) = trusted.iter().find(|item| item.text == "*") {
        report.error(Note::on(&any.path(), "*", Problem::AnyTrusted));
    }
    let trusted: Vec<_> = parse_each(&trusted, OriginPattern::parse, report).collect();
    let mut seen = BTreeSet::new();
    for (item, pattern) in &trusted {
        let value = || Node::from(item.text);
        if pattern.covers_single_label() {
            report.error(Note::on(&item.path(), value(), Problem::OriginSingleLabel));
        }
        if pattern.is_socket() {
            report.warn(Note::on(&item.path(), value(), Problem::OriginSocket));
        }
        if !seen.insert(pattern.clone()) {
            report.warn(Note::on(&item.path(), value(), Problem::Repeated));
        }
    }
    let trusted = trusted.into_iter().map(|(_, pattern)| pattern).collect();
    let exempt_paths = read_paths(&mut section, report);
    let missing_origin = read_missing_origin(&mut section, report);
    section.finish(report);
    Some(Csrf {
        mode: mode?,
        trusted,
        exempt_paths,
        missing_origin,
    })
}

/// Reads a `mode`; `None` is off.
pub fn read_mode(section: &mut Section<'_>, default: Option<Mode>, report: &mut Report) -> Option<Mode> {
    let modes = [
        ("enforce", Some(Mode::Enforce)),
        ("report_only", Some(Mode::ReportOnly)),
        ("off", None),
    ];
    section.choice("mode", &modes, default, report)
}

fn read_missing_origin(section: &mut Section<'_>, report: &mut Report) -> MissingOrigin {
    let choices = [("allow", MissingOrigin::Allow), ("reject", MissingOrigin::Reject)];
    section.choice("missing_origin", &choices, MissingOrigin::Allow, report)
}

fn read_paths(section: &mut Section<'_>, report: &mut Report) -> Vec<PathPattern> {
    let items = section.list("exempt_paths", report).unwrap_or_default();
    parse_all(&items, PathPattern::parse, report)
}
