//! What the command says: the corpus through `explain`, and the program itself.
//!
//! Long: tables of calls, each with what the command prints, and one program that runs them all.

use crate::support;
use std::collections::BTreeMap;
use std::io::Write;
use std::iter;
use std::process::{Command, Stdio};

use crate::support::{Case, Response, Seen};
use analysis::explain::{Colors, Exchange, Explanation, Scenario, explain};
use policy::text::printable;
use proptest::prelude::*;
use serde_json::Value;

/// What a case asks, with the response that its backend or its proxy gives.
fn exchange(case: &Case) -> Exchange {
    let request = case
        .fields()
        .into_iter()
        .map(|(name, value)| (String::from_utf8(name).unwrap(), value));
    let plain = Response {
        status: case.proxy.unwrap_or(200),
        headers: Vec::new(),
    };
    let response = case.backend.as_ref().filter(|_| case.proxy.is_none()).unwrap_or(&plain);
    let status = (":status".to_owned(), response.status.to_string().into_bytes());
    Exchange {
        request: request.collect(),
        response: iter::once(status).chain(response.headers.clone()).collect(),
    }
}

/// A response that the proxy makes itself means that no backend saw the request.
fn seen(case: &Case, explanation: Explanation) -> Seen {
    let as_sent = |(name, value)| match name {
        name if name == ":authority" => ("host".to_owned(), value),
        name => (name, value),
    };
    let is_field = |(name, _): &(String, Vec<u8>)| !name.starts_with(':');
    let status = explanation.response.iter().find(|(name, _)| name == ":status").unwrap();
    Seen {
        answer: Response {
            status: std::str::from_utf8(&status.1).unwrap().parse().unwrap(),
            headers: explanation.response.iter().filter(|it| is_field(it)).cloned().collect(),
        },
        body: explanation.body,
        forwarded: explanation
            .forwarded
            .filter(|_| case.proxy.is_none())
            .map(|lines| lines.into_iter().map(as_sent).collect()),
        finding: Some(explanation.finding.to_string()),
    }
}

