//! Policies made of other programs' configurations.
//!
//! Long: tables of sources, each with the policy that comes of it; one importer after the other.

use import::{Imported, import_ingress_nginx};
use serde_json::{Value, json};

fn import_django(file_name: &str, text: &str) -> Imported {
    import::import_django(&[(file_name.to_owned(), text.to_owned())])
}

/// The policy, which loads, and the notes.
fn policy(imported: Imported) -> (Value, Vec<String>) {
    let Some(text) = imported.policy else {
        panic!("no policy: {:#?}", imported.notes);
    };
    config::load(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    (serde_json::from_str(&text).unwrap(), imported.notes)
}

fn has(notes: &[String], part: &str) {
    assert!(
        notes.iter().any(|it| it.contains(part)),
        "is missing: {part}\n{notes:#?}"
    );
}

/// Whatever is in the file, an answer comes back.
#[test]
fn no_file_panics() {
    let answer = r#">>> {"origin_gate_django": 1, "settings": {"ALLOWED_HOSTS": ["a"], "CORS_URLS_REGEX": "^/a/"}, "cors": {"CORS_URLS_REGEX": "^/(a|b)/", "CORS_ALLOWED_ORIGINS": ["https://a"]}, "middleware": [{"name": "x", "kind": "cors"}], "asgi": {"validators": [{"origins": ["a:1"]}]}}"#;
    let yaml = "kind: Ingress\nmetadata:\n  name: a\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: \"true\"\nspec: {rules: [{host: a}]}\n";
    for text in [answer, yaml, "ALLOWED_HOSTS='a\"\\\nB=\"\\"] {
        let chars: Vec<char> = text.chars().collect();
        for at in 0..chars.len() {
            for replacement in ['(', ')', '"', '\'', '\\', ',', '=', '*', ':', '\n', '\u{e9}'] {
                let mut chars = chars.clone();
                chars[at] = replacement;
                let whole: String = chars.iter().collect();
                let cut: String = chars[..at].iter().collect();
                for text in [whole, cut] {
                    let _ = (
                        import_django("settings.json", &text),
                        import_django(".env", &text),
                        import_ingress_nginx(&text),
                    );
                }
            }
        }
    }
    let indented = |item: &str| (0..5000).map(|depth| " ".repeat(depth) + item).collect::<String>();
    for deep in [
        "[".repeat(100_000),
        "(".repeat(100_000),
        "- ".repeat(50_000),
        indented("a:\n"),
        "{\"origin_gate_django\": 1, \"settings\": ".to_owned() + &"[".repeat(100_000),
        "a: &a [x, x]\n".to_owned()
            + &(0..99)
                .map(|it| format!("b{it}: &a [*a, *a, *a]\n"))
                .collect::<String>(),
    ] {
        assert!(import_django("settings.json", &deep).policy.is_none());
        assert!(import_ingress_nginx(&deep).policy.is_none());
    }
}

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
            "allowed_origins": ["https://shop.example", "https://*.shop.example:8443"],
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
        "api: `https://*.shop.example:8443` covers one label there, and one or more here",
        "api: `*.stage.shop.example` becomes `.stage.shop.example`",
        "api: cors-max-age 1728000 becomes 86400",
        "left out: allowed_origins[2]: `shop.example`: an origin begins with a scheme; write `https://shop.example`",
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
    has(&notes, "left out: policies[0].allowed_origins[2]: `shop.example`");
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

/// Notes go to terminals.
#[test]
fn notes_hold_no_control_characters() {
    let yaml = r#"{kind: Ingress, metadata: {name: "x\e[31m\nfine", annotations: {"nginx.ingress.kubernetes.io/cors-\a": "\u202e", nginx.ingress.kubernetes.io/enable-cors: "true", nginx.ingress.kubernetes.io/cors-allow-methods: "\e[2J"}}, spec: {rules: [{host: "*.a\e[31m.example"}, {host: a}]}}
---
kind: "\e]0;x"
"#;
    let ingress = import_ingress_nginx(yaml);
    let django = import_django(
        "settings.json",
        r#"{"origin_gate_django": 1, "settings": {"ALLOWED_HOSTS": ["a\u001b[31m", "b\u009b31m", "c"]}, "problems": ["\u001b]"]}"#,
    );
    for imported in [ingress, django] {
        assert!(!imported.notes.is_empty());
        let is_bad = |char: char| char.is_control() || char == '\u{202e}';
        assert!(
            !imported.notes.iter().any(|it| it.contains(is_bad)),
            "{:?}",
            imported.notes
        );
    }
}
