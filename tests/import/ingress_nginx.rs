//! Policies made of ingress-nginx's annotations.
//!
//! Long: tables of manifests, each with the policy that comes of it.

use import::import_ingress_nginx;
use regex_lite::{RegexBuilder, escape};
use serde_json::json;

use super::{has, lets_in, policy};
use crate::random::Random;

const INGRESS: &str = r#"
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/enable-cors: "true"
    nginx.ingress.kubernetes.io/cors-allow-origin: "https://shop.example, https://*.shop.example:8443, shop.example"
    nginx.ingress.kubernetes.io/cors-allow-methods: "GET, POST"
    nginx.ingress.kubernetes.io/cors-allow-headers: "X-Cart,DNT,Authorization"
    nginx.ingress.kubernetes.io/cors-expose-headers: "X-Total"
    nginx.ingress.kubernetes.io/cors-max-age: "1728000"
    nginx.ingress.kubernetes.io/cors-allow-private-network: "true"
    nginx.ingress.kubernetes.io/configuration-snippet: |
      more_set_headers "Access-Control-Allow-Origin: $http_origin";
spec:
  rules:
    - host: api.shop.example
    - host: "*.stage.shop.example"
"#;

#[test]
fn an_ingress() {
    let (policy, notes) = policy(import_ingress_nginx(INGRESS));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["https://shop.example"],
            "allowed_origin_regexes": [r"https://[a-z0-9-]+\.shop\.example:8443"],
            "allowed_hosts": [".stage.shop.example", "api.shop.example"],
            "cors": {
                "allow_credentials": true,
                "allow_methods": ["GET", "POST"],
                "allow_headers": ["X-Cart", "Authorization"],
                "expose_headers": ["X-Total"],
                "max_age": 86400
            }
        })
    );
    for part in [
        "api: `https://*.shop.example:8443` covers one label there, which an expression says here",
        "api: `*.stage.shop.example` becomes `.stage.shop.example`",
        "api: cors-max-age 1728000 becomes 86400",
        "api: left out: `shop.example`: ingress-nginx passes it over; write each origin as `https://name`",
        "left out: cors.allow_headers[1]: `DNT`: browsers let no script set this header",
        "api: left out: `nginx.ingress.kubernetes.io/cors-allow-private-network` has no counterpart",
        "api: left out: `nginx.ingress.kubernetes.io/configuration-snippet` has no counterpart",
        "note: ingress-nginx lets every page open WebSockets",
    ] {
        has(&notes, part);
    }
}

/// ingress-nginx's own defaults, for an Ingress that only switches CORS on.
#[test]
fn an_ingress_with_defaults() {
    let text = "kind: Ingress\nmetadata:\n  name: a\n  annotations: {nginx.ingress.kubernetes.io/enable-cors: true}\nspec: {rules: [{host: a.example}]}\n";
    let (policy, notes) = policy(import_ingress_nginx(text));
    assert_eq!(
        policy,
        json!({
            "allowed_origins": ["*"],
            "allowed_hosts": ["a.example"],
            "cors": {
                "allow_credentials": false,
                "allow_methods": ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
                "allow_headers": ["User-Agent", "X-Requested-With", "If-Modified-Since", "Cache-Control", "Content-Type", "Range", "Authorization"]
            }
        })
    );
    has(&notes, "a: allow_credentials is off beside `*`");
}

