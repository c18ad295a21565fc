//! How the house is built, held by its own sources: which module may name what.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files
}

/// Code without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn offenders(word: &str, may: impl Fn(&str) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src"));
    assert!(files.len() > 10, "where are the sources?");
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .filter(|path| code(path).contains(word))
        .map(name)
        .filter(|name| !may(name))
        .collect()
}

#[test]
fn one_file_names_the_proxy() {
    assert_eq!(offenders("proxy_wasm", |it| it == "src/filter/envoy.rs"), [""; 0]);
}

#[test]
fn one_file_is_unsafe() {
    assert_eq!(offenders("unsafe", |it| it == "src/filter/envoy/abi.rs"), [""; 0]);
}

/// What is no part of the module.
fn is_command(name: &str) -> bool {
    ["src/analysis", "src/bin/", "src/check", "src/explain", "src/import"]
        .iter()
        .any(|it| name.starts_with(it))
}

#[test]
fn in_the_module_only_the_configuration_is_serialized() {
    assert_eq!(
        offenders("serde", |it| it.starts_with("src/config") || is_command(it)),
        [""; 0]
    );
}

#[test]
fn what_only_the_command_needs_stays_with_it() {
    for word in ["clap", "psl::", "regex_automata", "regex_syntax", "yaml_rust2"] {
        assert_eq!(offenders(word, is_command), [""; 0], "{word}");
    }
    for word in ["crate::analysis", "crate::check", "crate::explain", "crate::import"] {
        assert_eq!(offenders(word, is_command), [""; 0], "{word}");
    }
}

#[test]
fn the_command_is_arguments_and_exit_codes() {
    assert_eq!(
        offenders("origin_gate::policy", |it| !it.starts_with("src/bin/")),
        [""; 0]
    );
    assert_eq!(offenders("clap", |it| it.starts_with("src/bin/")), [""; 0]);
}

#[test]
fn the_policy_knows_nothing_outside_itself() {
    let is_elsewhere = |it: &str| !it.starts_with("src/policy");
    for word in [
        "crate::config",
        "crate::filter",
        "log::",
        "std::env",
        "std::fs",
        "std::time",
        "RefCell",
        "\nstatic ",
    ] {
        assert_eq!(offenders(word, is_elsewhere), [""; 0], "{word}");
    }
}

#[test]
fn urls_are_for_tests() {
    assert_eq!(offenders("Url::", |_| false), [""; 0]);
}

#[test]
fn the_configuration_does_not_know_the_filter() {
    assert_eq!(offenders("crate::filter", |it| !it.starts_with("src/config")), [""; 0]);
    let may = |it: &str| it == "src/filter/envoy.rs" || is_command(it);
    assert_eq!(offenders("crate::config", may), [""; 0]);
}
