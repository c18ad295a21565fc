//! What the help beside a finding offers can be done: it loads, lets the page in that was meant, and lets in nobody whom the
//! sentence does not name. The last is proved over all requests, by comparing the policies.

use std::collections::BTreeSet;

use analysis::check::check;
use analysis::diff::{Diff, Direction};
use analysis::finding::{Finding, Severity};
use analysis::reach::{Answer, Ask, Permission, Question, Subject};
use policy::origin::Origin;
use policy::pattern::{HostPattern, OriginPattern};
use regex_lite::Regex;
use serde_json::{Value, json};

/// Spellings of an origin that people write, `%` for the host, and of the page that they mean.
const SPELLINGS: [(&str, &str); 24] = [
    ("https//%", "https://%"),
    ("https:/%", "https://%"),
    ("https:%", "https://%"),
    ("http:/%", "http://%"),
    ("https:\\\\%", "https://%"),
    ("https://%/", "https://%"),
    ("HTTPS://%", "https://%"),
    ("https://%:443/", "https://%"),
    ("https://%/shop?x", "https://%"),
    ("*://%", "https://%"),
    ("https://.%", "https://a.%"),
    (".%", "https://a.%"),
    ("*.%", "https://a.%"),
    ("**.%", "https://a.%"),
    ("https://**.%", "https://a.%"),
    ("*://*.%", "https://a.%"),
    ("^https://.*\\.%$", "https://a.%"),
    ("https?://(.*\\.)?%", "https://a.%"),
    ("https://[a-z0-9-]+\\.%", "https://a.%"),
    ("https://%https://b.example", "https://%"),
    ("https://%, https://b.example", "https://%"),
    ("http://%;http://b.example", "http://%"),
    ("https://% https://b.example/", "https://%"),
    ("https://*.a.%", "https://b.a.%"),
];

/// Of an owner, of a machine, of everybody, of another script, and none.
const HOSTS: [&str; 12] = [
    "shop.example",
    "a.b.shop.example",
    "shop.example:8443",
    "localhost",
    "localhost:3000",
    "com",
    "co.uk",
    "vercel.app",
    "internal",
    "bücher.example",
    "192.168.0.1",
    "a_b.example",
];

fn policy(list: &Value) -> Value {
    json!({ "allowed_origins": list, "allowed_hosts": ["api.example"], "cors": {}, "csrf": {} })
}

fn subject(policy: &Value) -> Option<Subject> {
    Subject::read(policy.to_string().as_bytes(), &[]).ok()
}

fn findings(policy: &Value) -> Vec<Finding> {
    check(policy.to_string().as_bytes(), &[]).findings
}

/// What a finding offers for the value that it is about.
fn offer(finding: &Finding) -> Option<Vec<String>> {
    if let Some(one) = &finding.replacement {
        return Some(vec![one.clone()]);
    }
    let help = finding.help.as_ref()?;
    let (_, rest) = help.split_once(" in one text: write ")?;
    let several = Regex::new("\"([^\"]+)\"").unwrap();
    Some(several.captures_iter(rest).map(|it| it[1].to_owned()).collect())
}

/// Why what a finding offers is a bad offer, if it is.
fn problem(finding: &Finding, entries: &[String], meant: &str) -> Option<String> {
    let sentence = format!("{} {}", finding.message, finding.help.as_deref().unwrap_or_default());
    if let Some(unsaid) = entries.iter().find(|it| !sentence.contains(it.as_str())) {
        return Some(format!("does not say {unsaid}"));
    }
    // Beside another, as an empty list is an error.
    let other = "https://other.test";
    let with = policy(&entries.iter().map(String::as_str).chain([other]).collect());
    let Some(new) = subject(&with) else {
        return Some(format!("does not load: {:?}", findings(&with)));
    };
    let question = Question {
        ask: Ask::Read,
        origin: Some(meant.to_owned()),
        host: Some("api.example".to_owned()),
        scheme: "https",
        path: "/".to_owned(),
    };
    let is_meant = Origin::parse(meant.as_bytes()).is_ok();
    if is_meant
        && !Answer::of(new.policy(), &question)
            .permissions
            .contains(&Permission::Read)
    {
        return Some(format!("does not let {meant} in"));
    }
    let patterns: Vec<_> = entries.iter().map(|it| OriginPattern::parse(it).unwrap()).collect();
    if patterns.iter().any(OriginPattern::covers_single_label) {
        return Some("lets strangers in".to_owned());
    }
    let old = subject(&policy(&json!([other]))).unwrap();
    let diff = Diff::between(&old, &new).unwrap();
    for change in &diff.changes {
        let whose = |it: &Question| it.origin.clone().unwrap_or_default();
        let origins: BTreeSet<_> = change.permissions.values().map(|it| whose(&it.question)).collect();
        let is_named = |origin: &String| {
            let origin = Origin::parse(origin.as_bytes());
            origin.is_ok_and(|origin| patterns.iter().any(|it| it.matches(&origin)))
        };
        if change.direction != Direction::Permits || !origins.iter().all(is_named) {
            return Some(format!("changes more: {}", diff.text()));
        }
    }
    (diff.undecided.is_some() || diff.changes.is_empty()).then(|| format!("changes nothing: {diff:?}"))
}

