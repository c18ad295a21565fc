//! The manifests in `envoy/`: one policy in all of them, one version of the module, and each held to its own schema. What
//! of it runs without a cluster runs in `tests/e2e/test_manifests.py`.
//!
//! Long: every kind of manifest is read in its own way, and all are held to one policy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use crate::filter_order::{EARLY, LATE, named, sorted};

/// Each, and where in its documents the policy is.
const POLICIES: [(&str, &str); 8] = [
    (
        "envoy.yaml",
        "/0/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/configuration/value",
    ),
    (
        "hot-reload/origin_gate.yaml",
        "/0/resources/0/typed_config/config/configuration/value",
    ),
    ("istio/wasmplugin.yaml", "/0/spec/pluginConfig"),
    ("istio/trafficextension.yaml", "/0/spec/wasm/pluginConfig"),
    ("envoy-gateway/policy.yaml", "/0/spec/wasm/0/config"),
    (
        "native/origin_gate.yaml",
        "/0/resources/0/typed_config/filter_config/value",
    ),
    ("native/envoy-gateway.yaml", "/1/spec/dynamicModule/0/config"),
    (
        "native/istio.yaml",
        "/0/spec/configPatches/0/patch/value/typed_config/filter_config/value",
    ),
];

/// Each that a cluster takes, and names custom resources.
const RESOURCES: [&str; 7] = [
    "istio/telemetry.yaml",
    "istio/wasmplugin.yaml",
    "istio/trafficextension.yaml",
    "envoy-gateway/gateway.yaml",
    "envoy-gateway/policy.yaml",
    "native/envoy-gateway.yaml",
    "native/istio.yaml",
];

fn root() -> PathBuf {
    crate::root().to_path_buf()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join("envoy").join(path)).unwrap()
}

fn json_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Boolean(it) => json!(it),
        Yaml::Integer(it) => json!(it),
        Yaml::Real(it) => json!(it.parse::<f64>().unwrap()),
        Yaml::String(it) => json!(it),
        Yaml::Array(items) => items.iter().map(json_of).collect(),
        Yaml::Hash(pairs) => pairs
            .iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), json_of(value)))
            .collect(),
        _ => Value::Null,
    }
}

/// The documents of a file of YAML.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    YamlLoader::load_from_str(text).unwrap().iter().map(json_of).collect()
}

fn policy() -> Value {
    serde_json::from_str(&text("policy.json")).unwrap()
}

#[test]
fn one_policy_is_in_all_of_them() {
    for (path, pointer) in POLICIES {
        let found = json!(documents(&text(path)));
        let found = found
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{path} has nothing at {pointer}"));
        let found = match found {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            object => object.clone(),
        };
        let mut expected = policy();
        // Envoy Gateway alone has a policy judged too late; its twin has the same text.
        if path.contains("envoy-gateway") {
            expected["on_refused_update"] = json!("keep");
        }
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn the_command_finds_nothing_wrong_with_it() {
    let done = Command::new(crate::binary())
        .args(["check", "--deny-warnings", "envoy/policy.json"])
        .current_dir(root())
        .env_clear()
        .output()
        .unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success() && printed.contains("loads: ") && printed.contains(" warnings=0 "),
        "{printed}"
    );
}

/// All that is under a key, at any depth.
fn find<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key));
            map.values().for_each(|it| find(it, key, found));
        }
        Value::Array(items) => items.iter().for_each(|it| find(it, key, found)),
        _ => {}
    }
}

/// Where each has the access log's format.
const ACCESS_LOGS: [(&str, &str); 4] = [
    (
        "envoy.yaml",
        "/0/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/access_log/0/typed_config/log_format/json_format",
    ),
    (
        "hot-reload/envoy.yaml",
        "/0/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/access_log/0/typed_config/log_format/json_format",
    ),
    (
        "istio/values.yaml",
        "/0/meshConfig/extensionProviders/0/envoyFileAccessLog/logFormat/labels",
    ),
    (
        "envoy-gateway/gateway.yaml",
        "/0/spec/telemetry/accessLog/settings/0/format/json",
    ),
];

