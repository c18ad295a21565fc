//! Policies are found where people keep them, as the filter gets them, and are written into what control planes take.

mod command;

use manifests::{Found, Loader, Node, Target, policies, render};
use serde_json::{Value, json};

use crate::support;

const TARGETS: [(Target, &str); 5] = [
    (Target::Envoy, "envoy/envoy.yaml"),
    (Target::Ecds, "envoy/hot-reload/origin_gate.yaml"),
    (Target::Istio, "envoy/istio/wasmplugin.yaml"),
    (Target::IstioTrafficExtension, "envoy/istio/trafficextension.yaml"),
    (Target::EnvoyGateway, "envoy/envoy-gateway/policy.yaml"),
];

fn file(path: &str) -> String {
    std::fs::read_to_string(crate::root().join(path)).unwrap()
}

fn find(text: &str) -> Vec<Found> {
    policies(text.as_bytes()).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

/// The only policy of a file.
fn one(text: &str) -> Found {
    let mut found = find(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn value(found: &Found) -> Value {
    serde_json::from_slice(&found.configuration).unwrap()
}

fn problem(text: &str) -> String {
    policies(text.as_bytes()).unwrap_err()
}

#[test]
fn the_manifests_are_what_render_makes_of_the_policy() {
    let plain = file("envoy/policy.json");
    // Envoy Gateway alone has a policy judged too late.
    let kept = plain.trim_end().trim_end_matches('}').trim_end().to_owned() + ", \"on_refused_update\": \"keep\" }";
    for (target, path) in TARGETS {
        let policy = if target == Target::EnvoyGateway { &kept } else { &plain };
        let made = render(policy.as_bytes(), target).unwrap();
        let shipped = file(path);
        if target == Target::Envoy {
            // The filter within a configuration.
            let indented: String = made.lines().map(|it| format!("                  {it}\n")).collect();
            assert!(shipped.contains(&indented), "{path}:\n{made}");
        } else {
            assert_eq!(made, shipped, "{path}");
        }
        assert_eq!(value(&one(&made)), serde_json::from_str::<Value>(policy).unwrap());
    }
}

/// Whatever is in it, quotes, letters, numbers and all: a policy is found again as it was written.
#[test]
fn every_policy_of_the_corpus_is_found_where_it_is_written() {
    let odd =
        json!({ "name": "\" # : - %\u{7f}é\u{2028}", "on": [true, null, 1.5, -3, {}, [], { "a": [{ "no": "~" }] }] });
    let corpus = support::corpus().into_iter().map(|it| it.policy);
    let mut count = 0;
    for text in corpus.chain([odd.to_string()]) {
        let Ok(policy @ Value::Object(_)) = serde_json::from_str(&text) else {
            continue;
        };
        for (target, _) in TARGETS {
            count += 1;
            let made = render(text.as_bytes(), target).unwrap();
            assert_eq!(value(&one(&made)), policy, "{made}");
        }
    }
    assert!(count > 150, "only {count}");
}

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// A filter with a configuration and a VM.
fn filter(configuration: Value, vm: Value) -> Value {
    json!({
        "name": "origin_gate",
        "typed_config": { "@type": WASM, "config": { "root_id": "origin_gate", "configuration": configuration, "vm_config": vm } },
    })
}

fn string_value(policy: &str) -> Value {
    json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy })
}

#[test]
fn a_policy_is_read_as_the_filter_gets_it() {
    let of = |configuration| one(&json!([filter(configuration, json!({}))]).to_string()).configuration;
    assert_eq!(of(string_value("{ \"debug\": true }")), b"{ \"debug\": true }");
    // An error in it is the policy's.
    assert_eq!(of(string_value("{ debug")), b"{ debug");
    let any = |kind: &str, value: Value| json!({ "@type": format!("type.googleapis.com/google.protobuf.{kind}"), "value": value });
    assert_eq!(
        of(any("BytesValue", json!("eyJkZWJ1\nZyI6dHJ1ZX0="))),
        b"{\"debug\":true}"
    );
    assert_eq!(of(any("Struct", json!({ "debug": true }))), b"{\"debug\":true}");
    assert_eq!(
        of(json!({ "@type": "type.googleapis.com/google.protobuf.StringValue" })),
        b""
    );
    let refused = |configuration| problem(&json!([filter(configuration, json!({}))]).to_string());
    assert!(refused(any("BytesValue", json!("%"))).contains("is not base64"));
    assert!(refused(any("StringValue", json!({ "debug": true }))).contains("is not a string"));
    assert!(refused(any("Int32Value", json!(1))).contains("write type.googleapis.com/google.protobuf.StringValue"));
}

#[test]
fn policies_are_found_wherever_they_stand() {
    // Long: a table of resources, each with the place of its policy.
    let policy = r#"{"debug":true}"#;
    let filter = filter(string_value(policy), json!({}));
    let typed = json!({
        "@type": "type.googleapis.com/udpa.type.v1.TypedStruct", "type_url": WASM, "value": filter["typed_config"],
    });
    let module = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
        "dynamic_module_config": { "name": "origin_gate" }, "filter_name": "origin_gate", "filter_config": string_value(policy),
    });
    let gateway = |spec: Value| json!({ "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyExtensionPolicy", "metadata": { "name": "n" }, "spec": spec });
    let istio = |kind: &str, spec: Value| json!({ "apiVersion": "extensions.istio.io/v1alpha1", "kind": kind, "metadata": { "name": "n", "namespace": "s" }, "spec": spec });
    let plugin = json!({ "pluginName": "origin_gate", "pluginConfig": { "debug": true } });
    let map = |name: &str, text: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "n" }, "data": { name: text, "README": "{" } });
    for (holder, place) in [
        (
            json!({ "static_resources": { "listeners": [{ "filter": filter }] } }),
            "static_resources.listeners[0].filter.typed_config.config.configuration",
        ),
        (
            json!({ "configs": [{ "dynamic_listeners": [{ "active_state": filter }] }] }),
            "configs[0].dynamic_listeners[0].active_state.typed_config.config.configuration",
        ),
        (
            json!({ "resources": [typed] }),
            "resources[0].value.config.configuration",
        ),
        (
            json!({ "http_filters": [{ "typed_config": module }] }),
            "http_filters[0].typed_config.filter_config",
        ),
        (istio("WasmPlugin", plugin.clone()), "WasmPlugin s/n: spec.pluginConfig"),
        (
            istio("TrafficExtension", json!({ "wasm": plugin })),
            "TrafficExtension s/n: spec.wasm.pluginConfig",
        ),
        (
            istio(
                "EnvoyFilter",
                json!({ "configPatches": [{ "patch": { "value": filter } }] }),
            ),
            "EnvoyFilter s/n: spec.configPatches[0].patch.value.typed_config.config.configuration",
        ),
        (
            gateway(json!({ "wasm": [{ "name": "other" }, { "rootID": "origin_gate", "config": { "debug": true } }] })),
            "EnvoyExtensionPolicy n: spec.wasm[1].config",
        ),
        (
            gateway(json!({ "dynamicModule": [{ "name": "origin-gate", "config": { "debug": true } }] })),
            "EnvoyExtensionPolicy n: spec.dynamicModule[0].config",
        ),
        (
            json!({ "apiVersion": "v1", "kind": "List", "items": [istio("WasmPlugin", plugin.clone())] }),
            "items[0]: WasmPlugin s/n: spec.pluginConfig",
        ),
        (map("policy.json", policy), "ConfigMap n: data.policy.json"),
        (
            map("a.yaml", &json!({ "resources": [filter] }).to_string()),
            "ConfigMap n: data.a.yaml: resources[0].typed_config.config.configuration",
        ),
    ] {
        for text in [holder.to_string(), format!("# YAML\n{holder}")] {
            let found = one(&text);
            assert_eq!(found.place.as_deref(), Some(place), "{text}");
            assert_eq!(found.configuration, policy.as_bytes(), "{text}");
        }
    }
}

