//! `who`, `diff` and `test` as the program itself: what they print and how they end, also for what cannot be read; and a
//! platform that goes from `*` to an enforced policy by the command alone.

use serde_json::{Value, json};

use crate::command::{Ran, run};
use crate::logs::Folder;

fn policy(origins: &[&str]) -> Value {
    json!({
        "allowed_origins": origins,
        "allowed_hosts": ["api.example"],
        "cors": {"allow_credentials": true, "max_age": 600},
        "csrf": {}
    })
}

fn has(ran: &Ran, code: i32, words: &[&str]) {
    let text = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, code, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}`\n{text}");
    }
}

#[test]
fn the_exit_code_of_diff_says_in_which_direction_a_policy_changed() {
    let folder = Folder::new("diff");
    let none = folder.write("none.json", "");
    let one = folder.write("one.json", policy(&["https://a.example"]).to_string());
    let two = folder.write(
        "two.json",
        policy(&["https://a.example", "https://b.example"]).to_string(),
    );
    let spelled = folder.write("one.yaml", manifests_yaml(&policy(&["https://a.example"])));
    let mut longer = policy(&["https://a.example"]);
    longer["cors"]["max_age"] = json!(60);
    let longer = folder.write("longer.json", longer.to_string());
    for (old, new, code, says) in [
        (&one, &spelled, 0, "both policies permit the same"),
        (
            &one,
            &longer,
            0,
            "browsers keep the answer to a preflight for 60 s, and kept it for 600 s",
        ),
        (&one, &two, 4, "`https://b.example` may read answers"),
        (&two, &one, 3, "`https://b.example` may no longer read answers"),
        (&none, &one, 3, "no policy → cors:rejected"),
        (&one, &none, 4, "→ no policy"),
        (&none, &none, 0, "both policies permit the same"),
    ] {
        has(&run(&["diff", old, new], ""), code, &[says]);
        let ran = run(&["diff", "--json", old, new], "");
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (ran.code, &value["permits_more"]),
            (code, &json!(code == 4)),
            "{value:#}"
        );
    }
}

fn manifests_yaml(policy: &Value) -> String {
    let origins = policy["allowed_origins"].as_array().unwrap().iter();
    let origins: Vec<_> = origins.map(|it| format!("  - {it}\n")).collect();
    format!(
        "# The same in another form.\ncsrf: {{}}\ncors:\n  max_age: 600\n  allow_credentials: true\nallowed_hosts: [api.example]\n\
         allowed_origins:\n{}",
        origins.concat()
    )
}

#[test]
fn diff_compares_the_settings_of_either_side() {
    let folder = Folder::new("diff-env");
    let django = folder.write("policy.json", json!({"django_env": true}).to_string());
    let old = folder.write(
        "old.env",
        "CORS_ALLOWED_ORIGINS=https://a.example\nALLOWED_HOSTS=api.example\n",
    );
    let new = folder.write(
        "new.env",
        "CORS_ALLOWED_ORIGINS=https://a.example,https://b.example\nALLOWED_HOSTS=api.example\n",
    );
    let ran = run(&["diff", &django, &django, "--old-env", &old, "--env", &new], "");
    has(&ran, 4, &["`https://b.example` may read answers"]);
    has(&run(&["diff", &django, &django, "--env", &new], ""), 0, &[]);
}

