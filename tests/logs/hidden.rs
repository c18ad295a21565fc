//! Policies that `learn` does not see, recovered from their traffic.

use std::collections::BTreeSet;

use analysis::diff::Diff;
use analysis::reach::Subject;
use config::Loaded;
use policy::request::Request;
use serde_json::{Value, json};

use super::learn::{learned, load, policy_of};
use crate::random::Random;

const HOSTS: [&str; 4] = ["api.example", "www.example", "pay.example:8443", "10.0.0.7"];
const ORIGINS: [&str; 7] = [
    "https://app.example",
    "https://shop.example",
    "https://app.example:8443",
    "http://localhost:3000",
    "capacitor://localhost",
    "https://a.b.preview.acme.dev",
    "https://api.example",
];
const STRANGERS: [&str; 4] = [
    "https://evil.example",
    "null",
    "https://APP.example",
    "http://app.example",
];
const METHODS: [&str; 3] = ["PUT", "DELETE", "X-QUERY"];
const HEADERS: [&str; 3] = ["content-type", "authorization", "x-cart"];

fn some(random: &mut Random, of: &[&str], at_least: usize) -> Vec<String> {
    let mut found: Vec<_> = of
        .iter()
        .filter(|_| random.below(2) == 0)
        .map(|it| (*it).to_owned())
        .collect();
    while found.len() < at_least {
        let one = random.one(of).to_owned();
        found.retain(|it| *it != one);
        found.push(one);
    }
    found
}

/// A policy that nobody shows to `learn`: exact origins, for all hosts or for each its own.
fn hidden(random: &mut Random) -> Value {
    let hosts = some(random, &HOSTS.map(|it| it.trim_end_matches(":8443")), 1);
    let rules = |random: &mut Random| {
        json!({
            "allowed_origins": some(random, &ORIGINS, 1),
            "cors": { "allow_methods": some(random, &METHODS, 0), "allow_headers": some(random, &HEADERS, 0) },
        })
    };
    if random.below(2) == 0 {
        let mut policy = rules(random);
        policy["allowed_hosts"] = json!(hosts);
        policy["csrf"] = json!({});
        return policy;
    }
    let entries = hosts.iter().map(|host| {
        let mut entry = rules(random);
        entry["match"] = json!({ "hosts": [host] });
        entry
    });
    let entries: Vec<_> = entries.collect();
    json!({ "allowed_hosts": hosts, "csrf": {}, "policies": entries })
}

type Fields = Vec<(&'static str, String)>;

/// Each request that could tell two such policies apart.
fn universe() -> Vec<Fields> {
    let mut all = Vec::new();
    for host in HOSTS.iter().chain(&["other.example"]) {
        for origin in ORIGINS.iter().chain(&STRANGERS) {
            let fields = |method: &str, more: &[(&'static str, &str)]| -> Fields {
                let common = [
                    (":method", method),
                    (":scheme", "https"),
                    (":authority", host),
                    (":path", "/x"),
                    ("origin", origin),
                ];
                common
                    .iter()
                    .chain(more)
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect()
            };
            all.push(fields("GET", &[]));
            all.push(fields("POST", &[]));
            all.push(fields("GET", &[("upgrade", "websocket")]));
            for method in METHODS {
                all.push(fields("OPTIONS", &[("access-control-request-method", method)]));
            }
            for header in HEADERS {
                let asked = [
                    ("access-control-request-method", "GET"),
                    ("access-control-request-headers", header),
                ];
                all.push(fields("OPTIONS", &asked));
            }
        }
        let plain = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", host),
            (":path", "/x"),
        ];
        all.push(plain.map(|(name, value)| (name, value.to_owned())).to_vec());
    }
    all
}

fn finding(loaded: &Loaded, fields: &Fields) -> String {
    let request: Request<'_> = fields
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    loaded.policy.decide(&request).finding.to_string()
}

/// As the log of `envoy/` has it, or one of a backend that speaks CORS itself.
fn line(fields: &Fields, finding: &str, is_of_filter: bool) -> String {
    let get = |name: &str| {
        fields
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value.clone())
    };
    let mut parts = finding.split(':');
    let (check, outcome, reason) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let is_preflight = get(":method").unwrap() == "OPTIONS";
    let status = match (check, outcome) {
        ("hosts", "rejected") => 421,
        ("cors", "rejected") if !is_preflight => 200,
        ("cors", "rejected") if is_of_filter && reason.ends_with("_not_allowed") && !reason.starts_with("origin") => {
            204
        }
        (_, "rejected") => 403,
        ("websocket", _) => 101,
        _ if is_preflight => 204,
        _ => 200,
    };
    let mut fields: serde_json::Map<_, _> = fields
        .iter()
        .map(|(name, value)| (name.trim_start_matches(':').replace('-', "_"), json!(value)))
        .collect();
    fields.insert("status".to_owned(), json!(status));
    fields.insert("start_time".to_owned(), json!("2026-11-30T10:00:00.000Z"));
    match is_of_filter {
        true => drop(fields.insert("origin_gate".to_owned(), json!(finding))),
        false => {
            let allowed = fields.get("origin").filter(|_| outcome == "allowed").cloned();
            fields.insert("access_control_allow_origin".to_owned(), json!(allowed));
        }
    }
    Value::from(fields).to_string()
}

