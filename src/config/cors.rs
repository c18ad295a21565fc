//! The `cors` section.

use super::checks;
use super::diagnostic::{Diagnostic, Diagnostics, Message};
use super::diagnostic_code::DiagnosticCode;
use super::object_reader::{Item, ObjectReader, parse_all};
use super::presets::{PRESETS, Preset};
use super::value::Value;
use std::collections::BTreeSet;

use policy::check::{AllowList, Cors, Mode, UpstreamHeaders};
use policy::headers::{self, is_token};

/// What django-cors-headers allows by default.
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
pub(crate) const DEFAULT_MAX_AGE: u32 = 7200;

/// The section as read.
pub(crate) struct WrittenCors {
    /// `None` if CORS is off.
    pub rules: Option<Cors>,
    /// `allow_credentials`, which the origins are checked against even so.
    pub credentials: bool,
}

/// Reads the section. Under `debug` pages may read the finding.
pub(crate) fn read(mut section: ObjectReader<'_>, debug: bool, diagnostics: &mut Diagnostics) -> WrittenCors {
    let mode = checks::read_mode(&mut section, Some(Mode::Enforce), diagnostics);
    let credentials = section.bool("allow_credentials", false, diagnostics);
    let presets = read_presets(&mut section, diagnostics);
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
            refuse_method,
            diagnostics,
        )),
        headers: allow_list(
            read_list(
                &mut section,
                "allow_headers",
                &DEFAULT_HEADERS,
                refuse_header,
                diagnostics,
            )
            .with(allow),
        ),
        expose: match read_list(&mut section, "expose_headers", &[], refuse_exposed, diagnostics).with(expose) {
            List::Any => read_expose_any(&section, credentials, diagnostics),
            List::These(names) => names.join(", "),
        }
        .into(),
        max_age: read_max_age(&mut section, diagnostics),
        private_network: section.bool("allow_private_network", false, diagnostics),
        upstream: section.choice(
            "upstream_headers",
            &[("replace", UpstreamHeaders::Replace), ("keep", UpstreamHeaders::Keep)],
            UpstreamHeaders::Replace,
            diagnostics,
        ),
    };
    section.finish(diagnostics);
    WrittenCors {
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
    section: &mut ObjectReader<'_>,
    key: &'static str,
    default: &[&str],
    refuse: fn(&str) -> Option<Message>,
    diagnostics: &mut Diagnostics,
) -> List {
    let Some(items) = section.list(key, diagnostics) else {
        return List::These(default.iter().map(|&it| it.to_owned()).collect());
    };
    match items.as_slice() {
        [Item { text: "*", .. }] => List::Any,
        items => List::These(read_names(items, refuse, diagnostics)),
    }
}

fn read_presets(section: &mut ObjectReader<'_>, diagnostics: &mut Diagnostics) -> Vec<&'static Preset> {
    let items = section.list("presets", diagnostics).unwrap_or_default();
    let find = |name: &str| PRESETS.iter().find(|it| it.name == name).ok_or_else(unknown_preset);
    parse_all(&items, find, diagnostics)
}

fn unknown_preset() -> (DiagnosticCode, String) {
    let names: Vec<_> = PRESETS.iter().map(|it| format!("`{}`", it.name)).collect();
    (
        DiagnosticCode::PresetUnknown,
        format!("the presets are {}", names.join(", ")),
    )
}

fn read_expose_any(section: &ObjectReader<'_>, credentials: bool, diagnostics: &mut Diagnostics) -> String {
    if credentials {
        diagnostics.error(Diagnostic::on(
            &section.path_of("expose_headers[0]"),
            "*",
            DiagnosticCode::AnyExposed,
        ));
    }
    "*".to_owned()
}

fn read_max_age(section: &mut ObjectReader<'_>, diagnostics: &mut Diagnostics) -> u32 {
    let max_age = section.integer("max_age", 0..=86400, DEFAULT_MAX_AGE, diagnostics);
    if max_age > DEFAULT_MAX_AGE {
        diagnostics.warn(Diagnostic::on(
            &section.path_of("max_age"),
            max_age,
            DiagnosticCode::MaxAgeCut,
        ));
    }
    max_age
}

/// Reads names that go into a header as they are: whatever is no token would end it, or begin another.
fn read_names(items: &[Item<'_>], refuse: fn(&str) -> Option<Message>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut names = Vec::with_capacity(items.len());
    let mut seen = BTreeSet::new();
    for item in items {
        let text = item.text;
        let value = || Value::from(text);
        if text == "*" {
            diagnostics.error(Diagnostic::on(&item.path(), text, DiagnosticCode::AnyAmongHeaders));
        } else if !is_token(text.as_bytes()) {
            diagnostics.error(Diagnostic::on(&item.path(), value(), DiagnosticCode::NameMalformed));
        } else if let Some(message) = refuse(text) {
            diagnostics.error(Diagnostic::on(&item.path(), value(), message));
        } else if !seen.insert(text.to_ascii_lowercase()) {
            diagnostics.warn(Diagnostic::on(&item.path(), value(), DiagnosticCode::Repeated));
        } else {
            names.push(text.to_owned());
        }
    }
    #[cfg(not(target_os = "wasi"))]
    warn_of_covered(items, &names, diagnostics);
    names
}

/// Warns of names that a prefix of the list covers; the module is to be small, and the command says it before.
#[cfg(not(target_os = "wasi"))]
fn warn_of_covered(items: &[Item<'_>], names: &[String], diagnostics: &mut Diagnostics) {
    for prefix in names.iter().filter_map(|it| it.strip_suffix('*')) {
        let is_below = |it: &&Item<'_>| {
            let begin = it.text.as_bytes().get(..prefix.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(prefix.as_bytes()))
                && !matches!(it.text.get(prefix.len()..), None | Some("" | "*"))
        };
        for item in items.iter().filter(is_below) {
            diagnostics.warn(Diagnostic::on(&item.path(), item.text, DiagnosticCode::HeaderCovered));
        }
    }
}

/// A `*` in a name: it may be the end of a header that pages send, after a `-`.
fn refuse_wildcard(name: &str, takes_prefix: bool) -> Option<Message> {
    let prefix = name.strip_suffix("-*").filter(|_| takes_prefix).unwrap_or(name);
    (prefix.is_empty() || prefix.as_bytes().contains(&b'*')).then(|| DiagnosticCode::NameWildcard.into())
}

fn refuse_method(method: &str) -> Option<Message> {
    if let Some(message) = refuse_wildcard(method, false) {
        return Some(message);
    }
    if headers::is_forbidden_method(method.as_bytes()) {
        return Some(DiagnosticCode::MethodForbidden.into());
    }
    let upper = headers::in_capitals(method.as_bytes())?;
    let message = format!("methods are compared by case; write `{upper}`");
    Some((DiagnosticCode::MethodCase, message).into())
}

fn refuse_header(header: &str) -> Option<Message> {
    if let Some(message) = refuse_wildcard(header, true) {
        return Some(message);
    }
    if headers::is_of_protocol(header.as_bytes()) {
        return Some(DiagnosticCode::HeaderProtocol.into());
    }
    headers::is_forbidden_header(header).then(|| DiagnosticCode::HeaderForbidden.into())
}

fn refuse_exposed(header: &str) -> Option<Message> {
    if let Some(message) = refuse_wildcard(header, false) {
        return Some(message);
    }
    if headers::is_of_protocol(header.as_bytes()) {
        return Some(DiagnosticCode::HeaderProtocol.into());
    }
    headers::is_unreadable(header.as_bytes()).then(|| DiagnosticCode::HeaderUnreadable.into())
}
