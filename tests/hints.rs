//! What a refusal's hint says: the entry that comes nearest, and what to change.

#![expect(clippy::unwrap_used, reason = "a test that does not get what it needs has failed")]

use origin_gate::config;
use origin_gate::policy::Policy;
use origin_gate::policy::hint::Hint;
use origin_gate::policy::near::{Miss, nearest};
use origin_gate::policy::origin::Origin;
use origin_gate::policy::pattern::OriginPattern;
use origin_gate::policy::request::RequestHead;
use origin_gate::policy::set::OriginSet;
use origin_gate::policy::verdict::Outcome;
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy;

fn policy(text: &str) -> Policy {
    config::load(text.as_bytes()).unwrap().policy
}

/// The finding on a request, `GET /` unless told, and its hint. The fields are lines, `name: value`.
fn hint(policy: &Policy, fields: &[&str]) -> (String, Hint) {
    let is_told = |name: &str| fields.iter().any(|line| line.starts_with(name));
    let defaults = [":method: GET", ":path: /"];
    let defaults = defaults
        .iter()
        .filter(|line| !is_told(line.rsplit_once(':').unwrap().0));
    let fields = fields.iter().chain(defaults).map(|line| line.split_once(": ").unwrap());
    let head: RequestHead<'_> = fields
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let finding = policy.decide(&head).finding;
    (finding.to_string(), policy.hint(finding, &head))
}

fn set(entries: &[&str]) -> OriginSet {
    entries
        .iter()
        .map(|entry| OriginPattern::parse(entry).unwrap())
        .collect()
}

#[test]
fn the_nearest_entry_is_the_one_a_person_would_name() {
    for (entries, origin, entry, miss) in [
        (
            &["https://a.example"][..],
            "https://a.example:8443",
            "https://a.example",
            Miss::Port,
        ),
        (
            &["https://a.example:1", "http://a.example"],
            "https://a.example",
            "https://a.example:1",
            Miss::Port,
        ),
        (
            &["http://a.example:1", "http://a.example:2"],
            "https://a.example:2",
            "http://a.example:2",
            Miss::Scheme,
        ),
        (
            &["http://a.example:*"],
            "https://a.example",
            "http://a.example:*",
            Miss::Scheme,
        ),
        (
            &["https://*.a.example"],
            "https://b.a.example:1",
            "https://*.a.example",
            Miss::Port,
        ),
        (
            &["https://a-*-b.c.example:9"],
            "https://a-x-b.c.example",
            "https://a-*-b.c.example:9",
            Miss::Port,
        ),
        (
            &["capacitor://a.example"],
            "ionic://a.example",
            "capacitor://a.example",
            Miss::Scheme,
        ),
        (&["https://[::1]:1"], "https://[::1]", "https://[::1]:1", Miss::Port),
        (
            &["https://a.example"],
            "https://a.example.",
            "https://a.example",
            Miss::RootDot,
        ),
        (
            &["https://a.example."],
            "https://a.example",
            "https://a.example.",
            Miss::RootDot,
        ),
        (
            &["https://*.a.example"],
            "https://b.a.example.",
            "https://*.a.example",
            Miss::RootDot,
        ),
        (
            &["https://*.a.example"],
            "https://a.example",
            "https://*.a.example",
            Miss::Apex,
        ),
        (
            &["http://*.a.example"],
            "https://a.example",
            "http://*.a.example",
            Miss::Apex,
        ),
        (
            &["https://www.a.example"],
            "https://a.example",
            "https://www.a.example",
            Miss::Www,
        ),
        (
            &["https://a.example"],
            "https://www.a.example",
            "https://a.example",
            Miss::Www,
        ),
        (
            &["https://a.example"],
            "https://b.c.a.example",
            "https://a.example",
            Miss::Subdomain,
        ),
        (
            &["https://a.example", "https://c.a.example"],
            "https://b.c.a.example",
            "https://c.a.example",
            Miss::Subdomain,
        ),
        (
            &["http://a.example", "https://a.example"],
            "https://b.a.example",
            "https://a.example",
            Miss::Subdomain,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://x.a-1-b.c.example",
            "https://a-*-b.c.example",
            Miss::Label,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://a-1-x.c.example",
            "https://a-*-b.c.example",
            Miss::Label,
        ),
        (
            &["https://a-*-b.c.example"],
            "https://a--b.c.example",
            "https://a-*-b.c.example",
            Miss::Label,
        ),
    ] {
        let near = nearest(&set(entries), &Origin::parse(origin.as_bytes()).unwrap());
        let near = near.map(|near| (near.entry.to_string(), near.miss));
        assert_eq!(near, Some((entry.to_owned(), miss)), "{entries:?} {origin}");
    }
    for (entries, origin) in [
        (&["https://a.example"][..], "https://b.example"),
        (&["https://a.example"], "https://aa.example"),
        (&["https://a.example"], "https://a.example.evil.test"),
        (&["https://example"], "https://a.example"),
        (&["https://127.0.0.1"], "https://127.0.0.2"),
        (&[], "https://a.example"),
    ] {
        assert_eq!(
            nearest(&set(entries), &Origin::parse(origin.as_bytes()).unwrap()),
            None,
            "{entries:?} {origin}"
        );
    }
}

