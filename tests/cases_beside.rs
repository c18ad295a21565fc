//! `origin-gate test`: our own corpus runs through it, and single edits of a policy are noticed.

use std::fs;

use analysis::cases::{Problem, Suite, edits, explainer};
use analysis::reach::Subject;
use serde_json::{Value, json};

use crate::support::cases_dir;

fn suite(cases: Value) -> Suite {
    Suite::read(&cases).unwrap()
}

fn problems(cases: Value) -> Vec<String> {
    let problems = Suite::read(&cases).unwrap_err().into_iter();
    problems
        .map(|Problem { path, message }| format!("{path}: {message}"))
        .collect()
}

fn failures(policy: &Value, suite: &Suite) -> Vec<String> {
    let explainer = explainer(policy.to_string().as_bytes(), &[]).unwrap();
    suite.cases.iter().flat_map(|it| it.failures(&explainer)).collect()
}

#[test]
fn our_own_corpus_runs_through_it() {
    let (mut cases, mut noticed) = (0, 0);
    for entry in fs::read_dir(cases_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if file.get("rows").is_some() {
            continue;
        }
        let environment = file["environment"].as_object().into_iter().flatten();
        let environment: Vec<_> = environment
            .map(|(name, it)| (name.clone(), it.as_str().unwrap().to_owned()))
            .collect();
        let suite = Suite::read(&file).unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
        let explainer = explainer(file["policy"].to_string().as_bytes(), &environment).unwrap();
        for case in &suite.cases {
            assert_eq!(
                case.failures(&explainer),
                Vec::<String>::new(),
                "{}: {}",
                path.display(),
                case.name
            );
        }
        cases += suite.cases.len();
        // Under another policy much of it does not hold.
        let other = analysis::cases::explainer(br#"{"allowed_origins": ["https://other.example"]}"#, &[]).unwrap();
        noticed += suite.cases.iter().filter(|it| !it.failures(&other).is_empty()).count();
    }
    assert!(cases > 880, "{cases}");
    assert!(noticed > 500, "{noticed}");
}

#[test]
fn a_case_is_a_request_in_a_line_and_what_must_hold() {
    let policy = json!({
        "allowed_origins": ["https://shop.example", "https://*.preview.example"],
        "allowed_hosts": ["api.example"],
        "cors": {"allow_credentials": true, "allow_methods": ["GET", "PUT"]},
    });
    let line = |request: &str, expect: Value| json!({"request": request, "expect": expect});
    let hold = suite(json!({"cases": [
        line("GET https://api.example/cart from https://shop.example", json!("read with cookies")),
        line("GET https://api.example/cart from https://evil.example", json!(["not read", "refused", "cors:rejected"])),
        line("GET wss://api.example/chat from https://a.preview.example", json!("websocket:allowed:pattern")),
        line("GET wss://api.example/chat from null", json!("websocket:rejected:origin_null")),
        line("OPTIONS https://api.example/ from https://shop.example for PUT with x-csrftoken", json!("allowed")),
        line("OPTIONS https://api.example/ from https://shop.example for DELETE", json!("cors:rejected:method_not_allowed")),
        line("GET https://api.example 'Origin: https://shop.example' 'Sec-Fetch-Site: cross-site'", json!("read")),
        line("GET https://evil.example/", json!("hosts")),
        {"request": ["GET /", "Host: api.example", "Origin: https://shop.example"], "backend": 500, "answer": [
            "500", "Access-Control-Allow-Origin: https://shop.example", "Access-Control-Allow-Credentials: true", "Vary: Origin",
        ]},
    ]}));
    assert_eq!(failures(&policy, &hold), Vec::<String>::new());
    let fail = suite(json!([
        line("GET https://api.example/cart from https://shop.example", json!("not read")),
        line("GET https://api.example/cart from https://evil.example", json!("allowed")),
        line("GET wss://api.example/chat from https://a.preview.example", json!("websocket:allowed:listed")),
        {"request": ["GET /", "Host: api.example", "Origin: https://shop.example"], "backend": 200, "answer": ["200"]},
    ]));
    let failed = failures(&policy, &fail);
    assert_eq!(
        failed.first().map(String::as_str),
        Some("expected an answer that the page does not read, got cors:allowed:listed")
    );
    assert_eq!(
        failed.get(1).map(String::as_str),
        Some("expected allowed, got cors:rejected:origin_not_allowed")
    );
    assert_eq!(
        failed.get(2).map(String::as_str),
        Some("expected websocket:allowed:listed, got websocket:allowed:pattern")
    );
    assert_eq!(failed.len(), 6, "{failed:?}");
}

#[test]
fn what_is_wrong_with_a_case_is_said_with_its_place() {
    let wrong = problems(json!({"cases": [
        {"request": "GET api.example", "expect": "read"},
        {"request": "GET https://api.example/ from", "expect": "read"},
        {"request": "GET https://api.example/", "expect": "fine"},
        {"request": "GET https://api.example/"},
        {"request": "GET https://api.example/", "expect": "cors:allowed:lis"},
        {"request": "GET https://api.example/", "expects": "read"},
        "GET https://api.example/",
    ]}));
    let begins = [
        "cases[0].request: `api.example`: relative URL without a base; write the whole URL",
        "cases[1].request: nothing follows `from`; write `METHOD URL`",
        "cases[2].expect: `fine`: write `allowed`, `refused`, `read`",
        "cases[3]: nothing is expected: write `expect: allowed`",
        "cases[4].expect: `cors:allowed:lis`: write `allowed`",
        "cases[5].expects: there is no such key; write one of name, request, expect",
        "cases[5]: nothing is expected",
        "cases[6]: a case has a `request` and what to `expect`",
    ];
    for (problem, begin) in wrong.iter().zip(begins) {
        assert!(problem.starts_with(begin), "{problem}");
    }
    assert_eq!(wrong.len(), begins.len(), "{wrong:?}");
    assert_eq!(problems(json!({"cases": []})), ["cases: there is no case here"]);
    assert_eq!(
        problems(json!(7)),
        [": there are no cases: write a list of them under `cases`"]
    );
}

#[test]
fn each_edit_that_no_case_notices_is_named() {
    let policy = json!({
        "allowed_origins": ["https://shop.example.com", "https://old.example.com"],
        "allowed_hosts": ["api.example.com"],
        "cors": {"allow_credentials": true},
    });
    let bytes = policy.to_string().into_bytes();
    let subject = Subject::read(&bytes, &[]).unwrap();
    let unnoticed = |suite: &Suite| {
        let suites = [suite.clone()];
        let unnoticed = edits(&bytes).into_iter().filter_map(|edit| {
            let found = edit.unnoticed(&suites, &subject, &[]).unwrap()?;
            Some((format!("{} {}", edit.path, edit.what), found.case))
        });
        unnoticed.collect::<Vec<_>>()
    };
    let few = suite(
        json!([{"request": "GET https://api.example.com/ from https://shop.example.com", "expect": "read with cookies"}]),
    );
    let found = unnoticed(&few);
    let edits: Vec<_> = found.iter().map(|(edit, _)| edit.as_str()).collect();
    assert_eq!(
        edits,
        [
            "allowed_hosts[0] without `api.example.com`",
            "allowed_hosts[0] `.api.example.com` too",
            "allowed_origins[0] `https://*.example.com` too",
            "allowed_origins[1] without `https://old.example.com`",
            "allowed_origins[1] `https://*.example.com` too",
            "websocket `mode: off`",
            "hosts `mode: off`",
        ]
    );
    assert!(found.iter().all(|(_, case)| case.is_some()));
    let all = suite(json!([
        {"request": "GET https://api.example.com/ from https://shop.example.com", "expect": "read with cookies"},
        {"request": "GET https://api.example.com/ from https://old.example.com", "expect": "read with cookies"},
        {"request": "GET https://api.example.com/ from https://x.example.com", "expect": "not read"},
        {"request": "GET https://x.api.example.com/", "expect": "hosts:rejected"},
        {"request": "GET wss://api.example.com/ from https://x.example.com", "expect": "refused"},
    ]));
    assert_eq!(unnoticed(&all), []);
}
