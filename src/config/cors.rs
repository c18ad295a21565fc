//! The `cors` section.

use super::node::Node;
use super::section::{Item, Note, Report, Section};
use crate::policy::cors::{AllowList, Cors, UpstreamHeaders};
use crate::policy::headers::is_token;

/// What django-cors-headers allows unless told otherwise.
const DEFAULT_METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];
const DEFAULT_HEADERS: [&str; 6] = [
    "accept",
    "authorization",
    "content-type",
    "user-agent",
    "x-csrftoken",
    "x-requested-with",
];

/// Chromium's cap, the lowest but Safari's; seconds.
const DEFAULT_MAX_AGE: u32 = 7200;

/// The methods that browsers spell in capitals whatever the script wrote (Fetch, "normalize a method"), and `PATCH`,
/// which they do not, so that a script must.
const CAPITAL_METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Fetch, "forbidden method".
const FORBIDDEN_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Fetch, "forbidden request-header": the ones that are forbidden by name.
const FORBIDDEN_HEADERS: [&str; 19] = [
    "accept-charset",
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Reads the section, its `mode` apart.
pub fn read(mut section: Section<'_>, report: &mut Report) -> Cors {
    let credentials = section.bool("allow_credentials", false, report);
    let cors = Cors {
        credentials,
        methods: read_allow_list(&mut section, "allow_methods", &DEFAULT_METHODS, method_problem, report),
        headers: read_allow_list(&mut section, "allow_headers", &DEFAULT_HEADERS, header_problem, report),
        expose: read_expose(&mut section, credentials, report),
        max_age: read_max_age(&mut section, report).to_string(),
        private_network: section.bool("allow_private_network", false, report),
        upstream: section.choice(
            "upstream_headers",
            &[("replace", UpstreamHeaders::Replace), ("keep", UpstreamHeaders::Keep)],
            UpstreamHeaders::Replace,
            report,
        ),
    };
    section.finish(report);
    cors
}

fn read_allow_list(
    section: &mut Section<'_>,
    key: &'static str,
    default: &[&str],
    problem: fn(&str) -> Option<String>,
    report: &mut Report,
) -> AllowList {
    let Some(items) = section.list(key, report) else {
        return AllowList::these(default.iter().map(|&it| it.to_owned()).collect());
    };
    if let [Item { text: "*", .. }] = items.as_slice() {
        return AllowList::Any;
    }
    AllowList::these(read_names(&items, problem, report))
}

fn read_expose(section: &mut Section<'_>, credentials: bool, report: &mut Report) -> String {
    let items = section.list("expose_headers", report).unwrap_or_default();
    if let [Item { text: "*", path }] = items.as_slice() {
        if credentials {
            report.error(Note::on(
                path,
                "*",
                "with `cors.allow_credentials` browsers take `*` for a header of that name; list the headers",
            ));
        }
        return "*".to_owned();
    }
    read_names(&items, exposed_problem, report).join(", ")
}

fn read_max_age(section: &mut Section<'_>, report: &mut Report) -> u32 {
    let max_age = section.integer("max_age", 0..=86400, DEFAULT_MAX_AGE, report);
    if max_age > DEFAULT_MAX_AGE {
        report.warn(Note::on(
            &section.path_of("max_age"),
            max_age,
            "Chromium keeps a preflight for 7200 seconds at most",
        ));
    }
    max_age
}

/// Reads names that go into a header as they are: whatever is no token would end it, or begin another.
fn read_names(items: &[Item<'_>], problem: fn(&str) -> Option<String>, report: &mut Report) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let text = item.text;
        let value = || Node::from(text);
        if text == "*" {
            report.error(Note::on(
                &item.path,
                text,
                "`*` stands alone in its list; remove it, or the other entries",
            ));
        } else if !is_token(text.as_bytes()) {
            report.error(Note::on(
                &item.path,
                value(),
                "a name is letters, digits and any of ``!#$%&'*+-.^_`|~``; one entry is one name",
            ));
        } else if let Some(problem) = problem(text) {
            report.error(Note::on(&item.path, value(), problem));
        } else if names.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            report.warn(Note::on(&item.path, value(), "this is given twice; remove one"));
        } else {
            names.push(text.to_owned());
        }
    }
    names
}

fn method_problem(method: &str) -> Option<String> {
    let upper = method.to_ascii_uppercase();
    if FORBIDDEN_METHODS.contains(&upper.as_str()) {
        return Some("browsers let no script use this method; remove it".to_owned());
    }
    let is_lower = upper != method && CAPITAL_METHODS.contains(&upper.as_str());
    is_lower.then(|| format!("methods are compared by case; write `{upper}`"))
}

fn header_problem(header: &str) -> Option<String> {
    let lower = header.to_ascii_lowercase();
    if lower.starts_with("access-control-") {
        return Some("this is a header of the CORS protocol itself; remove it".to_owned());
    }
    let is_forbidden =
        FORBIDDEN_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") || lower.starts_with("sec-");
    is_forbidden.then(|| "browsers let no script set this header; remove it".to_owned())
}

fn exposed_problem(header: &str) -> Option<String> {
    let lower = header.to_ascii_lowercase();
    if lower.starts_with("access-control-") {
        return Some("this is a header of the CORS protocol itself; remove it".to_owned());
    }
    let is_forbidden = matches!(lower.as_str(), "set-cookie" | "set-cookie2");
    is_forbidden.then(|| "browsers let no script read this header; remove it".to_owned())
}