/// Among entries that differ only in scheme and port, the one that allows the origin comes before those that do not.
#[test]
fn the_entry_that_allows_is_the_closest() {
    let set = set(&[
        "http://a.example",
        "https://a.example:1",
        "https://a.example:2",
        "https://a.example:3",
    ]);
    for (origin, entry) in [
        ("https://a.example:2", "https://a.example:2"),
        ("https://a.example:9", "https://a.example:1"),
        ("http://a.example:9", "http://a.example"),
    ] {
        let origin = Origin::parse(origin.as_bytes()).unwrap();
        let entries: Vec<_> = set
            .entries_on(b"a.example", &origin)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(entries, [entry]);
    }
}

const POLICY: &str = r#"{
    "allowed_origins": ["https://app.example", "http://127.0.0.1:*"],
    "allowed_origin_regexes": ["https://r[0-9]\\.example"],
    "allowed_hosts": ["api.example", "www.shop.example", "own.example", "[::1]"],
    "cors": {"allow_credentials": true},
    "csrf": {"trusted_origins": ["https://pay.example"], "missing_origin": "reject"},
    "hosts": {"forwarded_host": "check"},
    "websocket": {"missing_origin": "reject"},
    "policies": [{"match": {"path_prefixes": ["/admin"]}, "allowed_origins": ["https://admin.example"]}]
}"#;

