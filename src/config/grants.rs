//! What an entry grants that names no site: reading alone, because a WebSocket and a write carry cookies.
//!
//! For `origin-gate check`. These are no warnings: `*` is how a public API is written down.

use super::Environment;
use super::convert::{remark, written};
use super::warnings::WrittenRules;
use policy::check::Mode;
use policy::pattern::{OriginPattern, OriginRegex};

/// Why an entry grants less than another would.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// It names no site, and grants reading alone.
    Open,
    /// It covers a top-level domain, and grants reading alone, whatever else is set.
    TopLevel,
    /// Its pages come over plain HTTP, and grant only reading on requests of `https`.
    Insecure,
}

/// Which pages of `http` an expression matches, as the command's automata know: any, and those of the visitor's own
/// machine.
pub(crate) type Http<'a> = dyn Fn(&str) -> (bool, bool) + 'a;

/// An entry that grants less than another would.
pub(crate) struct Partial<'n> {
    /// `allowed_origins` or `allowed_origin_regexes`.
    pub key: &'static str,
    pub index: usize,
    pub text: &'n str,
    pub restriction: Restriction,
}

/// Says what holds for the pages of each entry that grants less than another would.
#[must_use]
pub fn grants(configuration: &[u8], environment: &Environment, http: &Http<'_>) -> Vec<String> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let all_rules = WrittenRules::all(&root, &settings);
    let Some(outer) = all_rules.first() else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    for rules in &all_rules {
        // What an entry of `policies` inherits is said again where something else holds there.
        let is_own = rules.path.is_empty() || rules.gives("allowed_origins");
        let is_new = |restriction| is_own || describe(outer, restriction) != describe(rules, restriction);
        for it in partial_entries(rules, http).iter().filter(|it| is_new(it.restriction)) {
            let path = format!("{}[{}]", rules.place_of("", it.key), it.index);
            remarks.push(remark(&settings, &path, Some(it.text), &it.describe(rules)));
        }
        for (index, text) in insecure_trust(rules) {
            let path = format!("{}[{index}]", rules.path_of("csrf", "trusted_origins"));
            remarks.push(remark(
                &settings,
                &path,
                Some(text),
                describe_csrf(rules, Restriction::Insecure),
            ));
        }
        const NULL: &str = "dangerously_allow_null_origin";
        if rules.flag("", NULL, false)
            && (rules.path.is_empty()
                || describe(outer, Restriction::TopLevel) != describe(rules, Restriction::TopLevel))
        {
            let says = format!("`null` {}", describe(rules, Restriction::TopLevel));
            remarks.push(remark(&settings, &rules.place_of("", NULL), None, &says));
        }
    }
    remarks
}

/// Returns the entries in force that grant less than another would.
pub(crate) fn partial_entries<'n>(rules: &WrittenRules<'n>, http: &Http<'_>) -> Vec<Partial<'n>> {
    let is_open = !rules.trusts_any();
    let is_insecure = !allows_insecure(rules);
    let of = |text: &str| match OriginPattern::parse(text).ok()? {
        OriginPattern::Any => Some(Restriction::Open).filter(|_| is_open),
        pattern if pattern.covers_single_label() => Some(Restriction::TopLevel),
        pattern if pattern.is_insecure() && is_insecure => Some(Restriction::Insecure),
        _ => None,
    };
    let partial = |key, (index, text, restriction)| Partial {
        key,
        index,
        text,
        restriction,
    };
    let entries = rules.list("", "allowed_origins").enumerate();
    let entries = entries.filter_map(|(index, text)| Some((index, text, of(text)?)));
    let mut partials: Vec<_> = entries.map(|it| partial("allowed_origins", it)).collect();
    let regexes = rules.list("", "allowed_origin_regexes").enumerate();
    let (open, closed): (Vec<_>, Vec<_>) =
        regexes.partition(|(_, text)| is_open && OriginRegex::parse(text).is_ok_and(|it| it.is_open()));
    let mut add =
        |(index, text), restriction| partials.push(partial("allowed_origin_regexes", (index, text, restriction)));
    open.into_iter().for_each(|it| add(it, Restriction::Open));
    // Beside credentials an expression grants nothing to pages of `http` from other machines.
    let is_credentialed = rules.flag("cors", "allow_credentials", false);
    let grants_http = |text: &str| match http(text) {
        (_, loopback) if is_credentialed => loopback,
        (any, _) => any,
    };
    for it in closed.into_iter().filter(|(_, text)| is_insecure && grants_http(text)) {
        add(it, Restriction::Insecure);
    }
    partials
}

/// Returns the origins of `csrf.trusted_origins` that this scope gives and whose pages come over plain HTTP. Unlike in
/// `allowed_origins`, those of the visitor's own machine are no exception.
pub(crate) fn insecure_trust<'n>(rules: &WrittenRules<'n>) -> impl Iterator<Item = (usize, &'n str)> {
    let is_used = rules.gives("csrf") && rules.mode("csrf").is_some() && !allows_insecure(rules);
    let is_allowed = |text: &str| rules.list("", "allowed_origins").any(|it| it == text);
    let trusted = rules.list("csrf", "trusted_origins").enumerate();
    trusted.filter(move |(_, text)| {
        let is_loopback = || OriginPattern::parse(text).is_ok_and(|it| !it.is_insecure());
        is_used && text.starts_with("http://") && !(is_loopback() && is_allowed(text))
    })
}

fn allows_insecure(rules: &WrittenRules<'_>) -> bool {
    rules.flag("", "dangerously_allow_insecure_origins", false)
}

impl Partial<'_> {
    /// Says what the pages of this entry may do under a scope's modes.
    fn describe(&self, rules: &WrittenRules<'_>) -> String {
        // An expression may be of others too.
        let is_credentialed = rules.flag("cors", "allow_credentials", false);
        let whose = match (self.key, self.restriction) {
            ("allowed_origin_regexes", Restriction::Insecure) if is_credentialed => {
                "its pages of `http` on the visitor's own machine "
            }
            ("allowed_origin_regexes", Restriction::Insecure) => "its pages of `http` ",
            _ => "",
        };
        format!("{whose}{}", describe(rules, self.restriction))
    }
}

/// Says what the pages of an entry may do under a scope's modes.
fn describe(rules: &WrittenRules<'_>, restriction: Restriction) -> String {
    let read = match rules.mode("cors") {
        Some(Mode::Enforce) if rules.flag("cors", "allow_credentials", false) => "may read, with cookies",
        Some(Mode::Enforce) => "may read",
        Some(Mode::ReportOnly) => "may read what the backend lets it: `cors` is in `report_only`",
        None => "may read what the backend lets it: `cors` is off",
    };
    let sockets = match (rules.mode("websocket"), restriction) {
        (Some(Mode::Enforce), Restriction::Insecure) => "may open WebSockets on requests of `http` alone",
        (Some(Mode::Enforce), _) => "may not open WebSockets",
        (Some(Mode::ReportOnly), _) => "may open WebSockets: `websocket` is in `report_only`",
        (None, _) => "may open WebSockets: `websocket` is off",
    };
    [read, sockets, describe_csrf(rules, restriction)].join("; ")
}

fn describe_csrf(rules: &WrittenRules<'_>, restriction: Restriction) -> &'static str {
    match (rules.mode("csrf"), restriction) {
        (Some(Mode::Enforce), Restriction::Insecure) => "may write with requests of `http` alone",
        (Some(Mode::Enforce), _) => "may not write",
        (Some(Mode::ReportOnly), _) => "may write: `csrf` is in `report_only`",
        (None, _) => "writes are not checked: `csrf` is off",
    }
}
