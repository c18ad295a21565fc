//! What the page's core says: of every case what the filter does, and in WebAssembly what it says here.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::{env, fs, str};

use analysis::SuffixRules;
use psl_types::{Info, List, Type};
use serde_json::{Value, json};

use crate::support::{Case, Envoy, Suite, corpus, root};

fn ask(call: &Value) -> Value {
    serde_json::from_slice(&origin_gate_page::answer(call.to_string().as_bytes())).unwrap()
}

/// The call that describes a case; `None` for what no person can type: bytes that are no text, a host that is missing.
fn call(suite: &Suite, case: &Case) -> Option<Value> {
    let text = |value: &[u8]| str::from_utf8(value).ok().map(str::to_owned);
    let is_plain = |value: &str| !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control);
    let mut headers = String::new();
    for (name, value) in &case.headers {
        let value = text(value).filter(|it| is_plain(it))?;
        writeln!(headers, "{name}: {value}").unwrap();
    }
    let mut response = String::new();
    for (name, value) in case.backend.iter().flat_map(|it| &it.headers) {
        writeln!(response, "{name}: {}", text(value)?).unwrap();
    }
    let variables: String = suite
        .environment
        .iter()
        .map(|(name, value)| format!("{name}='{value}'\n"))
        .collect();
    let status = case.proxy.or(case.backend.as_ref().map(|it| it.status));
    (is_plain(&case.target) && case.envoy != Envoy::Only).then(|| {
        json!({
            "verb": "explain",
            "policy": suite.policy,
            "variables": variables,
            "method": case.method,
            "path": case.target,
            "scheme": "http",
            "headers": headers,
            "response": response,
            "status": status.unwrap_or(200).to_string(),
        })
    })
}

/// Every call with its case's finding, and those that the corpus has no file for.
fn calls() -> Vec<(Value, Option<String>)> {
    let mut calls = Vec::new();
    for suite in corpus() {
        for case in &suite.cases {
            calls.extend(call(&suite, case).map(|it| (it, Some(case.finding.clone()))));
        }
        for verb in ["check", "who"] {
            let variables = String::new();
            calls.push((
                json!({"verb": verb, "policy": suite.policy, "variables": variables}),
                None,
            ));
        }
    }
    for file in ["config", "diagnoses", "check"] {
        calls.extend(policies_of(file).into_iter().map(|it| (it, None)));
    }
    calls
}

/// A check of each policy in the files of a folder.
fn policies_of(folder: &str) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(root().join("tests/cases").join(folder))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    files.sort_by_key(fs::DirEntry::path);
    let mut calls = Vec::new();
    for file in files {
        let suite: Value = serde_json::from_str(&fs::read_to_string(file.path()).unwrap()).unwrap();
        for case in suite["cases"].as_array().into_iter().flatten() {
            let policy = match &case["policy"] {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                value => format!("{value:#}"),
            };
            calls.push(json!({"verb": "check", "policy": policy}));
        }
    }
    calls
}

#[test]
fn the_page_says_of_every_case_what_the_filter_does() {
    let (mut count, mut left_out) = (0, 0);
    for suite in corpus() {
        for case in &suite.cases {
            let Some(call) = call(&suite, case) else {
                left_out += 1;
                continue;
            };
            let answer = ask(&call);
            let Some(request) = answer["policies"][0].get("request") else {
                // What no request can carry is refused before the policy is asked.
                assert!(answer["error"].is_string(), "{}: {}: {answer:#}", suite.file, case.name);
                left_out += 1;
                continue;
            };
            assert_eq!(request["finding"], case.finding, "{}: {}", suite.file, case.name);
            count += 1;
        }
    }
    assert!(
        count > 1000 && left_out * 5 < count,
        "{count} asked, {left_out} left out"
    );
}

/// Runs the page's WebAssembly in Node.
#[test]
#[ignore = "needs Node and ORIGIN_GATE_PAGE, which `./build.sh test` sets"]
fn webassembly_says_the_same_of_every_call() {
    let folder = env::var("ORIGIN_GATE_PAGE").expect("ORIGIN_GATE_PAGE: the folder that ./build.sh page makes");
    let calls = calls();
    let lines: String = calls.iter().map(|(call, _)| format!("{call}\n")).collect();
    let mut node = Command::new("node")
        .arg(root().join("tests/page/door.mjs"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), calls.len());
    for (answer, (call, _)) in answers.lines().zip(&calls) {
        let here = String::from_utf8(origin_gate_page::answer(call.to_string().as_bytes())).unwrap();
        assert!(
            answer == here,
            "{call}\nin WebAssembly: {answer}\nhere:           {here}"
        );
    }
    println!("{} calls answered alike", calls.len());
}

