//! A line of a log: an access log's, or one that the filter itself logs.

use std::collections::BTreeMap;

use super::Facts;
use crate::log::{LogLine, Logged, Name};

const UNKNOWN: &str = "--log: this is neither a line of the access log (JSON, Envoy's own format, or \
                       the combined one of nginx) nor one of the filter's (`… rejected reason=…`): copy one whole line, or describe the request with --host and --origin";

/// Reads a line.
pub(super) fn facts(line: &str) -> Result<Facts, String> {
    let is_of_filter = line.contains("reason=") || line.contains("Cookie dropped");
    match LogLine::read(line.as_bytes()) {
        Some(line) => Ok(of_access_log(&line)),
        None => is_of_filter
            .then(|| of_filter(line))
            .flatten()
            .ok_or_else(|| UNKNOWN.to_owned()),
    }
}

/// The headers that the access log has fields for.
const HEADERS: [Name; 10] = [
    Name::RequestMethod,
    Name::RequestHeaders,
    Name::RequestPrivateNetwork,
    Name::FetchSite,
    Name::FetchMode,
    Name::FetchDest,
    Name::ContentType,
    Name::ForwardedHost,
    Name::ForwardedProto,
    Name::Forwarded,
];

fn of_access_log(line: &LogLine<'_>) -> Facts {
    let text = |name| line.value(name).map(|it| String::from_utf8_lossy(it).into_owned());
    let mut facts = Facts {
        host: text(Name::Authority),
        origin: text(Name::Origin),
        method: text(Name::Method),
        path: text(Name::Path),
        scheme: text(Name::Scheme),
        found: text(Name::Finding).filter(|it| it.contains(':')),
        websocket: line.request().received.is_websocket(),
        ..Facts::default()
    };
    let fields = line
        .fields()
        .filter(|(name, _)| HEADERS.iter().any(|it| it.field() == Some(name)));
    for (name, value) in fields {
        facts.header(name, &String::from_utf8_lossy(value));
    }
    facts.add_details(line);
    if *line.get(Name::Finding) == Logged::Absent {
        facts.notes.push(
            "the line has no `origin_gate`: the filter did not see this request; a filter in front of it answered, or Envoy \
             did before any"
                .to_owned(),
        );
    }
    facts.ask("host", "this line does not have the request's `Host`");
    if *line.get(Name::Origin) == Logged::Unlogged {
        facts.ask("origin", NO_ORIGIN);
    }
    facts
}

const NO_ORIGIN: &str = "Envoy's own format does not have `Origin`, nor has this line (the format in envoy/envoy.yaml has all \
                         that a decision reads)";

impl Facts {
    /// Takes from Envoy's details of the filter's own answer what the filter found, if nothing else says it.
    fn add_details(&mut self, line: &LogLine<'_>) {
        let details = line.value(Name::Details).and_then(|it| std::str::from_utf8(it).ok());
        let code = details.and_then(|it| it.strip_prefix("origin_gate{")?.strip_suffix('}'));
        if let Some((check, reason)) = code.and_then(|it| it.split_once('_')) {
            self.websocket |= check == "websocket";
            self.found.get_or_insert_with(|| format!("{check}:rejected:{reason}"));
        }
    }
}

/// A line of the filter: `<what> rejected reason=… origin="…" host="…" …`.
fn of_filter(line: &str) -> Option<Facts> {
    let pairs = pairs(line);
    let get = |name: &str| pairs.get(name).cloned().filter(|it| it != "-");
    let mut facts = Facts {
        host: get("host"),
        origin: get("origin"),
        ..Facts::default()
    };
    facts.ask("host", "this line does not have the request's `Host`");
    if line.contains("Cookie dropped by browsers") {
        facts.header("cookie", "(any)");
        facts.header("sec-fetch-site", "cross-site");
        facts.response.push(format!("set-cookie: {}=(any)", get("name")?));
        return Some(facts);
    }
    let subjects = [
        ("WebSocket origin ", "websocket"),
        ("CORS preflight ", "cors"),
        ("CORS origin ", "cors"),
        ("Cross-site write ", "csrf"),
        ("Host ", "hosts"),
    ];
    let (_, check) = subjects.into_iter().find(|(subject, _)| line.contains(subject))?;
    facts.websocket = check == "websocket";
    if check == "csrf" {
        facts.method = Some("POST".to_owned());
        facts.header("sec-fetch-site", "cross-site");
    }
    facts.method = get("method").or(facts.method);
    let names = get("headers").unwrap_or_default();
    for name in names.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        facts.header(name, "(any)");
    }
    if let Some(host) = get("forwarded_host") {
        facts.header("x-forwarded-host", &host);
    }
    if let Some(host) = get("forwarded") {
        facts.header("forwarded", &format!("host=\"{host}\""));
    }
    let outcome = match line.contains("would be rejected") {
        true => "would_reject",
        false => "rejected",
    };
    facts.found = Some(format!("{check}:{outcome}:{}", get("reason")?));
    facts.notes.push(NO_PATH.to_owned());
    Some(facts)
}

const NO_PATH: &str = "the filter's line has no path: add --path if `policies` or exempt paths tell paths apart";

/// The `key=value` of a line, values in quotes or not.
fn pairs(line: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.rsplit([' ', '\t']).next().unwrap_or_default();
        let (value, more) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        pairs.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        rest = more;
    }
    pairs
}
