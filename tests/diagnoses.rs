//! Small diagnoses: a situation, what a person types, and the sentence that helps. The tables of `docs/diagnoses.md` are
//! made of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use analysis::check::{CODES, check};
use analysis::finding::Finding;
use analysis::places::Places;
use config::DiagnosticCode;
use serde_json::Value;

use crate::documents::document;
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

/// What stands in a table: a code span, in which a `|` has to be escaped all the same.
fn cell(text: &str) -> String {
    format!("`` {} ``", text.trim().replace('|', "\\|"))
}

/// The page is made of the situations and of the codes: `UPDATE=1 cargo test diagnoses::` writes it.
#[test]
fn the_page_has_every_situation_and_every_code() {
    let path = "docs/diagnoses.md";
    let page = document(path);
    let (head, _) = page.split_once("\n## ").unwrap();
    let mut made = head.to_owned();
    let titles = [
        ("evidence", "What you have in hand"),
        ("browser", "What the browser does"),
        ("refused", "What was refused, and the way out"),
        ("configuration", "What is wrong with a policy"),
        ("threads", "Reports of other people"),
    ];
    let diagnoses = diagnoses();
    for (file, title) in titles {
        made += &format!("\n## {title}\n\n| situation | what the command says |\n|---|---|\n");
        for it in diagnoses.iter().filter(|it| it.file == file) {
            let situation = it.situation.replace('|', "\\|");
            made += &format!("| {situation} | {} |\n", cell(it.says.first().unwrap()));
        }
    }
    made += "\n## Codes\n\n| code | in general |\n|---|---|\n";
    let codes: BTreeMap<_, _> = DiagnosticCode::ALL.iter().map(|it| (it.code(), it.text())).collect();
    for (code, text) in &codes {
        made += &format!("| <a id=\"{code}\"></a>`{code}` | {} |\n", cell(text));
    }
    made += "\n## Codes of the command alone\n\n| code | about |\n|---|---|\n";
    for (code, text) in CODES {
        made += &format!("| <a id=\"{code}\"></a>`{code}` | {text} |\n");
        assert!(!codes.contains_key(code), "{code}");
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(path), &made).unwrap();
    }
    assert!(
        diagnoses.len() >= 120
            && titles
                .iter()
                .all(|(file, _)| diagnoses.iter().any(|it| it.file == *file))
    );
    assert!(
        page == made,
        "{path} is not up to date: UPDATE=1 cargo test diagnoses::"
    );
}

/// The policies of every case there is, of configurations and of situations.
fn written() -> Vec<String> {
    let folder = root().join("tests/cases");
    let files = ["config", "diagnoses"]
        .into_iter()
        .flat_map(|it| fs::read_dir(folder.join(it)).unwrap().flatten());
    let mut policies = Vec::new();
    for file in files {
        let suite: Value = serde_json::from_str(&fs::read_to_string(file.path()).unwrap()).unwrap();
        let cases = suite["cases"].as_array().unwrap().iter();
        policies.extend(
            cases
                .filter(|it| it["policy"].is_object())
                .map(|it| format!("{:#}", it["policy"])),
        );
    }
    policies
}

/// What is to be written in place of a value loads there, and covers no more than the value's own site; and a finding points
/// at the value that it names.
#[test]
fn each_replacement_can_be_written_where_it_points() {
    let (mut replaced, mut located) = (0, 0);
    for text in written() {
        let mut checked = check(text.as_bytes(), &Vec::new());
        checked.locate(&text, &Places::of_json(&text));
        for finding in &checked.findings {
            let Some(place) = &finding.place else { continue };
            located += 1;
            let old = text.get(place.bytes.clone()).unwrap();
            let Some(new) = finding.edit(&text).filter(|_| old.starts_with('"')) else {
                continue;
            };
            let (start, end) = (place.bytes.start, place.bytes.end);
            let changed = [text.get(..start).unwrap(), &new, text.get(end..).unwrap()].concat();
            let again = check(changed.as_bytes(), &Vec::new());
            let is_left = |it: &&Finding| (it.code, &it.path) == (finding.code, &finding.path);
            let left = again.findings.iter().find(is_left).map(Finding::line);
            assert_eq!(left, None, "{}: {new}", finding.line());
            let is_wide = |it: &Finding| it.path == finding.path && it.code.ends_with("single_label");
            assert!(!again.findings.iter().any(is_wide), "{}: {new}", finding.line());
            replaced += 1;
        }
    }
    assert!(replaced > 60 && located > 300, "{replaced} of {located}");
}
