//! Configurations and what is said of them, word for word.

mod support;

use std::fs;

use origin_gate::config;
use serde_json::Value;
use support::strings;

#[test]
fn every_error_and_warning_says_what_it_should() {
    let mut failures = Vec::new();
    let mut count = 0;
    let mut paths: Vec<_> = fs::read_dir(support::cases_dir().join("config"))
        .unwrap()
        .flatten()
        .collect();
    paths.sort_by_key(fs::DirEntry::path);
    for path in paths {
        let value: Value = serde_json::from_str(&fs::read_to_string(path.path()).unwrap()).unwrap();
        for case in value["cases"].as_array().unwrap() {
            count += 1;
            let text = case["text"]
                .as_str()
                .map_or_else(|| case["policy"].to_string(), str::to_owned);
            let (errors, warnings) = match config::load(text.as_bytes()) {
                Ok(loaded) => (Vec::new(), loaded.warnings.iter().map(ToString::to_string).collect()),
                Err(errors) => (errors.0.iter().map(ToString::to_string).collect(), Vec::new()),
            };
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
    assert!(
        failures.is_empty(),
        "{} of {count} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
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
