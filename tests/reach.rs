//! `diff` against brute force: whatever a request that somebody makes up shows, the difference of the two policies names.

use analysis::diff::{Diff, Direction};
use analysis::explain::{Exchange, explain};
use analysis::reach::{Answer, Ask, Permission, Question, Subject};
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

fn section(chance: &mut Chance, name: &str) -> Value {
    let mut section = Map::new();
    let mut set = |chance: &mut Chance, key: &str, values: &[Value]| {
        if chance.below(3) == 0 {
            section.insert(key.to_owned(), chance.pick(values).clone());
        }
    };
    if chance.below(6) == 0 {
        set(chance, "mode", &[json!("off"), json!("report_only"), json!("enforce")]);
    }
    match name {
        "cors" => {
            set(chance, "allow_credentials", &[json!(true), json!(false)]);
            set(
                chance,
                "allow_methods",
                &[json!(["GET", "PUT"]), json!(["*"]), json!(["DELETE", "GET"])],
            );
            set(
                chance,
                "allow_headers",
                &[json!(["x-a"]), json!(["*"]), json!(["x-a", "x-b"])],
            );
            set(chance, "expose_headers", &[json!(["etag"]), json!(["etag", "link"])]);
            set(chance, "allow_private_network", &[json!(true)]);
            set(chance, "upstream_headers", &[json!("keep")]);
            set(chance, "max_age", &[json!(60)]);
        }
        "websocket" => {
            set(chance, "same_host", &[json!(true), json!(false)]);
            set(chance, "allowed_hosts", &[json!(true), json!(false)]);
            set(chance, "missing_origin", &[json!("reject")]);
        }
        "hosts" => {
            set(chance, "forwarded_host", &[json!("check"), json!("strip")]);
            set(
                chance,
                "exempt_paths",
                &[json!(["/healthz"]), json!(["/api/"]), json!(["/public/"])],
            );
        }
        _ => {
            set(
                chance,
                "trusted_origins",
                &[json!(["https://a.example"]), json!(["https://*.b.a.example"])],
            );
            set(chance, "exempt_paths", &[json!(["/api/"]), json!(["/api/admin/"])]);
            set(chance, "missing_origin", &[json!("reject")]);
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

fn policy(chance: &mut Chance) -> Value {
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
fn changed(chance: &mut Chance, policy: &Value) -> Value {
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

fn read(policy: &Value) -> Option<Subject> {
    Subject::read(policy.to_string().as_bytes(), &[]).ok()
}

/// A request of whose parts none is made of the policies.
fn question(chance: &mut Chance) -> Question {
    const NAMES: [&str; 20] = [
        "a.example",
        "b.a.example",
        "x.a.example",
        "x.b.a.example",
        "shop-a.a.example",
        "shop-a-x.a.example",
        "shop-x.a.example",
        "shop-q-x.a.example",
        "shop--x.a.example",
        "pr-7.a.example",
        "api.example",
        "q.example",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "evil.test",
        "a.example.",
        "b.example",
        "c.a.example",
        "00000000-0000-0000-0000-000000000000",
    ];
    const HOSTS: [&str; 9] = [
        "api.example",
        "a.example",
        "q.a.example",
        "localhost",
        "[::1]",
        "evil.test",
        "a.example.",
        "b.a.example",
        "example",
    ];
    const PATHS: [&str; 16] = [
        "/",
        "/q",
        "/api",
        "/api/",
        "/api/q",
        "/api/admin/q",
        "/public/q",
        "/public",
        "/healthz",
        "/API/q",
        "/public/..%2fapi/q",
        "/api/%2e%2e/q",
        "/api/admin/%2e%2e/%2e%2e/public/q",
        "/a.json",
        "/api/v1;x",
        "/q/%252e%252e/api/admin/q",
    ];
    let scheme = *chance.pick(&["https", "https", "http", "capacitor", "moz-extension", "q"]);
    let name = *chance.pick(&NAMES);
    let port = *chance.pick(&["", "", ":8443", ":3000", ":9"]);
    let origin = match chance.below(12) {
        0 => None,
        1 => Some("null".to_owned()),
        2 => Some("https://A.example".to_owned()),
        _ => Some(format!("{scheme}://{name}{port}")),
    };
    let host = match chance.below(4) {
        0 => Some(format!("{name}{port}")),
        1 if chance.below(4) == 0 => None,
        _ => Some(format!("{}{}", chance.pick(&HOSTS), chance.pick(&["", "", ":8443"]))),
    };
    let ask = match chance.below(9) {
        0 | 1 => Ask::Socket,
        2 => Ask::Write(*chance.pick(&[
            None,
            Some("same-origin"),
            Some("none"),
            Some("same-site"),
            Some("cross-site"),
        ])),
        3 => Ask::Method((*chance.pick(&["PUT", "DELETE", "PATCH", "QUERY", "put"])).to_owned()),
        4 => Ask::Header((*chance.pick(&["x-a", "x-b", "x-q", "content-type"])).to_owned()),
        5 => Ask::PrivateNetwork,
        6 => {
            let value = (*chance.pick(&["a.example", "evil.test", "a b", "localhost"])).to_owned();
            match chance.below(3) {
                0 => Ask::Forwarded("forwarded", format!("host={value}")),
                1 => Ask::Forwarded("x_forwarded_host", value),
                _ => Ask::Forwarded("x-forwarded-host", value),
            }
        }
        _ => Ask::Read,
    };
    // A page sends these with its origin.
    let origin = match &ask {
        Ask::Method(_) | Ask::Header(_) | Ask::PrivateNetwork => origin.or(Some("null".to_owned())),
        Ask::Forwarded(..) => None,
        _ => origin,
    };
    Question {
        ask,
        origin,
        host,
        scheme: *chance.pick(&["https", "http"]),
        path: (*chance.pick(&PATHS)).to_owned(),
    }
}

/// Whether a difference has what one request shows.
fn names(diff: &Diff, direction: Direction, permission: &Permission) -> bool {
    let is_named = |it: &Permission| match (it, permission) {
        // A name that no list has stands for all of them.
        (Permission::Method(_), Permission::Method(_)) | (Permission::Header(_), Permission::Header(_)) => true,
        // Who reads what it did not has all that is for readers; who asks a new host has all that the policy grants there.
        (
            Permission::Read,
            Permission::Method(_) | Permission::Header(_) | Permission::PrivateNetwork | Permission::Expose(_),
        ) => true,
        (Permission::Backend, Permission::Method(_) | Permission::Header(_) | Permission::PrivateNetwork) => true,
        (Permission::Host, _) => true,
        (own, other) => own == other,
    };
    let mut changes = diff.changes.iter().filter(|it| it.direction == direction);
    diff.undecided.is_some() || changes.any(|it| it.permissions.keys().any(is_named))
}

fn gained(more: &Answer, less: &Answer) -> Vec<Permission> {
    let has_every = less.permissions.contains(&Permission::Expose("*".to_owned()));
    let gained = more.permissions.difference(&less.permissions);
    gained
        .filter(|it| !(has_every && matches!(it, Permission::Expose(_))))
        .cloned()
        .collect()
}

fn compare(chance: &mut Chance, old: &Value, new: &Value, requests: usize) -> usize {
    let (Some(one), Some(two)) = (read(old), read(new)) else {
        return 0;
    };
    let diff = Diff::between(&one, &two).unwrap();
    let mut shown = 0;
    for _ in 0..requests {
        let question = question(chance);
        let [before, after] = [&one, &two].map(|it| Answer::of(it.policy(), &question));
        for (direction, permissions) in [
            (Direction::Permits, gained(&after, &before)),
            (Direction::Refuses, gained(&before, &after)),
        ] {
            for permission in permissions {
                shown += 1;
                assert!(
                    names(&diff, direction, &permission),
                    "{direction:?} {permission:?}: {question}\nold {old}\nnew {new}\n{}",
                    diff.text()
                );
            }
        }
    }
    for change in &diff.changes {
        for (permission, witness) in &change.permissions {
            let answers = [&one, &two].map(|it| Answer::of(it.policy(), &witness.question));
            let is_shown = |it: &Permission| match (it, permission) {
                (Permission::Method(_), Permission::Method(name))
                | (Permission::Header(_), Permission::Header(name))
                    if name == "*" =>
                {
                    true
                }
                (own, other) => own == other,
            };
            let has = answers.each_ref().map(|it| it.permissions.iter().any(is_shown));
            let expected = [
                change.direction == Direction::Refuses,
                change.direction == Direction::Permits,
            ];
            assert_eq!(
                has, expected,
                "{permission:?}: {}\nold {old}\nnew {new}",
                witness.question
            );
        }
    }
    shown
}

/// `ORIGIN_GATE_PAIRS` says how many pairs; `./build.sh reach` asks for 100,000.
#[test]
fn what_brute_force_finds_is_named_and_each_witness_holds() {
    let pairs = std::env::var("ORIGIN_GATE_PAIRS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(40);
    let seed = std::env::var("ORIGIN_GATE_SEED")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(7);
    let mut chance = Chance::new(seed);
    let (mut compared, mut shown) = (0, 0);
    while compared < pairs {
        let old = policy(&mut chance);
        let new = match chance.below(4) {
            0 => policy(&mut chance),
            _ => changed(&mut chance, &old),
        };
        if read(&old).is_none() || read(&new).is_none() {
            continue;
        }
        compared += 1;
        shown += compare(&mut chance, &old, &new, 100);
        assert!(
            !Diff::between(&read(&old).unwrap(), &read(&old).unwrap())
                .unwrap()
                .permits_more()
        );
    }
    assert!(shown > pairs, "too few of the requests differ: {shown}");
}

#[test]
fn explain_says_of_a_witness_what_the_difference_says() {
    let mut chance = Chance::new(3);
    let mut explained = 0;
    while explained < 20 {
        let (old, new) = (policy(&mut chance), policy(&mut chance));
        let (Some(one), Some(two)) = (read(&old), read(&new)) else {
            continue;
        };
        for change in Diff::between(&one, &two).unwrap().changes {
            for witness in change.permissions.values() {
                let lines = witness.question.lines().into_iter();
                let exchange = Exchange {
                    request: lines
                        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                        .collect(),
                    response: vec![(":status".to_owned(), b"200".to_vec())],
                };
                for (policy, finding) in [&old, &new].into_iter().zip(witness.findings) {
                    let loaded = config::load(policy.to_string().as_bytes()).unwrap();
                    assert_eq!(explain(loaded, &exchange).unwrap().finding, finding.unwrap());
                }
            }
            explained += 1;
        }
    }
}