/// In text, a client's `Origin` could go on as if it were the next field. Envoy shows most headers as they are when the
/// request is over; for those that the filter edits there is a `received_…` beside.
#[test]
fn one_access_log_is_in_all_of_them_and_it_is_json() {
    let formats = ACCESS_LOGS.map(|(path, pointer)| {
        let found = json!(documents(&text(path)));
        found
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{path} has nothing at {pointer}"))
            .clone()
    });
    for (format, (path, _)) in formats.iter().zip(ACCESS_LOGS) {
        assert_eq!(*format, formats[0], "{path}");
        assert!(!text(path).contains("inline_string: >"), "{path}");
    }
    let format = formats[0].as_object().unwrap();
    let one = |operator: &Value| {
        let operator = operator.as_str().unwrap();
        operator.starts_with('%') && operator.ends_with('%') && operator.matches('%').count() == 2
    };
    assert!(format.values().all(one), "one value a field: {format:?}");
    for (name, operator) in format {
        let Some(header) = name.strip_prefix("received_") else {
            continue;
        };
        assert_eq!(
            *operator,
            json!(format!("%FILTER_STATE(wasm.origin_gate_{name}:PLAIN)%"))
        );
        assert!(format.contains_key(header), "{name}");
    }
    assert!(!format.values().any(|it| *it == "%REQ(:PATH)%"), "no query");
    let mut names = Vec::new();
    let telemetry = json!(documents(&text("istio/telemetry.yaml")));
    let values = json!(documents(&text("istio/values.yaml")));
    find(&telemetry, "providers", &mut names);
    assert_eq!(
        names,
        [&json!([{ "name": values[0]["meshConfig"]["extensionProviders"][0]["name"] }])]
    );
}

#[test]
fn all_name_one_image_of_this_version() {
    const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    let image = format!("ghcr.io/OWNER/origin-gate:{}", env!("CARGO_PKG_VERSION"));
    for (path, address) in [
        ("istio/wasmplugin.yaml", format!("oci://{image}")),
        ("istio/trafficextension.yaml", format!("oci://{image}")),
        ("envoy-gateway/policy.yaml", image.clone()),
        ("hot-reload/deployment.yaml", format!("{image}@sha256:{DIGEST}")),
    ] {
        let documents = json!(documents(&text(path)));
        let (mut addresses, mut digests) = (Vec::new(), Vec::new());
        find(&documents, "url", &mut addresses);
        find(&documents, "reference", &mut addresses);
        find(&documents, "sha256", &mut digests);
        assert_eq!(addresses, [&json!(address)], "{path}");
        assert!(
            address.contains(DIGEST) || digests == [&json!(DIGEST)],
            "{path}: {digests:?}"
        );
    }
}

/// Failing open would drop the policy; a filter that is not first is passed by.
#[test]
fn none_fails_open_and_all_come_first() {
    for (path, key, value) in [
        ("envoy.yaml", "failure_policy", json!("FAIL_RELOAD")),
        ("hot-reload/origin_gate.yaml", "failure_policy", json!("FAIL_RELOAD")),
        ("istio/wasmplugin.yaml", "failStrategy", json!("FAIL_RELOAD")),
        ("istio/trafficextension.yaml", "failStrategy", json!("FAIL_RELOAD")),
        ("envoy-gateway/policy.yaml", "failOpen", json!(false)),
        ("istio/wasmplugin.yaml", "phase", json!("AUTHN")),
        ("istio/trafficextension.yaml", "phase", json!("AUTHN")),
    ] {
        let documents = json!(documents(&text(path)));
        let mut found = Vec::new();
        find(&documents, key, &mut found);
        assert_eq!(found, [&value], "{path}: {key}");
    }
}

