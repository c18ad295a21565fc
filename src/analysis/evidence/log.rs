//! A line of a log: JSON as everything in `envoy/` writes it, Envoy's and Istio's own text, or what the filter itself logs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Facts;

const UNKNOWN: &str = "--log: this is neither a line of the access log (JSON, or Envoy's own format) nor one of the filter's \
                       (`… rejected reason=…`): copy one whole line, or describe the request with --host and --origin";

/// Reads a line.
pub(super) fn facts(line: &str) -> Result<Facts, String> {
    let line = line.trim();
    // A log collector may put its own words in front.
    let json = line.find('{').and_then(|at| line.get(at..));
    if let Some(Value::Object(fields)) = json.and_then(|it| serde_json::from_str(it).ok()) {
        return Ok(of_json(&fields));
    }
    if line.contains("reason=") || line.contains("Cookie dropped") {
        return of_filter(line).ok_or_else(|| UNKNOWN.to_owned());
    }
    of_envoy(line).ok_or_else(|| UNKNOWN.to_owned())
}

/// The headers that the access log has fields for.
const HEADERS: [&str; 10] = [
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "content-type",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
];

fn of_json(fields: &Map<String, Value>) -> Facts {
    let text = |name: &str| {
        let text = fields.get(name)?.as_str()?;
        Some(text.to_owned()).filter(|it| it != "-" && !it.is_empty())
    };
    // What was received stands for what was sent on.
    let received = |name: &str| text(&format!("received_{name}")).or_else(|| text(name));
    let mut facts = Facts {
        host: received("authority").or_else(|| received("host")),
        origin: received("origin"),
        method: text("method"),
        path: received("path"),
        scheme: text("scheme"),
        found: text("origin_gate").filter(|it| it.contains(':')),
        ..Facts::default()
    };
    for name in HEADERS {
        if let Some(value) = received(&name.replace('-', "_")) {
            facts.header(name, &value);
        }
    }
    facts.websocket = received("upgrade").is_some_and(|it| it.eq_ignore_ascii_case("websocket"));
    if fields.contains_key("origin_gate") && facts.found.is_none() {
        facts.notes.push(
            "the line has no `origin_gate`: the filter did not see this request; a filter in front of it answered, or Envoy \
             did before any"
                .to_owned(),
        );
    }
    if !fields.contains_key("origin") && !fields.contains_key("received_origin") {
        facts.ask("origin", "this line does not have the request's `Origin`");
    }
    facts.ask("host", "this line does not have the request's `Host`");
    facts
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

/// Envoy's own format, or Istio's: what is in quotes stands in a fixed order, the identifier of the request before the
/// authority.
fn of_envoy(line: &str) -> Option<Facts> {
    let quoted: Vec<_> = line.split('"').skip(1).step_by(2).collect();
    let mut request = quoted.first()?.split(' ');
    let (method, path, protocol) = (request.next()?, request.next()?, request.next()?);
    if !protocol.starts_with("HTTP/") {
        return None;
    }
    let is_id = |it: &&str| it.len() == 36 && it.matches('-').count() == 4;
    let at = match quoted.iter().position(is_id) {
        Some(at) => at + 1,
        None => quoted.len().checked_sub(2)?,
    };
    let found = line
        .split(|it: char| it.is_whitespace() || matches!(it, '"' | '='))
        .find(|it| is_finding(it));
    let details = line
        .split_once("origin_gate{")
        .and_then(|(_, rest)| rest.split_once('}'));
    let mut facts = Facts {
        host: quoted.get(at).filter(|it| **it != "-").map(|it| (*it).to_owned()),
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        found: found.map(str::to_owned),
        ..Facts::default()
    };
    if let Some((code, _)) = details {
        facts.websocket = code.starts_with("websocket_");
        let (check, reason) = code.split_once('_')?;
        facts.found = facts.found.or_else(|| Some(format!("{check}:rejected:{reason}")));
    }
    facts.ask("host", "this line does not have the request's `Host`");
    facts.ask(
        "origin",
        "Envoy's own format does not have `Origin` (the format in envoy/envoy.yaml has all that a decision reads)",
    );
    Some(facts)
}

fn is_finding(word: &str) -> bool {
    let mut parts = word.split(':');
    let is_word = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some("hosts" | "websocket" | "csrf" | "cors"), Some(outcome), Some(reason), None) if is_word(outcome) && is_word(reason)
    )
}
