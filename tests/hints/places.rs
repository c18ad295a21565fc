//! Where a hint says to change a key or a setting: where it was written.

use super::{hint, policy};

/// A policy of its own has its own lists; what it inherits is outside.
#[test]
fn a_key_is_told_with_its_place() {
    // Long: a table of requests, each with the place that its hint names.
    let text = r#"{
        "allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"],
        "csrf": {"missing_origin": "reject"}, "websocket": {"missing_origin": "reject"},
        "policies": [
            {"match": {"path_prefixes": ["/own"]}, "allowed_origins": ["https://b.example"], "allowed_hosts": ["b.example"],
             "csrf": {"missing_origin": "reject"}, "cors": {}, "hosts": {}},
            {"match": {"path_prefixes": ["/inherited"]}, "name": "same"},
            {"match": {"path_prefixes": ["/socket"]}, "websocket": {"missing_origin": "reject", "same_host": false}}
        ]
    }"#;
    let policy = policy(text);
    const OWN: &[&str] = &[":authority: b.example", ":path: /own/x"];
    const INHERITED: &[&str] = &[":authority: api.example", ":path: /inherited/x"];
    const POST: &str = ":method: POST";
    const X: &str = "origin: https://x.example";
    const SOCKET: &str = "upgrade: websocket";
    const PURGE: &[&str] = &[":method: OPTIONS", "access-control-request-method: PURGE"];
    for (fields, told) in [
        (&[OWN, &[X]][..], "add https://x.example to policies[0].allowed_origins"),
        (&[INHERITED, &[X]], "add https://x.example to allowed_origins"),
        (
            &[&[":path: /own/x", ":authority: x.example"]],
            "add x.example to policies[0].allowed_hosts; if",
        ),
        (
            &[&[":path: /own/x", ":authority: x.example"]],
            "its path to policies[0].hosts.exempt_paths",
        ),
        (
            &[&[":path: /inherited", ":authority: x.example"]],
            "add x.example to allowed_hosts; if",
        ),
        (
            &[&[":path: /inherited", ":authority: x.example"]],
            "its path to hosts.exempt_paths",
        ),
        (&[OWN, &[POST]], "set policies[0].csrf.missing_origin to"),
        (&[INHERITED, &[POST]], "set csrf.missing_origin to"),
        (
            &[OWN, &[POST, X]],
            "to policies[0].csrf.trusted_origins (to write) or policies[0].allowed_origins (to",
        ),
        (
            &[INHERITED, &[POST, X]],
            "to csrf.trusted_origins (to write) or allowed_origins (to",
        ),
        (
            &[OWN, PURGE, &["origin: https://b.example"]],
            "add PURGE to policies[0].cors.allow_methods",
        ),
        (
            &[INHERITED, PURGE, &["origin: https://a.example"]],
            "add PURGE to cors.allow_methods",
        ),
        (&[INHERITED, &[SOCKET]], "set websocket.missing_origin to"),
        (
            &[&[":authority: api.example", ":path: /socket", SOCKET]],
            "set policies[2].websocket.missing_origin to",
        ),
    ] {
        let (finding, hint) = hint(&policy, &fields.concat());
        assert!(hint.fix.contains(told), "{finding} {hint:?}");
    }
}

/// A key is where it is written, though another place says the same.
#[test]
fn a_key_is_told_with_its_place_though_it_says_the_same_elsewhere() {
    // Long: a table of requests, each with the place that its hint names.
    const SAME: &str = r#""allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"],
        "cors": {}, "hosts": {}, "csrf": {"missing_origin": "reject"}, "websocket": {"missing_origin": "reject"}"#;
    let text = format!(
        r#"{{{SAME}, "policies": [
            {{"match": {{"path_prefixes": ["/none"]}}}},
            {{"match": {{"path_prefixes": ["/own"]}}, {SAME}}},
            {{"match": {{"path_prefixes": ["/regexes"]}}, "allowed_origin_regexes": ["https://a\\.example"]}}
        ]}}"#
    );
    let policy = policy(&text);
    const HOST: &str = ":authority: api.example";
    const POST: &str = ":method: POST";
    const X: &str = "origin: https://x.example";
    const A: &str = "origin: https://a.example";
    const PURGE: [&str; 2] = [":method: OPTIONS", "access-control-request-method: PURGE"];
    const HEADER: &str = "access-control-request-headers: x-a";
    for (fields, told) in [
        (&[HOST, X][..], "add https://x.example to @allowed_origins"),
        (&[":authority: x.example"], "add x.example to @allowed_hosts; if"),
        (&[":authority: x.example"], "its path to @hosts.exempt_paths"),
        (
            &[HOST, POST, X],
            "add https://x.example to @csrf.trusted_origins (to write) or @allowed_origins (to read too)",
        ),
        (&[HOST, POST], "set @csrf.missing_origin to allow"),
        (
            &[HOST, POST, "sec-fetch-site: cross-site"],
            "add the path to @csrf.exempt_paths",
        ),
        (&[HOST, "upgrade: websocket"], "set @websocket.missing_origin to allow"),
        (&[HOST, A, PURGE[0], PURGE[1]], "add PURGE to @cors.allow_methods"),
        (
            &[HOST, A, PURGE[0], "access-control-request-method: GET", HEADER],
            "add x-a to @cors.allow_headers",
        ),
    ] {
        for (path, place) in [("/own", "policies[1]."), ("/none", ""), ("/other", "")] {
            let path = format!(":path: {path}/x");
            let (finding, hint) = hint(&policy, &[fields, &[&path]].concat());
            let told = told.replace('@', place);
            assert!(hint.fix.contains(&told), "{path} {finding} {hint:?}");
        }
    }
    let (_, hint) = hint(&policy, &[HOST, X, ":path: /regexes"]);
    assert!(
        hint.fix
            .contains("add https://x.example to policies[2].allowed_origins"),
        "{hint:?}"
    );
}