/// A library that is fetched lets every request through until it is there, unless told otherwise.
#[test]
fn the_native_ones_load_a_file_and_come_first() {
    for path in [
        "native/origin_gate.yaml",
        "native/envoy-gateway.yaml",
        "native/istio.yaml",
    ] {
        let documents = json!(documents(&text(path)));
        for key in ["remote", "url"] {
            let mut found = Vec::new();
            find(&documents, key, &mut found);
            assert_eq!(found, [&json!(null); 0], "{path}: {key}");
        }
    }
    let image = format!("ghcr.io/OWNER/origin-gate-native:{}", env!("CARGO_PKG_VERSION"));
    for path in ["native/envoy-gateway.yaml", "native/istio.yaml"] {
        assert!(text(path).contains(&image), "{path}");
    }
    let patches = &documents(&text("native/istio.yaml"))[0]["spec"]["configPatches"];
    assert_eq!(patches[1]["patch"]["operation"], "INSERT_FIRST");
    let own = "envoy.filters.http.dynamic_modules";
    let like_wasm = filter_order("envoy-gateway/gateway.yaml")
        .into_iter()
        .map(|rule| json!({ "name": own, "before": rule["before"] }));
    let before_wasm = json!({ "name": own, "before": "envoy.filters.http.wasm" });
    let expected: Vec<_> = std::iter::once(before_wasm).chain(like_wasm).collect();
    assert_eq!(filter_order("native/envoy-gateway.yaml"), expected);
}

fn filter_order(path: &str) -> Vec<Value> {
    let documents = json!(documents(&text(path)));
    let mut found = Vec::new();
    find(&documents, "filterOrder", &mut found);
    assert_eq!(found.len(), 1);
    found[0].as_array().unwrap().clone()
}

/// Whether Wasm is the first of these filters that may answer a page.
fn wasm_is_first(filters: &[String], rules: &[Value]) -> bool {
    let is = |name: &str, kind: &str| name.starts_with(&format!("envoy.filters.http.{kind}"));
    let chain = sorted(filters, rules);
    let first = chain
        .iter()
        .find(|it| !is(it, "custom_response") && !is(it, "health_check"));
    first.is_some_and(|it| is(it, "wasm"))
}

/// The filters of one subset, with Wasm, and a router at the end.
fn subset(bits: usize) -> Vec<String> {
    let chosen = EARLY.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    named(chosen.map(|(_, kind)| kind).chain(["wasm", "router"]))
}

/// A rule moves nothing if its other filter is not in the chain, and the last that fits decides.
#[test]
fn on_envoy_gateway_it_is_first_whatever_is_in_the_chain() {
    let rules = filter_order("envoy-gateway/gateway.yaml");
    for bits in 0..1 << EARLY.len() {
        let filters = subset(bits);
        assert!(wasm_is_first(&filters, &rules), "{:?}", sorted(&filters, &rules));
    }
    let all = named(EARLY.into_iter().chain(["wasm"]).chain(LATE));
    assert!(wasm_is_first(&all, &rules), "{:?}", sorted(&all, &rules));
    let several = [
        all,
        named(["lua", "wasm"]).iter().map(|it| it.replace("/0", "/1")).collect(),
    ]
    .concat();
    assert!(wasm_is_first(&several, &rules), "{:?}", sorted(&several, &rules));
    // Health checks of load balancers ask for an address, which is no allowed host.
    let chain = sorted(&named(["wasm", "health_check", "fault"]), &rules);
    assert!(chain[0].ends_with("health_check"), "{chain:?}");
}

/// So the test above would see it.
#[test]
fn on_envoy_gateway_no_rule_can_be_left_out_or_moved() {
    let rules = filter_order("envoy-gateway/gateway.yaml");
    let fails = |rules: &[Value]| (0..1 << EARLY.len()).any(|bits| !wasm_is_first(&subset(bits), rules));
    for at in 0..rules.len() {
        let without = [&rules[..at], &rules[at + 1..]].concat();
        assert!(fails(&without), "without {}", rules[at]);
    }
    for at in 1..rules.len() {
        let mut moved = rules.clone();
        moved.swap(at - 1, at);
        assert!(fails(&moved), "with {} before {}", rules[at], rules[at - 1]);
    }
    let to_fault = json!([{ "name": "envoy.filters.http.wasm", "before": "envoy.filters.http.fault" }]);
    let behind = sorted(&named(["jwt_authn", "wasm", "router"]), to_fault.as_array().unwrap());
    assert!(behind[0].ends_with("jwt_authn"), "{behind:?}");
}

