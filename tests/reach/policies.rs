//! Policies that chance makes of what is easily confused.

use serde_json::{Map, Value, json};

use crate::chance::Chance;

const ORIGINS: [&str; 22] = [
    "https://a.example",
    "https://b.a.example",
    "https://*.a.example",
    "https://*.b.a.example",
    "https://*.example",
    "http://a.example",
    "http://*.a.example",
    "https://a.example:8443",
    "https://a.example:*",
    "https://*.a.example:*",
    "https://shop-*.a.example",
    "https://shop-*-x.a.example",
    "https://shop-a-*.a.example",
    "https://shop-a-x.a.example",
    "https://api.example",
    "http://localhost:*",
    "http://localhost",
    "http://127.0.0.1:3000",
    "capacitor://localhost",
    "https://a.example.",
    "https://c.a.example:443",
    "*",
];

const EXPRESSIONS: [&str; 7] = [
    r"https://pr-[0-9]+\.a\.example",
    r"https://[a-z]+\.a\.example",
    r"https?://(a|b)\.example(:[0-9]+)?",
    r"https://.*\.a\.example",
    r"[a-z]+://b\.a\.example",
    r"http://localhost(:3000)?",
    r"moz-extension://[0-9a-f-]{36}",
];

const HOSTS: [&str; 8] = [
    "api.example",
    ".example",
    "a.example",
    ".a.example",
    "localhost",
    "[::1]",
    "*",
    "b.a.example",
];

const PATHS: [&str; 7] = ["/api", "/api/", "/api/admin/", "/public/", "/healthz", "/a", "/api/v1"];

fn some(chance: &mut Chance, all: &[&str], most: usize) -> Vec<String> {
    let count = 1 + chance.at(most);
    let mut some: Vec<_> = (0..count).map(|_| (*chance.pick(all)).to_owned()).collect();
    some.sort();
    some.dedup();
    some
}

/// What each key of a section may say.
fn keys_of(section: &str) -> Vec<(&'static str, Vec<Value>)> {
    match section {
        "cors" => vec![
            ("allow_credentials", vec![json!(true), json!(false)]),
            (
                "allow_methods",
                vec![json!(["GET", "PUT"]), json!(["*"]), json!(["DELETE", "GET"])],
            ),
            (
                "allow_headers",
                vec![
                    json!(["x-a"]),
                    json!(["*"]),
                    json!(["x-a", "x-b"]),
                    json!(["x-*", "y-a-*"]),
                    json!(["X-Q-*", "x-a"]),
                ],
            ),
            ("expose_headers", vec![json!(["etag"]), json!(["etag", "link"])]),
            ("allow_private_network", vec![json!(true)]),
            ("upstream_headers", vec![json!("keep")]),
            ("max_age", vec![json!(60)]),
        ],
        "websocket" => vec![
            ("same_host", vec![json!(true), json!(false)]),
            ("allowed_hosts", vec![json!(true), json!(false)]),
            ("missing_origin", vec![json!("reject")]),
        ],
        "hosts" => vec![
            ("forwarded_host", vec![json!("check"), json!("strip")]),
            (
                "exempt_paths",
                vec![json!(["/healthz"]), json!(["/api/"]), json!(["/public/"])],
            ),
        ],
        _ => vec![
            (
                "trusted_origins",
                vec![json!(["https://a.example"]), json!(["https://*.b.a.example"])],
            ),
            ("exempt_paths", vec![json!(["/api/"]), json!(["/api/admin/"])]),
            ("missing_origin", vec![json!("reject")]),
        ],
    }
}

fn section(chance: &mut Chance, name: &str) -> Value {
    let mode = [json!("off"), json!("report_only"), json!("enforce")];
    let mut section = Map::new();
    if chance.below(18) == 0 {
        section.insert("mode".to_owned(), chance.pick(&mode).clone());
    }
    for (key, values) in keys_of(name) {
        if chance.below(3) == 0 {
            section.insert(key.to_owned(), chance.pick(&values).clone());
        }
    }
    Value::Object(section)
}

fn rules(chance: &mut Chance, root: &mut Map<String, Value>) {
    if chance.below(5) > 0 {
        root.insert("allowed_origins".to_owned(), json!(some(chance, &ORIGINS, 4)));
    }
    if chance.below(4) == 0 {
        root.insert(
            "allowed_origin_regexes".to_owned(),
            json!(some(chance, &EXPRESSIONS, 2)),
        );
    }
    if chance.below(2) == 0 {
        root.insert("allowed_hosts".to_owned(), json!(some(chance, &HOSTS, 3)));
    }
    for name in ["cors", "websocket", "hosts", "csrf"] {
        if chance.below(2) == 0 {
            root.insert(name.to_owned(), section(chance, name));
        }
    }
}

pub(crate) fn policy(chance: &mut Chance) -> Value {
    let mut root = Map::new();
    rules(chance, &mut root);
    for key in ["any_origin_with_credentials", "null_origin", "insecure_origins"] {
        if chance.below(4) == 0 {
            root.insert(format!("dangerously_allow_{key}"), json!(true));
        }
    }
    let mut policies = Vec::new();
    for _ in 0..chance.at(3) {
        let mut entry = Map::new();
        rules(chance, &mut entry);
        let mut matched = Map::new();
        if chance.below(2) == 0 {
            matched.insert("hosts".to_owned(), json!(some(chance, &HOSTS, 2)));
        }
        if matched.is_empty() || chance.below(2) == 0 {
            matched.insert("path_prefixes".to_owned(), json!(some(chance, &PATHS, 2)));
        }
        entry.insert("match".to_owned(), Value::Object(matched));
        policies.push(Value::Object(entry));
    }
    if !policies.is_empty() {
        root.insert("policies".to_owned(), Value::Array(policies));
    }
    Value::Object(root)
}

/// A policy that differs from another in a place or two.
pub(crate) fn changed(chance: &mut Chance, policy: &Value) -> Value {
    let mut changed = policy.clone();
    let other = self::policy(chance);
    for _ in 0..=chance.at(2) {
        let keys: Vec<String> = other.as_object().unwrap().keys().cloned().collect();
        if keys.is_empty() {
            break;
        }
        let key = chance.pick(&keys).clone();
        let object = changed.as_object_mut().unwrap();
        match chance.below(3) {
            0 => drop(object.remove(&key)),
            _ => drop(object.insert(key.clone(), other[&key].clone())),
        }
    }
    changed
}
