//! Small diagnoses: a situation, what a person types, and the sentence that helps. The tables of `docs/diagnoses.md` are
//! made of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::root;

/// A situation of `tests/cases/diagnoses`.
struct Diagnosis {
    file: String,
    situation: String,
    policy: String,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
    exit: i32,
    says: Vec<String>,
    never: Vec<String>,
}

/// The situations of every file, in the order of the files.
fn diagnoses() -> Vec<Diagnosis> {
    let mut files: Vec<_> = fs::read_dir(root().join("tests/cases/diagnoses"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let suite: Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|it| panic!("{file}: {it}"));
        found.extend(
            suite["cases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|case| diagnosis(&file, &suite, case)),
        );
    }
    found
}

fn diagnosis(file: &str, suite: &Value, case: &Value) -> Diagnosis {
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().map(|it| it.as_str().unwrap().to_owned()).collect(),
        _ => Vec::new(),
    };
    let policy = match &case["policy"] {
        Value::String(name) => &suite["policies"][name],
        inline => inline,
    };
    let environment = case["environment"].as_object().into_iter().flatten();
    Diagnosis {
        file: file.to_owned(),
        situation: case["situation"].as_str().unwrap().to_owned(),
        policy: case["text"].as_str().map_or_else(|| policy.to_string(), str::to_owned),
        environment: environment
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        arguments: texts(&case["arguments"]),
        exit: i32::try_from(case["exit"].as_i64().unwrap()).unwrap(),
        says: texts(&case["says"]),
        never: texts(&case["never"]),
    }
}

impl Diagnosis {
    /// What is wrong with what the command prints, if something is.
    fn problem(&self) -> Option<String> {
        let verb = if self.arguments.is_empty() { "check" } else { "explain" };
        let mut child = Command::new(crate::binary())
            .args([verb, "-"])
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(root().join("tests/cases"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It need not read what it does not want.
        let _ = child.stdin.take().unwrap().write_all(self.policy.as_bytes());
        let output = child.wait_with_output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let missing: Vec<_> = self.says.iter().filter(|it| !printed.contains(*it)).collect();
        let unwanted: Vec<_> = self.never.iter().filter(|it| printed.contains(*it)).collect();
        let code = output.status.code().unwrap();
        let is_right = code == self.exit && missing.is_empty() && unwanted.is_empty() && !self.says.is_empty();
        (!is_right).then(|| {
            format!(
                "{}: {}: exit {code}, missing {missing:#?}, unwanted {unwanted:#?}\n{printed}",
                self.file, self.situation
            )
        })
    }
}

#[test]
fn each_situation_gets_its_sentence() {
    let diagnoses = diagnoses();
    let problems: Vec<_> = diagnoses.iter().filter_map(Diagnosis::problem).collect();
    assert!(
        problems.is_empty(),
        "{} of {}:\n{}",
        problems.len(),
        diagnoses.len(),
        problems.join("\n")
    );
}