/// What they refer to is there.
#[test]
fn the_resources_of_envoy_gateway_belong_together() {
    let all = [
        documents(&text("envoy-gateway/gateway.yaml")),
        documents(&text("envoy-gateway/policy.yaml")),
    ]
    .concat();
    let names: Vec<_> = all
        .iter()
        .map(|it| (it["kind"].clone(), it["metadata"]["name"].clone()))
        .collect();
    let of = |kind: &str| all.iter().find(|it| it["kind"] == kind).unwrap();
    let is_there = |reference: &Value| names.contains(&(reference["kind"].clone(), reference["name"].clone()));
    let class = &of("GatewayClass")["spec"]["parametersRef"];
    assert!(is_there(class) && class["namespace"] == of("EnvoyProxy")["metadata"]["namespace"]);
    assert!(is_there(
        &json!({ "kind": "GatewayClass", "name": of("Gateway")["spec"]["gatewayClassName"] })
    ));
    assert!(is_there(&of("EnvoyExtensionPolicy")["spec"]["targetRefs"][0]));
    let route = of("HTTPRoute");
    assert!(is_there(
        &json!({ "kind": "Gateway", "name": route["spec"]["parentRefs"][0]["name"] })
    ));
    assert!(is_there(&route["spec"]["rules"][0]["filters"][0]["extensionRef"]));
    assert_eq!(route["spec"].get("hostnames"), None, "it is for every host");
}

/// The schemas of the custom resources by kind and version, if `./build.sh peers` has fetched them.
fn definitions() -> Option<BTreeMap<(String, String), Value>> {
    let mut found = BTreeMap::new();
    for line in fs::read_to_string(root().join("tests/crds.txt")).unwrap().lines() {
        let name = line.split(' ').nth(1).unwrap();
        let file = root().join(".tools/crds").join(name);
        let Ok(text) = fs::read_to_string(&file) else {
            println!("skipped: {name} is not in .tools/crds, where ./build.sh peers puts it");
            return None;
        };
        for part in text
            .split("\n---\n")
            .filter(|it| RESOURCES.iter().any(|path| is_of(it, path)))
        {
            let definition = &documents(part)[0]["spec"];
            for version in definition["versions"].as_array().unwrap() {
                let mut schema = version["schema"]["openAPIV3Schema"].clone();
                for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
                    schema["properties"][key] = json!({ "type": kind });
                }
                close(&mut schema);
                let api = format!(
                    "{}/{}",
                    definition["group"].as_str().unwrap(),
                    version["name"].as_str().unwrap()
                );
                found.insert((definition["names"]["kind"].as_str().unwrap().to_owned(), api), schema);
            }
        }
    }
    Some(found)
}

/// Whether a definition may be that of a resource in this file: to parse all of Istio's takes long.
fn is_of(definition: &str, path: &str) -> bool {
    let kinds = documents(&text(path));
    kinds
        .iter()
        .any(|it| definition.contains(&format!("\n    kind: {}\n", it["kind"].as_str().unwrap())))
}

/// As `kubectl` does by default, knows no field that the schema does not have.
fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    let is_open = map.contains_key("additionalProperties") || map.contains_key("x-kubernetes-preserve-unknown-fields");
    if map.contains_key("properties") && !is_open {
        map.insert("additionalProperties".to_owned(), json!(false));
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(close);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key) {
            close(inner);
        }
    }
}

/// All that a schema says against a resource.
fn errors(definitions: &BTreeMap<(String, String), Value>, resource: &Value) -> Vec<String> {
    let word = |key: &str| resource[key].as_str().unwrap().to_owned();
    let schema = definitions.get(&(word("kind"), word("apiVersion")));
    let schema = schema.unwrap_or_else(|| panic!("no schema for {}", resource["kind"]));
    let validator = jsonschema::draft7::new(schema).unwrap();
    validator
        .iter_errors(resource)
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect()
}

