//! What the command makes of policies in files.

use serde_json::{Value, json};

use super::{TARGETS, file};
use crate::command::run;

fn path(file: &str) -> String {
    crate::root().join(file).display().to_string()
}

#[test]
fn check_names_each_policy_by_its_place() {
    let [ecds, istio] = [path(TARGETS[1].1), path(TARGETS[2].1)];
    let ran = run(&["check", "--deny-warnings", &ecds, &istio], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let places = [
        format!("{ecds}: resources[0].typed_config.config.configuration\n"),
        format!("\n{istio}: WasmPlugin istio-ingress/origin-gate: spec.pluginConfig\n"),
    ];
    assert!(places.iter().all(|it| ran.out.contains(it)), "{}", ran.out);
    // One policy with an error is an error.
    let wrong = file(TARGETS[2].1).replace("https://indexo.ir", "https://indexo.ir/");
    let ran = run(&["check", &ecds, "-"], &wrong);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out
            .contains("-: WasmPlugin istio-ingress/origin-gate: spec.pluginConfig\nerror: allowed_origins[2]: ")
    );
    assert!(
        ran.out.contains("loads: ") && ran.out.ends_with("refused, errors=1\n"),
        "{}",
        ran.out
    );
    // For programs: one policy is an object, several are an array.
    let of = |arguments: &[&str]| serde_json::from_str::<Value>(&run(arguments, &wrong).out).unwrap();
    let several = of(&["check", "--json", &ecds, "-"]);
    assert_eq!(several[0]["loads"], true);
    assert_eq!(
        several[1]["place"],
        "WasmPlugin istio-ingress/origin-gate: spec.pluginConfig"
    );
    let one = of(&["check", "--json", "-"]);
    assert_eq!((&one["loads"], &one["file"]), (&json!(false), &json!("-")));
    let none = run(&["check", &path("envoy/hot-reload/deployment.yaml")], "");
    assert!(
        none.code == 1
            && none
                .err
                .contains("deployment.yaml: there is no policy of Origin Gate in this file")
    );
}

/// The findings of `check --json` and the columns in which the file has their values, from 1 and with the quotes.
fn placed(manifest: &str) -> Vec<Value> {
    let found: Value = serde_json::from_str(&run(&["check", "--json", "-"], manifest).out).unwrap();
    let of = |it: &Value| it["findings"].as_array().unwrap().clone();
    let all = found
        .as_array()
        .map_or_else(|| of(&found), |all| all.iter().flat_map(of).collect());
    let errors = all.into_iter().filter(|it: &Value| it["severity"] == "error");
    errors.collect()
}

