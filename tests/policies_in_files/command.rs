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