#[test]
fn each_place_of_a_manifest_is_compared_with_its_own() {
    let folder = Folder::new("diff-places");
    let plugin = |name: &str, origin: &str| {
        let policy = policy(&[origin]);
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: {name}, namespace: istio-ingress}}\n\
             spec:\n  url: oci://registry.example/origin-gate:0.2\n  pluginConfig: {policy}\n---\n"
        )
    };
    let old = plugin("origin-gate-a", "https://a.example") + &plugin("origin-gate-b", "https://b.example");
    let old = folder.write("old.yaml", old);
    let new = plugin("origin-gate-b", "https://c.example") + &plugin("origin-gate-a", "https://a.example");
    let new = folder.write("new.yaml", new);
    let ran = run(&["diff", &old, &new], "");
    let same = "origin-gate-a: spec.pluginConfig\nboth policies permit the same\n";
    has(
        &ran,
        4,
        &[same, "origin-gate-b", "`https://c.example` may read answers"],
    );
    assert!(!ran.out.contains("`https://a.example`"), "{}", ran.out);
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = Folder::new("review-wrong");
    let good = folder.write("good.json", policy(&["https://a.example"]).to_string());
    let bad = folder.write("bad.json", r#"{"allowed_origins": ["https://a.example/"]}"#);
    let cases = folder.write(
        "cases.yaml",
        "- request: GET https://api.example/ from https://a.example\n  expect: read\n",
    );
    let wrong = folder.write(
        "wrong.yaml",
        "- request: GET https://api.example/\n  expect: red\n- request: FETCH\n  expect: read\n- expect: read\n",
    );
    let tabs = folder.write("tabs.yaml", "a: [\n");
    for (arguments, says) in [
        (&["diff", &good, &bad][..], vec!["bad.json", "allowed_origins[0]"]),
        (&["diff", &bad, &good], vec!["bad.json", "allowed_origins[0]"]),
        (&["diff", &good, "missing.json"], vec!["missing.json", "No such file"]),
        (&["diff", &good], vec!["<NEW>"]),
        (&["who", &bad], vec!["bad.json", "allowed_origins[0]"]),
        (&["who", &good, "--host", "a b"], vec!["--host: `a b`"]),
        (
            &["who", &good, "--path", "api"],
            vec!["--path: `api`", "begins with `/`"],
        ),
        (&["test", &bad, &cases], vec!["bad.json", "allowed_origins[0]"]),
        (&["test", &good], vec!["<FILE>"]),
        (
            &["test", &good, &wrong],
            vec!["wrong.yaml:2:", "`red`", "wrong.yaml:3:", "`FETCH`", "wrong.yaml:5:"],
        ),
        (&["test", &good, &tabs], vec!["tabs.yaml"]),
    ] {
        let ran = run(arguments, "");
        has(&ran, 1, &says);
    }
}

#[test]
fn a_case_that_fails_is_named_with_its_line_and_edits_wait_for_it() {
    let folder = Folder::new("review-cases");
    let good = folder.write("good.json", policy(&["https://a.example"]).to_string());
    let cases = folder.write(
        "cases.yaml",
        "- request: GET https://api.example/ from https://a.example\n  expect: read with cookies\n\
         - name: a stranger\n  request: GET https://api.example/ from https://b.example\n  expect: read\n",
    );
    let ran = run(&["test", &good, &cases, "--mutate"], "");
    let says = [
        "cases.yaml:3: a stranger",
        "got cors:rejected:origin_not_allowed",
        "1 of 2 cases hold",
        "edits of the policy are tried once all cases hold",
    ];
    has(&ran, 2, &says);
    let ran = run(&["test", "--json", &good, &cases], "");
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &value["failed"][0]["line"], &value["cases"]),
        (2, &json!(3), &json!(2)),
        "{value:#}"
    );
}

/// A case that `--mutate` proposes holds, and the edit that it is for is noticed then.
#[test]
fn the_proposed_cases_hold_until_no_edit_is_left() {
    let folder = Folder::new("review-mutate");
    let mut policy = policy(&["https://a.example", "https://*.b.example"]);
    policy["policies"] = json!([{
        "match": {"hosts": ["admin.example"], "path_prefixes": ["/admin/"]},
        "allowed_hosts": ["admin.example"],
        "allowed_origins": ["https://admin.example"],
        "csrf": {"exempt_paths": ["/admin/hook"]}
    }]);
    let policy = folder.write("policy.json", policy.to_string());
    let mut cases = vec![json!({"request": "GET https://api.example/ from https://a.example", "expect": "read"})];
    for _ in 0..4 {
        let file = folder.write("cases.json", Value::from(cases.clone()).to_string());
        let ran = run(&["test", "--json", "--mutate", &policy, &file], "");
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(ran.code, 0, "{value:#}");
        let unnoticed = value["unnoticed"].as_array().unwrap();
        let proposed = unnoticed.iter().map(|it| it["case"].clone()).filter(|it| !it.is_null());
        let known = cases.len();
        cases.extend(proposed);
        if cases.len() == known {
            assert!(known > 15 && unnoticed.is_empty(), "{unnoticed:#?}");
            return;
        }
    }
    panic!("each round there are more: {cases:#?}");
}

