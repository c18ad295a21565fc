//! Policies, and requests that they refuse in every way.

use policy::request::Request;

/// A policy in JSON; before it the settings of the environment, one a line.
pub(super) const POLICIES: [&str; 29] = [
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example", "1.2.3.4"], "cors": {"allow_credentials": true}, "csrf": {}}"#,
    r#"{"allowed_origins": ["https://example.com", "capacitor://localhost", "http://plain.test:81"], "allowed_hosts": ["api.example"], "csrf": {}}"#,
    r#"{"allowed_origins": ["wss://example.com", "wss://app.example"], "csrf": {"trusted_origins": ["https://pay.test"]}}"#,
    r#"{"allowed_origins": ["https://github.io", "https://vercel.app", "https://co.zw", "https://s3.amazonaws.com", "https://github.io."]}"#,
    r#"{"allowed_origins": ["https://*.app.example:8443", "https://pr-*-x.example.com"], "cors": {"allow_credentials": true}}"#,
    r#"{"allowed_origins": ["http://127.0.0.1:*", "https://[::1]", "https://example.com."], "cors": {"allow_credentials": true}}"#,
    r#"{"allowed_hosts": ["github.io", "co.zw", "1.2.3.4", "www.shop.test", "shop.api.example"], "csrf": {"mode": "report_only"}}"#,
    r#"{"allowed_hosts": ["api.example"], "websocket": {"same_host": false, "allowed_hosts": false}, "csrf": {}, "cors": {"mode": "report_only"}}"#,
    r#"{"allowed_origin_regexes": ["http://r[0-9]\\.example", "https://app\\.example"], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "csrf": {}}"#,
    r#"{"allowed_origins": ["http://app.example", "https://example.com"], "cors": {"allow_credentials": true}, "dangerously_allow_insecure_origins": true}"#,
    // Lists of its own, inherited lists, and lists that another policy with credentials shares.
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {},
        "policies": [{"match": {"path_prefixes": ["/api"]}, "allowed_origins": ["https://example.com"], "allowed_hosts": ["www.shop.test", "api.example"]}]}"#,
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {"trusted_origins": ["https://example.com"]},
        "hosts": {"exempt_paths": ["/healthz"]},
        "policies": [{"match": {"path_prefixes": ["/none"]}, "cors": {"allow_credentials": true}},
                     {"match": {"path_prefixes": ["/api"]}, "csrf": {}, "hosts": {}, "websocket": {"missing_origin": "reject"}, "cors": {"allow_headers": ["accept"]}}]}"#,
    r#"{"allowed_hosts": ["api.example"], "policies": [{"match": {"path_prefixes": ["/api"]}, "csrf": {"missing_origin": "reject"}}]}"#,
    r#"{"allowed_hosts": ["api.example"], "cors": {"allow_methods": ["GET"], "allow_headers": ["accept"]}, "hosts": {"forwarded_host": "check"}}"#,
    r#"{"allowed_hosts": ["api.example"], "hosts": {"mode": "report_only", "forwarded_host": "check"}, "cors": {"allow_methods": ["*"], "allow_headers": ["*"]}}"#,
    r#"{"allowed_origins": ["*"], "cors": {"allow_methods": ["PUT"], "presets": ["grpc_web"]}, "csrf": {}}"#,
    r#"{"allowed_origins": ["https://localhost", "https://a.b.c.example.com"], "csrf": {"missing_origin": "reject", "trusted_origins": ["https://app.example", "http://example.com:81"]}}"#,
    r#"{"allowed_origins": ["capacitor://app.example", "ionic://localhost:1"], "websocket": {"missing_origin": "reject"}}"#,
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": [".api.example"], "csrf": {"mode": "report_only"}, "cors": {"allow_credentials": true, "upstream_headers": "keep"}}"#,
    r#"{"allowed_hosts": ["*"], "allowed_origins": ["https://app.example"], "dangerously_allow_null_origin": true}"#,
    // Entries that cover everybody, or that hold an origin which may not act all the same.
    r#"{"allowed_origins": ["https://*.com", "https://pre-*.test"], "allowed_hosts": ["api.example"], "csrf": {}}"#,
    r#"{"allowed_origins": ["https://*.com:*", "https://www.q.com"], "allowed_hosts": ["api.example"], "csrf": {"mode": "report_only"}}"#,
    r#"{"allowed_origins": ["http://b.example", "http://localhost:3000"], "allowed_hosts": ["api.example"], "csrf": {"trusted_origins": ["http://t.example", "http://[::1]:1"]}}"#,
    r#"{"allowed_origins": ["*"], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": true}, "csrf": {}, "dangerously_allow_any_origin_with_credentials": true}"#,
    r#"{"allowed_hosts": ["api.example", "b.example"], "websocket": {"allowed_hosts": true}, "csrf": {}, "cors": {"allow_credentials": true}, "dangerously_allow_insecure_origins": true}"#,
    // The same sections twice, and lists of Django's.
    r#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "csrf": {"missing_origin": "reject"},
        "cors": {}, "hosts": {}, "websocket": {"missing_origin": "reject"},
        "policies": [{"match": {"path_prefixes": ["/api"]}, "allowed_origins": ["https://app.example"],
            "allowed_hosts": ["api.example"], "csrf": {"missing_origin": "reject"}, "cors": {}, "hosts": {},
            "websocket": {"missing_origin": "reject"}}]}"#,
    "CORS_ALLOWED_ORIGINS=https://app.example,http://plain.test
