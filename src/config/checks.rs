//! The sections `hosts`, `websocket` and `csrf`, and the hosts that they share.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::object_reader::{ObjectReader, parse_all};
use super::origins::OriginList;
use policy::check::{Csrf, ForwardedHost, Hosts, MissingOrigin, Mode, WebSocket};
use policy::path::PathPattern;
use policy::pattern::HostPattern;

/// Where keys stand: at the top or in an entry of `policies` itself, and in each of [`SECTIONS`].
pub(crate) const PLACES: [&str; 5] = ["", "cors", "websocket", "hosts", "csrf"];

/// The sections of the checks, in the order in which warnings name them.
pub const SECTIONS: [&str; 4] = {
    let [_, sections @ ..] = PLACES;
    sections
};

/// Reads `allowed_hosts`; `None` if the key is absent.
pub(crate) fn read_allowed_hosts(
    section: &mut ObjectReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<HostPattern>> {
    const KEY: &str = "allowed_hosts";
    let items = section.list(KEY, diagnostics)?;
    if section.has_empty_list(KEY) {
        diagnostics.error(Diagnostic::at(&section.path_of(KEY), DiagnosticCode::EmptyHosts));
    }
    if let Some(any) = items.iter().find(|item| item.text == "*").filter(|_| items.len() > 1) {
        diagnostics.warn(Diagnostic::on(&any.path(), "*", DiagnosticCode::AnyAmongHosts));
    }
    Some(parse_all(&items, HostPattern::parse, diagnostics))
}

/// Reads `hosts`; `None` if it is off.
pub(crate) fn read_hosts(mut section: ObjectReader<'_>, diagnostics: &mut Diagnostics) -> Option<Hosts> {
    let mode = read_mode(&mut section, Some(Mode::Enforce), diagnostics);
    let reject_status = section.choice(
        "reject_status",
        &[421, 400, 403, 404].map(|it: u16| (it, it)),
        421,
        diagnostics,
    );
    let exempt_paths = read_paths(&mut section, diagnostics);
    let forwarded_host = section.choice(
        "forwarded_host",
        &[
            ("ignore", ForwardedHost::Ignore),
            ("check", ForwardedHost::Check),
            ("strip", ForwardedHost::Strip),
        ],
        ForwardedHost::Ignore,
        diagnostics,
    );
    section.finish(diagnostics);
    Some(Hosts {
        mode: mode?,
        reject_status,
        exempt_paths,
        forwarded_host,
    })
}

/// The `websocket` section as it was written.
#[derive(Clone, Copy)]
pub(crate) struct WrittenWebSocket {
    mode: Mode,
    same_host: bool,
    /// `None` if the key is absent.
    allowed_hosts: Option<bool>,
    missing_origin: MissingOrigin,
}

impl WrittenWebSocket {
    /// `same_host`.
    pub(crate) fn same_host(self) -> bool {
        self.same_host
    }

    /// The section, where the key `allowed_hosts` has this default.
    pub(crate) fn with_default(self, allowed_hosts: bool) -> WebSocket {
        WebSocket {
            mode: self.mode,
            same_host: self.same_host,
            allowed_hosts: self.allowed_hosts.unwrap_or(allowed_hosts),
            missing_origin: self.missing_origin,
        }
    }
}

/// Reads `websocket`; `None` if it is off.
pub(crate) fn read_websocket(mut section: ObjectReader<'_>, diagnostics: &mut Diagnostics) -> Option<WrittenWebSocket> {
    let mode = read_mode(&mut section, Some(Mode::Enforce), diagnostics);
    let same_host = section.bool("same_host", true, diagnostics);
    let is_written = section.has("allowed_hosts");
    let allowed_hosts = section.bool("allowed_hosts", false, diagnostics);
    let missing_origin = read_missing_origin(&mut section, diagnostics);
    section.finish(diagnostics);
    Some(WrittenWebSocket {
        mode: mode?,
        same_host,
        allowed_hosts: is_written.then_some(allowed_hosts),
        missing_origin,
    })
}

/// Reads `csrf`; `None` if it is off, as it is unless the section is there.
pub(crate) fn read_csrf(mut section: ObjectReader<'_>, is_given: bool, diagnostics: &mut Diagnostics) -> Option<Csrf> {
    let mode = read_mode(&mut section, is_given.then_some(Mode::Enforce), diagnostics);
    let mut trusted = OriginList::read(&mut section, "trusted_origins", diagnostics);
    if let Some(any) = trusted.any() {
        diagnostics.error(Diagnostic::on(&any.path(), "*", DiagnosticCode::AnyTrusted));
    }
    for (item, parts) in trusted.entries() {
        if parts.covers_single_label() {
            diagnostics.error(Diagnostic::on(
                &item.path(),
                item.text,
                DiagnosticCode::OriginSingleLabel,
            ));
        }
        if parts.is_socket() {
            diagnostics.warn(Diagnostic::on(&item.path(), item.text, DiagnosticCode::OriginSocket));
        }
    }
    trusted.warn_of_redundant(false, diagnostics);
    let trusted = trusted.set;
    let exempt_paths = read_paths(&mut section, diagnostics);
    let missing_origin = read_missing_origin(&mut section, diagnostics);
    section.finish(diagnostics);
    Some(Csrf {
        mode: mode?,
        trusted,
        exempt_paths,
        missing_origin,
    })
}

/// Reads a `mode`; `None` is off.
pub(crate) fn read_mode(
    section: &mut ObjectReader<'_>,
    default: Option<Mode>,
    diagnostics: &mut Diagnostics,
) -> Option<Mode> {
    let modes = [
        ("enforce", Some(Mode::Enforce)),
        ("report_only", Some(Mode::ReportOnly)),
        ("off", None),
    ];
    section.choice("mode", &modes, default, diagnostics)
}

fn read_missing_origin(section: &mut ObjectReader<'_>, diagnostics: &mut Diagnostics) -> MissingOrigin {
    let choices = [("allow", MissingOrigin::Allow), ("reject", MissingOrigin::Reject)];
    section.choice("missing_origin", &choices, MissingOrigin::Allow, diagnostics)
}

fn read_paths(section: &mut ObjectReader<'_>, diagnostics: &mut Diagnostics) -> Vec<PathPattern> {
    let items = section.list("exempt_paths", diagnostics).unwrap_or_default();
    parse_all(&items, PathPattern::parse, diagnostics)
}
