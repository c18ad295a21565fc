//! What a refusal's hint says: the entry that comes nearest, and what to change.
//!
//! Long: tables of refusals, each with its nearest entry and its fix in full.

mod nearest;
mod places;

use advice::{Domains, Hint};
use config::Loaded;
use policy::request::Request;
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy;

fn policy(text: &str) -> Loaded {
    config::load(text.as_bytes()).unwrap()
}

/// The finding on a request, `GET /` unless told, and its hint. The fields are lines, `name: value`.
fn hint(loaded: &Loaded, fields: &[&str]) -> (String, Hint) {
    let is_told = |name: &str| fields.iter().any(|line| line.starts_with(name));
    let defaults = [":method: GET", ":path: /"];
    let defaults = defaults
        .iter()
        .filter(|line| !is_told(line.rsplit_once(':').unwrap().0));
    let fields = fields.iter().chain(defaults).map(|line| line.split_once(": ").unwrap());
    let head: Request<'_> = fields
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let Loaded { policy, provenance, .. } = loaded;
    let verdict = policy.decide(&head);
    (
        verdict.finding.to_string(),
        advice::hint(policy, provenance, &verdict, &head, Domains::LITTLE),
    )
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
    // Long: a table of requests, each with its refusal and its fix.
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
            "listing a host in allowed_hosts grants no CORS access: add https://own.example to allowed_origins",
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
            "send it as browsers do: scheme, host and port in lower case, and nothing after them",
        ),
        (
            &[HOST, "origin: HTTPS://evil.example"],
            "cors:rejected:origin_malformed",
            None,
            "ignore this if the client is not a browser; otherwise find what rewrites Origin",
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
            &[HOST, ":method: POST", ":path: /return", "origin: null"],
            "csrf:rejected:origin_null",
            None,
            "a sandboxed frame, a redirect or Referrer-Policy: no-referrer hides whose page it is: if another site is to post \
             here, add the path to csrf.exempt_paths",
        ),
        (
            &[HOST, ":method: POST", ":path: /return/", "origin: null"],
            "csrf:rejected:origin_null",
            None,
            "a sandboxed frame, a redirect or Referrer-Policy: no-referrer hides whose page it is",
        ),
        (
            &[HOST, "origin: moz-extension://f81d4fae-7dec-41d0-a765-00a0c91e6bf6"],
            "cors:rejected:origin_not_allowed",
            None,
            "its host is of one installation alone: if it is yours, add \
             moz-extension://f81d4fae-7dec-41d0-a765-00a0c91e6bf6 to allowed_origins",
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
            "the browser reported a cross-site request without an origin",
        ),
        (
            &[HOST, ":method: POST", ":path: /cart", "sec-fetch-site: cross-site"],
            "csrf:rejected:cross_site_write",
            None,
            "the browser reported a cross-site request without an origin: if that is meant, add the path to csrf.exempt_paths",
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
            "add a.api.example to allowed_hosts, or .api.example if all its subdomains are yours",
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
            "if it is yours, add 10.0.0.7 to allowed_hosts",
        ),
        (
            &[HOST, "x-forwarded-host: evil.example"],
            "hosts:rejected:host_not_allowed",
            None,
            "X-Forwarded-Host names another host: have the proxy in front send one that is listed, or add evil.example to \
             allowed_hosts",
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
            "if pages may send them, add x-cart, x-more to cors.allow_headers",
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
            "ignore this if the client is not a browser: these are not header names, or too many",
        ),
        (
            &[HOST, "origin: http://other.example"],
            "cors:rejected:origin_not_allowed",
            None,
            "if it is yours, serve the page over https and add https://other.example to allowed_origins: beside \
             cors.allow_credentials no http origin of another machine is allowed, unless \
             dangerously_allow_insecure_origins is set",
        ),
        (
            &[HOST, ":method: POST", "origin: http://app.example"],
            "csrf:rejected:cross_site_write",
            Some("https://app.example"),
            "serve the page over https: a page of http may not write to a request of https, unless \
             dangerously_allow_insecure_origins is set",
        ),
        (
            &[
                HOST,
                ":method: POST",
                "origin: https://api.example",
                "sec-fetch-site: cross-site",
            ],
            "csrf:rejected:cross_site_write",
            None,
            "the browser reported a cross-site request, as after a redirect: if that is meant, add https://api.example to \
             csrf.trusted_origins (to write) or allowed_origins (to read too)",
        ),
        (
            &[HOST, ":method: POST", "origin: https://api.example:1"],
            "csrf:rejected:cross_site_write",
            None,
            "the page is on another port of the host it asks: add https://api.example:1 to csrf.trusted_origins (to write) \
             or allowed_origins (to read too)",
        ),
        (
            &[HOST, "origin: file://app.example"],
            "cors:rejected:scheme_mismatch",
            None,
            "ignore this if the client is not a browser; otherwise find what rewrites Origin",
        ),
        (
            &[HOST, "origin: https://a.app.example:8443"],
            "cors:rejected:origin_not_allowed",
            Some("https://app.example"),
            "add https://a.app.example:8443 to allowed_origins, or https://*.app.example:8443 if all its subdomains are \
             yours",
        ),
        (
            &[HOST, "origin: capacitor://a.app.example"],
            "cors:rejected:origin_not_allowed",
            Some("https://app.example"),
            "add capacitor://a.app.example to allowed_origins",
        ),
        (
            &[HOST, "x-forwarded-host: api.example, proxy.internal"],
            "hosts:rejected:host_not_allowed",
            None,
            "X-Forwarded-Host names another host: have the proxy in front send one that is listed, or add proxy.internal to \
             allowed_hosts",
        ),
        (
            &[HOST, "x-forwarded-host: api.example, proxy internal"],
            "hosts:rejected:host_malformed",
            None,
            "have the proxy in front send X-Forwarded-Host as a list: each one name or address, an optional port",
        ),
        (
            &[HOST, "forwarded: for=_a;host=\"Evil.example.:8080\""],
            "hosts:rejected:host_not_allowed",
            None,
            "Forwarded names another host: have the proxy in front send one that is listed, or add evil.example to \
             allowed_hosts",
        ),
        (
            &[HOST, "forwarded: for=_a;host=api.example:8080"],
            "hosts:rejected:host_malformed",
            None,
            "have the proxy in front send Forwarded as RFC 7239 has it: values with a colon in quotes, one host to each host=",
        ),
        (
            &[":authority: 10.0.0.7", ":path: /api/"],
            "hosts:rejected:host_not_allowed",
            None,
            "if it is yours, add 10.0.0.7 to allowed_hosts",
        ),
        // The rules that decided, not those beside them.
        (
            &[HOST, ":path: /admin/x", "origin: https://admin.example:1"],
            "cors:rejected:port_mismatch",
            Some("https://admin.example"),
            "add https://admin.example:1 to policies[0].allowed_origins, or https://admin.example:* for every port",
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

#[test]
fn a_preflight_is_told_what_can_be_listed() {
    let text = r#"{"allowed_origins": ["https://a.example"], "cors": {"allow_methods": ["GET"], "allow_headers": ["accept"]}}"#;
    let policy = policy(text);
    let fix = |method: &str, headers: &str| {
        let method = format!("access-control-request-method: {method}");
        let headers = format!("access-control-request-headers: {headers}");
        let origin = "origin: https://a.example";
        let (finding, hint) = hint(
            &policy,
            &[":authority: a", ":method: OPTIONS", origin, &method, &headers],
        );
        assert!(finding.starts_with("cors:rejected"), "{finding}");
        hint.fix.into_owned()
    };
    const NOBODY: &str = "ignore this if the client is not a browser: these are not header names, or too many";
    let long = vec!["accept"; 129].join(",");
    let many = "a, b, c, d, e, f, g, h, i, j, a, accept";
    for (method, headers, told) in [
        ("PURGE", "", "if pages may use it, add PURGE to cors.allow_methods"),
        ("patch", "", "have the page write PATCH: methods are compared by case"),
        ("get", "", "have the page write GET: methods are compared by case"),
        ("TRACE", "", "nothing: browsers let no page send this"),
        ("*", "", "nothing: browsers let no page send this"),
        ("P@T", "", "nothing: browsers let no page send this"),
        (
            "GET",
            "x-a,x-b",
            "if pages may send them, add x-a, x-b to cors.allow_headers",
        ),
        (
            "GET",
            "x-a,cookie",
            "have the page leave out cookie: no list may have it",
        ),
        ("GET", "Sec-A", "have the page leave out Sec-A: no list may have it"),
        ("GET", "*", NOBODY),
        ("GET", "x-*", NOBODY),
        ("GET", &long, NOBODY),
        (
            "GET",
            many,
            "if pages may send them, add a, b, c, d, e, f, g, h and the others to cors.allow_headers",
        ),
    ] {
        assert_eq!(fix(method, headers), told, "{method} {headers}");
    }
}

/// The module knows a few of the domains under which anybody gets names.
#[test]
fn no_wildcard_over_a_shared_domain_is_offered() {
    let text = r#"{
        "allowed_origins": ["https://github.io", "https://vercel.app.", "https://co.zw", "https://s3.amazonaws.com"],
        "allowed_hosts": ["api.example", "github.io", "co.zw", "1.2.3.4"]
    }"#;
    for origin in ["x.github.io", "x.vercel.app.", "x.co.zw", "x.s3.amazonaws.com"] {
        let origin = format!("origin: https://{origin}");
        let (_, hint) = hint(&policy(text), &[":authority: api.example", &origin]);
        assert!(hint.nearest.is_some() && !hint.fix.contains('*'), "{hint:?}");
    }
    for host in ["x.github.io", "x.co.zw", "x.1.2.3.4"] {
        let authority = format!(":authority: {host}");
        let (_, hint) = hint(&policy(text), &[&authority]);
        assert_eq!(hint.fix, format!("add {host} to allowed_hosts"));
    }
}