/// The notes of a platform whose backend answered everybody: what its log shows, its team's answers, a week of reports, and the
/// policy that is enforced then.
#[test]
fn a_platform_goes_from_everybody_to_enforced() {
    // Long: a story, in its order.
    let folder = Folder::new("review-platform");
    let line = |origin: &str, path: &str, more: Value| {
        let mut line = json!({
            "start_time": "2026-11-23T08:00:00.000Z", "method": "GET", "scheme": "https", "status": 200,
            "authority": "api.slykertech.co.zw", "path": path, "origin": origin, "access_control_allow_origin": "*",
            "upgrade": null, "access_control_request_method": null, "access_control_request_headers": null
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let cart = "/api/billing/carts/current/";
    let own = "https://slykertech.co.zw";
    let lines = [
        line(own, cart, json!({})),
        line("https://www.slykertech.co.zw", cart, json!({})),
        line(own, "/api/billing/carts/99999/", json!({"status": 404})),
        line(
            own,
            cart,
            json!({
                "method": "OPTIONS", "status": 204,
                "access_control_request_method": "PATCH", "access_control_request_headers": "authorization,content-type"
            }),
        ),
        line(own, "/ws/chat/sales/", json!({"upgrade": "websocket", "status": 101})),
        line("https://prices.test", cart, json!({})),
    ];
    let log = folder.write("access.log", lines.concat());

    // What the log shows: nobody is let in for having been let in with everybody.
    let ran = run(&["learn", "--json", &log], "");
    has(&ran, 0, &["2 origins are questions"]);
    let mut draft: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(draft["allowed_origins"], json!([own]));
    assert_eq!(draft["allowed_hosts"], json!(["api.slykertech.co.zw"]));
    assert_eq!(draft["cors"]["allow_methods"], json!(["PATCH"]));
    let sections = ["cors", "csrf", "hosts", "websocket"];
    assert!(
        sections.iter().all(|it| draft[it]["mode"] == "report_only"),
        "{draft:#}"
    );

    // The team knows one of the two others. While checks report, nobody is refused, and nothing is granted either.
    draft["allowed_origins"] = json!([own, "https://www.slykertech.co.zw"]);
    draft["cors"]["allow_credentials"] = json!(true);
    let none = folder.write("none.json", "");
    let reporting = folder.write("reporting.json", draft.to_string());
    let ran = run(&["replay", &reporting, &log], "");
    has(
        &ran,
        0,
        &["cors:would_reject:origin_not_allowed  1 request", "https://prices.test"],
    );

    // Enforced, it is stricter than no filter, and only the stranger of the log is refused.
    for section in sections {
        draft[section].as_object_mut().unwrap().remove("mode");
    }
    let enforced = folder.write("enforced.json", draft.to_string());
    has(&run(&["check", "--deny-warnings", &enforced], ""), 0, &["loads"]);
    has(
        &run(&["diff", &none, &enforced], ""),
        3,
        &["any other origin may no longer read answers"],
    );
    has(
        &run(&["replay", &enforced, &log], ""),
        2,
        &["refused: 1 of 6 requests", "https://prices.test"],
    );
    let table = run(&["who", &enforced], "");
    let cookies = "read answers with cookies, write, open WebSockets\n    `https://slykertech.co.zw`  allowed_origins[0]\n    \
                   `https://www.slykertech.co.zw`  allowed_origins[1]\n";
    has(&table, 0, &["requests may ask for `api.slykertech.co.zw`", cookies]);
    let cases = folder.write(
        "cases.yaml",
        "- request: GET https://api.slykertech.co.zw/api/billing/carts/99999/ from https://slykertech.co.zw\n  expect: read with cookies\n\
         - request: GET wss://api.slykertech.co.zw/ws/chat/sales/ from https://slykertech.co.zw:443\n  expect: allowed\n\
         - request: GET wss://api.slykertech.co.zw/ws/chat/sales/ from https://prices.test\n  expect: refused\n",
    );
    has(&run(&["test", &enforced, &cases], ""), 0, &["3 of 3 cases hold"]);
}

/// What the page about the twin promises before a move, of each manifest that people copy.
#[test]
fn the_module_and_the_twin_are_shipped_with_policies_that_permit_the_same() {
    let page = crate::documents::document("docs/native.md");
    assert!(
        page.contains("`origin-gate diff hot-reload/origin_gate.yaml native/origin_gate.yaml`"),
        "{page}"
    );
    let path = |file: &str| crate::root().join("envoy").join(file).to_str().unwrap().to_owned();
    for (module, twin) in [
        ("hot-reload/origin_gate.yaml", "native/origin_gate.yaml"),
        ("istio/wasmplugin.yaml", "native/istio.yaml"),
        ("envoy-gateway/policy.yaml", "native/envoy-gateway.yaml"),
    ] {
        has(
            &run(&["diff", &path(module), &path(twin)], ""),
            0,
            &["both policies permit the same"],
        );
    }
    let other = Folder::new("review-twin");
    let text = crate::documents::document("envoy/native/origin_gate.yaml");
    let other = other.write("other.yaml", text.replace("https://indexo.ir", "https://other.example"));
    has(
        &run(&["diff", &path("hot-reload/origin_gate.yaml"), &other], ""),
        4,
        &["`https://other.example` may read"],
    );
}