fn subject(policy: &Value) -> Subject {
    Subject::read(policy.to_string().as_bytes(), &[]).unwrap()
}

fn enforced(draft: &Value) -> Value {
    serde_json::from_str(&draft.to_string().replace("report_only", "enforce")).unwrap()
}

/// From all of a policy's traffic the policy itself comes back: each request fares as before, and by `diff` nothing more is
/// permitted.
#[test]
fn hidden_policies_are_recovered_from_their_traffic() {
    let mut random = Random(20);
    let universe = universe();
    for number in 0..20 {
        let secret = hidden(&mut random);
        let loaded = load(&secret);
        let log: String = universe
            .iter()
            .map(|it| line(it, &finding(&loaded, it), number % 2 == 0) + "\n")
            .collect();
        let draft = policy_of(&learned(&log).unwrap());
        let found = load(&enforced(&draft));
        for fields in &universe {
            let (expected, got) = (finding(&loaded, fields), finding(&found, fields));
            // A page of the host itself needs no entry.
            let (expected, got) = (
                expected.replace(":listed", ":same_host"),
                got.replace(":listed", ":same_host"),
            );
            assert_eq!(got, expected, "{fields:?}\n{secret:#}\n{draft:#}");
        }
        let diff = Diff::between(&subject(&secret), &subject(&enforced(&draft))).unwrap();
        assert!(!diff.permits_more(), "{}\n{secret:#}\n{draft:#}", diff.text());
    }
}

/// What is granted to a page of an entry was granted to it in the traffic, and what its preflight asks for to some page there.
fn no_more_is_granted(universe: &[Fields], seen: &[(&Fields, String)], found: &Loaded) {
    let is_well = |it: &&(&Fields, String)| it.1.contains(":allowed:");
    let of = |fields: &Fields, name: &str| {
        fields
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value.clone())
    };
    let shown = |names: &[&str]| -> BTreeSet<Vec<Option<String>>> {
        let well = seen
            .iter()
            .filter(is_well)
            .map(|(fields, _)| names.iter().map(|it| of(fields, it)).collect());
        well.collect()
    };
    let pages = shown(&[":authority", "origin"]);
    let asked = shown(&[
        ":authority",
        "access-control-request-method",
        "access-control-request-headers",
    ]);
    for fields in universe
        .iter()
        .filter(|it| finding(found, it).contains(":allowed:listed"))
    {
        let is_page = pages.contains(&vec![of(fields, ":authority"), of(fields, "origin")]);
        let method = of(fields, "access-control-request-method");
        let header = of(fields, "access-control-request-headers");
        let is_asked = method.is_none() || asked.contains(&vec![of(fields, ":authority"), method, header]);
        assert!(is_page && is_asked, "{fields:?}");
    }
}

/// From a part of the traffic comes what that part shows: it passes, and nothing passes that no request showed.
#[test]
fn a_draft_grants_nothing_that_its_traffic_did_not_show() {
    let mut random = Random(21);
    let universe = universe();
    for number in 0..40 {
        let secret = hidden(&mut random);
        let loaded = load(&secret);
        let part: Vec<_> = universe.iter().filter(|_| random.below(4) == 0).collect();
        let seen: Vec<_> = part.iter().map(|it| (*it, finding(&loaded, it))).collect();
        let is_well = |it: &&(&Fields, String)| it.1.contains(":allowed:");
        if !seen.iter().any(|it| is_well(&it)) {
            continue;
        }
        let log: String = seen
            .iter()
            .map(|(it, finding)| line(it, finding, number % 2 == 0) + "\n")
            .collect();
        let draft = policy_of(&learned(&log).unwrap());
        let found = load(&enforced(&draft));
        for (fields, _) in seen.iter().filter(is_well) {
            let got = finding(&found, fields);
            assert!(got.contains(":allowed:"), "{got}: {fields:?}\n{secret:#}\n{draft:#}");
        }
        no_more_is_granted(&universe, &seen, &found);
        let diff = Diff::between(&subject(&secret), &subject(&enforced(&draft))).unwrap();
        assert!(!diff.permits_more(), "{}\n{secret:#}\n{draft:#}", diff.text());
    }
}