#[test]
fn explain_says_of_every_case_what_the_filter_does() {
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suite in support::corpus() {
        for case in suite.cases.iter().filter(|case| case.envoy != support::Envoy::Only) {
            count += 1;
            let explanation = explain(suite.load(), &exchange(case)).unwrap();
            let is_refused = case.finding.contains(":rejected:");
            assert_eq!(explanation.is_allowed(), !is_refused, "{}", case.name);
            let hint = explanation.hint.as_ref();
            let is_as_due = match case.finding.contains(":allowed:") {
                // What passes has none, but where the scheme is not the browser's.
                true => {
                    hint.is_none_or(|it| case.finding.ends_with(":same_host") && it.fix.contains("X-Forwarded-Proto"))
                }
                false => hint.is_some(),
            };
            assert!(is_as_due, "{}: {hint:?}", case.name);
            // Neither panics, whatever was asked.
            let _ = (explanation.text(Colors::On), explanation.json());
            let differences = case.differences(&seen(case, explanation));
            if !differences.is_empty() {
                failures.insert(format!("{}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(count > 700, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
}

/// An entry that is named is one that the policy has, and for the reason that is told.
#[test]
fn the_entry_that_matched_is_named() {
    for suite in support::corpus() {
        for case in &suite.cases {
            let explanation = explain(suite.load(), &exchange(case)).unwrap();
            let has_entry = [":listed", ":pattern", ":regex", ":any"]
                .iter()
                .any(|it| case.finding.ends_with(it));
            let is_from_origin = case
                .headers
                .iter()
                .any(|(name, value)| name == "origin" && value != b"null");
            let is_plain = !matches!(suite.file.as_str(), "any_origin" | "policies_any");
            if has_entry && is_from_origin && is_plain {
                let entry = explanation
                    .entry
                    .unwrap_or_else(|| panic!("{}: {}", suite.file, case.name));
                let policy = serde_json::from_str(&suite.policy).unwrap();
                let is_there = texts(&policy).any(|it| printable(it) == entry || *it == format!("{entry}:443"))
                    || suite
                        .environment
                        .iter()
                        .any(|(_, it)| it.contains(&entry) || entry == "*");
                assert!(is_there, "{}: {}: {entry}", suite.file, case.name);
            }
        }
    }
}

/// Every text in a policy.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &String> + '_> {
    match value {
        Value::String(text) => Box::new(iter::once(text)),
        Value::Array(items) => Box::new(items.iter().flat_map(texts)),
        Value::Object(fields) => Box::new(fields.values().flat_map(texts)),
        _ => Box::new(iter::empty()),
    }
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(crate::binary())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It need not read what it does not want.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').filter(|it| !it.is_empty()).collect()
}

const POLICY: &str = r#"{
    "allowed_origins": ["https://app.example", "wss://chat.example", "https://*.preview.acme.dev"],
    "allowed_hosts": ["api.example", "localhost", "shop.acme.dev"],
    "csrf": {},
    "policies": [{"name": "public", "match": {"path_prefixes": ["/public"]}, "allowed_origins": ["*"]}]
}"#;

/// What the issue asks: one call says why, and what to do.
#[test]
fn one_call_tells_why_and_what_to_change() {
    // Long: a table of calls, each with what the command prints.
    for (arguments, code, told) in [
        (
            "--host api.example --origin https://app.example:8443",
            2,
            &[
                "refused  cors:rejected:port_mismatch\n",
                "nearest  https://app.example\n",
                "fix      add https://app.example:8443 to allowed_origins, or https://app.example:* for every port\n",
                "the page may not read the answer",
            ][..],
        ),
        (
            "--host api.example --origin http://app.example --websocket",
            2,
            &[
                "refused  websocket:rejected:scheme_mismatch\n",
                "nearest  https://app.example\n",
                "fix      serve the page over https: a page of http may not open a WebSocket on a request of https, unless dangerously_allow_insecure_origins is set\n",
                "answers 403",
            ],
        ),
        (
            "--host api.example --origin https://chat.example --websocket",
            2,
            &[
                "nearest  wss://chat.example\n",
                "fix      write https://chat.example in place of it: browsers send the scheme of the page, never ws or wss",
            ],
        ),
        (
            "--host api.example --origin http://localhost:8000",
            2,
            &[
                "fix      listing a host in allowed_hosts grants no CORS access: add http://localhost:8000 to \
                 allowed_origins\n",
            ],
        ),
        (
            "--host api.example --origin https://pr-7.previews.acme.dev",
            2,
            &[
                "nearest  https://*.preview.acme.dev\n",
                "fix      a label differs from those that it covers: if it is yours, add https://pr-7.previews.acme.dev",
            ],
        ),
        (
            "--host api.example --origin https://pr-7.acme.dev",
            2,
            &["nearest  https://*.preview.acme.dev\n"],
        ),
        (
            "--host api.example --origin https://preview.acme.dev",
            2,
            &[
                "fix      a wildcard does not cover the domain itself: add https://preview.acme.dev to allowed_origins\n",
            ],
        ),
        (
            "--host 10.42.0.17:8080 --path /healthz",
            2,
            &[
                "refused  hosts:rejected:host_not_allowed\n",
                "answers 421",
                "fix      if this is a health check, add /healthz to hosts.exempt_paths; else 10.42.0.17 to allowed_hosts\n",
            ],
        ),
        (
            "--host www.shop.acme.dev",
            2,
            &[
                "nearest  shop.acme.dev\n",
                "fix      add www.shop.acme.dev to allowed_hosts, or .shop.acme.dev if all its subdomains are yours\n",
            ],
        ),
        (
            "--host api.example --origin https://evil.example --method POST --path /cart",
            2,
            &[
                "refused  csrf:rejected:cross_site_write\n",
                "fix      if it is yours, add https://evil.example to csrf.trusted_origins (to write) or allowed_origins",
            ],
        ),
        (
            "--host api.example --origin https://www.app.example",
            2,
            &[
                "nearest  https://app.example\n",
                "fix      add https://www.app.example to allowed_origins\n",
            ],
        ),
        (
            "--host api.example --origin https://a.app.example",
            2,
            &[
                "fix      add https://a.app.example to allowed_origins, or https://*.app.example if all its subdomains are yours\n",
            ],
        ),
        (
            "--host api.example --origin https://app.example.",
            2,
            &[
                "nearest  https://app.example\n",
                "fix      a root dot makes it another site",
            ],
        ),
        (
            "--host api.example --origin https://APP.example",
            2,
            &[
                "nearest  https://app.example\n",
                "fix      send it as browsers do: scheme, host and port in lower case",
            ],
        ),
        (
            "--host api.example --origin localhost:8000",
            2,
            &[
                "refused  cors:rejected:origin_malformed\n",
                "fix      ignore this if the client is not a browser; otherwise find what rewrites Origin\n",
            ],
        ),
        (
            "--host https://api.example/",
            2,
            &[
                "refused  hosts:rejected:host_malformed\n",
                "fix      ask for api.example: one name or address, an optional port up to 65535\n",
            ],
        ),
        // What is told of a request is what would then pass.
        (
            "--host api.example:99999",
            2,
            &["fix      ask for api.example: one name or address, an optional port up to 65535\n"],
        ),
        (
            "--host *.api.example",
            2,
            &["fix      nothing, unless a proxy in front rewrites Host: one name or address, an optional port\n"],
        ),
        (
            "--host api.example --origin https://other.test/",
            2,
            &["fix      ignore this if the client is not a browser; otherwise find what rewrites Origin\n"],
        ),
        (
            "--host api.example --origin app.example",
            2,
            &[
                "nearest  https://app.example\n",
                "fix      send it as browsers do: scheme, host and port",
            ],
        ),
        (
            "--host api.example --origin https://app.example",
            0,
            &[
                "allowed  cors:allowed:listed\n",
                "entry    https://app.example\n",
                "access-control-allow-origin: https://app.example\n",
            ],
        ),
        (
            "--host api.example --origin https://anybody.example --path /public/x",
            0,
            &["allowed  cors:allowed:any\n", "rules    policies[0] (public)\n"],
        ),
        (
            "--host api.example --origin https://app.example --websocket -H X-Forwarded-Proto:wss",
            0,
            &[
                "The handshake goes on",
                "replace x-forwarded-proto: https\n",
                ":status: 101\n",
            ],
        ),
    ] {
        let arguments = [&["explain", "-"], words(arguments).as_slice()].concat();
        let ran = run(&arguments, POLICY);
        assert_eq!(ran.code, code, "{arguments:?}\n{}{}", ran.out, ran.err);
        for text in told {
            assert!(ran.out.contains(text), "{arguments:?}\nis missing: {text}\n{}", ran.out);
        }
        assert!(!ran.out.contains('\x1b'), "colours that nobody sees");
    }
}

#[test]
fn explain_reads_preflights_and_headers() {
    // Long: one session of a person, call after call.
    let ask = |more: &[&str], policy: &str| {
        let arguments = [&["explain", "-", "--json", "--host", "api.example"], more].concat();
        let ran = run(&arguments, policy);
        (
            ran.code,
            serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err)),
        )
    };
    let preflight = [
        "--origin",
        "https://app.example",
        "--method",
        "OPTIONS",
        "-H",
        "Access-Control-Request-Method: PUT",
    ];
    let (code, granted) = ask(&preflight, POLICY);
    assert_eq!(
        (code, &granted["finding"], &granted["decision"]),
        (0, &"cors:allowed:listed".into(), &"reply".into())
    );
    let secret = [
        &preflight[..],
        &["-H", "Access-Control-Request-Headers: accept,x-secret"],
    ]
    .concat();
    let (code, missed) = ask(&secret, POLICY);
    assert_eq!((code, &missed["reason"]), (2, &"header_not_allowed".into()));
    assert_eq!(
        missed["fix"],
        "if pages may send it, add x-secret to cors.allow_headers"
    );
    // A second Origin line is never repaired.
    let (code, twice) = ask(
        &["--origin", "https://app.example", "-H", "Origin: https://app.example"],
        POLICY,
    );
    assert_eq!((code, &twice["reason"]), (2, &"origin_malformed".into()));
    // What only reports goes on.
    let reports = POLICY.replace("\"csrf\": {}", "\"csrf\": {\"mode\": \"report_only\"}");
    let write = [
        "--method",
        "POST",
        "-H",
        "Sec-Fetch-Site: cross-site",
        "--origin",
        "https://evil.example",
    ];
    let (code, watched) = ask(&write, &reports);
    assert_eq!(
        (code, &watched["outcome"], &watched["allowed"]),
        (0, &"would_reject".into(), &true.into())
    );
    assert!(watched["fix"].as_str().unwrap().contains("https://evil.example"));
    // What asks CORS nothing is no refusal, and there is nothing to list.
    for (line, why) in [
        ("Sec-Fetch-Mode: navigate", "a navigation"),
        ("Sec-Fetch-Mode: no-cors", "an image"),
        ("Sec-Fetch-Mode: websocket", "a WebSocket handshake"),
        ("Sec-Fetch-Mode: same-origin", "the page is of the origin"),
        ("Sec-Fetch-Site: same-origin", "the page is of the origin"),
        ("Sec-Fetch-Site: none", "a person or an extension"),
    ] {
        let (code, nothing) = ask(&["--origin", "https://evil.example", "-H", line], POLICY);
        let told = (code, &nothing["finding"], &nothing["fix"], &nothing["nearest"]);
        assert_eq!(
            told,
            (0, &"cors:allowed:not_cors".into(), &Value::Null, &Value::Null),
            "{line}"
        );
        assert_eq!(nothing["what"], "The request goes on to the backend.", "{line}");
        let words = nothing["why"].as_str().unwrap();
        assert!(
            words.starts_with("the browser asks CORS nothing: ") && words.contains(why),
            "{words}"
        );
    }
    let trusting = POLICY.replace(
        "\"csrf\": {}",
        "\"csrf\": {\"trusted_origins\": [\"https://evil.example\"]}",
    );
    let form = [
        "--method",
        "POST",
        "--origin",
        "https://evil.example",
        "-H",
        "Content-Type: text/plain",
    ];
    let (code, form) = ask(&form, &trusting);
    assert_eq!((code, &form["finding"]), (0, &"cors:allowed:not_cors".into()));
    assert!(form["why"].as_str().unwrap().contains("a form, which csrf let through"));
    // The scheme is that of the request.
    let own = ["--method", "POST", "--origin", "http://api.example"];
    assert_eq!(ask(&own, POLICY).1["finding"], "csrf:rejected:scheme_mismatch");
    assert_eq!(ask(&[&own[..], &["--scheme", "http"]].concat(), POLICY).0, 0);
}

#[test]
fn settings_come_from_the_file_that_is_named() {
    // Long: one file, and what each verb makes of it.
    let file = std::env::temp_dir().join(format!("origin-gate-{}.env", std::process::id()));
    std::fs::write(
        &file,
        "# who may\nCORS_ALLOWED_ORIGINS='https://a.example'\nALLOWED_HOSTS=localhost:8000\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let ran = run(&["check", "-", "--env", file], r#"{"django_env": true}"#);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out
            .contains("error: ALLOWED_HOSTS[0]: `localhost:8000`: the port of a request is ignored"),
        "{}",
        ran.out
    );
    let explain =
        |words: [&str; 4], policy: &str| run(&[&["explain", "-", "--env", file], &words[..]].concat(), policy);
    let local = ["--host", "localhost", "--origin", "http://localhost:8000"];
    let ran = explain(local, r#"{"django_env": true}"#);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("ALLOWED_HOSTS[0]: `localhost:8000`: the port of a request is ignored; list the host without one; write `localhost`"), "{}", ran.err);
    let policy = r#"{"django_env": true, "allowed_hosts": ["api.example"]}"#;
    let ran = explain(["--host", "api.example", "--origin", "https://a.example"], policy);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = run(&["check", "-"], r#"{"django_env": true}"#);
    assert!(
        ran.code == 1 && ran.out.contains("none of Django's settings"),
        "{}",
        ran.out
    );
    std::fs::write(file, "DJANGO_ALLOWED_HOSTS=a\nCORS_ALLOWED_ORIGINS=https://a.example\n").unwrap();
    let ran = run(&["check", "-", "--env", file], r#"{"django_env": true}"#);
    let named = "warning: DJANGO_ALLOWED_HOSTS: this looks like one of Django's settings";
    assert!(ran.code == 0 && ran.out.contains(named), "{}", ran.out);
    std::fs::write(file, "DEBUG=0\nexport ALLOWED_HOSTS='a','b'\n").unwrap();
    for verb in [
        &["check", "-", "--env", file][..],
        &["explain", "-", "--env", file, "--host", "a"],
    ] {
        let ran = run(verb, r#"{"django_env": true}"#);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(
            ran.err
                .contains(".env: line 2: `ALLOWED_HOSTS`: python-decouple takes `export`"),
            "{}",
            ran.err
        );
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn check_tells_everything() {
    let ran = run(
        &["check", "-"],
        r#"{
            "allowed_origins": ["https://*.co.uk", "https://*.github.io", "https://shop-*-acme.vercel.app", "wss://a.example",
                                "https://*.slykertech.co.zw"],
            "allowed_hosts": [".co.zw", ".slykertech.co.zw"],
            "allowed_origin_regexes": ["https://a.b\\.example", "https://.*\\.vercel\\.app"],
            "policies": [{"match": {"hosts": [".com.au"]}, "csrf": {"trusted_origins": ["https://*.com.br"]}}]
        }"#,
    );
    assert_eq!(ran.code, 0, "{}", ran.out);
    for warned in [
        "allowed_origins[0]: `https://*.co.uk`: `co.uk` is a public suffix",
        "allowed_origins[1]: `https://*.github.io`: `github.io` is a public suffix",
        "allowed_origins[2]: `https://shop-*-acme.vercel.app`: `vercel.app` is a public suffix",
        "allowed_origins[3]: `wss://a.example`: browsers never send this",
        "allowed_hosts[0]: `.co.zw`: `co.zw` is a public suffix",
        "allowed_origin_regexes[0]: `https://a.b\\.example`: `.` stands for any character",
        "allowed_origin_regexes[1]: `https://.*\\.vercel\\.app`: `vercel.app` is a public suffix",
        "policies[0].match.hosts[0]: `.com.au`: `com.au` is a public suffix",
        "policies[0].match.hosts[0]: `.com.au`: `allowed_hosts` of this entry lacks this host",
        "policies[0].csrf.trusted_origins[0]: `https://*.com.br`: `com.br` is a public suffix",
    ] {
        assert!(
            ran.out.contains(&format!("warning: {warned}")),
            "is missing: {warned}\n{}",
            ran.out
        );
    }
    // The lines of the file that are shown have the entries beside them.
    let mut warnings = ran.out.lines().filter(|it| it.starts_with("warning: "));
    assert!(!warnings.any(|it| it.contains("slykertech")), "{}", ran.out);
    let summary = " origins=7 hosts=2 policies=1 warnings=10 from_policy=allowed_origins,";
    assert!(ran.out.contains(summary), "{}", ran.out);
}

#[test]
fn check_counts_what_it_tells_programs() {
    let ran = run(
        &["check", "-", "--json"],
        r#"{"allowed_origins": ["a.example", 1], "x": 0, "allowed_hosts": [".co.uk"], "debug": true}"#,
    );
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, told["errors"].as_array().unwrap().len(), &told["loads"]),
        (1, 3, &false.into())
    );
    assert_eq!(
        told["warnings"].as_array().unwrap().len(),
        2,
        "of the module and of the command"
    );
}

fn notes(policy: &str, list: &str) -> Vec<String> {
    let ran = run(&["check", "-", "--json"], policy);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    support::strings(printed.get(list).unwrap())
}

/// An entry that names no site grants reading alone, and `check` says what holds beside it.
#[test]
fn check_says_what_open_entries_grant() {
    // Long: a table of policies, each with its notes.
    const READS: &str = "may read; may not open WebSockets; writes are not checked: `csrf` is off";
    let told = |policy: &str| notes(policy, "grants");
    for (entry, value) in [
        (r#""allowed_origins": ["*"]"#, "allowed_origins[0]: `*`"),
        (
            r#""allowed_origins": ["https://*.com"]"#,
            "allowed_origins[0]: `https://*.com`",
        ),
        (
            r#""allowed_origin_regexes": ["https?://.*"]"#,
            "allowed_origin_regexes[0]: `https?://.*`",
        ),
        (
            r#""allowed_origin_regexes": ["https://a\\.example", "(?s).*"]"#,
            "allowed_origin_regexes[1]: `(?s).*`",
        ),
        (
            r#""allowed_origin_regexes": ["https://[a-z]+\\.com"]"#,
            "allowed_origin_regexes[0]: `https://[a-z]+\\.com`",
        ),
        (
            r#""dangerously_allow_null_origin": true"#,
            "dangerously_allow_null_origin: `null`",
        ),
    ] {
        let line = match value.ends_with("`null`") {
            true => format!("{value} {READS}"),
            false => format!("{value}: {READS}"),
        };
        assert_eq!(told(&format!("{{{entry}}}")), [line.as_str()], "{entry}");
        let text = run(&["check", "-"], &format!("{{{entry}}}")).out;
        assert!(text.contains(&format!("note: {line}\n")), "{text}");
    }
    for entry in [
        r#""allowed_origins": ["https://app.example", "http://localhost:*"]"#,
        r#""allowed_origin_regexes": ["https://[a-z]+\\.app\\.example"]"#,
        r#""allowed_origins": ["*"], "dangerously_allow_any_origin_with_credentials": true"#,
    ] {
        assert_eq!(told(&format!("{{{entry}}}")), [""; 0], "{entry}");
    }
    for (policy, line) in [
        (
            r#"{"allowed_origins": ["*"], "csrf": {}}"#,
            "allowed_origins[0]: `*`: may read; may not open WebSockets; may not write",
        ),
        (
            r#"{"allowed_origins": ["*"], "csrf": {"mode": "report_only"}, "websocket": {"mode": "off"}}"#,
            "allowed_origins[0]: `*`: may read; may open WebSockets: `websocket` is off; may write: `csrf` is in \
             `report_only`",
        ),
        (
            r#"{"allowed_origins": ["*"], "cors": {"mode": "report_only"}, "websocket": {"mode": "report_only"}}"#,
            "allowed_origins[0]: `*`: may read what the backend lets it: `cors` is in `report_only`; may open \
             WebSockets: `websocket` is in `report_only`; writes are not checked: `csrf` is off",
        ),
        (
            r#"{"allowed_origins": ["http://partner.example"], "csrf": {}}"#,
            "allowed_origins[0]: `http://partner.example`: may read; may open WebSockets on requests of `http` alone; \
             may write with requests of `http` alone",
        ),
    ] {
        assert_eq!(told(policy), [line], "{policy}");
    }
    // What an expression or an origin to trust lets pages of `http` do.
    const HTTP: &str = "its pages of `http` may read; may open WebSockets on requests of `http` alone; writes are not \
                        checked: `csrf` is off";
    for (text, is_http) in [
        (r"https?://app\.example", true),
        (r"https://a\.example|http://b\.example", true),
        (r"(?:https://a|http://b)\.example", true),
        (r"https://[a-z]+\.example\.com|http://localhost:[0-9]+", true),
        (r"http://.*\.corp\.example", true),
        (r"(?i)https://a\.example", false),
        (r"(https|capacitor)://a\.example", false),
        (r"https://a\.example|http://a\.\.example", false),
        (r"https://a\.example|http://a\.example:80", false),
    ] {
        let policy = format!(r#"{{"allowed_origin_regexes": [{text:?}]}}"#);
        let place = format!("allowed_origin_regexes[0]: `{text}`: ");
        let lines = if is_http {
            vec![format!("{place}{HTTP}")]
        } else {
            vec![]
        };
        assert_eq!(told(&policy), lines, "{policy}");
        let changed = notes(&policy, "changes");
        let is_changed = |it: &String| it.starts_with(&format!("{place}changed in 0.2: to origins of `http`"));
        assert_eq!(
            changed.iter().filter(|it| is_changed(it)).count(),
            lines.len(),
            "{changed:#?}"
        );
        assert_eq!(changed.len(), lines.len(), "{changed:#?}");
    }
    // Beside credentials an expression is for pages of `http` on the visitor's own machine alone.
    for (text, count) in [
        ("http://localhost:[0-9]+", 1),
        (r"https?://(.*\.)?localhost", 1),
        (r"http://app\.example", 0),
        (r"http://localhost\.example", 0),
    ] {
        let policy = format!(r#"{{"allowed_origin_regexes": [{text:?}], "cors": {{"allow_credentials": true}}}}"#);
        assert_eq!(told(&policy).len(), count, "{policy}");
        assert_eq!(notes(&policy, "changes").len(), count, "{policy}");
    }
    let trusts = |more: &str| {
        format!(
            r#"{{"csrf": {{"trusted_origins": ["https://a.example", "http://b.example", "http://localhost:*"]{more}"#
        )
    };
    let trusted = |index: usize, text: &str| {
        format!("csrf.trusted_origins[{index}]: `{text}`: may write with requests of `http` alone")
    };
    let (b, local) = (trusted(1, "http://b.example"), trusted(2, "http://localhost:*"));
    for (policy, lines) in [
        (trusts("}}"), vec![b.clone(), local]),
        (trusts(r#"}, "allowed_origins": ["http://localhost:*"]}"#), vec![b]),
        (trusts(r#", "mode": "off"}}"#), vec![]),
        (trusts(r#"}, "dangerously_allow_insecure_origins": true}"#), vec![]),
    ] {
        assert_eq!(told(&policy), lines, "{policy}");
        assert_eq!(notes(&policy, "changes").len(), lines.len(), "{policy}");
    }
    // An entry of `policies` that inherits them is named where something else holds.
    let policy = r#"{"allowed_origins": ["*"], "csrf": {}, "policies": [
        {"match": {"path_prefixes": ["/a/"]}, "csrf": {"mode": "off"}},
        {"match": {"path_prefixes": ["/b/"]}, "cors": {"max_age": 60}},
        {"match": {"path_prefixes": ["/c/"]}, "allowed_origins": ["*"]}]}"#;
    assert_eq!(
        told(policy),
        [
            "allowed_origins[0]: `*`: may read; may not open WebSockets; may not write",
            &format!("policies[0]: allowed_origins[0]: `*`: {READS}"),
            "policies[2].allowed_origins[0]: `*`: may read; may not open WebSockets; may not write",
        ]
    );
}

/// For one version: remove with `src/config/changed.rs`.
#[test]
fn check_names_the_entries_that_changed() {
    // Long: a table of policies, each with its notes.
    let told = |policy: &str| notes(policy, "changes");
    assert_eq!(
        told(r#"{"allowed_origins": ["https://app.example"], "cors": {"allow_credentials": true}, "csrf": {}}"#),
        [""; 0]
    );
    for (policy, places) in [
        (
            r#"{"allowed_hosts": ["api.example"]}"#,
            vec!["websocket.allowed_hosts: changed"],
        ),
        (r#"{"allowed_hosts": ["*"]}"#, vec![]),
        (
            r#"{"allowed_hosts": ["api.example"], "websocket": {"allowed_hosts": false}}"#,
            vec![],
        ),
        (
            r#"{"allowed_hosts": ["api.example"], "websocket": {"mode": "off"}}"#,
            vec![],
        ),
        (
            r#"{"allowed_hosts": ["api.example"], "websocket": {"allowed_hosts": true, "same_host": true}}"#,
            vec!["websocket.allowed_hosts: changed", "websocket.same_host: changed"],
        ),
        (
            r#"{"allowed_origins": ["http://partner.example", "https://*.com", "http://localhost"]}"#,
            vec![
                "allowed_origins[0]: `http://partner.example`: changed",
                "allowed_origins[1]: `https://*.com`: changed",
            ],
        ),
        (
            r#"{"allowed_origins": ["http://partner.example"], "dangerously_allow_insecure_origins": true}"#,
            vec![],
        ),
        (
            r#"{"allowed_origins": ["*"]}"#,
            vec!["allowed_origins[0]: `*`: changed"],
        ),
        (r#"{"allowed_origins": ["*"], "websocket": {"mode": "off"}}"#, vec![]),
        (
            r#"{"allowed_origins": ["*"], "websocket": {"mode": "off"}, "csrf": {}}"#,
            vec!["allowed_origins[0]: `*`: changed"],
        ),
        (
            r#"{"allowed_origin_regexes": ["https?://a\\.example", "^https://b\\.example$", "https://.*"]}"#,
            vec![
                "allowed_origin_regexes[2]: `https://.*`: changed",
                r"allowed_origin_regexes[0]: `https?://a\.example`: changed",
            ],
        ),
        (
            r#"{"allowed_origins": ["https://app.example"], "dangerously_allow_null_origin": true}"#,
            vec!["dangerously_allow_null_origin: changed"],
        ),
        (
            r#"{"allowed_origins": ["https://app.example"], "csrf": {"exempt_paths": ["/hooks/"]},
                "hosts": {"exempt_paths": ["/healthz"], "forwarded_host": "strip"},
                "policies": [{"match": {"path_prefixes": ["/a/"]}, "csrf": {}}, {"match": {"hosts": ["b"]}, "csrf": {}}]}"#,
            vec![
                "csrf.exempt_paths: changed",
                "hosts.forwarded_host: `strip`: changed",
                "policies[0].match.path_prefixes: changed",
            ],
        ),
    ] {
        let told = told(policy);
        assert_eq!(told.len(), places.len(), "{policy}: {told:#?}");
        for (told, place) in told.iter().zip(places) {
            assert!(told.starts_with(place), "{policy}: {told}");
        }
    }
    let settings = std::env::temp_dir().join(format!("origin-gate-changed-{}", std::process::id()));
    std::fs::write(&settings, "ALLOWED_HOSTS=api.example\nCORS_ALLOW_ALL_ORIGINS=1\n").unwrap();
    let ran = run(
        &["check", "-", "--env", settings.to_str().unwrap()],
        r#"{"django_env": true}"#,
    );
    assert!(
        ran.out.contains("note: CORS_ALLOW_ALL_ORIGINS[0]: `*`: changed in 0.2")
            && ran
                .out
                .contains("note: websocket.allowed_hosts: changed in 0.2: the page's port"),
        "{}",
        ran.out
    );
    std::fs::remove_file(settings).unwrap();
}

/// Notes are no warnings: a policy that is right under this version has some too.
#[test]
fn warnings_can_be_denied_and_notes_cannot() {
    for (policy, allowed, denied) in [
        (
            r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"]}"#,
            0,
            0,
        ),
        (r#"{"allowed_origins": ["*"], "allowed_hosts": ["api.example"]}"#, 0, 0),
        (
            r#"{"allowed_origins": ["http://localhost"], "allowed_hosts": ["api.example"]}"#,
            0,
            1,
        ),
        (
            r#"{"allowed_origins": ["nonsense"], "allowed_hosts": ["api.example"]}"#,
            1,
            1,
        ),
    ] {
        assert_eq!(run(&["check", "-"], policy).code, allowed, "{policy}");
        assert_eq!(run(&["check", "-", "--deny-warnings"], policy).code, denied, "{policy}");
    }
}

/// Both verbs warn of the same, and programs get a code for each warning.
#[test]
fn check_and_explain_have_the_same_warnings() {
    let policy = r#"{"allowed_hosts": ["api.example"], "allowed_origin_regexes": ["https://.*app\\.example"],
                     "dangerously_allow_null_origin": true}"#;
    let warning = r"allowed_origin_regexes[0]: `https://.*app\.example`: `https://evilapp.example` matches too";
    let ran = run(
        &[
            "explain",
            "-",
            "--host",
            "api.example",
            "--origin",
            "https://evilapp.example",
        ],
        policy,
    );
    assert!(ran.code == 0 && ran.out.contains(warning), "{}{}", ran.out, ran.err);
    let ran = run(&["check", "-", "--json"], policy);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(told["warnings"][1].as_str().unwrap().contains(warning), "{told:#}");
    assert_eq!(
        told["warning_codes"],
        serde_json::json!(["dangerous_null_origin", "regex_open_site"])
    );
}

/// What the policy is written in cannot speak to the terminal.
#[test]
fn control_characters_are_escaped() {
    let policy = r#"{"allowed_origin_regexes": ["https://a.b\u001bc|https://a\\.example"]}"#;
    for arguments in ["check -", "explain - --host a --origin https://a.example"] {
        let ran = run(&words(arguments), policy);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(
            ran.out.contains(r"b\u{1b}c|https://a\.example") && !ran.out.contains('\x1b'),
            "{}",
            ran.out
        );
    }
}

/// Whoever asks for JSON gets JSON.
#[test]
fn failures_are_told_to_programs() {
    for (arguments, policy, key, told) in [
        (
            "check /nowhere/policy.json --json",
            "",
            "error",
            "/nowhere/policy.json: ",
        ),
        ("check /tmp --json", "", "error", "/tmp: "),
        ("check - --json --env /nowhere/.env", "{}", "error", "/nowhere/.env: "),
        (
            "explain /nowhere/policy.json --json --host a",
            "",
            "error",
            "/nowhere/policy.json: ",
        ),
        ("explain - --json", POLICY, "error", "--host is missing"),
        (
            "explain - --json --host a",
            r#"{"a": 1, "b": 2}"#,
            "errors",
            "a: unknown key",
        ),
    ] {
        let ran = run(&words(arguments), policy);
        let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
        let first = if key == "errors" { &answer[key][0] } else { &answer[key] };
        assert!(
            ran.code == 1 && first.as_str().unwrap().contains(told),
            "{arguments}\n{}",
            ran.out
        );
    }
}

/// Each of these is told what it is, and not something else.
#[test]
fn what_is_told_is_so() {
    let path = |path| {
        let ran = run(&["explain", "-", "--host", "api.example", "--path", path], POLICY);
        (ran.code, ran.err)
    };
    assert!(path("x").1.contains("begins with `/`"));
    for odd in ["/\u{9b}", "/a b"] {
        let (code, told) = path(odd);
        assert!(
            code == 1 && told.contains("no spaces or control characters") && !told.contains("begins"),
            "{told}"
        );
    }
    let keep = r#"{"allowed_origins": ["https://a.example"], "cors": {"upstream_headers": "keep"}}"#;
    let ran = run(&words("explain - --host a --origin https://b.example"), keep);
    assert!(
        ran.out.contains("unless the backend's own CORS headers let it"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_told_of_forwarded_hosts_is_so() {
    let check = r#"{"allowed_hosts": ["api.example"], "hosts": {"forwarded_host": "check"}}"#;
    for (header, why, fix) in [
        (
            "X-Forwarded-Host: api.example, proxy internal",
            "X-Forwarded-Host is no list of names",
            "have the proxy in front send X-Forwarded-Host as a list",
        ),
        (
            "X_Forwarded_Host: evil.example",
            "X-Forwarded-Host is not in allowed_hosts",
            "X-Forwarded-Host names another host: ",
        ),
        (
            "Forwarded: host=api.example:8443",
            "Forwarded does not parse",
            "have the proxy in front send Forwarded as RFC 7239 has it",
        ),
        (
            "Forwarded: host=evil.example",
            "a host in Forwarded is not in allowed_hosts",
            "Forwarded names another host: ",
        ),
    ] {
        let ran = run(&["explain", "-", "--host", "api.example:8443", "-H", header], check);
        let is_told = |row: &str, text: &str| ran.out.contains(&format!("  {row:<9}{text}"));
        assert!(is_told("why", why) && is_told("fix", fix), "{}", ran.out);
    }
    let strip = r#"{"allowed_hosts": ["api.example"], "hosts": {"forwarded_host": "strip"}}"#;
    let header = "Forwarded: for=_a;host=evil.example";
    let ran = run(&["explain", "-", "--host", "api.example", "-H", header], strip);
    assert!(
        ran.out.contains("remove forwarded") && ran.out.contains("add forwarded: for=_a"),
        "{}",
        ran.out
    );
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    // Long: a table of calls, each with its exit code.
    for (arguments, input, code) in [
        ("check -", "{", 1),
        ("check -", "", 1),
        ("check -", r#"{"allowed_origins": ["https://a.example"]}"#, 0),
        ("check /nowhere/policy.json", "", 1),
        ("check", "", 1),
        ("explain -", "{}", 1),
        ("explain - --host a --origin https://a.example", "{", 1),
        ("explain - --host a --bogus", POLICY, 1),
        ("explain - --origin https://a.example", POLICY, 1),
        ("explain - --host a -H nonsense", POLICY, 1),
        ("explain - --host a --method P@ST", POLICY, 1),
        ("explain - --host a --path healthz", POLICY, 1),
        ("explain - --host a --scheme ftp", POLICY, 1),
        ("explain - --host a\nb", POLICY, 1),
        ("explain - --host", POLICY, 1),
        ("explain - --host -", POLICY, 2),
        ("explain - --host api.example", POLICY, 0),
        ("explain - -H Host:api.example", POLICY, 0),
        ("import", "", 1),
        ("import rails -", "", 1),
        ("import django -", "", 1),
        ("import django /nowhere", "", 1),
        ("import ingress-nginx -", "a: [", 1),
        ("import ingress-nginx -", "kind: Service", 1),
        ("schema", "", 0),
        ("--help", "", 0),
        ("explain --help", "", 0),
        ("--version", "", 0),
        ("", "", 1),
        ("frobnicate", "", 1),
    ] {
        let ran = run(&words(arguments), input);
        assert_eq!(ran.code, code, "{arguments}\n{}{}", ran.out, ran.err);
        assert_eq!(
            code == 1 && ran.out.is_empty(),
            code == 1 && !arguments.starts_with("check -"),
            "{arguments}: {}",
            ran.out
        );
        assert!(!ran.err.contains("panicked"), "{arguments}: {}", ran.err);
    }
    // What is said of a file goes to a terminal.
    let said = run(&["import", "ingress-nginx", "/nowhere/\u{1b}[31m"], "").err;
    assert!(said.contains("\\u{1b}[31m"), "{said}");
    assert!(
        run(&["--version"], "")
            .out
            .starts_with(&format!("origin-gate {} (", env!("CARGO_PKG_VERSION")))
    );
    assert!(
        run(&["--help"], "")
            .out
            .contains("origin-gate explain policy.json --host")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked, an answer comes back, and it is the policy's.
    #[test]
    fn whatever_is_asked_is_answered(
        host in "\\PC{0,20}|[a-z.:/\\[\\]]{0,20}",
        origin in "\\PC{0,20}|(https?://)?[a-z*.:@/%]{0,20}|https://xn--[a-z0-9-]{0,9}\\.test",
        path in "/\\PC{0,20}",
        header in "[a-z-]{1,9}: \\PC{0,20}",
        websocket in proptest::bool::ANY,
    ) {
        let scenario = Scenario {
            host: Some(&host),
            origin: Some(&origin),
            method: "GET",
            path: &path,
            scheme: "https",
            websocket,
            headers: &[header],
            ..Scenario::default()
        };
        let Ok(exchange) = scenario.exchange() else { return Ok(()) };
        let load = || config::load(POLICY.as_bytes()).unwrap();
        let head = exchange.request.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
        let finding = load().policy.decide(&head).finding;
        let explanation = explain(load(), &exchange).unwrap();
        prop_assert_eq!(explanation.finding, finding);
        prop_assert!(explanation.json().is_object() && explanation.text(Colors::Off).contains("why"));
    }
}

#[test]
fn check_says_of_http_what_holds() {
    let notes = |expression: &str, credentials: bool| {
        let policy = serde_json::json!({
            "allowed_origin_regexes": [expression], "allowed_hosts": ["api.example"],
            "cors": {"allow_credentials": credentials},
        });
        let checked = analysis::check::check(policy.to_string().as_bytes(), &[]);
        let notes = checked.grants.into_iter().chain(checked.changes);
        notes.filter(|it| it.contains("`http`")).collect::<Vec<_>>()
    };
    // Neither matches an origin of `http`; the second search of hosts would take long.
    assert_eq!(notes("app://.*", false), [""; 0]);
    assert_eq!(notes(r"app\d*://.*|https://app\.example", false), [""; 0]);
    let read = notes(r"https?://app\.example", false);
    assert!(
        read.iter().any(|it| it.contains("its pages of `http` may read")),
        "{read:?}"
    );
    // Beside credentials pages of other machines may not even read.
    let own = notes(r"https?://(localhost|app\.example)(:\d+)?", true);
    let says = "its pages of `http` on the visitor's own machine may read";
    assert!(own.iter().any(|it| it.contains(says)), "{own:?}");
}