#[test]
fn what_is_offered_for_an_origin_lets_it_in_and_nobody_else() {
    let (mut problems, mut offered) = (Vec::new(), 0);
    for (spelling, meant) in SPELLINGS {
        for host in HOSTS {
            let [written, meant] = [spelling, meant].map(|it| it.replace('%', host));
            let findings = findings(&policy(&json!([written, "https://other.test"])));
            for finding in findings.iter().filter(|it| it.severity == Severity::Error) {
                let Some(entries) = offer(finding) else { continue };
                offered += 1;
                if let Some(problem) = problem(finding, &entries, &meant) {
                    problems.push(format!("{written} → {entries:?}: {problem}\n  {}", finding.line()));
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} of {offered}:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(offered > 150, "{offered}");
}

/// The same of hosts, which are asked for.
#[test]
fn what_is_offered_for_a_host_is_that_host() {
    let with = |hosts: Value| json!({ "allowed_hosts": hosts });
    let mut offered = 0;
    for (written, meant) in [
        ("https://api.example", "api.example"),
        ("*.api.example", "a.api.example"),
        ("api.example:8080", "api.example"),
        ("api.example.", "api.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("api.example/path", "api.example"),
        ("::1", "[::1]"),
        ("a.example, b.example", "a.example"),
    ] {
        for finding in findings(&with(json!([written]))) {
            let Some(entries) = offer(&finding) else { continue };
            offered += 1;
            let new = subject(&with(json!(entries))).unwrap_or_else(|| panic!("{written}: {entries:?} does not load"));
            let old = subject(&with(json!(["other.test"]))).unwrap();
            let patterns: Vec<_> = entries.iter().map(|it| HostPattern::parse(it).unwrap()).collect();
            let matches = |host: &str| {
                let authority = policy::host::Authority::parse(host.as_bytes()).unwrap();
                patterns.iter().any(|it| it.matches(&authority.host))
            };
            assert!(matches(meant), "{written}: {entries:?}");
            let diff = Diff::between(&old, &new).unwrap();
            let permits = diff.changes.iter().filter(|it| it.direction == Direction::Permits);
            for witness in permits.flat_map(|it| it.permissions.values()) {
                let host = witness.question.host.as_ref().unwrap();
                assert!(matches(host), "{written}: {entries:?} lets {host} in");
            }
        }
    }
    assert!(offered >= 5, "{offered}");
}

/// A value in quotes, or one where a list is meant, is what is offered without them.
#[test]
fn what_is_offered_for_another_type_loads() {
    let mut offered = 0;
    for (key, written) in [
        ("allow_credentials", json!("true")),
        ("allow_credentials", json!("Yes")),
        ("allow_credentials", json!("0")),
        ("max_age", json!("600")),
        ("max_age", json!("86401")),
        ("max_age", json!("-1")),
        ("allow_methods", json!("GET, PUT")),
        ("allow_headers", json!("x-a x-b")),
        ("allow_headers", json!("*")),
        ("expose_headers", json!("ETag;Link")),
    ] {
        let policy = |value: Value| {
            let mut cors = serde_json::Map::new();
            cors.insert(key.to_owned(), value);
            json!({ "allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"], "cors": cors })
        };
        for finding in findings(&policy(written.clone())) {
            if finding.severity != Severity::Error {
                continue;
            }
            if let Some(text) = &finding.replacement {
                offered += 1;
                let value: Value = serde_json::from_str(text).unwrap();
                assert!(subject(&policy(value)).is_some(), "{key}: {written}: {text}");
            }
        }
    }
    assert!(offered >= 8, "{offered}");
}