/// What a list says of a name, and how many of its labels it looks at.
fn found(list: &impl List, name: &str) -> (usize, bool, usize) {
    let asked = Cell::new(0);
    let labels = name.as_bytes().rsplit(|&it| it == b'.');
    let Info { len, typ } = list.find(labels.inspect(|_| asked.set(asked.get() + 1)));
    (
        len,
        typ.is_some_and(|it| matches!(it, Type::Icann | Type::Private)),
        asked.get(),
    )
}

/// The file that the page loads, against the list that the command has.
#[test]
#[ignore = "needs ORIGIN_GATE_PAGE, which `./build.sh test` sets"]
fn the_list_of_suffixes_is_the_one_of_the_command() {
    let folder = env::var("ORIGIN_GATE_PAGE").expect("ORIGIN_GATE_PAGE: the folder that ./build.sh page makes");
    let text = fs::read_to_string(format!("{folder}/suffixes.txt")).unwrap();
    let rules = SuffixRules::parse(&text);
    let mut count = 0;
    for line in text.lines().filter(|it| !it.starts_with("//")) {
        let name = line.trim_start_matches("*.").trim_start_matches('!');
        for probe in [
            name.to_owned(),
            format!("a.{name}"),
            format!("b.a.{name}"),
            format!("c.b.a.{name}"),
        ] {
            assert_eq!(found(&rules, &probe), found(&psl::List, &probe), "{probe}");
            count += 1;
        }
    }
    assert!(count > 40_000, "{count}");
    assert_eq!(found(&rules, "a.unlisted"), found(&psl::List, "a.unlisted"));
}

/// All texts of an answer.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What people paste, of the cases of `diagnoses.rs`: the option, the other options by their names, and what helps.
fn pasted() -> Vec<(String, Value, Vec<String>)> {
    let mut found = Vec::new();
    for file in ["evidence", "threads"] {
        let path = root().join(format!("tests/cases/diagnoses/{file}.json"));
        let suite: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for case in suite["cases"].as_array().unwrap() {
            let policy = case["policy"]
                .as_str()
                .map_or(&case["policy"], |it| &suite["policies"][it]);
            let mut call = json!({"verb": "explain", "policy": policy.to_string()});
            let arguments: Vec<_> = case["arguments"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let evidence = arguments
                .first()
                .filter(|it| matches!(**it, "--console" | "--curl" | "--log"));
            let is_plain = arguments.chunks(2).all(|it| {
                let [option, value] = it else { return false };
                let known = [
                    "--console",
                    "--curl",
                    "--log",
                    "--host",
                    "--origin",
                    "--method",
                    "--path",
                    "--scheme",
                ];
                call[option.trim_start_matches('-')] = json!(value);
                known.contains(option)
            });
            let Some(evidence) = evidence.filter(|_| is_plain && case["environment"].is_null()) else {
                continue;
            };
            let says = case["says"].as_array().unwrap().iter().filter_map(Value::as_str);
            // Without the columns of a terminal.
            let says = says.map(|it| it.trim().rsplit("  ").next().unwrap().trim().to_owned());
            found.push(((*evidence).to_owned(), call, says.collect()));
        }
    }
    found
}

#[test]
fn what_people_paste_gives_the_sentence_that_helps() {
    let pasted = pasted();
    for (_, call, says) in &pasted {
        let answer = ask(call);
        let all = texts(&answer).join("\n");
        for sentence in says {
            let sentence = sentence.strip_prefix("origin-gate: ").unwrap_or(sentence);
            assert!(all.contains(sentence), "{sentence}\n{call:#}\n{answer:#}");
        }
    }
    let consoles = pasted.iter().filter(|(evidence, ..)| evidence == "--console").count();
    assert!(consoles >= 10, "{consoles} of consoles among {}", pasted.len());
}

#[test]
fn the_examples_to_start_from_are_those_of_the_documents() {
    let text = fs::read_to_string(root().join("src/page/site/examples.json")).unwrap();
    let examples: Value = serde_json::from_str(&text).unwrap();
    for example in examples.as_array().unwrap() {
        let (file, policy) = (example["file"].as_str().unwrap(), example["policy"].as_str().unwrap());
        let document = fs::read_to_string(root().join(file)).unwrap();
        assert!(document.contains(&format!("\n{policy}```")), "{file}: {policy}");
        assert_eq!(
            ask(&json!({"verb": "check", "policy": policy}))["policies"][0]["loads"],
            true,
            "{file}"
        );
    }
}
