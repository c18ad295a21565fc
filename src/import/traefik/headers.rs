//! The middleware `headers`, as far as it is about CORS.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::sources::Fields;
use crate::imported::{LONGEST_MAX_AGE, has_default_port};

/// Whether a middleware does anything about CORS, as `HasCorsHeadersDefined` has it.
pub(super) fn is_about_cors(middleware: &Fields) -> bool {
    middleware
        .iter()
        .any(|(key, values)| key.starts_with("headers.accesscontrol") && values.iter().any(|it| !it.is_empty()))
}

/// `allowed_origins`, `allowed_origin_regexes` and `cors` of a middleware.
pub(super) fn sections(middleware: &Fields, note: &mut dyn FnMut(String)) -> Map<String, Value> {
    let list = |key: &str| -> Vec<String> {
        let values = middleware.get(&format!("headers.{key}")).cloned().unwrap_or_default();
        values.into_iter().filter(|it| !it.is_empty()).collect()
    };
    let is_on = |key: &str| list(key).first().is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let mut credentials = is_on("accesscontrolallowcredentials");
    let (origins, expressions) = origins(
        list("accesscontrolalloworiginlist"),
        list("accesscontrolalloworiginlistregex"),
        note,
    );
    if credentials && origins == ["*"] {
        credentials = false;
        note("allow_credentials is off beside `*`; to allow credentials, list the origins".to_owned());
    }
    let mut cors = Map::new();
    for key in ["allow_methods", "allow_headers", "expose_headers"] {
        let names = list(&format!("accesscontrol{}", key.replace('_', "")));
        if names.iter().any(|it| it == "*") && key != "expose_headers" {
            note(format!(
                "cors.{key}: `*` answers with what is asked for, as Traefik does from June 2026 on beside credentials; browsers took \
                 it for less before: list the names, if you can"
            ));
        }
        // Without a list there is no header, and our defaults allow more.
        if key != "expose_headers" || !names.is_empty() {
            cors.insert(key.to_owned(), names.into());
        }
    }
    cors.insert("allow_credentials".to_owned(), credentials.into());
    cors.insert("max_age".to_owned(), max_age(list("accesscontrolmaxage"), note).into());
    let mut sections = Map::new();
    for (key, list) in [("allowed_origins", origins), ("allowed_origin_regexes", expressions)] {
        if !list.is_empty() {
            sections.insert(key.to_owned(), list.into());
        }
    }
    sections.insert("cors".to_owned(), cors.into());
    if !list("allowedhosts").is_empty() {
        note("left out: allowedHosts: the hosts are those of the routers here".to_owned());
    }
    sections
}

fn origins(exact: Vec<String>, expressions: Vec<String>, note: &mut dyn FnMut(String)) -> (Vec<String>, Vec<String>) {
    if exact.iter().any(|it| it == "*") {
        return (vec!["*".to_owned()], Vec::new());
    }
    let mut origins = Vec::new();
    for origin in exact {
        if has_default_port(&origin) {
            note(format!(
                "left out: `{origin}`: it let nobody in there, as no browser sends a default port; write it without the port"
            ));
        } else if origin.contains('*') {
            note(format!(
                "left out: `{origin}`: Traefik takes it literally, and no page has it; list what you mean"
            ));
        } else {
            origins.push(origin);
        }
    }
    let expressions = expressions.into_iter().filter_map(|it| anchored(&it, note));
    (origins, expressions.collect())
}

/// An expression of Traefik is found anywhere in the origin; ours match it whole.
fn anchored(expression: &str, note: &mut dyn FnMut(String)) -> Option<String> {
    if let Err(error) = Regex::new(expression) {
        note(format!("left out: the expression `{expression}`: {error}"));
        return None;
    }
    let open = match expression.starts_with('^') {
        true => "",
        false => ".*",
    };
    let is_closed = expression.ends_with('$') && !expression.ends_with("\\$");
    // Anchors within an alternative are of that one alone.
    let whole = match expression.contains('|') {
        true => format!(".*(?:{expression}).*"),
        false => format!(
            "{open}{}{}",
            expression
                .trim_start_matches('^')
                .trim_end_matches(if is_closed { "$" } else { "" }),
            if is_closed { "" } else { ".*" }
        ),
    };
    if whole.ends_with(".*") || whole.starts_with(".*") {
        note(format!(
            "`{expression}` matches anywhere in an origin there: it is `{whole}` here; write where it begins and ends"
        ));
    }
    Some(whole)
}

/// Traefik sends 0 unless it is set.
fn max_age(written: Vec<String>, note: &mut dyn FnMut(String)) -> u64 {
    let Some(text) = written.first() else { return 0 };
    let age = text.parse::<u64>().unwrap_or_else(|_| {
        note(format!("left out: accessControlMaxAge `{text}` is no number"));
        0
    });
    if age > LONGEST_MAX_AGE {
        note(format!(
            "accessControlMaxAge {age} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps"
        ));
    }
    age.min(LONGEST_MAX_AGE)
}
