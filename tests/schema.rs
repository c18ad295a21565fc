//! The JSON Schema of a policy says what the reader of the configuration says.

use crate::support;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use config::{PRESETS, SCHEMA};
use jsonschema::Validator;
use policy::verdict::Allow;
use serde_json::{Map, Value, json};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::meta::validate(&schema()).unwrap();
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn document(path: &str) -> String {
    fs::read_to_string(crate::root().join(path)).unwrap()
}

/// `django_env` wants a setting.
fn loads(policy: &Value) -> bool {
    let environment = crate::variables(&[("CORS_ALLOW_CREDENTIALS", "0")]);
    config::load_with(policy.to_string().as_bytes(), &environment).is_ok()
}

/// Every policy in the repository that people may copy, or that a test runs.
fn good_policies() -> Vec<(String, Value)> {
    let mut policies = Vec::new();
    for suite in support::corpus() {
        policies.push((suite.file, serde_json::from_str(&suite.policy).unwrap()));
    }
    for (file, case) in config_cases() {
        if case["errors"].is_null() && case["policy"].is_object() {
            policies.push((format!("{file}: {}", case["name"]), case["policy"].clone()));
        }
    }
    for path in ["README.md", "docs/policy.md", "docs/command.md", "envoy/envoy.yaml"] {
        let text = document(path);
        for block in text.split("value: |\n").skip(1) {
            let depth = |line: &str| line.len() - line.trim_start().len();
            let lines = block
                .lines()
                .take_while(|line| depth(line) >= depth(block.lines().next().unwrap()));
            policies.push((
                path.to_owned(),
                serde_json::from_str(&lines.collect::<String>()).unwrap(),
            ));
        }
        for block in text.split("```json\n").skip(1) {
            let policy = block.split("```").next().unwrap();
            policies.push((path.to_owned(), serde_json::from_str(policy).unwrap()));
        }
    }
    policies
}

fn config_cases() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(support::cases_dir().join("config")).unwrap() {
        let path = entry.unwrap().path();
        let value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        cases.extend(
            value["cases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|case| (name.clone(), case.clone())),
        );
    }
    cases
}

