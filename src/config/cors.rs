//! The `cors` section.

use super::checks;
use super::node::Node;
use super::note::{Note, Report, Wrong};
use super::presets::{PRESETS, Preset};
use super::problem::Problem;
use super::section::{Item, Section, parse_all};
use std::collections::BTreeSet;

use policy::check::{AllowList, Cors, Mode, UpstreamHeaders};
use policy::headers::{self, is_token};

/// What django-cors-headers allows unless told otherwise.
pub const DEFAULT_METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];
/// The same of headers.
pub const DEFAULT_HEADERS: [&str; 6] = [
    "accept",
    "authorization",
    "content-type",
    "user-agent",
    "x-csrftoken",
    "x-requested-with",
];

/// Chromium's cap, the lowest but Safari's; seconds.
pub const DEFAULT_MAX_AGE: u32 = 7200;

/// The section as read.
pub struct Read {
    /// `None` if CORS is off.
    pub rules: Option<Cors>,
    /// `allow_credentials`, which the origins are checked against even so.
    pub credentials: bool,
}

/// Reads the section. Under `debug` pages may read the finding.
pub fn read(mut section: Section<'_>, debug: bool, report: &mut Report) -> Read {
    let mode = checks::read_mode(&mut section, Some(Mode::Enforce), report);
    let credentials = section.bool("allow_credentials", false, report);
    let presets = read_presets(&mut section, report);
    let allow = presets.iter().flat_map(|it| it.allow);
    let finding = debug.then_some(&headers::X_ORIGIN_GATE);
    let expose = presets.iter().flat_map(|it| it.expose).chain(finding);
    let rules = Cors {
        mode: mode.unwrap_or(Mode::Enforce),
        credentials,
        methods: allow_list(read_list(
            &mut section,
            "allow_methods",
            &DEFAULT_METHODS,
            method_problem,
            report,
        )),
        headers: allow_list(
            read_list(&mut section, "allow_headers", &DEFAULT_HEADERS, header_problem, report).with(allow),
        ),
        expose: match read_list(&mut section, "expose_headers", &[], exposed_problem, report).with(expose) {
            List::Any => read_expose_any(&section, credentials, report),
            List::These(names) => names.join(", "),
        }
        .into(),
        max_age: read_max_age(&mut section, report),
        private_network: section.bool("allow_private_network", false, report),
        upstream: section.choice(
            "upstream_headers",
            &[("replace", UpstreamHeaders::Replace), ("keep", UpstreamHeaders::Keep)],
            UpstreamHeaders::Replace,
            report,
        ),
    };
    section.finish(report);
    Read {
        rules: mode.map(|_| rules),
        credentials,
    }
}

/// A list of names as configured.
enum List {
    /// `["*"]`.
    Any,
    These(Vec<String>),
}

impl List {
    /// With the names of presets after its own, each once.
    fn with<'a>(mut self, names: impl Iterator<Item = &'a &'a str>) -> Self {
        if let Self::These(own) = &mut self {
            for name in names {
                if !own.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                    own.push((*name).to_owned());
                }
            }
        }
        self
    }
}

fn allow_list(list: List) -> AllowList {
    match list {
        List::Any => AllowList::Any,
        List::These(names) => AllowList::these(names),
    }
}

fn read_list(
    section: &mut Section<'_>,
    key: &'static str,
    default: &[&str],
    problem: fn(&str) -> Option<Wrong>,
    report: &mut Report,
) -> List {
    let Some(items) = section.list(key, report) else {
        return List::These(default.iter().map(|&it| it.to_owned()).collect());
    };
    match items.as_slice() {
        [Item { text: "*", .. }] => List::Any,
        items => List::These(read_names(items, problem, report)),
    }
}

fn read_presets(section: &mut Section<'_>, report: &mut Report) -> Vec<&'static Preset> {
    let items = section.list("presets", report).unwrap_or_default();
    let find = |name: &str| PRESETS.iter().find(|it| it.name == name).ok_or_else(unknown_preset);
    parse_all(&items, find, report)
}

fn unknown_preset() -> (Problem, String) {
    let names: Vec<_> = PRESETS.iter().map(|it| format!("`{}`", it.name)).collect();
    (Problem::PresetUnknown, format!("the presets are {}", names.join(", ")))
}

fn read_expose_any(section: &Section<'_>, credentials: bool, report: &mut Report) -> String {
    if credentials {
        report.error(Note::on(
            &section.path_of("expose_headers[0]"),
            "*",
            Problem::AnyExposed,
        ));
    }
    "*".to_owned()
}

fn read_max_age(section: &mut Section<'_>, report: &mut Report) -> u32 {
    let max_age = section.integer("max_age", 0..=86400, DEFAULT_MAX_AGE, report);
    if max_age > DEFAULT_MAX_AGE {
        report.warn(Note::on(&section.path_of("max_age"), max_age, Problem::MaxAgeCut));
    }
    max_age
}

/// Reads names that go into a header as they are: whatever is no token would end it, or begin another.
fn read_names(items: &[Item<'_>], problem: fn(&str) -> Option<Wrong>, report: &mut Report) -> Vec<String> {
    let mut names = Vec::with_capacity(items.len());
    let mut seen = BTreeSet::new();
    for item in items {
        let text = item.text;
        let value = || Node::from(text);
        if text == "*" {
            report.error(Note::on(&item.path(), text, Problem::AnyAmongHeaders));
        } else if !is_token(text.as_bytes()) {
            report.error(Note::on(&item.path(), value(), Problem::NameMalformed));
        } else if let Some(problem) = problem(text) {
            report.error(Note::on(&item.path(), value(), problem));
        } else if !seen.insert(text.to_ascii_lowercase()) {
            report.warn(Note::on(&item.path(), value(), Problem::Repeated));
        } else {
            names.push(text.to_owned());
        }
    }
    names
}

fn method_problem(method: &str) -> Option<Wrong> {
    if headers::is_forbidden_method(method.as_bytes()) {
        return Some(Problem::MethodForbidden.into());
    }
    let upper = headers::in_capitals(method.as_bytes())?;
    let message = format!("methods are compared by case; write `{upper}`");
    Some((Problem::MethodCase, message).into())
}

fn header_problem(header: &str) -> Option<Wrong> {
    if header.to_ascii_lowercase().starts_with("access-control-") {
        return Some(Problem::HeaderProtocol.into());
    }
    headers::is_forbidden_header(header).then(|| Problem::HeaderForbidden.into())
}

fn exposed_problem(header: &str) -> Option<Wrong> {
    let lower = header.to_ascii_lowercase();
    if lower.starts_with("access-control-") {
        return Some(Problem::HeaderProtocol.into());
    }
    let is_forbidden = matches!(lower.as_str(), "set-cookie" | "set-cookie2");
    is_forbidden.then(|| Problem::HeaderUnreadable.into())
}