/// What came from a setting of Django is changed there: a key that overrides the setting would take away what it lists.
#[test]
fn a_setting_is_told_where_it_was_read() {
    // Long: a table of requests, each with the place that its hint names.
    let settings = crate::variables(&[
        ("CORS_ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ("ALLOWED_HOSTS", "api.example .b.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://t.example"),
        ("CORS_ALLOW_METHODS", "GET"),
        ("CORS_ALLOW_HEADERS", "accept"),
    ]);
    let text = br#"{"django_env": true, "csrf": {"mode": "enforce"}, "policies": [
        {"match": {"path_prefixes": ["/own"]}, "allowed_origins": ["https://a.example", "https://b.example"],
         "allowed_hosts": ["api.example", ".b.example"], "cors": {"allow_methods": ["GET"], "allow_headers": ["accept"]},
         "csrf": {"trusted_origins": ["https://t.example"]}},
        {"match": {"path_prefixes": ["/none"]}}]}"#;
    let policy = config::load_with(text, &settings).unwrap();
    const HOST: &str = ":authority: api.example";
    const OPTIONS: &str = ":method: OPTIONS";
    const A: &str = "origin: https://a.example";
    for (fields, inherited, own) in [
        (
            &[HOST, "origin: https://a.example:81"][..],
            "add https://a.example:81 to CORS_ALLOWED_ORIGINS",
            "add https://a.example:81 to policies[0].allowed_origins, or https://a.example:* for every port",
        ),
        (
            &[HOST, "origin: https://x.a.example"],
            "add https://x.a.example to CORS_ALLOWED_ORIGINS",
            "add https://x.a.example to policies[0].allowed_origins, or https://*.a.example if all its subdomains are \
             yours",
        ),
        (
            &[":authority: www.api.example"],
            "add www.api.example to ALLOWED_HOSTS, or .api.example if all its subdomains are yours",
            "add www.api.example to policies[0].allowed_hosts, or .api.example if all its subdomains are yours",
        ),
        (
            &[HOST, ":method: POST", "origin: https://x.test"],
            "if it is yours, add https://x.test to CSRF_TRUSTED_ORIGINS (to write) or CORS_ALLOWED_ORIGINS (to read too)",
            "if it is yours, add https://x.test to policies[0].csrf.trusted_origins (to write) or \
             policies[0].allowed_origins (to read too)",
        ),
        (
            &[HOST, A, OPTIONS, "access-control-request-method: PURGE"],
            "if pages may use it, add PURGE to CORS_ALLOW_METHODS",
            "if pages may use it, add PURGE to policies[0].cors.allow_methods",
        ),
        (
            &[
                HOST,
                A,
                OPTIONS,
                "access-control-request-method: GET",
                "access-control-request-headers: x-a",
            ],
            "if pages may send it, add x-a to CORS_ALLOW_HEADERS",
            "if pages may send it, add x-a to policies[0].cors.allow_headers",
        ),
    ] {
        for (path, fix) in [("/own", own), ("/none", inherited), ("/", inherited)] {
            let path = format!(":path: {path}");
            let (finding, hint) = hint(&policy, &[fields, &[&path]].concat());
            assert_eq!(hint.fix, fix, "{path} {finding}");
        }
    }
}

/// A key of the configuration stands before a setting, and two settings stand for lists that are empty.
#[test]
fn a_setting_that_gives_no_list_is_told_with_what_it_stands_for() {
    let ask = |text: &str, set: &[(&str, &str)], fields: &[&str]| {
        let loaded = config::load_with(text.as_bytes(), &crate::variables(set)).unwrap();
        hint(&loaded, fields).1.fix
    };
    const DJANGO: &str = r#"{"django_env": true}"#;
    const X: &[&str] = &[":authority: api.example", ":scheme: https", "origin: https://x.test"];
    let origins = ("CORS_ALLOWED_ORIGINS", "https://a.example");
    let own = r#"{"django_env": true, "allowed_origins": ["https://b.example"]}"#;
    assert_eq!(
        ask(own, &[origins], X),
        "if it is yours, add https://x.test to allowed_origins"
    );
    let fix = ask(
        DJANGO,
        &[("CORS_ALLOW_ALL_ORIGINS", "1"), origins],
        &[X, &["upgrade: websocket"]].concat(),
    );
    assert_eq!(
        fix,
        "if it is yours, list https://x.test and the others that may connect in CORS_ALLOWED_ORIGINS, without \
         CORS_ALLOW_ALL_ORIGINS, in place of `*`, which lets pages read and no more"
    );
    let fix = ask(
        DJANGO,
        &[("DEBUG", "1"), ("ALLOWED_HOSTS", "")],
        &[":authority: x.test", ":path: /a;b"],
    );
    assert_eq!(
        fix,
        "if it is yours, add x.test to ALLOWED_HOSTS beside .localhost, 127.0.0.1 and [::1], which DEBUG lists only \
         while it is empty"
    );
    // Expressions alone: the list beside them is nobody's yet.
    let fix = ask(DJANGO, &[("CORS_ALLOWED_ORIGIN_REGEXES", "^https://a\\.example$")], X);
    assert_eq!(fix, "if it is yours, add https://x.test to allowed_origins");
}
