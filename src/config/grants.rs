//! What an entry grants that names no site: reading alone, because a WebSocket and a write carry cookies.
//!
//! For `origin-gate check`. These are no warnings: `*` is how a public API is written down.

use super::Environment;
use super::carry::{remark, written};
use super::warnings::Scope;
use policy::pattern::{OriginPattern, OriginRegex};
use policy::verdict::Mode;

/// Why an entry grants less than another would.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It names no site, and grants reading alone.
    Open,
    /// It covers a top-level domain, and grants reading alone, whatever else is set.
    TopLevel,
    /// Its pages come over plain HTTP, and grant only reading on requests of `https`.
    Insecure,
}

/// An entry that grants less than another would.
pub struct Partial<'n> {
    /// `allowed_origins` or `allowed_origin_regexes`.
    pub key: &'static str,
    pub index: usize,
    pub text: &'n str,
    pub kind: Kind,
}

/// Says what holds for the pages of each entry that grants less than another would.
#[must_use]
pub fn grants(configuration: &[u8], environment: &Environment<'_>) -> Vec<String> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let scopes = Scope::all(&root, &settings);
    let Some(outer) = scopes.first() else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    let inherited: Vec<_> = partial_entries(outer).collect();
    for scope in &scopes {
        let own: Vec<_> = match scope.gives("allowed_origins") && !scope.path.is_empty() {
            true => partial_entries(scope).collect(),
            false => Vec::new(),
        };
        // What an entry of `policies` inherits is said again where something else holds there.
        let is_new = |kind| scope.path.is_empty() || said(outer, kind) != said(scope, kind);
        let uses_outer = scope.path.is_empty() || !scope.gives("allowed_origins");
        let inherited = inherited.iter().filter(|it| uses_outer && is_new(it.kind));
        for it in own.iter().chain(inherited) {
            let path = format!("{}[{}]", scope.place_of("", it.key), it.index);
            remarks.push(remark(&settings, &path, Some(it.text), &said(scope, it.kind)));
        }
        const NULL: &str = "dangerously_allow_null_origin";
        if scope.flag("", NULL, false)
            && (scope.path.is_empty() || said(outer, Kind::TopLevel) != said(scope, Kind::TopLevel))
        {
            let says = format!("`null` {}", said(scope, Kind::TopLevel));
            remarks.push(remark(&settings, &scope.place_of("", NULL), None, &says));
        }
    }
    remarks
}

/// Returns the entries in force that grant less than another would.
pub fn partial_entries<'n>(scope: &Scope<'n>) -> impl Iterator<Item = Partial<'n>> {
    let is_open = !scope.trusts_any();
    let is_insecure = !scope.flag("", "dangerously_allow_insecure_origins", false);
    let of = move |text: &str| match OriginPattern::parse(text).ok()? {
        OriginPattern::Any => Some(Kind::Open).filter(|_| is_open),
        pattern if pattern.covers_single_label() => Some(Kind::TopLevel),
        pattern if pattern.is_insecure() && is_insecure => Some(Kind::Insecure),
        _ => None,
    };
    let partial = |key, (index, text, kind)| Partial { key, index, text, kind };
    let entries = scope.list("", "allowed_origins").enumerate();
    let entries = entries.filter_map(move |(index, text)| Some((index, text, of(text)?)));
    let regexes = scope.list("", "allowed_origin_regexes").enumerate();
    let regexes = regexes.filter(move |(_, text)| is_open && OriginRegex::parse(text).is_ok_and(|it| it.is_open()));
    entries
        .map(move |it| partial("allowed_origins", it))
        .chain(regexes.map(move |(index, text)| partial("allowed_origin_regexes", (index, text, Kind::Open))))
}

/// Says what the pages of an entry may do under a scope's modes.
fn said(scope: &Scope<'_>, kind: Kind) -> String {
    let read = match scope.mode("cors") {
        Some(Mode::Enforce) if scope.flag("cors", "allow_credentials", false) => "may read, with cookies",
        Some(Mode::Enforce) => "may read",
        Some(Mode::ReportOnly) => "may read what the backend lets it: `cors` is in `report_only`",
        None => "may read what the backend lets it: `cors` is off",
    };
    let sockets = match (scope.mode("websocket"), kind) {
        (Some(Mode::Enforce), Kind::Insecure) => "may open WebSockets on requests of `http` alone",
        (Some(Mode::Enforce), _) => "may not open WebSockets",
        (Some(Mode::ReportOnly), _) => "may open WebSockets: `websocket` is in `report_only`",
        (None, _) => "may open WebSockets: `websocket` is off",
    };
    let writes = match (scope.mode("csrf"), kind) {
        (Some(Mode::Enforce), Kind::Insecure) => "may write with requests of `http` alone",
        (Some(Mode::Enforce), _) => "may not write",
        (Some(Mode::ReportOnly), _) => "may write: `csrf` is in `report_only`",
        (None, _) => "writes are not checked: `csrf` is off",
    };
    [read, sockets, writes].join("; ")
}