#[test]
fn every_refusal_has_its_fix() {
    let policy = policy(POLICY);
    const HOST: &str = ":authority: api.example";
    for (fields, finding, nearest, fix) in [
        (
            &[HOST, "origin: http://app.example"][..],
            "cors:rejected:scheme_mismatch",
            Some("https://app.example"),
            "serve the page over https: beside cors.allow_credentials no http origin of another machine is allowed, \
             unless dangerously_allow_insecure_origins is set",
        ),
        (
            &[HOST, "origin: http://localhost:3000"],
            "cors:rejected:origin_not_allowed",
            None,
            "if it is yours, add http://localhost:3000 to allowed_origins",
        ),
        (
            &[HOST, "origin: https://own.example"],
            "cors:rejected:origin_not_allowed",
            None,
            "add https://own.example to allowed_origins: its host is in allowed_hosts, which lets it open WebSockets and \
             read nothing",
        ),
        (
            &[HOST, "upgrade: websocket", "origin: https://api.example.test"],
            "websocket:rejected:origin_not_allowed",
            None,
            "if it is yours, add https://api.example.test to allowed_origins",
        ),
        (
            &[HOST, "upgrade: websocket"],
            "websocket:rejected:origin_missing",
            None,
            "set websocket.missing_origin to allow, if clients other than browsers connect",
        ),
        (
            &[HOST, "origin: https://app.example/"],
            "cors:rejected:origin_malformed",
            Some("https://app.example"),
            "send it as browsers do: lower case, nothing after the host or port",
        ),
        (
            &[HOST, "origin: HTTPS://evil.example"],
            "cors:rejected:origin_malformed",
            None,
            "nothing, if a browser was not the client; else see what rewrites Origin",
        ),
        (
            &[HOST, "origin: https://app.example", "origin: https://app.example"],
            "cors:rejected:origin_malformed",
            None,
            "one Origin line is sent by browsers: see what adds another",
        ),
        (
            &[HOST, "origin: null"],
            "cors:rejected:origin_null",
            None,
            "serve the page from a site: sandboxed frames, files and some redirects have no origin",
        ),
        (
            &[HOST, ":method: POST", "origin: https://pay.example:1"],
            "csrf:rejected:cross_site_write",
            Some("https://pay.example"),
            "add https://pay.example:1 to csrf.trusted_origins (to write) or allowed_origins (to read too), or \
             https://pay.example:* for every port",
        ),
        (
            &[HOST, ":method: POST", "sec-fetch-site: cross-site"],
            "csrf:rejected:cross_site_write",
            None,
            "the browser says that another site asks, and not which: if that is meant, add the path to csrf.exempt_paths",
        ),
        (
            &[HOST, ":method: POST"],
            "csrf:rejected:origin_missing",
            None,
            "set csrf.missing_origin to allow, if clients other than browsers write",
        ),
        (
            &[HOST, ":method: POST", ":scheme: http", "origin: https://api.example"],
            "csrf:rejected:scheme_mismatch",
            None,
            "the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto",
        ),
        (
            &[":authority: shop.example"],
            "hosts:rejected:host_not_allowed",
            Some("www.shop.example"),
            "add shop.example to allowed_hosts",
        ),
        (
            &[":authority: A.API.example.:8443"],
            "hosts:rejected:host_not_allowed",
            Some("api.example"),
            "write .api.example for it and every subdomain, or add a.api.example to allowed_hosts",
        ),
        (
            &[":authority: [fd00::7]:8080", ":path: /ready?x=\"1\""],
            "hosts:rejected:host_not_allowed",
            None,
            "if this is a health check, add /ready to hosts.exempt_paths; else [fd00::7] to allowed_hosts",
        ),
        (
            &[":authority: 10.0.0.7", ":path: /a\"b"],
            "hosts:rejected:host_not_allowed",
            None,
            "if this is a health check, add its path to hosts.exempt_paths; else 10.0.0.7 to allowed_hosts",
        ),
        (
            &[HOST, "x-forwarded-host: evil.example"],
            "hosts:rejected:host_not_allowed",
            None,
            "X-Forwarded-Host names another host: have the proxy in front send one that is listed",
        ),
        (
            &[":authority: a b"],
            "hosts:rejected:host_malformed",
            None,
            "nothing, unless a proxy in front rewrites Host: one name or address, an optional port",
        ),
        (
            &[
                HOST,
                ":method: OPTIONS",
                "origin: https://app.example",
                "access-control-request-method: PUT",
                "access-control-request-headers: accept, x-cart, x-more",
            ],
            "cors:rejected:header_not_allowed",
            None,
            "if pages may send it, add x-cart to cors.allow_headers",
        ),
        (
            &[
                HOST,
                ":method: OPTIONS",
                "origin: https://app.example",
                "access-control-request-method: PUT",
                "access-control-request-headers: \"\x07\"",
            ],
            "cors:rejected:header_not_allowed",
            None,
            "if pages may send them, add the headers to cors.allow_headers",
        ),
        // The rules that decided, not those beside them.
        (
            &[HOST, ":path: /admin/x", "origin: https://admin.example:1"],
            "cors:rejected:port_mismatch",
            Some("https://admin.example"),
            "add https://admin.example:1 to allowed_origins, or https://admin.example:* for every port",
        ),
        (
            &[HOST, ":path: /", "origin: https://admin.example:1"],
            "cors:rejected:origin_not_allowed",
            None,
            "if it is yours, add https://admin.example:1 to allowed_origins",
        ),
    ] {
        let (found, hint) = hint(&policy, fields);
        let want = Hint {
            nearest: nearest.map(str::to_owned),
            fix: fix.to_owned().into(),
        };
        assert_eq!((found.as_str(), hint), (finding, want), "{fields:?}");
    }
}

