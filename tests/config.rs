//! Configurations and what is said of them, word for word.

use crate::support;
use std::collections::BTreeSet;
use std::fs;

use crate::support::strings;
use config::Diagnostic;
use config::DiagnosticCode;
use serde_json::Value;

/// Messages are bytes, which cases are not: `a_struct_that_is_none_is_an_error` has these.
const WITHOUT_CASES: [&str; 2] = ["configuration_too_deep", "configuration_not_utf8"];

fn files() -> Vec<fs::DirEntry> {
    let folder = support::cases_dir().join("config");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    files
}

#[test]
fn every_error_and_warning_says_what_it_should() {
    // Long: each case is loaded in each form.
    let mut failures = Vec::new();
    let mut count = 0;
    let mut codes = BTreeSet::new();
    for path in files() {
        let value: Value = serde_json::from_str(&fs::read_to_string(path.path()).unwrap()).unwrap();
        for case in value["cases"].as_array().unwrap() {
            count += 1;
            let text = case["text"]
                .as_str()
                .map_or_else(|| case["policy"].to_string(), str::to_owned);
            let variables = case["environment"].as_object().into_iter().flatten();
            let environment: Vec<_> = variables
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            let (is_refused, notes) = match config::load_with(text.as_bytes(), &environment) {
                Ok(loaded) => (false, loaded.warnings),
                Err(errors) => (true, errors.errors),
            };
            let texts: Vec<_> = notes.iter().map(ToString::to_string).collect();
            let (errors, warnings) = match is_refused {
                true => (texts, Vec::new()),
                false => (Vec::new(), texts),
            };
            if case["policy"].as_object().is_some_and(|it| !it.is_empty()) {
                // Plain YAML in Envoy's file says the same.
                let message = protobuf::encode_struct(&case["policy"]);
                let other = config::load_with(&message, &environment);
                let other = other.map_or_else(|it| it.errors, |_| Vec::new());
                let other: Vec<_> = other.iter().map(ToString::to_string).collect();
                let same = sorted(&errors) == sorted(&other);
                assert!(same, "{}: as a Struct it is another policy", case["name"]);
            }
            codes.extend(notes.iter().map(Diagnostic::code));
            let want = (strings(&case["errors"]), strings(&case["warnings"]));
            if (&errors, &warnings) != (&want.0, &want.1) {
                let name = &case["name"];
                failures.push(format!(
                    "{}: {name}\n  expected {:#?}\n  got {:#?}",
                    path.file_name().display(),
                    want,
                    (errors, warnings)
                ));
            }
        }
    }
    assert!(count > 80, "only {count} cases: is the corpus there?");
    let all = DiagnosticCode::ALL.iter().map(|it| it.code());
    let missed: Vec<_> = all.filter(|code| !codes.contains(code)).collect();
    assert_eq!(missed, WITHOUT_CASES, "codes that no case has");
    let failed = failures.len();
    assert!(failed == 0, "{failed} of {count} failed\n{}", failures.join("\n"));
}

/// An object's keys have no order in a message.
fn sorted(errors: &[String]) -> Vec<&String> {
    let mut errors: Vec<_> = errors.iter().collect();
    errors.sort();
    errors
}

/// Codes are for programs: one a problem, and spelled alike.
#[test]
fn codes_are_distinct_words() {
    let codes: BTreeSet<_> = DiagnosticCode::ALL.iter().map(|it| it.code()).collect();
    assert_eq!(codes.len(), DiagnosticCode::ALL.len());
    assert!(codes.iter().all(|code| {
        code.bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
    }));
}

#[test]
fn a_struct_that_is_cut_is_an_error() {
    let good = protobuf::encode_struct(&serde_json::json!({
        "allowed_origins": ["https://a.example"], "cors": { "allow_credentials": true, "max_age": 60 }, "allowed_hosts": ["a"],
    }));
    assert!(config::load(&good).is_ok());
    for cut in 2..good.len() {
        // Cut between two entries it is a shorter message, which may be a policy; anywhere else it is none.
        if let Err(errors) = config::load(&good[..cut]) {
            assert!(
                errors
                    .to_string()
                    .contains("it is neither JSON nor a `google.protobuf.Struct`"),
                "{cut}: {errors}"
            );
        }
    }
}