/// Each origin of each manifest in turn is made a wrong one: the finding points at it, in the lines of the manifest, whatever
/// stands around it.
#[test]
fn findings_point_into_the_manifest() {
    let config_map = |name: &str, text: &str| {
        let indented: String = text.lines().map(|it| format!("    {it}\n")).collect();
        format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata: {{ name: é }}\ndata:\n  README: 'https://'\n  {name}: |\n{indented}"
        )
    };
    let policy = file("envoy/policy.json");
    let mut manifests: Vec<_> = TARGETS.iter().map(|(_, path)| file(path)).collect();
    manifests.extend(["envoy-gateway", "istio", "origin_gate"].map(|it| file(&format!("envoy/native/{it}.yaml"))));
    manifests.extend(manifests.clone().iter().map(|it| config_map("manifest.yaml", it)));
    manifests.push(config_map(
        "policy.yaml",
        "# é\ncsrf: {}\n\nallowed_origins:\n  - \"https://a.example\"\n",
    ));
    manifests.push(config_map("policy.json", &policy));
    manifests.push(config_map("list.yaml", &config_map("policy.json", &policy)));
    manifests.push(config_map("policy.json", &policy).replace('\n', "\r\n"));
    let mut tried = 0;
    for manifest in manifests {
        let manifest = format!("# é\n---\n---\n{manifest}");
        for (at, origin) in manifest.match_indices("\"https://") {
            let (before, value) = manifest.split_at(at);
            let end = at + 1 + value.trim_start_matches('"').find('"').unwrap();
            let (begin, rest) = manifest.split_at(end);
            let wrong = format!("{begin}/{rest}");
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let findings = placed(&wrong);
            assert_eq!(findings.len(), 1, "{origin}: {findings:?}\n{wrong}");
            let places = [&findings[0]["line"], &findings[0]["column"]];
            assert_eq!(places, [&json!(line), &json!(column)], "{findings:?}\n{wrong}");
            let [start, end] = ["start", "end"].map(|it| usize::try_from(findings[0][it].as_u64().unwrap()).unwrap());
            let value = wrong.get(start..end).unwrap().trim_matches('"');
            assert_eq!(findings[0]["value"], value);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

/// What a text in a file does not show as it is has no place, rather than a wrong one.
#[test]
fn what_is_written_with_escapes_has_no_place() {
    let manifest = |value: &str| {
        format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{ name: a }}\ndata:\n  policy.json: {value}\n")
    };
    for (value, line) in [
        (r#"'{"allowed_origins": ["https://a.example/"]}'"#, json!(5)),
        (r#""{\"allowed_origins\": [\"https://a.example/\"]}""#, Value::Null),
        (
            ">\n    {\"allowed_origins\":\n    [\"https://a.example/\"]}",
            Value::Null,
        ),
    ] {
        let findings = placed(&manifest(value));
        assert_eq!((findings.len(), &findings[0]["line"]), (1, &line), "{value}");
    }
}

#[test]
fn explain_asks_each_policy_of_a_file() {
    let manifests = format!(
        "{}---\n{}",
        file(TARGETS[2].1),
        file(TARGETS[4].1).replace("https://indexo.ir", "https://b.example")
    );
    let ask = ["explain", "-", "--host", "indexo.ir", "--origin", "https://b.example"];
    let ran = run(&ask, &manifests);
    assert_eq!(ran.code, 2);
    let (first, second) = ran
        .out
        .split_once("\n\n-: document 2: ")
        .unwrap_or_else(|| panic!("{}", ran.out));
    assert!(
        first.contains("\nrefused  cors:rejected:origin_not_allowed\n"),
        "{first}"
    );
    assert!(second.contains("\nallowed  cors:allowed:listed\n"), "{second}");
    let values: Value = serde_json::from_str(&run(&[&ask[..], &["--json"]].concat(), &manifests).out).unwrap();
    assert_eq!(
        (&values[0]["allowed"], &values[1]["allowed"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn a_manifest_without_variables_reads_no_settings_of_this_process() {
    let manifest = run(
        &["render", "istio", "-"],
        r#"{"allowed_origins": ["https://a.example"]}"#,
    )
    .out;
    assert!(
        manifest.contains("  pluginConfig:\n    allowed_origins: [\"https://a.example\"]\n"),
        "{manifest}"
    );
    let manifest = manifest.replace(
        "    allowed_origins: [",
        "    django_env: true\n    cors: {}\n    allowed_origins: [",
    );
    let ran = run(&["check", "-"], &manifest);
    assert!(ran.code == 1 && ran.out.contains("django_env"), "{}", ran.out);
}

#[test]
fn render_refuses_what_does_not_load() {
    for (arguments, input, words) in [
        (
            &["render", "ecds", "-"][..],
            r#"{"allowed_origins": []}"#,
            "the policy does not load:\nallowed_origins",
        ),
        (
            &["render", "ecds", "-", "--traffic-extension"],
            "{}",
            "--traffic-extension is for `render istio`",
        ),
        (
            &["render", "nginx", "-"],
            "{}",
            "possible values: envoy, ecds, istio, envoy-gateway",
        ),
        (&["render", "ecds", "-"], "a: [", "this is not YAML"),
    ] {
        let ran = run(arguments, input);
        assert!(
            ran.code == 1 && ran.out.is_empty() && ran.err.contains(words),
            "{}{}",
            ran.out,
            ran.err
        );
    }
    let two = format!("{0}---\n{0}", file(TARGETS[2].1));
    assert!(run(&["render", "ecds", "-"], &two).err.contains("render takes one"));
}

/// Two filters of one Envoy would be given each other's policy, and Envoy Gateway has one judged too late.
#[test]
fn check_asks_for_policies_that_can_be_kept() {
    // Long: a table of files, each with its findings.
    let filter = |name: &str, updates: &str| {
        let policy = format!(r#"{{"allowed_hosts": ["a.example"], "on_refused_update": "{updates}"}}"#);
        let configuration = json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy });
        json!({ "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": { "name": name, "root_id": "origin_gate", "configuration": configuration },
        } })
    };
    let filters = |all: &[(&str, &str)]| {
        let all: Vec<_> = all.iter().map(|(name, updates)| filter(name, updates)).collect();
        json!({ "http_filters": all }).to_string()
    };
    let gateway = file("envoy/envoy-gateway/policy.yaml");
    let without = gateway.replace("        on_refused_update: \"keep\"\n", "");
    let broken = without.replace("https://indexo.ir", "https://indexo.ir/");
    for (text, expected) in [
        (
            filters(&[("a", "keep"), ("a", "keep")]),
            vec!["1 error keep_name_shared"],
        ),
        (filters(&[("", "keep"), ("", "keep")]), vec!["1 error keep_name_shared"]),
        (
            filters(&[
                ("a", "keep"),
                ("b", "keep"),
                ("a", "reject"),
                ("a", "keep"),
                ("b", "keep"),
            ]),
            vec!["3 error keep_name_shared", "4 error keep_name_shared"],
        ),
        (filters(&[("a", "keep"), ("b", "keep")]), vec![]),
        (filters(&[("a", "keep"), ("a", "reject"), ("a", "reject")]), vec![]),
        // Two Envoys.
        (
            format!(
                "# Two.\n{}\n---\n{}",
                filters(&[("a", "keep")]),
                filters(&[("a", "keep")])
            ),
            vec![],
        ),
        (gateway, vec![]),
        (without, vec!["0 warning keep_missing"]),
        (broken, vec!["0 error origin_path"]),
        (file("envoy/native/envoy-gateway.yaml"), vec![]),
        (file("envoy/istio/wasmplugin.yaml"), vec![]),
    ] {
        let ran = run(&["check", "--json", "-"], &text);
        let found: Value = serde_json::from_str(&ran.out).unwrap();
        let all = found.as_array().cloned().unwrap_or(vec![found]);
        let told = all.iter().enumerate().flat_map(|(at, it)| {
            let findings = it["findings"].as_array().unwrap().clone();
            findings.into_iter().map(move |it| {
                format!(
                    "{at} {} {}",
                    it["severity"].as_str().unwrap(),
                    it["code"].as_str().unwrap()
                )
            })
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
        let is_refused = expected.iter().any(|it| it.contains("error"));
        assert_eq!(ran.code, i32::from(is_refused), "{text}");
    }
}
