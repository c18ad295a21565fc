//! Warnings about whole policies: every key, every place, and the policies that people copy.

use std::collections::BTreeMap;

use crate::documents::{blocks, document, pages};
use analysis::check::check;
use config::{Loaded, SCHEMA};
use proptest::prelude::*;
use serde_json::{Value, json};

fn load(policy: &Value) -> Loaded {
    config::load(policy.to_string().as_bytes()).unwrap_or_else(|errors| panic!("{policy}: {errors}"))
}

fn warnings(policy: &Value) -> Vec<String> {
    load(policy).warnings.iter().map(ToString::to_string).collect()
}

/// A value that a key of the schema takes and that is not its default.
fn another_value(section: &str, key: &str) -> Value {
    let another = json!({
        "allow_credentials": true, "allow_methods": ["GET"], "allow_headers": ["x-a"], "expose_headers": ["x-a"],
        "max_age": 60, "allow_private_network": true, "presets": ["mcp"], "upstream_headers": "keep",
        "same_host": false, "allowed_hosts": true, "missing_origin": "reject", "reject_status": 404,
        "exempt_paths": ["/a"], "forwarded_host": "strip", "trusted_origins": ["https://a.example"],
    });
    let value = another.get(key).cloned();
    value.unwrap_or_else(|| panic!("{section}.{key} is new: what is another value for it?"))
}

/// The table of keys without effect knows every key of the schema.
#[test]
fn no_key_has_an_effect_in_a_section_that_is_off() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut count = 0;
    for section in config::SECTIONS {
        let text = schema.to_string();
        let found = schema["$defs"][section]["properties"].as_object();
        let found = found.or_else(|| schema["properties"][section]["properties"].as_object());
        let keys = found.unwrap_or_else(|| panic!("{section} is not in the schema: {text}"));
        for key in keys.keys().filter(|it| *it != "mode") {
            count += 1;
            let value = another_value(section, key);
            for policy in [
                json!({ section: { "mode": "off", key: value } }),
                json!({ "policies": [{ "match": { "hosts": ["a"] }, section: { "mode": "off", key: value } }] }),
            ] {
                let told = warnings(&policy);
                let place = format!("{section}.{key}: ");
                let is_told = |it: &String| it.contains(&place) && it.contains("has no effect while `mode` is `off`");
                assert!(told.iter().any(is_told), "{policy}: {told:#?}");
            }
        }
    }
    assert!(count >= 17, "only {count} keys");
}

/// What `check` says of each policy that people copy. A warning stands here with the reason why it may.
const KNOWN: [(&str, &str, &str); 4] = [
    (
        "docs/migrate/django.md",
        "csrf.trusted_origins: this has no effect while `mode` is `off`",
        "`import` keeps the list of Django's settings for the day on which `csrf` is switched on",
    ),
    (
        "docs/migrate/django.md",
        "cors.max_age: `86400`: Chromium keeps a preflight for 7200 seconds at most",
        "django-cors-headers has this default",
    ),
    (
        "envoy/demo/demo.py",
        "allowed_origins[3]: `http://localhost:*`: any program on the visitor's machine can be it",
        "`./build.sh run` is opened at localhost",
    ),
    (
        "docs/review.md",
        "websocket.mode: `off`: any page may open a WebSocket here",
        "it is the policy that the page takes out of force",
    ),
];

/// Every policy that people copy, with the file that has it.
fn shipped() -> Vec<(String, String)> {
    let of = |path: &str, policy: &str| (path.to_owned(), policy.to_owned());
    let mut shipped = vec![of("envoy/policy.json", &document("envoy/policy.json"))];
    for page in pages() {
        shipped.extend(blocks(&document(&page), "json").iter().map(|it| of(&page, it)));
    }
    for path in ["README.md", "envoy/envoy.yaml"] {
        let text = document(path);
        let (_, after) = text.split_once("value: |\n").unwrap();
        let indentation = after.len() - after.trim_start().len();
        let is_inside = |line: &&str| line.len() - line.trim_start().len() >= indentation;
        shipped.push(of(path, &after.lines().take_while(is_inside).collect::<String>()));
    }
    // What the demo adds to the policy of `envoy.yaml`, line by line of Python.
    let mut policy: Value = serde_json::from_str(&document("envoy/policy.json")).unwrap();
    for line in document("envoy/demo/demo.py").lines() {
        let appended = line
            .trim()
            .strip_prefix("policy[\"")
            .and_then(|it| it.split_once("\"].append("));
        if line.trim() == "policy[\"websocket\"][\"allowed_hosts\"] = False" {
            policy["websocket"]["allowed_hosts"] = json!(false);
        }
        if let Some((key, value)) = appended {
            let value = serde_json::from_str(value.strip_suffix(')').unwrap()).unwrap();
            policy[key].as_array_mut().unwrap().push(value);
        }
    }
    shipped.push(of("envoy/demo/demo.py", &policy.to_string()));
    shipped
}