#[test]
fn a_manifest_says_which_variables_its_plugin_gets() {
    let proxy = crate::variables(&[("A", "1"), ("B", "2"), ("SECRET", "3")]);
    let vm = json!({ "environment_variables": { "host_env_keys": ["A", "B"], "key_values": { "B": "own" } } });
    let envoy = json!([filter(string_value("{}"), vm)]).to_string();
    let istio = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nspec:\n  pluginName: origin_gate\n  vmConfig:\n    env:\n    - { name: A, valueFrom: HOST }\n    - { name: B, value: own }\n";
    for text in [&envoy, istio] {
        let mut environment = one(text).environment.unwrap().of(&proxy);
        environment.sort();
        assert_eq!(environment, crate::variables(&[("A", "1"), ("B", "own")]));
    }
    for (target, _) in TARGETS {
        let reads = one(&render(br#"{"django_env": true}"#, target).unwrap())
            .environment
            .unwrap();
        assert_eq!(reads.from_proxy, config::SETTING_NAMES, "{target:?}");
        let none = one(&render(br#"{"django_env": false}"#, target).unwrap())
            .environment
            .unwrap();
        assert_eq!(none.of(&proxy), []);
    }
    // Of a policy alone nothing is known.
    assert_eq!(one("{}").environment, None);
}

#[test]
fn a_file_may_be_the_policy_itself() {
    for text in [
        "{ \"debug\" : true }",
        "{\"debug\": true,}",
        "{\"debug\": true, \"debug\": true}",
        "[",
        "",
        " ",
        "\u{feff}{}",
    ] {
        let itself = Found {
            loader: Loader::Other,
            within: Vec::new(),
            spot: None,
            place: None,
            resource: 0,
            configuration: text.as_bytes().to_vec(),
            environment: None,
        };
        assert_eq!(find(text), [itself], "{text:?}");
    }
    assert_eq!(policies(b"\xff").unwrap()[0].configuration, b"\xff");
    let yaml = "# ours\nallowed_origins:\n  - https://b.example # b\n  - 'null'\ncors: { max_age: 5 }\n---\n";
    let found = one(yaml);
    assert_eq!(
        found.configuration,
        br#"{"allowed_origins":["https://b.example","null"],"cors":{"max_age":5}}"#
    );
    assert_eq!((found.place, found.environment), (None, None));
}

#[test]
fn what_holds_no_policy_says_so() {
    let other =
        json!([{ "typed_config": { "@type": WASM, "config": { "name": "waf", "root_id": "waf" } } }]).to_string();
    for (text, words) in [
        (other.as_str(), "it has other plugins (`waf`)"),
        (
            "apiVersion: v1\nkind: Service\nspec: {}\n",
            "no Wasm filter and no dynamic module",
        ),
        (
            "http_filters:\n- name: origin_gate\n  config_discovery: {}\n",
            "give the file that the service serves",
        ),
        ("a: [\n", "this is not YAML"),
        ("debug: true\ndebug: true\n", "duplicated key"),
        ("1: true\n", "a key is not a string"),
        ("debug: .nan\n", "does not exist in JSON"),
        ("- a\n", "this is no policy"),
        ("a\n", "this is no policy"),
        ("debug: true\n---\ndebug: true\n", "this is no policy"),
        ("a: &a [x]\nb:\n  <<: *a\n", "`<<` is not followed"),
    ] {
        assert!(problem(text).contains(words), "{text}: {}", problem(text));
    }
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: n }\ndata:\n  policy.yaml: \"a: [\"\n";
    assert!(
        problem(map).starts_with("ConfigMap n: data.policy.yaml: this is not YAML"),
        "{}",
        problem(map)
    );
    assert!(render(b"[]", Target::Ecds).is_err() && render(b"{", Target::Ecds).is_err());
}

/// Two plugins of one file are two policies.
#[test]
fn each_policy_of_a_file_is_found() {
    let filter = |policy| filter(string_value(policy), json!({}));
    let two = json!({ "http_filters": [filter("{}"), filter("{\"debug\":true}")] }).to_string();
    let documents = format!("{}---\n{}", file(TARGETS[2].1), file(TARGETS[4].1));
    let places = |text: &str| find(text).into_iter().map(|it| it.place.unwrap()).collect::<Vec<_>>();
    assert_eq!(places(&two).len(), 2);
    assert_eq!(
        places(&documents),
        [
            "document 1: WasmPlugin istio-ingress/origin-gate: spec.pluginConfig",
            "document 2: EnvoyExtensionPolicy origin-gate: spec.wasm[0].config",
        ]
    );
}

/// What Helm renders: a `ConfigMap` with Envoy's bootstrap beside that with the policy, or beside a resource with one.
#[test]
fn a_bootstrap_beside_a_policy_is_none_and_no_error() {
    let map = |name: &str, content: &str| {
        let text = content.replace('\n', "\n    ");
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\ndata:\n  {name}: |\n    {text}\n---\n")
    };
    let bootstrap = map("envoy.yaml", &file("envoy/hot-reload/envoy.yaml"));
    let policy = map("origin_gate.yaml", &file("envoy/hot-reload/origin_gate.yaml"));
    let tags = file("envoy/istio/bootstrap.yaml");
    for (text, place) in [
        (
            format!("{bootstrap}{policy}"),
            "document 2: ConfigMap origin_gate.yaml: ",
        ),
        (
            format!("{policy}{bootstrap}"),
            "document 1: ConfigMap origin_gate.yaml: ",
        ),
        (
            format!("{tags}---\n{}", file("envoy/istio/trafficextension.yaml")),
            "document 2: TrafficExtension ",
        ),
    ] {
        let places: Vec<_> = find(&text).into_iter().map(|it| it.place.unwrap()).collect();
        assert!(places.len() == 1 && places[0].starts_with(place), "{places:?}");
    }
    assert!(problem(&bootstrap).contains("(`config_discovery`); give the file that the service serves"));
    assert!(problem(&tags).contains("no Wasm filter and no dynamic module"));
}

#[test]
fn a_document_keeps_the_order_of_its_keys() {
    let node: Node = serde_json::from_str(r#"{"b": 1, "a": {"d": 2, "c": 3}}"#).unwrap();
    assert_eq!(serde_json::to_string(&node).unwrap(), r#"{"b":1,"a":{"d":2,"c":3}}"#);
}