#[test]
fn a_struct_that_is_none_is_an_error() {
    let entry = |key: &str, value: &[u8]| {
        protobuf::field(
            1,
            &[protobuf::field(1, key.as_bytes()), protobuf::field(2, value)].concat(),
        )
    };
    let max_age = |number: f64| {
        let number = [&[0x11][..], &number.to_le_bytes()].concat();
        entry("cors", &protobuf::field(5, &entry("max_age", &number)))
    };
    let mut deep = Vec::new();
    for _ in 0..200 {
        deep = protobuf::field(6, &protobuf::field(1, &deep));
    }
    for (bytes, problem) in [
        (
            entry("allowed_hosts", &protobuf::field(3, b"\xff")),
            "a string in its `google.protobuf.Struct` is not UTF-8",
        ),
        (entry("\u{e9}", &protobuf::field(3, b"x")), "\u{e9}: unknown key"),
        (
            entry("allowed_hosts", &deep),
            "its `google.protobuf.Struct` is nested too deep",
        ),
        (
            entry("allowed_hosts", &[0x19, 1, 2]),
            "it is neither JSON nor a `google.protobuf.Struct`",
        ),
        (
            entry("allowed_hosts", &[0x3a, 0]),
            "it is neither JSON nor a `google.protobuf.Struct`",
        ),
        (
            vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            "it is neither JSON nor a `google.protobuf.Struct`",
        ),
        (vec![b'\n'; 1 << 20], "it is empty"),
        (
            max_age(f64::NAN),
            "cors.max_age: `a number out of range`: a whole number",
        ),
        (max_age(1e300), "a whole number"),
    ] {
        let errors = config::load(&bytes).map(|_| ()).unwrap_err().to_string();
        assert!(errors.contains(problem), "{problem}: {errors}");
    }
}

/// A megabyte of nesting is an error, not the end of the stack.
#[test]
fn deep_nesting_is_an_error() {
    for text in ["[".repeat(1 << 20), "{\"cors\":".repeat(1 << 17)] {
        assert!(
            config::load(text.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("recursion limit")
        );
    }
    let mut message = Vec::new();
    while message.len() < 1 << 16 {
        message = protobuf::field(5, &protobuf::field(1, &protobuf::field(2, &message)));
    }
    assert!(config::load(&protobuf::field(1, &protobuf::field(2, &message))).is_err());
}

/// Whatever bytes come, an answer comes back.
#[test]
fn no_configuration_panics() {
    let policy =
        r#"{"allowed_origins": ["https://*.app.example:*", "http://[::1]:8080"], "allowed_hosts": [".a.example"]}"#;
    for at in 0..policy.len() {
        for byte in [0, b'"', b'*', b'.', b':', b'[', b'/', b'\\', 0x7f, 0x80, 0xff] {
            let mut bytes = policy.as_bytes().to_vec();
            if let Some(it) = bytes.get_mut(at) {
                *it = byte;
            }
            let _ = config::load(&bytes);
            bytes.truncate(at);
            let _ = config::load(&bytes);
        }
    }
}

/// Protocol Buffers, written as `google/protobuf/struct.proto` has it.
pub(crate) mod protobuf {
    use serde_json::Value;

    pub(crate) fn encode_struct(value: &Value) -> Vec<u8> {
        let entries = value.as_object().unwrap().iter();
        entries
            .flat_map(|(key, value)| field(1, &[field(1, key.as_bytes()), field(2, &encode(value))].concat()))
            .collect()
    }

    fn encode(value: &Value) -> Vec<u8> {
        match value {
            Value::Null => vec![0x08, 0],
            Value::Number(number) => [&[0x11][..], &number.as_f64().unwrap().to_le_bytes()].concat(),
            Value::String(text) => field(3, text.as_bytes()),
            Value::Bool(value) => vec![0x20, u8::from(*value)],
            Value::Object(_) => field(5, &encode_struct(value)),
            Value::Array(items) => field(
                6,
                &items
                    .iter()
                    .flat_map(|item| field(1, &encode(item)))
                    .collect::<Vec<_>>(),
            ),
        }
    }

    pub(super) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut message = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length > 0x7f {
            message.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap());
        message.extend_from_slice(bytes);
        message
    }
}
