//! What `learn` drafts from small logs, those in `tests/cases/logs`.

use std::fs;

use analysis::log::{Draft, Learner, LogLine, Reading};
use config::Loaded;
use serde_json::{Value, json};

use super::{Folder, log_of, strings};
use crate::command::run;
use crate::random::Random;
use crate::root;

pub(super) fn learned(log: &str) -> Result<Draft, String> {
    let (mut reading, mut learner) = (Reading::new(None), Learner::default());
    reading
        .read("log", log.as_bytes(), |line, _| learner.add(line))
        .unwrap();
    learner.finish(&reading)
}

/// The policy of a draft in YAML is the one in JSON, and loads.
pub(super) fn policy_of(draft: &Draft) -> Value {
    let json = draft.json();
    let mut found = manifests::policies(draft.yaml().as_bytes()).unwrap();
    let yaml: Value = serde_json::from_slice(&found.remove(0).configuration).unwrap();
    assert_eq!(yaml, json);
    load(&json);
    json
}

pub(super) fn load(policy: &Value) -> Loaded {
    config::load(policy.to_string().as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{policy:#}"))
}

#[test]
fn each_log_is_learned_as_it_should() {
    let path = root().join("tests/cases/logs/learn.json");
    let suite: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cases = suite.as_array().unwrap();
    let mut problems = Vec::new();
    for case in cases {
        let name = case["situation"].as_str().unwrap();
        let (policy, printed) = match learned(&log_of(case)) {
            Ok(draft) => (policy_of(&draft), draft.yaml() + &draft.notes().join("\n")),
            Err(problem) => (Value::Null, problem),
        };
        let is_there = |it: &&str| printed.contains(*it);
        let is_as = |(pointer, value): (&String, &Value)| policy.pointer(pointer).unwrap_or(&Value::Null) == value;
        let is_right = case["draft"].as_object().unwrap().iter().all(is_as)
            && strings(&case["says"]).iter().all(is_there)
            && !strings(&case["never"]).iter().any(is_there);
        if !is_right {
            problems.push(format!("{name}:\n{policy:#}\n{printed}"));
        }
    }
    assert!(problems.is_empty() && cases.len() > 20, "{}", problems.join("\n"));
}

#[test]
fn the_command_prints_a_draft_and_its_evidence() {
    let folder = Folder::new("learn");
    let line = json!({ "method": "GET", "authority": "api.example", "path": "/", "origin": "https://app.example", "status": 200 });
    let log = folder.write("access.log", format!("{line}\n{line}\n"));
    let evidence = folder.write("evidence.json", "");
    let ran = run(&["learn", &log, "--json", "--evidence", &evidence], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let policy: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(policy["allowed_origins"], json!(["https://app.example"]));
    let told: Value = serde_json::from_str(&fs::read_to_string(&evidence).unwrap()).unwrap();
    let entry = &told["entries"][1];
    assert_eq!(
        (&entry["value"], &entry["count"]),
        (&json!("https://app.example"), &json!(2))
    );
    let draft = run(&["learn", "-"], &format!("{line}\n")).out;
    assert_eq!(run(&["check", "-", "--deny-warnings"], &draft).code, 0);
    for (arguments, input, word) in [
        (&["learn", "-"][..], "", "there is no request"),
        (&["learn", "-"][..], "hello\n", "no line can be read"),
        (&["learn", "/nowhere"][..], "", "/nowhere: "),
        (&["learn", "-", "-"][..], "", "one log only"),
    ] {
        let ran = run(arguments, input);
        assert!(
            ran.code == 1 && ran.err.contains(word) && ran.out.is_empty(),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

/// Whatever is in a log, a draft of it loads.
#[test]
fn every_draft_loads() {
    let mut random = Random(22);
    let origins = [
        "https://a.example.",
        "http://[::1]:3000",
        "ws://a.example",
        "https://a_b.example",
        "https://xn--a.example",
        "app://x",
    ];
    let hosts = [
        "a.example.",
        "[::1]:80",
        "A.example",
        "a_b",
        "1.2.3.4",
        "*",
        "x..y",
        "xn--a",
    ];
    let methods = ["patch", "PATCH", "CONNECT", "a b", "*", "x"];
    let headers = ["Cookie", "x y", "*", "X-A, x-b", "sec-a", "é"];
    for _ in 0..300 {
        let lines = (0..5).map(|_| {
            let origin = if random.below(2) == 0 { random.one(&origins) } else { "https://b.example" };
            let fields = json!({
                "method": random.one(&["OPTIONS", "GET", "POST", "patch"]), "authority": random.one(&hosts), "path": "/", "origin": origin,
                "access_control_request_method": random.one(&methods), "access_control_request_headers": random.one(&headers),
                "sec_fetch_mode": random.one(&["cors", "navigate"]), "status": 200,
            });
            fields.to_string() + "\n"
        });
        let log: String = lines.collect();
        assert!(LogLine::read(log.lines().next().unwrap().as_bytes()).is_some());
        if let Ok(draft) = learned(&log) {
            policy_of(&draft);
        }
    }
}
