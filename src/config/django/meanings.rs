//! What a setting's entries would mean more as a policy's than as Django's.

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::diagnostic_code::DiagnosticCode;
use super::super::value::Value;
use policy::text::split_once;

/// Reports the entries that mean more as a policy's than as Django's.
pub(super) fn find_other_meanings(name: &str, key: &str, value: &Value, diagnostics: &mut Diagnostics) {
    match key {
        "allowed_origins" => find_literals(name, false, value, diagnostics),
        "trusted_origins" => find_literals(name, true, value, diagnostics),
        "allowed_origin_regexes" => find_python(name, value, diagnostics),
        "allow_headers" => find_prefixes(name, value, diagnostics),
        _ => {}
    }
}

/// Reports the entries that Django and django-cors-headers compare as text, so that no browser's origin is one of them: what
/// stands for something here, and a default port, which browsers leave out.
fn find_literals(name: &str, is_csrf: bool, value: &Value, diagnostics: &mut Diagnostics) {
    for (index, item) in value.as_list().iter().enumerate() {
        let text = item.as_text().unwrap_or_default();
        let (scheme, rest) = split_once(text, "://").unwrap_or(("", text));
        let rest = rest.strip_prefix("*.").filter(|_| is_csrf).unwrap_or(rest);
        let port = if scheme == "https" { ":443" } else { ":80" };
        if rest.as_bytes().contains(&b'*') || rest.ends_with(port) {
            let path = format!("{name}[{index}]");
            diagnostics.error(Diagnostic::on(&path, item, DiagnosticCode::DjangoLiteral));
        }
    }
}

/// Reports the names that stand for all that begin like them here, and for themselves there.
fn find_prefixes(name: &str, value: &Value, diagnostics: &mut Diagnostics) {
    for (index, item) in value.as_list().iter().enumerate() {
        if item.as_text().is_some_and(|it| it.ends_with("-*")) {
            let path = format!("{name}[{index}]");
            diagnostics.error(Diagnostic::on(&path, item, DiagnosticCode::DjangoLiteral));
        }
    }
}

/// Reports the expressions that Python reads otherwise, and would match less by: what stands for itself there and is a class,
/// a boundary or a count here, possessive repetitions, and white space and comments, which no origin has.
fn find_python(name: &str, value: &Value, diagnostics: &mut Diagnostics) {
    const MARKS: [&str; 11] = [r"\<", r"\>", r"\b{", "++", "*+", "?+", "}+", "[--", "[^--", "#", " "];
    for (index, item) in value.as_list().iter().enumerate() {
        let text = item.as_text().unwrap_or_default();
        let has = |mark: &str| split_once(text, mark).is_some();
        let has_named_class = has("[:") && has(":]");
        if has_named_class || MARKS.iter().any(|it| has(it)) || text.bytes().any(|it| it < b' ') {
            let path = format!("{name}[{index}]");
            diagnostics.error(Diagnostic::on(&path, item, DiagnosticCode::DjangoRegex));
        }
    }
}
