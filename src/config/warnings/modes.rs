//! Modes that let more happen than a reader of the policy may think.

use super::super::note::Report;
use super::scope::Scope;
use crate::problem::Problem;
use policy::check::Mode;

pub fn warn(scopes: &[Scope<'_>], report: &mut Report) {
    for scope in scopes {
        let used = |owner: &'static str| scopes.iter().filter(move |it| it.uses(scope, owner));
        let mut off = |section: &str, is_meant: bool, problem: Problem| {
            if scope.gives(section) && scope.mode(section).is_none() && is_meant {
                super::warn(report, &scope.path_of(section, "mode"), Some(&"off"), problem, "");
            }
        };
        off("cors", true, Problem::CorsOff);
        off("websocket", true, Problem::WebSocketOff);
        off(
            "hosts",
            used("hosts").any(|it| it.get("", "allowed_hosts").is_some()),
            Problem::HostsOff,
        );
        // The check is off by default; it is remarkable that one part of a policy lacks it.
        let is_exception = scopes.first().is_some_and(|it| it.mode("csrf").is_some());
        off("csrf", is_exception, Problem::CsrfOff);
        if scope.gives("cors") && scope.mode("cors") == Some(Mode::ReportOnly) {
            let granted = [("websocket", "open WebSockets"), ("csrf", "write")];
            let granted = granted
                .iter()
                .filter(|(check, _)| used("cors").any(|it| grants(it) && it.enforces(check)));
            let granted: Vec<_> = granted.map(|(_, what)| *what).collect();
            if !granted.is_empty() {
                let path = scope.path_of("cors", "mode");
                let granted = [" ", &granted.join(" and ")].concat();
                super::warn(report, &path, Some(&"report_only"), Problem::CorsReportsOnly, &granted);
            }
        }
        // Elsewhere `*` grants reading alone.
        if scope.gives("allowed_origins") && scope.allows_any() && scope.trusts_any() {
            let mut any = |section: &str, problem: Problem| {
                if used("allowed_origins").any(|it| it.mode(section).is_some()) {
                    super::warn(report, &scope.path_of("", "allowed_origins"), None, problem, "");
                }
            };
            any("websocket", Problem::AnySocket);
            any("csrf", Problem::AnyWrites);
        }
    }
}

/// Whether an entry grants more than reading.
fn grants(scope: &Scope<'_>) -> bool {
    let names_sites = scope.list("", "allowed_origins").any(|it| it != "*");
    names_sites || scope.trusts_any() && scope.allows_any() || scope.list("", "allowed_origin_regexes").next().is_some()
}
