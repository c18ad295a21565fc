//! What an entry grants that names no site: reading alone, because a WebSocket and a write carry cookies.
//!
//! For `origin-gate check`. These are no warnings: `*` is how a public API is written down.

use super::Environment;
use super::carry::{remark, written};
use super::warnings::Scope;
use policy::check::Mode;
use policy::pattern::{OriginPattern, OriginRegex};

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

/// Which pages of `http` an expression matches, as the command's automata know: any, and those of the visitor's own
/// machine.
pub type Http<'a> = dyn Fn(&str) -> (bool, bool) + 'a;

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
pub fn grants(configuration: &[u8], environment: &Environment<'_>, http: &Http<'_>) -> Vec<String> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let scopes = Scope::all(&root, &settings);
    let Some(outer) = scopes.first() else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    for scope in &scopes {
        // What an entry of `policies` inherits is said again where something else holds there.
        let is_own = scope.path.is_empty() || scope.gives("allowed_origins");
        let is_new = |kind| is_own || said(outer, kind) != said(scope, kind);
        for it in partial_entries(scope, http).iter().filter(|it| is_new(it.kind)) {
            let path = format!("{}[{}]", scope.place_of("", it.key), it.index);
            remarks.push(remark(&settings, &path, Some(it.text), &it.said(scope)));
        }
        for (index, text) in insecure_trust(scope) {
            let path = format!("{}[{index}]", scope.path_of("csrf", "trusted_origins"));
            remarks.push(remark(&settings, &path, Some(text), writes(scope, Kind::Insecure)));
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
pub fn partial_entries<'n>(scope: &Scope<'n>, http: &Http<'_>) -> Vec<Partial<'n>> {
    let is_open = !scope.trusts_any();
    let is_insecure = !allows_insecure(scope);
    let of = |text: &str| match OriginPattern::parse(text).ok()? {
        OriginPattern::Any => Some(Kind::Open).filter(|_| is_open),
        pattern if pattern.covers_single_label() => Some(Kind::TopLevel),
        pattern if pattern.is_insecure() && is_insecure => Some(Kind::Insecure),
        _ => None,
    };
    let partial = |key, (index, text, kind)| Partial { key, index, text, kind };
    let entries = scope.list("", "allowed_origins").enumerate();
    let entries = entries.filter_map(|(index, text)| Some((index, text, of(text)?)));
    let mut partials: Vec<_> = entries.map(|it| partial("allowed_origins", it)).collect();
    let regexes = scope.list("", "allowed_origin_regexes").enumerate();
    let (open, closed): (Vec<_>, Vec<_>) =
        regexes.partition(|(_, text)| is_open && OriginRegex::parse(text).is_ok_and(|it| it.is_open()));
    let mut add = |(index, text), kind| partials.push(partial("allowed_origin_regexes", (index, text, kind)));
    open.into_iter().for_each(|it| add(it, Kind::Open));
    // Beside credentials an expression grants nothing to pages of `http` from other machines.
    let is_credentialed = scope.flag("cors", "allow_credentials", false);
    let grants_http = |text: &str| match http(text) {
        (_, loopback) if is_credentialed => loopback,
        (any, _) => any,
    };
    for it in closed.into_iter().filter(|(_, text)| is_insecure && grants_http(text)) {
        add(it, Kind::Insecure);
    }
    partials
}

/// Returns the origins of `csrf.trusted_origins` that this scope gives and whose pages come over plain HTTP. Unlike in
/// `allowed_origins`, those of the visitor's own machine are no exception.
pub fn insecure_trust<'n>(scope: &Scope<'n>) -> impl Iterator<Item = (usize, &'n str)> {
    let is_used = scope.gives("csrf") && scope.mode("csrf").is_some() && !allows_insecure(scope);
    let is_allowed = |text: &str| scope.list("", "allowed_origins").any(|it| it == text);
    let trusted = scope.list("csrf", "trusted_origins").enumerate();
    trusted.filter(move |(_, text)| {
        let is_loopback = || OriginPattern::parse(text).is_ok_and(|it| !it.is_insecure());
        is_used && text.starts_with("http://") && !(is_loopback() && is_allowed(text))
    })
}

fn allows_insecure(scope: &Scope<'_>) -> bool {
    scope.flag("", "dangerously_allow_insecure_origins", false)
}

impl Partial<'_> {
    /// Says what the pages of this entry may do under a scope's modes.
    fn said(&self, scope: &Scope<'_>) -> String {
        // An expression may be of others too.
        let is_credentialed = scope.flag("cors", "allow_credentials", false);
        let whose = match (self.key, self.kind) {
            ("allowed_origin_regexes", Kind::Insecure) if is_credentialed => {
                "its pages of `http` on the visitor's own machine "
            }
            ("allowed_origin_regexes", Kind::Insecure) => "its pages of `http` ",
            _ => "",
        };
        format!("{whose}{}", said(scope, self.kind))
    }
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
    [read, sockets, writes(scope, kind)].join("; ")
}

fn writes(scope: &Scope<'_>, kind: Kind) -> &'static str {
    match (scope.mode("csrf"), kind) {
        (Some(Mode::Enforce), Kind::Insecure) => "may write with requests of `http` alone",
        (Some(Mode::Enforce), _) => "may not write",
        (Some(Mode::ReportOnly), _) => "may write: `csrf` is in `report_only`",
        (None, _) => "writes are not checked: `csrf` is off",
    }
}