/// An expression that would allow plain HTTP beside credentials does not.
#[test]
fn an_expression_for_http_is_told() {
    let text = r#"{"allowed_origin_regexes": ["http://r[0-9]\\.example"], "cors": {"allow_credentials": true}}"#;
    let (found, hint) = hint(&policy(text), &[":authority: a", "origin: http://r1.example"]);
    assert_eq!(found, "cors:rejected:scheme_mismatch");
    assert!(hint.fix.starts_with("serve the page over https"), "{hint:?}");
}

/// The change that a hint names does allow the origin.
#[test]
fn what_a_hint_says_helps() {
    for origin in [
        "https://app.example:8443",
        "http://app.example",
        "https://www.app.example",
        "https://a.app.example",
        "https://app.example.",
        "https://wild.example",
        "https://other.test",
    ] {
        let allowed = |more: &str| {
            let text = format!(r#"{{"allowed_origins": ["https://app.example", "https://*.wild.example", "{more}"]}}"#);
            let policy = policy(&text);
            let line = format!("origin: {origin}");
            let (finding, hint) = hint(&policy, &[":authority: a", &line]);
            (finding.contains(":allowed:"), hint.fix.into_owned())
        };
        let (is_allowed, fix) = allowed("https://unrelated.example");
        assert!(!is_allowed, "{origin}");
        let mut named = fix.split([' ', ',']).filter(|word| word.contains("://"));
        let first = named.next().unwrap().trim_end_matches(':');
        assert!(allowed(first).0, "{origin}: {fix}");
        assert!(named.all(|word| allowed(word).0), "{origin}: {fix}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a client sends, a hint neither ends the quotes that it stands in, nor the line.
    #[test]
    fn hints_cannot_be_written_by_clients(
        origin in prop_oneof!["\\PC{0,40}", "https://[a-zA-Z0-9.*\"\\-]{1,300}(:[0-9]{0,6})?/?", any::<String>()],
        host in prop_oneof!["\\PC{0,40}", "[a-z0-9.\"]{1,300}", "10\\.0\\.0\\.[0-9]{1,3}"],
        path in prop_oneof!["/[a-z\"%]{0,90}", any::<String>()],
        header in prop_oneof!["[a-z\"', ]{0,90}", any::<String>()],
        method in prop_oneof!["GET", "POST", "OPTIONS"].prop_map(|it| it),
    ) {
        let policy = policy(r#"{
            "allowed_origins": ["https://a.example", "https://*.b.example", "https://c-*-d.e.example"],
            "allowed_hosts": ["a.example"], "csrf": {}
        }"#);
        for host in [host.as_str(), "a.example"] {
            let head: RequestHead<'_> = [
                (":method", method.as_str()), (":path", &path), (":authority", host), ("origin", &origin),
                ("access-control-request-method", "PUT"), ("access-control-request-headers", &header),
            ].into_iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            let finding = policy.decide(&head).finding;
            let Hint { nearest, fix } = policy.hint(finding, &head);
            let is_plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"');
            assert!(is_plain(&fix) && fix.len() < 1200, "{fix}");
            assert!(nearest.is_none_or(|it| is_plain(&it)));
            assert!(finding.outcome == Outcome::Allowed || !fix.is_empty());
        }
    }
}
