//! Policies made of Envoy's own filters and Istio's `corsPolicy`. Decisions are compared with a real Envoy's in
//! `tests/envoy/native_filters.rs`.

use import::{Imported, import_envoy};
use serde_json::{Value, json};

use super::{has, policy};

pub(super) const ISTIO: &str = r#"
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop.example, "*.shop.example"]
  http:
    - name: api
      match: [{ uri: { prefix: /api/ } }, { uri: { prefix: /v2/ } }]
      corsPolicy:
        allowOrigins: [{ exact: "https://app.example" }, { prefix: "https://pr-" }]
        allowMethods: [GET, PUT]
        allowCredentials: false
        maxAge: 1h5m
      route: [{ destination: { host: api } }]
    - route: [{ destination: { host: web } }]
"#;

pub(super) fn import(text: &str) -> Imported {
    import_envoy(&[("envoy.yaml".to_owned(), text.to_owned())])
}

#[test]
fn a_virtual_service() {
    let (made, notes) = policy(import(ISTIO));
    let api = json!({
        "allow_credentials": false, "allow_methods": ["GET", "PUT"], "allow_headers": [], "max_age": 3900
    });
    let entries = made["policies"].as_array().unwrap();
    for (entry, prefix) in entries.iter().zip(["/api/", "/v2/"]) {
        assert_eq!(
            entry["match"],
            json!({ "hosts": ["shop.example"], "path_prefixes": [prefix] })
        );
        assert_eq!(entry["allowed_origins"], json!(["https://app.example"]));
        assert_eq!(entry["allowed_origin_regexes"], json!(["https://pr\\-.*"]));
        assert_eq!(entry["cors"], api);
    }
    assert_eq!(
        entries[2],
        json!({ "name": "shop", "match": { "hosts": ["shop.example"] }, "cors": { "mode": "off" } })
    );
    assert_eq!(entries.len(), 6);
    assert_eq!(made["allowed_hosts"], json!([".shop.example", "shop.example"]));
    has(
        &notes,
        "shop: `*.shop.example` becomes `.shop.example`, which is the domain itself too",
    );
    has(&notes, "note: Envoy's filters let every page open WebSockets");
}

/// A virtual host, with the policies of its routes.
fn envoy(routes: Value) -> String {
    json!({ "route_config": { "virtual_hosts": [{ "name": "web", "domains": ["a.example:8080", "a.example", "a.*"], "routes": routes }] } }).to_string()
}

fn cors(fields: Value) -> Value {
    let mut policy = json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy" });
    policy
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    json!({ "envoy.filters.http.cors": policy })
}

#[test]
fn a_route_configuration() {
    let listed =
        cors(json!({ "allow_origin_string_match": [{ "exact": "*" }], "allow_credentials": true, "max_age": "never" }));
    let (made, notes) = policy(import(&envoy(json!([
        { "match": { "prefix": "/health" }, "direct_response": { "status": 200 }, "typed_per_filter_config": listed },
        { "match": { "path": "/x" }, "typed_per_filter_config": listed },
        { "match": { "prefix": "/" }, "typed_per_filter_config": listed },
    ]))));
    assert_eq!(
        made,
        json!({
            "allowed_hosts": ["a.example"],
            "allowed_origins": ["*"],
            "cors": { "allow_credentials": false, "allow_methods": [], "allow_headers": [], "max_age": 5 }
        })
    );
    for part in [
        "web: allow_credentials is off beside `*`",
        "web: left out: max_age `never` is no number of seconds",
        "web: left out: the domain `a.*`",
    ] {
        has(&notes, part);
    }
    // Old fields, which hold where there is no policy of the filter.
    let (made, _) = policy(import(&envoy(json!([
        { "match": { "prefix": "/" }, "route": { "cors": { "allow_origin_string_match": [{ "exact": "https://b.example" }] } } },
    ]))));
    assert_eq!(made["allowed_origins"], json!(["https://b.example"]));
}

#[test]
fn what_cannot_be_said_gives_no_policy() {
    // Long: a table of configurations.
    let one = cors(json!({ "allow_origin_string_match": [{ "exact": "https://b.example" }] }));
    let share = cors(json!({ "filter_enabled": { "default_value": { "numerator": 20 } } }));
    let all = json!({ "match": { "prefix": "/" }, "typed_per_filter_config": cors(json!({ "allow_origin_string_match": [{ "exact": "*" }] })) });
    let with = |matched: Value| envoy(json!([{ "match": matched, "typed_per_filter_config": one }, all]));
    for (text, why) in [
        (
            with(json!({ "path": "/x" })),
            "web: routes[0]: its policies differ from those of later routes, and its paths cannot be said here: it is for one path",
        ),
        (
            with(json!({ "safe_regex": { "regex": "/x" } })),
            "its paths are an expression",
        ),
        (
            with(json!({ "prefix": "/x", "headers": [] })),
            "it looks at more than the path",
        ),
        (
            with(json!({ "prefix": "/x/", "case_sensitive": false })),
            "its paths are in any case",
        ),
        (
            with(json!({ "prefix": "/x" })),
            "its prefix `/x` ends within a segment; write `path_separated_prefix`",
        ),
        (
            envoy(json!([{ "match": { "prefix": "/" }, "typed_per_filter_config": share }])),
            "web: routes[0]: cors: it is in force for a share",
        ),
        (envoy(json!([{ "match": { "prefix": "/" } }])), "no route has a policy"),
        ("static_resources: {}\n".to_owned(), "there is no virtual host"),
        ("a: [".to_owned(), "envoy.yaml: this is not YAML"),
        ("{,}".to_owned(), "envoy.yaml: this is not JSON"),
        (
            with(json!({})).replace("{\"route_config\"", "{\"http_filters\": [], \"route_config\""),
            "the filter envoy.filters.http.cors is in no filter chain",
        ),
    ] {
        let made = import(&text);
        assert_eq!(made.policy, None, "{text}");
        has(&made.notes, why);
    }
    // Later routes let nobody in: what the prefix has beyond whole segments is theirs.
    let text =
        envoy(json!([{ "match": { "prefix": "/x" }, "typed_per_filter_config": one }, { "match": { "prefix": "/" } }]));
    has(
        &policy(import(&text)).1,
        "web: routes[0]: the prefix `/x` ends at a segment here",
    );
}