/// What is offered to a page of `http` allows it, and says whose it is to be where no entry does.
#[test]
fn a_page_of_http_is_told_what_helps() {
    // Long: a table of policies and requests, each with its fix.
    const HOST: &str = ":authority: api.example";
    const TLS: &str = ":scheme: https";
    const SOCKET: &str = "upgrade: websocket";
    const POST: &str = ":method: POST";
    for (text, fields, fix) in [
        (
            r#"{"allowed_origins": ["http://b.example"], "csrf": {}}"#,
            &[HOST, TLS, POST, "origin: http://b.example"][..],
            "serve the page over https and add https://b.example to csrf.trusted_origins (to write) or allowed_origins (to \
             read too): a page of http",
        ),
        (
            r#"{"allowed_hosts": ["api.example"], "csrf": {"trusted_origins": ["http://t.example", "https://t.example"]}}"#,
            &[HOST, TLS, POST, "origin: http://t.example"],
            "serve the page over https: a page of http may not write",
        ),
        (
            r#"{"allowed_origins": ["*"], "csrf": {}}"#,
            &[HOST, TLS, POST, "origin: http://localhost:3000"],
            "if it is yours, serve the page over https and add https://localhost:3000 to csrf.trusted_origins: a page",
        ),
        (
            r#"{"allowed_origins": ["*"], "cors": {"allow_credentials": true}, "dangerously_allow_any_origin_with_credentials": true}"#,
            &[HOST, TLS, SOCKET, "origin: http://x.example"],
            "if it is yours, serve the page over https: a page of http may not open a WebSocket",
        ),
        (
            r#"{"allowed_origins": ["*"]}"#,
            &[HOST, TLS, SOCKET, "origin: http://x.example"],
            "if it is yours, serve the page over https and list https://x.example and the others that may connect in \
             allowed_origins in place of `*`",
        ),
        (
            r#"{"allowed_origins": ["https://app.example"]}"#,
            &[HOST, TLS, SOCKET, "origin: http://evil.test"],
            "if it is yours, serve the page over https and add https://evil.test to allowed_origins: a page of http",
        ),
        (
            r#"{"allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "allowed_origins": ["https://a.example"]}"#,
            &[HOST, ":scheme: http", SOCKET, "origin: http://api.example:8080"],
            "the page is on another port than it asks: serve both on one, or serve the page over https and add \
             https://api.example:8080 to allowed_origins: beside",
        ),
        (
            r#"{"allowed_hosts": ["api.example"]}"#,
            &[HOST, "x-forwarded-proto: gopher", SOCKET, "origin: http://api.example"],
            "the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto",
        ),
    ] {
        let (found, hint) = hint(&policy(text), fields);
        assert!(hint.fix.starts_with(fix), "{text} {fields:?} {found} {hint:?}");
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
        let Loaded { policy, provenance, .. } = policy(r#"{
            "allowed_origins": ["https://a.example", "https://*.b.example", "https://c-*-d.e.example"],
            "allowed_hosts": ["a.example"], "csrf": {}
        }"#);
        for host in [host.as_str(), "a.example"] {
            let head: Request<'_> = [
                (":method", method.as_str()), (":path", &path), (":authority", host), ("origin", &origin),
                ("access-control-request-method", "PUT"), ("access-control-request-headers", &header),
            ].into_iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            let verdict = policy.decide(&head);
            let Hint { nearest, fix } = advice::hint(&policy, &provenance, &verdict, &head, Domains::LITTLE);
            let is_plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"');
            assert!(is_plain(&fix) && fix.len() < 1200, "{fix}");
            assert!(nearest.is_none_or(|it| is_plain(&it)));
            assert!(verdict.finding.outcome.is_allowed() || !fix.is_empty());
        }
    }
}