CORS_ALLOW_METHODS=GET
CORS_ALLOW_HEADERS=accept
ALLOWED_HOSTS=api.example,shop.test,.shop.api.example
CSRF_TRUSTED_ORIGINS=https://pay.test
{\"django_env\": true, \"csrf\": {\"mode\": \"enforce\"}}",
    "CORS_ALLOWED_ORIGINS=https://app.example,https://q.com:82
ALLOWED_HOSTS=[\"api.example\"]
CORS_ALLOW_CREDENTIALS=1
{\"django_env\": true, \"csrf\": {\"trusted_origins\": [\"https://pay.test\"]}, \"policies\": [
    {\"match\": {\"path_prefixes\": [\"/api\"]}, \"allowed_origins\": [\"https://app.example\"], \"cors\": {}}]}",
    "CORS_ALLOW_ALL_ORIGINS=1
DEBUG=1
CSRF_TRUSTED_ORIGINS=https://pay.test
{\"django_env\": true, \"csrf\": {}}",
];

pub(super) const ORIGINS: [&str; 51] = [
    "",
    "null",
    "https://app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example.",
    "https://app.example/",
    "https://APP.example",
    "app.example",
    "https://www.app.example",
    "https://a.b.app.example:8443",
    "http://other.example",
    "http://other.example:8080",
    "https://other.test/",
    "https://example.com",
    "http://example.com:82",
    "https://a.example.com:8443",
    "http://a.example.com",
    "https://a.example.com.",
    "https://x.pr-1-x.example.com",
    "https://pr-1-y.example.com",
    "https://b.b.c.example.com",
    "https://x.pay.test:81",
    "capacitor://localhost:8080",
    "capacitor://a.app.example",
    "ionic://localhost",
    "wss://app.example",
    "file://app.example",
    "data://x",
    "chrome-extension://abcdef",
    "https://evil.github.io",
    "https://evil.github.io.",
    "https://evil.vercel.app:1",
    "https://x.co.zw",
    "https://b.s3.amazonaws.com",
    "https://api.example",
    "http://api.example",
    "https://[::1]:1",
    "http://r1.example",
    "http://b.example",
    "http://b.example:8080",
    "http://t.example",
    "http://localhost:3000",
    "http://[::1]:1",
    "http://api.example:8080",
    "http://x.example:443",
    "https://q.com",
    "http://q.com",
    "https://q.com:81",
    "https://pre-a.test",
    "http://evil.test",
];

/// Nothing in [`POLICIES`] says that these are the operator's.
pub(super) const STRANGERS: [&str; 6] = [
    "https://q.com",
    "http://q.com",
    "https://q.com:81",
    "https://pre-a.test",
    "http://evil.test",
    "http://localhost:3000",
];

pub(super) const HOSTS: [&str; 13] = [
    "api.example",
    "api.example:8443",
    "x.github.io",
    "a.co.zw.",
    "A.1.2.3.4",
    "1.2.3.5:80",
    "[fd00::7]",
    "shop.test",
    "www.shop.api.example",
    "other.example",
    "*.api.example",
    "api.example:99999",
    "https://api.example/",
];

pub(super) const PATHS: [&str; 4] = ["/", "/api/x", "/api/", "/healthz"];

/// What else a request has: its lines.
pub(super) const KINDS: [&[&str]; 19] = [
    &[":method: GET"],
    &[":method: GET", "upgrade: websocket"],
    &[":method: POST"],
    &[":method: POST", "sec-fetch-site: cross-site"],
    &[":method: POST", ":scheme: http"],
    &[":method: POST", "x-forwarded-proto: gopher"],
    &[":method: GET", "upgrade: websocket", ":scheme: http"],
    &[":method: GET", "upgrade: websocket", "x-forwarded-proto: gopher"],
    &[":method: OPTIONS", "access-control-request-method: PUT"],
    &[":method: OPTIONS", "access-control-request-method: patch"],
    &[":method: OPTIONS", "access-control-request-method: TRACE"],
    &[":method: OPTIONS", "access-control-request-method: *"],
    &[":method: OPTIONS", "access-control-request-method: PURGE"],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: x-a, accept,x-b",
        "access-control-request-headers: x-c",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: x-a,cookie",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: Sec-Fetch-Site,access-control-allow-origin",
    ],
    &[
        ":method: OPTIONS",
        "access-control-request-method: GET",
        "access-control-request-headers: *",
    ],
    &[":method: GET", "x-forwarded-host: evil.example"],
    &[":method: GET", "x-forwarded-host: api.example, proxy.internal"],
];

pub(super) type Lines = Vec<(String, Vec<u8>)>;

pub(super) fn request(host: &str, path: &str, origin: &str, kind: &[&str]) -> Lines {
    let line = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let more = kind.iter().map(|it| it.split_once(": ").unwrap());
    let mut lines = vec![line(":authority", host), line(":path", path)];
    lines.extend((!origin.is_empty()).then(|| line("origin", origin)));
    lines.extend(more.map(|(name, value)| line(name, value)));
    if !kind.iter().any(|it| it.starts_with(":scheme")) {
        lines.push(line(":scheme", "https"));
    }
    lines
}

pub(super) fn head(lines: &Lines) -> Request<'_> {
    lines
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_slice()))
        .collect()
}

/// Requests of which few are named by what is offered to any one.
pub(super) fn bystanders() -> Vec<Lines> {
    let kinds = KINDS.iter().enumerate().filter(|(at, _)| [0, 1, 2, 8, 17].contains(at));
    let mut requests = Vec::new();
    for (_, kind) in kinds {
        for path in &PATHS[..2] {
            requests.extend(ORIGINS.map(|origin| request("api.example", path, origin, kind)));
        }
        for path in PATHS {
            requests.extend(HOSTS.map(|host| request(host, path, "https://app.example", kind)));
        }
    }
    requests
}

pub(super) fn each_request(mut ask: impl FnMut(&str, &Lines)) {
    for policy in POLICIES {
        for kind in KINDS {
            for path in PATHS {
                // Only policies look at the path for an origin.
                for origin in ORIGINS.iter().filter(|_| PATHS[..2].contains(&path)) {
                    ask(policy, &request("api.example", path, origin, kind));
                }
                for host in HOSTS {
                    ask(policy, &request(host, path, "https://app.example", kind));
                }
            }
        }
    }
}
