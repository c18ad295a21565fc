//! Requests as the access log that `envoy/` ships has them.

use std::collections::BTreeMap;

use analysis::explain::Explainer;
use analysis::log::{Decider, LogLine, Name, Reading, Replay};
use serde_json::{Map, Value};

use crate::support::fake::Native;
use crate::support::stream::{Host, Stream};
use crate::support::{self, Case, Suite};

/// How often a policy finds each thing in a log.
pub(crate) fn replayed(suite: &Suite, log: &str) -> BTreeMap<String, u64> {
    let decider = Decider::new(
        Explainer::new(suite.load()),
        &config::entries(suite.policy.as_bytes(), &suite.environment),
    );
    let mut replay = Replay::new(&decider, None);
    let mut reading = Reading::new(None);
    reading
        .read("log", log.as_bytes(), |line, text| replay.add(line, text))
        .unwrap();
    assert_eq!(reading.unread, 0, "{:?}", reading.named);
    let findings = replay.finish(&reading).findings();
    findings
        .into_iter()
        .map(|(it, count)| (it.to_string(), count))
        .collect()
}

/// What Envoy would log: the first line of each header as it is when the request is over, and what the filter published.
fn line_of(suite: &Suite, case: &Case) -> String {
    let mut native = Native::new(suite.load());
    let mut stream = Stream {
        request: case.fields(),
        ..Stream::default()
    };
    native.begin();
    native.on_request(&mut stream);
    let mut fields = Map::new();
    let latin = |value: &[u8]| Value::String(value.iter().map(|it| char::from(*it)).collect());
    fields.insert("details".to_owned(), "via_upstream".into());
    for (name, value) in &stream.request {
        let name = String::from_utf8(name.clone()).unwrap();
        let key = name.trim_start_matches(':').replace('-', "_");
        // Names that are spelled in another way have no field.
        if name
            .bytes()
            .all(|it| it.is_ascii_lowercase() || matches!(it, b'-' | b':'))
            && !name.starts_with("x-envoy")
        {
            let path = value.split(|it| *it == b'?').next().unwrap();
            let value = if name == ":path" { path } else { value };
            fields.entry(key).or_insert_with(|| latin(value));
        }
    }
    // It shows an extended CONNECT as it shows the upgrade.
    if let Some(protocol) = fields.remove("protocol") {
        fields.entry("upgrade").or_insert(protocol);
    }
    for (name, value) in &stream.received {
        let name = String::from_utf8(name.clone()).unwrap();
        fields.insert(name.replacen("origin_gate_", "", 1), latin(value));
    }
    ascii(&Value::Object(fields))
}

/// Envoy escapes each byte that is not ASCII.
fn ascii(value: &Value) -> String {
    let text = value.to_string();
    text.chars()
        .map(|it| match it.is_ascii() {
            true => it.to_string(),
            false => format!("\\u{:04x}", it as u32),
        })
        .collect()
}

/// A line of the shipped log has all that a decision reads.
#[test]
fn the_corpus_is_found_again_in_its_log() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for suite in support::corpus() {
        for case in suite.cases.iter().filter(|it| it.envoy != support::Envoy::Only) {
            let line = line_of(&suite, case);
            assert!(LogLine::read(line.as_bytes()).is_some(), "{line}");
            let found = replayed(&suite, &line);
            count += 1;
            if found != BTreeMap::from([(case.finding.clone(), 1)]) {
                failures.push(format!(
                    "{}: {}: {}, not {found:?}: {line}",
                    suite.file, case.name, case.finding
                ));
            }
        }
    }
    assert!(count > 700, "only {count} cases: is the corpus there?");
    assert!(
        failures.is_empty(),
        "{} of {count}\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Envoy writes a byte that is not ASCII as one escape, others as it is.
#[test]
fn bytes_that_are_not_ascii_are_those_that_were_received() {
    let path = |line: &[u8]| LogLine::read(line).unwrap().value(Name::Path).unwrap().to_vec();
    assert_eq!(path(br#"{"path": "/caf\u00c3\u00a9"}"#), "/café".as_bytes());
    assert_eq!(path("{\"path\": \"/café\"}".as_bytes()), "/café".as_bytes());
    assert_eq!(path(br#"{"path": "/\u20ac"}"#), "/€".as_bytes());
    assert_eq!(
        path(br#"- - - [] "GET /caf\xC3\xA9\x22 HTTP/1.1" 200 1 "-" "-""#),
        "/café\"".as_bytes()
    );
}