#[test]
fn every_policy_here_is_valid() {
    let validator = validator();
    let policies = good_policies();
    assert!(policies.len() > 80, "only {} policies", policies.len());
    for (place, policy) in policies {
        let errors: Vec<_> = validator
            .iter_errors(&policy)
            .map(|it| format!("{}: {it}", it.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{place}: {errors:?}\n{policy}");
    }
}

/// What is wrong in kind or in name the schema refuses too; of grammar and of combinations it cannot say everything.
#[test]
fn what_is_wrong_in_shape_is_refused() {
    const SHAPE: [&str; 4] = ["unknown key", "is expected here", "the presets are", "an empty list"];
    let validator = validator();
    let mut count = 0;
    for (file, case) in config_cases() {
        let errors = support::strings(&case["errors"]);
        let is_of_shape = |error: &String| SHAPE.iter().any(|it| error.contains(it));
        if case["policy"].is_object() && case["environment"].is_null() && errors.iter().any(is_of_shape) {
            count += 1;
            assert!(
                !validator.is_valid(&case["policy"]),
                "{file}: {}: {errors:?}",
                case["name"]
            );
        }
    }
    assert!(count >= 15, "only {count} cases");
}

/// The keys that an object knows, as the error for an unknown one lists them.
fn keys_of(wrap: impl Fn(Value) -> Value) -> BTreeSet<String> {
    let policy = wrap(json!({ "?????????????": 1 })).to_string();
    let message = config::load(policy.as_bytes()).unwrap_err().to_string();
    let line = message.lines().find(|line| line.contains("unknown key")).unwrap();
    let (_, list) = line.split_once("the keys here are `").unwrap();
    list.trim_end_matches('`').split("`, `").map(str::to_owned).collect()
}

type Wrap = Box<dyn Fn(Value) -> Value>;

/// Each object of the schema, and a policy that has it.
fn objects() -> Vec<(&'static str, Value, Wrap)> {
    let schema = schema();
    let of = |name: &str| schema["$defs"][name].clone();
    let scoped = of("scoped");
    let matched = scoped["properties"]["match"].clone();
    let in_entry = |mut it: Value| {
        if it.get("match").is_none() {
            it["match"] = json!({ "hosts": ["a"] });
        }
        json!({ "policies": [it] })
    };
    let in_match = |it| json!({ "policies": [{ "match": it }] });
    let sections = config::SECTIONS.map(|name| {
        let wrap: Wrap = Box::new(move |it| json!({ name: it }));
        (name, of(name), wrap)
    });
    let others: [(_, _, Wrap); 3] = [
        ("", schema.clone(), Box::new(|it| it)),
        ("scoped", scoped, Box::new(in_entry)),
        ("match", matched, Box::new(in_match)),
    ];
    others.into_iter().chain(sections).collect()
}

#[test]
fn the_keys_are_those_that_are_read() {
    for (name, object, wrap) in objects() {
        let keys = object["properties"].as_object().unwrap().keys();
        // Editors' own, and what stands alone.
        let told = keys.filter(|key| !["$schema", "compiled"].contains(&key.as_str()));
        let told: BTreeSet<String> = told.cloned().collect();
        assert_eq!(told, keys_of(&wrap), "{name}");
        assert_eq!(object["additionalProperties"], false, "{name}");
        let unknown = wrap(json!({ "unknown": 1 }));
        assert!(!validator().is_valid(&unknown), "{unknown}");
    }
}

#[test]
fn a_compiled_policy_stands_alone() {
    let compiled = config::compile(br#"{"allowed_origins": ["https://a.example"]}"#, 0).unwrap();
    let inline: Value = serde_json::from_str(&config::inline(&compiled)).unwrap();
    let beside = json!({ "compiled": inline["compiled"], "debug": true });
    let text = json!({ "compiled": "bm8gcG9saWN5" });
    let not_text = json!({ "compiled": [] });
    for (policy, is_right) in [(&inline, true), (&beside, false), (&text, false), (&not_text, false)] {
        assert_eq!(validator().is_valid(policy), is_right, "{policy}");
        assert_eq!(loads(policy), is_right, "{policy}");
    }
}

/// For every key: its default and examples are read as they are, and what is refused by one is refused by the other.
#[test]
fn the_values_are_those_that_are_read() {
    // Long: a table of values, tried in every key.
    let validator = validator();
    let schema = schema();
    let probes = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(0),
        json!(403),
        json!(421),
        json!(451),
        json!(86400),
        json!(86401),
        json!("enforce"),
        json!("off"),
        json!("report_only"),
        json!("keep"),
        json!("replace"),
        json!("allow"),
        json!("reject"),
        json!("check"),
        json!("strip"),
        json!("ignore"),
        json!("Enforce"),
        json!([1]),
        json!({}),
        json!({ "x": 1 }),
        json!([[]]),
        json!([]),
    ];
    for (name, object, wrap) in objects() {
        for (key, value) in object["properties"].as_object().unwrap() {
            let resolved = match value["$ref"].as_str() {
                Some(path) => schema.pointer(path.trim_start_matches('#')).unwrap(),
                None => value,
            };
            let policy = |value: &Value| wrap(Value::Object(Map::from_iter([(key.clone(), value.clone())])));
            let options = resolved["enum"].as_array().into_iter().flatten();
            let examples = value["examples"].as_array().into_iter().flatten();
            for good in options.chain(examples).chain(value.get("default")) {
                assert!(
                    validator.is_valid(&policy(good)) && loads(&policy(good)),
                    "{name}.{key}: {good}"
                );
            }
            for probe in &probes {
                let policy = policy(probe);
                assert_eq!(validator.is_valid(&policy), loads(&policy), "{policy}");
            }
            assert!(
                value["$ref"].is_string() || value["description"].is_string(),
                "{name}.{key} says nothing"
            );
        }
    }
}

#[test]
fn the_presets_are_all_there() {
    let schema = schema();
    let told = support::strings(&schema["$defs"]["cors"]["properties"]["presets"]["items"]["enum"]);
    assert_eq!(told, PRESETS.map(|it| it.name.to_owned()));
}

/// The names of the properties of an object of a schema, and of those inside.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            members.values().for_each(|it| keys(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| keys(it, found)),
        _ => {}
    }
}

/// The strings in the code of a file, comments aside.
fn literals(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|it| !it.trim_start().starts_with("//"));
    let code = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("'\"'", "")
        .replace("\\\"", "");
    code.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.extend(Some(path).filter(|it| it.extension().is_some_and(|it| it == "rs"))),
        }
    }
}

/// The core knows no format that a policy is written in. What it calls a reason may have a key's name.
#[test]
fn the_core_names_no_key_and_no_setting() {
    let mut names = BTreeSet::new();
    keys(&schema(), &mut names);
    names.retain(|it| it.contains('_'));
    assert!(names.contains("missing_origin") && names.len() > 20, "{names:?}");
    names.extend(config::SETTING_NAMES.map(str::to_owned));
    names.extend(["Django", "Envoy", "JSON", "google.protobuf", "vm_config"].map(str::to_owned));
    let mut files = Vec::new();
    sources(&crate::root().join("src/policy"), &mut files);
    let mut seen = 0;
    for file in files {
        for literal in literals(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let is_reason = Allow::ALL.iter().any(|it| it.code() == literal);
            let named = names.iter().find(|it| !is_reason && literal.contains(it.as_str()));
            assert_eq!(named, None, "{}: {literal}", file.display());
        }
    }
    assert!(seen > 100, "only {seen} strings");
}