#[test]
fn the_policies_that_people_copy_are_clean_or_say_why_not() {
    let shipped = shipped();
    assert!(shipped.len() > 10, "only {} policies", shipped.len());
    let mut used = BTreeMap::new();
    for (path, policy) in &shipped {
        let checked = check(policy.as_bytes(), &[]);
        assert_eq!(checked.errors, [""; 0], "{path}");
        for warning in checked.warnings {
            let is_it = |(file, known, _): &&(&str, &str, &str)| file == path && warning.starts_with(known);
            let known = KNOWN.iter().find(is_it).unwrap_or_else(|| panic!("{path}: {warning}"));
            used.insert(known.1, ());
        }
    }
    assert_eq!(
        used.len(),
        KNOWN.len(),
        "a warning that is known is not there any more: {used:#?}"
    );
}

const HOSTS: [&str; 5] = ["a.example.net", ".a.example.net", ".example.net", "b.example.org", "*"];
const PREFIXES: [&str; 6] = ["/a", "/a/", "/a/b", "/a/b/", "/ab/", "/c/"];
/// Hosts and paths that tell any two sets of those apart.
const ASKED: ([&str; 6], [&str; 8]) = (
    [
        "a.example.net",
        "x.a.example.net",
        "example.net",
        "x.example.net",
        "b.example.org",
        "c.example.com",
    ],
    ["/a", "/a/x", "/a/b", "/a/b/x", "/ab/x", "/c/x", "/d", "/"],
);

fn entry() -> impl Strategy<Value = Value> {
    let hosts = proptest::sample::subsequence(HOSTS.to_vec(), 0..3);
    let prefixes = proptest::sample::subsequence(PREFIXES.to_vec(), 0..3);
    (hosts, prefixes).prop_map(|(hosts, prefixes)| {
        let mut scope = json!({});
        if !hosts.is_empty() {
            scope["hosts"] = json!(hosts);
        }
        if !prefixes.is_empty() || hosts.is_empty() {
            scope["path_prefixes"] = json!(if prefixes.is_empty() { vec!["/c/"] } else { prefixes });
        }
        json!({ "match": scope, "csrf": {} })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// An entry is said to be hidden exactly if it decides no plain request, and so is each of its hosts and prefixes.
    #[test]
    fn hidden_is_what_decides_nothing(entries in proptest::collection::vec(entry(), 1..5)) {
        let policy = json!({ "policies": entries });
        let loaded = load(&policy);
        let told: Vec<_> = loaded.warnings.iter().filter(|it| it.code().starts_with("match_")).collect();
        let is_told = |path: &str| told.iter().any(|it| it.path() == path);
        for (at, entry) in entries.iter().enumerate() {
            // Whether this entry is the first for a host and path of those that one of its hosts and prefixes has.
            let decides = |is_host: &dyn Fn(&str) -> bool, is_path: &dyn Fn(&str) -> bool| {
                ASKED.0.iter().filter(|it| is_host(it)).any(|host| {
                    ASKED.1.iter().filter(|it| is_path(it)).any(|path| first(&entries, host, path) == Some(at))
                })
            };
            let whole = decides(&|_| true, &|_| true);
            let place = format!("policies[{at}].match");
            prop_assert_eq!(!whole, is_told(&place), "{}: {:?}", policy, told);
            for (key, is_host) in [("hosts", true), ("path_prefixes", false)] {
                for (index, text) in strings(&entry["match"][key]).iter().enumerate() {
                    let is_decided = match is_host {
                        true => decides(&|it| is_in_host(text, it), &|_| true),
                        false => decides(&|_| true, &|it| is_in_prefix(text, it)),
                    };
                    prop_assert_eq!(whole && !is_decided, is_told(&format!("{place}.{key}[{index}]")), "{}: {:?}", policy, told);
                }
            }
        }
    }
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn is_in_host(pattern: &str, host: &str) -> bool {
    let is_under = |domain| host == domain || host.ends_with(pattern);
    pattern == "*" || pattern == host || pattern.strip_prefix('.').is_some_and(is_under)
}

fn is_in_prefix(prefix: &str, path: &str) -> bool {
    path == prefix || path.starts_with(&format!("{}/", prefix.trim_end_matches('/')))
}

/// The first entry of `policies` for a request.
fn first(entries: &[Value], host: &str, path: &str) -> Option<usize> {
    let any = |list: &Value, is_it: &dyn Fn(&str) -> bool| {
        let list = strings(list);
        list.is_empty() || list.iter().any(|it| is_it(it))
    };
    entries.iter().position(|entry| {
        any(&entry["match"]["hosts"], &|it| is_in_host(it, host))
            && any(&entry["match"]["path_prefixes"], &|it| is_in_prefix(it, path))
    })
}
