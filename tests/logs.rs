//! What `replay` and `learn` make of logs: small ones in `tests/cases/logs`, the corpus as Envoy would log it, large ones, and
//! those of policies that are to be recovered.

#[path = "logs/hidden.rs"]
mod hidden;
#[path = "logs/large.rs"]
mod large;
#[path = "logs/learn.rs"]
mod learn;
#[path = "logs/shipped.rs"]
pub(crate) mod shipped;

use std::fs;

use serde_json::{Value, json};

use crate::command::{Ran, run};
use crate::root;

/// The lines of a case: texts as they are, objects as JSON.
fn log_of(case: &Value) -> String {
    let lines = case["log"].as_array().unwrap().iter();
    let lines = lines.map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned));
    lines.map(|it| it + "\n").collect()
}

fn strings(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.map(|it| it.as_str().unwrap()).collect()
}

/// A folder of its own for a test, with a file for each policy.
pub(crate) struct Folder(std::path::PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("origin-gate-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(file);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_log_is_replayed_as_it_should() {
    let suite: Value =
        serde_json::from_str(&fs::read_to_string(root().join("tests/cases/logs/replay.json")).unwrap()).unwrap();
    let folder = Folder::new("replay");
    let file = |name: &Value| {
        folder.write(
            name.as_str().unwrap(),
            suite["policies"][name.as_str().unwrap()].to_string(),
        )
    };
    let mut problems = Vec::new();
    let cases = suite["cases"].as_array().unwrap();
    for case in cases {
        let policy = file(&case["policy"]);
        let against = case.get("against").map(file);
        let mut arguments = vec!["replay", &policy, "-"];
        arguments.extend(strings(&case["arguments"]));
        arguments.extend(against.iter().flat_map(|it| ["--against", it]));
        let shown = run(&arguments, &log_of(case));
        arguments.push("--json");
        let json = run(&arguments, &log_of(case));
        problems.extend(problem(case, &shown, &json));
    }
    assert!(problems.is_empty() && cases.len() > 30, "{}", problems.join("\n"));
}

fn problem(case: &Value, shown: &Ran, json: &Ran) -> Option<String> {
    let printed = shown.out.clone() + &shown.err;
    let says = strings(&case["says"]).iter().all(|it| printed.contains(it));
    let is_silent = !strings(&case["never"]).iter().any(|it| printed.contains(it));
    let code = case["exit"].as_i64().unwrap();
    let value: Value = serde_json::from_str(&json.out).unwrap();
    let is_as = |key: &str, field: &Value| case.get(key).is_none_or(|it| it == field);
    let is_right = says
        && is_silent
        && [shown.code, json.code].iter().all(|it| i64::from(*it) == code)
        && is_as("findings", &value["findings"])
        && is_as("undecided", &value["undecided"])
        && is_as("unread", &value["unread"]["count"])
        && (code == 1) == value["error"].is_string();
    (!is_right).then(|| format!("{}: exit {}\n{printed}\n{value:#}", case["situation"], shown.code))
}

#[test]
fn logs_come_in_files_compressed_or_not() {
    let folder = Folder::new("files");
    let policy = folder.write("policy.json", r#"{"allowed_origins": ["https://app.example"]}"#);
    let line = json!({ "method": "GET", "authority": "api.example", "path": "/", "origin": "https://evil.example" });
    let plain = folder.write("access.log", format!("{line}\n{line}\n"));
    let bytes = compressed(&format!("{line}\n"));
    // Two members, as `cat a.gz b.gz` makes them.
    let packed = folder.write("access.log.1.gz", [&*bytes, &*bytes].concat());
    let cut = folder.write("access.log.2.gz", &bytes[..bytes.len() - 9]);
    let empty = folder.write("empty.log", "");
    let of = |files: &[&str]| run(&[&["replay", "--json", &policy], files].concat(), "");
    let requests = |ran: &Ran| serde_json::from_str::<Value>(&ran.out).unwrap()["requests"].clone();
    let ran = of(&[&plain, &packed, &empty]);
    assert_eq!((ran.code, requests(&ran)), (2, json!(4)), "{}", ran.err);
    let ran = of(&[&cut]);
    assert!(ran.code == 1 && ran.out.contains("access.log.2.gz: "), "{}", ran.out);
    for (files, word) in [
        (&[&*plain, "/nowhere/access.log"][..], "/nowhere/access.log: "),
        (&["/"][..], "this is a folder"),
        (&["-", "-"][..], "can be one file only"),
    ] {
        let ran = of(files);
        assert!(ran.code == 1 && ran.out.contains(word), "{}{}", ran.out, ran.err);
    }
}

fn compressed(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The policies of a file are asked in turn, about the same log.
#[test]
fn a_manifest_of_several_policies_has_a_report_for_each() {
    let folder = Folder::new("several");
    let plugin = |origin: &str| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: gate}}\nspec:\n  pluginName: origin_gate\n  pluginConfig:\n    \
             allowed_origins: [\"{origin}\"]\n"
        )
    };
    let both = [plugin("https://a.example"), plugin("https://b.example")].join("---\n");
    let policy = folder.write("plugins.yaml", both);
    let line = json!({ "method": "GET", "authority": "api.example", "path": "/", "origin": "https://a.example" });
    let ran = run(&["replay", "--json", &policy, "-"], &line.to_string());
    let reports: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, 2);
    assert_eq!(reports[0]["findings"], json!({ "cors:allowed:listed": 1 }));
    assert_eq!(reports[1]["findings"], json!({ "cors:rejected:origin_not_allowed": 1 }));
}