#[test]
fn several_ingresses() {
    let other =
        "---\nkind: Ingress\nmetadata: {name: plain}\nspec: {rules: [{host: plain.example}]}\n---\nkind: Service\n";
    let (both, notes) = policy(import_ingress_nginx(&format!("{INGRESS}{other}")));
    assert_eq!(
        both["allowed_hosts"],
        json!([".stage.shop.example", "api.shop.example", "plain.example"])
    );
    let hosts = |at: usize| &both["policies"][at]["match"]["hosts"];
    assert_eq!(hosts(0), &json!(["api.shop.example"]));
    assert_eq!(hosts(2), &json!([".stage.shop.example"]));
    assert_eq!(
        both["policies"][1],
        json!({ "name": "plain", "match": { "hosts": ["plain.example"] }, "cors": { "mode": "off" } })
    );
    assert_eq!(both.get("allowed_origins"), None);
    has(&notes, "left out: a `Service` is no Ingress");
    has(&notes, "api: left out: `shop.example`: ingress-nginx passes it over");
    // The same for all stands for all; a host that two share with other rules cannot be told apart.
    let list = "kind: List\nitems:\n- {kind: Ingress, metadata: {name: a}, spec: {rules: [{host: a}]}}\n- {kind: Ingress, metadata: {name: b}, spec: {rules: [{host: b}]}}\n";
    assert_eq!(
        policy(import_ingress_nginx(list)).0,
        json!({ "allowed_hosts": ["a", "b"], "cors": { "mode": "off" } })
    );
    let shared =
        format!("{INGRESS}---\nkind: Ingress\nmetadata: {{name: b}}\nspec: {{rules: [{{host: api.shop.example}}]}}\n");
    let imported = import_ingress_nginx(&shared);
    assert!(imported.policy.is_none());
    has(&imported.notes, "b: `api.shop.example` is also another Ingress's");
    // Without its hosts it would be for all.
    for rest in [
        "",
        "---\nkind: Ingress\nmetadata: {name: b}\nspec: {rules: [{host: b}]}\n",
    ] {
        let text = format!(
            "{}{rest}",
            INGRESS
                .replace("api.shop.example", "api shop")
                .replace("*.stage", "no stage")
        );
        let imported = import_ingress_nginx(&text);
        assert!(imported.policy.is_none(), "{imported:#?}");
        has(&imported.notes, "`api shop`: a host is labels");
    }
    let (for_all, notes) = policy(import_ingress_nginx(
        "kind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {}}\n",
    ));
    assert_eq!(for_all, json!({ "cors": { "mode": "off" } }));
    has(&notes, "a: left out: it is for all hosts");
}

/// An Ingress of a host and its paths, with origins.
fn ingress(name: &str, host: &str, paths: &str, annotations: &str) -> String {
    format!(
        "---\nkind: Ingress\nmetadata:\n  name: {name}\n  annotations: {{nginx.ingress.kubernetes.io/enable-cors: true, \
         nginx.ingress.kubernetes.io/cors-allow-origin: 'https://{name}.test'{annotations}}}\n\
         spec: {{rules: [{{host: '{host}', http: {{paths: [{paths}]}}}}]}}\n"
    )
}