/// The schemas' rules in CEL are not evaluated.
#[test]
fn each_is_as_its_schema_says() {
    let Some(definitions) = definitions() else { return };
    for path in RESOURCES {
        for resource in documents(&text(path)) {
            assert_eq!(errors(&definitions, &resource), [""; 0], "{path}");
        }
    }
    // And what is wrong is found.
    for (path, pointer, key, value) in [
        ("istio/wasmplugin.yaml", "/spec", "failOpen", json!(false)),
        ("istio/wasmplugin.yaml", "/spec", "sha256", json!("0123")),
        ("istio/trafficextension.yaml", "/spec/wasm", "phase", json!("AUTHN")),
        ("istio/trafficextension.yaml", "/spec", "phase", json!("FIRST")),
        (
            "envoy-gateway/policy.yaml",
            "/spec/wasm/0",
            "failStrategy",
            json!("FAIL_RELOAD"),
        ),
        ("envoy-gateway/policy.yaml", "/spec/wasm/0/code", "type", json!("OCI")),
        (
            "envoy-gateway/gateway.yaml",
            "/spec/filterOrder/0",
            "before",
            json!("envoy.filters.http.first"),
        ),
    ] {
        let mut resource = documents(&text(path)).remove(0);
        resource.pointer_mut(pointer).unwrap()[key] = value;
        assert_ne!(errors(&definitions, &resource), [""; 0], "{path}: {key}");
    }
}

#[test]
fn no_manifest_is_left_out() {
    let listed: Vec<_> = POLICIES
        .iter()
        .chain(&ACCESS_LOGS)
        .map(|it| it.0)
        .chain(RESOURCES)
        // No resource of either: a part of Envoy's bootstrap.
        .chain(["istio/bootstrap.yaml"])
        .collect();
    for folder in ["istio", "envoy-gateway", "native"] {
        for entry in fs::read_dir(root().join("envoy").join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
            let is_known = listed.contains(&name.as_str()) || Path::new(&name).ends_with("kustomization.yaml");
            assert!(is_known, "{name}");
            // All but one by `./build.sh meshes`.
            let is_tried = name != "native/envoy-gateway.yaml";
            let says_not = text(&name).to_lowercase().contains("not tried on a cluster");
            assert_ne!(says_not, is_tried, "{name}");
        }
    }
}

/// Alerts and the dashboard count by these labels, wherever Envoy's bootstrap comes from.
#[test]
fn every_bootstrap_has_the_same_tags() {
    let tags = |found: &Value| found["stats_config"]["stats_tags"].clone();
    let expected = tags(&documents(&text("envoy.yaml"))[0]);
    assert_eq!(expected.as_array().unwrap().len(), 3);
    assert_eq!(tags(&documents(&text("hot-reload/envoy.yaml"))[0]), expected);
    let gateway = documents(&text("envoy-gateway/gateway.yaml"));
    let bootstraps = gateway
        .iter()
        .filter_map(|it| it["spec"]["bootstrap"]["value"].as_str());
    let merged: Vec<_> = bootstraps.map(|it| tags(&documents(it)[0])).collect();
    assert_eq!(merged, std::slice::from_ref(&expected));
    let istio = &documents(&text("istio/bootstrap.yaml"))[0];
    let added: Value = serde_json::from_str(istio["data"]["custom_bootstrap.json"].as_str().unwrap()).unwrap();
    assert_eq!(tags(&added), expected);
}

/// Helm refuses a key that the policy does not have, by the schema that editors use.
#[test]
fn the_chart_has_the_schema_of_the_policy() {
    let path = root().join("envoy/chart/values.schema.json");
    let mut schema: Value = serde_json::from_str(&text("chart/values.schema.json")).unwrap();
    let policy = &mut schema["$defs"]["policy"];
    let id = policy["$id"].clone();
    let mut expected = json!({ "$id": id });
    let published: Value = serde_json::from_str(config::SCHEMA).unwrap();
    expected
        .as_object_mut()
        .unwrap()
        .extend(published.as_object().unwrap().clone());
    if std::env::var_os("UPDATE").is_some() {
        *policy = expected.clone();
        let text = serde_json::to_string_pretty(&schema).unwrap();
        fs::write(&path, text + "\n").unwrap();
        return;
    }
    assert!(*policy == expected, "it is another: UPDATE=1 cargo test manifests::");
}

/// A release changes one number.
#[test]
fn the_chart_has_the_version_of_the_package() {
    let chart = &documents(&text("chart/Chart.yaml"))[0];
    let version = json!(env!("CARGO_PKG_VERSION"));
    assert_eq!((&chart["version"], &chart["appVersion"]), (&version, &version));
}
