//! Modes that let more happen than a reader of the policy may think.

use super::super::diagnostic::Diagnostics;
use super::written_rules::WrittenRules;
use crate::diagnostic_code::DiagnosticCode;
use policy::check::Mode;

pub(super) fn warn(all_rules: &[WrittenRules<'_>], diagnostics: &mut Diagnostics) {
    for rules in all_rules {
        let used = |owner: &'static str| all_rules.iter().filter(move |it| it.uses(rules, owner));
        let mut off = |section: &str, is_meant: bool, code: DiagnosticCode| {
            if rules.gives(section) && rules.mode(section).is_none() && is_meant {
                super::warn(diagnostics, &rules.path_of(section, "mode"), Some(&"off"), code, "");
            }
        };
        off("cors", true, DiagnosticCode::CorsOff);
        off("websocket", true, DiagnosticCode::WebSocketOff);
        off(
            "hosts",
            used("hosts").any(|it| it.get("", "allowed_hosts").is_some()),
            DiagnosticCode::HostsOff,
        );
        // The check is off by default; it is remarkable that one part of a policy lacks it.
        let is_exception = all_rules.first().is_some_and(|it| it.mode("csrf").is_some());
        off("csrf", is_exception, DiagnosticCode::CsrfOff);
        if rules.gives("cors") && rules.mode("cors") == Some(Mode::ReportOnly) {
            let granted = [("websocket", "open WebSockets"), ("csrf", "write")];
            let granted = granted
                .iter()
                .filter(|(check, _)| used("cors").any(|it| grants(it) && it.enforces(check)));
            let granted: Vec<_> = granted.map(|(_, what)| *what).collect();
            if !granted.is_empty() {
                let path = rules.path_of("cors", "mode");
                let granted = [" ", &granted.join(" and ")].concat();
                super::warn(
                    diagnostics,
                    &path,
                    Some(&"report_only"),
                    DiagnosticCode::CorsReportsOnly,
                    &granted,
                );
            }
        }
        // Elsewhere `*` grants reading alone.
        if rules.gives("allowed_origins") && rules.allows_any() && rules.trusts_any() {
            let mut any = |section: &str, code: DiagnosticCode| {
                if used("allowed_origins").any(|it| it.mode(section).is_some()) {
                    super::warn(diagnostics, &rules.path_of("", "allowed_origins"), None, code, "");
                }
            };
            any("websocket", DiagnosticCode::AnySocket);
            any("csrf", DiagnosticCode::AnyWrites);
        }
    }
}

/// Whether an entry grants more than reading.
fn grants(rules: &WrittenRules<'_>) -> bool {
    let names_sites = rules.list("", "allowed_origins").any(|it| it != "*");
    names_sites || rules.trusts_any() && rules.allows_any() || rules.list("", "allowed_origin_regexes").next().is_some()
}