#[test]
fn ingresses_of_one_host_are_joined_by_path() {
    // Long: a table of manifests.
    let api = ingress(
        "api",
        "a.example",
        "{path: /api, pathType: Prefix}, {path: /v2/, pathType: ImplementationSpecific}",
        "",
    );
    let web = ingress("web", "a.example", "{path: /, pathType: Prefix}", "");
    let other = ingress("other", "b.example", "{path: /deep/er, pathType: Exact}", "");
    let canary = ingress(
        "canary",
        "a.example",
        "{path: /api, pathType: Prefix}",
        ", nginx.ingress.kubernetes.io/canary: 'true'",
    );
    let (made, notes) = policy(import_ingress_nginx(
        &[web.clone(), api.clone(), other, canary].concat(),
    ));
    let entries: Vec<_> = made["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["match"].clone(), it["allowed_origins"].clone()))
        .collect();
    assert_eq!(
        entries,
        [
            (json!({ "hosts": ["b.example"] }), json!(["https://other.test"])),
            (
                json!({ "hosts": ["a.example"], "path_prefixes": ["/api"] }),
                json!(["https://api.test"])
            ),
            (
                json!({ "hosts": ["a.example"], "path_prefixes": ["/v2/"] }),
                json!(["https://api.test"])
            ),
            (json!({ "hosts": ["a.example"] }), json!(["https://web.test"])),
        ]
    );
    has(&notes, "canary: left out: a canary has the annotations");
    // What is of no path is nobody's, though a wildcard covers the host.
    let one = ingress("one", "a.example", "{path: /one, pathType: Prefix}", "");
    let wide = ingress("wide", "*.example", "{path: /, pathType: Prefix}", "");
    let (made, _) = policy(import_ingress_nginx(&[wide, one, api.clone()].concat()));
    let last_two: Vec<_> = made["policies"].as_array().unwrap().iter().rev().take(2).collect();
    assert_eq!(last_two[0]["match"], json!({ "hosts": [".example"] }));
    assert_eq!(
        *last_two[1],
        json!({ "name": "the rest of a.example", "match": { "hosts": ["a.example"] } })
    );
    for (paths, annotations, why) in [
        (
            "{path: /api, pathType: Prefix}",
            "",
            "web: `a.example` is also another Ingress's, and so is its path `/api`, with the rules of api",
        ),
        ("{path: /x, pathType: Exact}", "", "of its path `/x`: it is `Exact`"),
        (
            "{path: /x}",
            "",
            "of its path `/x`: nginx takes more than whole segments",
        ),
        (
            "{path: /, pathType: Prefix}",
            ", nginx.ingress.kubernetes.io/rewrite-target: /$1",
            "the paths of `a.example` are expressions",
        ),
    ] {
        let imported = import_ingress_nginx(&[api.clone(), ingress("web", "a.example", paths, annotations)].concat());
        assert_eq!(imported.policy, None, "{paths}");
        has(&imported.notes, why);
    }
}

/// What ingress-nginx does not read stands for `*`, and what it reads otherwise than people think is said.
#[test]
fn origins_that_ingress_nginx_does_not_read() {
    // Long: tables of annotations.
    let import = |value: &str| {
        policy(import_ingress_nginx(&INGRESS.replace(
            "cors-allow-origin: \"",
            &format!("cors-allow-origin: \"{value}\" #"),
        )))
    };
    for value in [
        "$http_origin",
        "",
        "  ",
        "https://a.example; https://b.example",
        "HTTPS://a.example",
        "https://a.example/",
        "*, $x",
    ] {
        let (made, notes) = import(value);
        assert_eq!(made["allowed_origins"], json!(["*"]), "{value}");
        assert_eq!(made["cors"]["allow_credentials"], json!(false), "{value}");
        has(&notes, "ingress-nginx does not read this, so that `*` was in force");
    }
    let (made, _) = import("https://a.example, *");
    assert_eq!(made["allowed_origins"], json!(["*"]));
    for (value, origins, why) in [
        ("https://A.example,", json!(["https://a.example"]), "note: "),
        (
            "https://a-*.example,b.example",
            json!(null),
            "left out: `https://a-*.example`: ingress-nginx passes it over",
        ),
        (
            "https://a.example https://b.example",
            json!(null),
            "ingress-nginx passes it over; write each",
        ),
        (
            "https://a.example:443, http://b.example:8080",
            json!(["http://b.example:8080"]),
            "no browser sends a default port",
        ),
        (
            "null,https://a.example",
            json!(["https://a.example"]),
            "left out: allowed_origins[0]: `null`",
        ),
    ] {
        let (made, notes) = policy(import_ingress_nginx(
            &INGRESS
                .replace("cors-allow-origin: \"", &format!("cors-allow-origin: \"{value}\" #"))
                .replace(
                    "cors-allow-methods",
                    "cors-allow-credentials: 'false'\n    nginx.ingress.kubernetes.io/cors-allow-methods",
                ),
        ));
        assert_eq!(
            made.get("allowed_origins"),
            (!origins.is_null()).then_some(&origins),
            "{value}"
        );
        has(&notes, why);
    }
}

#[test]
fn annotations_without_enable_cors_are_named() {
    for (enabled, why) in [
        ("", "`nginx.ingress.kubernetes.io/enable-cors` is not there"),
        (
            "nginx.ingress.kubernetes.io/enable-cors: 'yes'",
            "`nginx.ingress.kubernetes.io/enable-cors` is `yes`",
        ),
    ] {
        let (made, notes) = policy(import_ingress_nginx(
            &INGRESS.replace("nginx.ingress.kubernetes.io/enable-cors: \"true\"", enabled),
        ));
        assert_eq!(made["cors"], json!({ "mode": "off" }));
        has(
            &notes,
            "api: `cors-allow-origin`, `cors-allow-methods`, `cors-allow-headers`, `cors-expose-headers`, `cors-max-age` had no effect there",
        );
        has(&notes, why);
    }
}

#[test]
fn charts_are_to_be_rendered() {
    for text in [
        "ingress:\n  enabled: true\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: 'true'\n".to_owned(),
        "{{- if .Values.ingress }}\nkind: Ingress\n{{- end }}\n".to_owned(),
        INGRESS.replace("api.shop.example", "'{{ .Values.host }}'"),
        INGRESS.replace("https://shop.example,", "{{ .Values.origin }},"),
    ] {
        let imported = import_ingress_nginx(&text);
        assert_eq!(imported.policy, None, "{text}");
        has(
            &imported.notes,
            "helm template RELEASE CHART | origin-gate import ingress-nginx -",
        );
    }
}

/// No file is larger than memory, or takes long.
#[test]
fn small_files_stay_small() {
    let nested: String = (1..30)
        .map(|it| format!("x{it}: &x{it} [*x{0}, *x{0}, *x{0}, *x{0}]\n", it - 1))
        .collect();
    for text in [
        format!("x0: &x0 [a]\n{nested}"),
        format!("x0: &x0 '{}'\n{nested}", "a".repeat(1 << 20)),
    ] {
        let imported = import_ingress_nginx(&text);
        assert_eq!(imported.policy, None);
        has(&imported.notes, "refers to itself too often");
    }
    has(
        &import_ingress_nginx("<<: {kind: Ingress}\n").notes,
        "`<<` is not followed",
    );
}

/// nginx takes an exact name before a wildcard, and the longest wildcard.
#[test]
fn exact_hosts_come_before_wildcards() {
    let ingress = |name: &str, hosts: &str| {
        format!(
            "---\nkind: Ingress\nmetadata: {{name: {name}, annotations: {{nginx.ingress.kubernetes.io/enable-cors: true, \
             nginx.ingress.kubernetes.io/cors-allow-origin: 'https://{name}.test'}}}}\nspec: {{rules: [{hosts}]}}\n"
        )
    };
    let text = ingress("wide", "{host: '*.shop.example'}, {host: www.shop.example}")
        + &ingress("deep", "{host: '*.api.shop.example'}")
        + &ingress(
            "exact",
            "{host: a.shop.example}, {host: a.api.shop.example}, {host: shop.example}",
        );
    let (policy, _) = policy(import_ingress_nginx(&text));
    let policies = policy["policies"].as_array().unwrap().iter();
    let order: Vec<_> = policies
        .map(|it| (it["name"].clone(), it["match"]["hosts"].clone()))
        .collect();
    assert_eq!(
        order,
        [
            // `*.api.shop.example` is not `api.shop.example`, which `*.shop.example` is.
            (json!("wide"), json!(["www.shop.example", "api.shop.example"])),
            (
                json!("exact"),
                json!(["a.shop.example", "a.api.shop.example", "shop.example"])
            ),
            (json!("deep"), json!([".api.shop.example"])),
            (json!("wide"), json!([".shop.example"])),
        ]
    );
}

/// What ingress-nginx does not read, it replaces by its defaults.
#[test]
fn lists_that_ingress_nginx_does_not_read() {
    let import = |key: &str, value: &str| {
        policy(import_ingress_nginx(
            &INGRESS.replace(&format!("{key}: \""), &format!("{key}: \"{value}\" #")),
        ))
    };
    for value in ["*", "X-Ä", "", "GET;POST"] {
        let (made, notes) = import("cors-allow-methods", value);
        assert_eq!(
            made["cors"]["allow_methods"].as_array().map(Vec::len),
            Some(6),
            "{value}"
        );
        has(
            &notes,
            &format!("api: left out: cors-allow-methods `{value}`: ingress-nginx does not read this"),
        );
        let (made, notes) = import("cors-allow-headers", value);
        assert_eq!(
            made["cors"]["allow_headers"].as_array().map(Vec::len),
            Some(7),
            "{value}"
        );
        has(&notes, "cors-allow-headers");
    }
    let (made, notes) = import("cors-expose-headers", "X-A;X-B");
    assert_eq!(made["cors"].get("expose_headers"), None);
    has(
        &notes,
        "left out: cors-expose-headers `X-A;X-B`: ingress-nginx does not read this, and takes none",
    );
    let (made, _) = import("cors-allow-headers", "X-A, X_B,X-C");
    assert_eq!(made["cors"]["allow_headers"], json!(["X-A", "X_B", "X-C"]));
}

#[test]
fn hosts_of_annotations() {
    let text = "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/server-alias: 'b.example, *.c.example,~^d'\n    nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'\nspec: {rules: [{host: a.example}]}\n";
    let (policy, notes) = policy(import_ingress_nginx(text));
    assert_eq!(policy["allowed_hosts"], json!([".c.example", "a.example", "b.example"]));
    has(&notes, "a: left out: server-alias `~^d`");
    has(
        &notes,
        "a: left out: `nginx.ingress.kubernetes.io/from-to-www-redirect`: the hosts that it redirects are refused here",
    );
}

/// `cors.Parse` and `buildCorsOriginRegex` of ingress-nginx, for an annotation that it reads: whom nginx lets in.
fn nginx_lets_in(annotation: &str, origin: &str) -> bool {
    let is = |grammar: &str, text: &str| RegexBuilder::new(grammar).build().unwrap().is_match(text);
    const ALL: &str = r"^((((([a-z]+://)?(\*\.)?[A-Za-z0-9\-.]*(:\d+)?,?)|null)+)|\*)?$";
    const ONE: &str = r"^([a-z]+://(\*\.)?[A-Za-z0-9\-.]*(:\d+)?|\*|null)?$";
    if annotation.trim().is_empty() || !is(ALL, &annotation.replace(' ', "")) {
        return true;
    }
    let items = annotation.split(',').map(str::trim).filter(|it| !it.is_empty());
    let mut expressions = Vec::new();
    for item in items {
        if item == "*" {
            return true;
        }
        if is(ONE, item) {
            expressions.push(escape(item).replacen(r"\*", r"[A-Za-z0-9\-]+", 1));
        }
    }
    let expression = format!("({})$", expressions.join("|"));
    !expressions.is_empty()
        && RegexBuilder::new(&expression)
            .case_insensitive(true)
            .build()
            .unwrap()
            .is_match(origin)
}

const PIECES: [&str; 22] = [
    "https://a.example",
    "http://a.example",
    "https://*.a.example",
    "https://*.a.example:8443",
    "https://b.a.example",
    "https://A.example",
    "https://a.example:443",
    "http://a.example:80",
    "https://a.example:8443",
    "a.example",
    "*",
    "null",
    "",
    " ",
    "$http_origin",
    ";",
    "https://*.com",
    "https://a-*.example",
    "https://*",
    "capacitor://localhost",
    "https://a.example/",
    "https://a.example https://b.example",
];
const ORIGINS: [&str; 14] = [
    "https://a.example",
    "http://a.example",
    "https://b.a.example",
    "https://c.b.a.example",
    "https://b.a.example:8443",
    "https://a.example:8443",
    "https://b.example",
    "https://a.com",
    "https://a-b.example",
    "capacitor://localhost",
    "https://xa.example",
    "https://a.example.evil.test",
    "https://xb.a.example",
    "null",
];

/// Over generated annotations and origins, the policy lets in whom nginx lets in, and nobody else. Credentials are off, so
/// that `*` is what it says.
#[test]
fn an_annotation_lets_in_whom_nginx_lets_in() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut let_in, mut kept_out) = (0, 0);
    for _ in 0..600 {
        let count = 1 + random.below(3);
        let annotation = (0..count)
            .map(|_| random.one(&PIECES))
            .collect::<Vec<_>>()
            .join(random.one(&[",", ", ", ",, "]));
        let manifest = format!(
            "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: 'true'\n    \
             nginx.ingress.kubernetes.io/cors-allow-credentials: 'false'\n    \
             nginx.ingress.kubernetes.io/cors-allow-origin: '{annotation}'\nspec: {{rules: [{{host: api.example}}]}}\n"
        );
        let imported = import_ingress_nginx(&manifest);
        let text = imported.policy.unwrap_or_else(|| panic!("{manifest}"));
        let loaded = config::load(text.as_bytes()).unwrap();
        for origin in ORIGINS {
            let is_let_in = lets_in(&loaded, origin);
            // A list that holds `null`, or a wildcard over a single label beside names, is narrower here, and says so.
            let is_known = (origin == "null" && !text.contains("\"*\"")) || origin.ends_with(".com");
            let by_nginx = nginx_lets_in(&annotation, origin);
            assert!(by_nginx || !is_let_in, "{annotation:?} lets {origin} in");
            assert!(is_let_in || !by_nginx || is_known, "{annotation:?} keeps {origin} out");
            *(if is_let_in { &mut let_in } else { &mut kept_out }) += 1;
        }
    }
    assert!(let_in > 1000 && kept_out > 1000, "{let_in} {kept_out}");
}
