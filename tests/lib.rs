//! Every test that is Rust, in one program: it is linked once, and its tests share the machine's cores.
//! `cargo test paths::` runs those of `paths.rs`.

#![cfg(test)]

mod addresses;
mod allocations;
mod apps;
mod cases_beside;
mod command;
mod compiled;
mod config;
mod console;
mod cookies;
mod core;
mod decision_log;
mod diagnoses;
mod django;
mod docs;
mod dotenv;
#[path = "envoy/main.rs"]
mod envoy;
mod expressions;
mod filter;
mod folds;
mod fuzz_smoke;
mod gates;
mod help_applies;
mod hints;
mod hints_apply;
mod import;
mod import_django;
mod import_oracle;
mod logs;
mod manifests;
mod oracle;
mod order;
mod packaging;
mod page;
mod paths;
mod policies_in_files;
mod properties;
mod reach;
mod redaction;
mod references;
mod regex;
mod removed;
mod review;
mod schema;
#[cfg(target_os = "linux")]
#[path = "twin/main.rs"]
mod twin;
mod warnings;

// What several of them share. `support` is the corpus, which `tests/abi` reads too.
#[path = "support/captured.rs"]
mod captured;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "the other hosts use all of it"
)]
#[path = "abi/chance.rs"]
mod chance;
#[path = "support/documents.rs"]
mod documents;
#[path = "support/filter_order.rs"]
mod filter_order;
#[path = "fuzz/targets.rs"]
mod fuzz_targets;
#[path = "support/random.rs"]
mod random;
#[path = "support/steps.rs"]
mod steps;
mod support;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "the other hosts use all of it"
)]
#[path = "abi/traffic.rs"]
mod traffic;
#[path = "support/verdict.rs"]
mod verdict;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// An environment.
fn variables(set: &[(&str, &str)]) -> Vec<(String, String)> {
    set.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The repository.
fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// The command, built.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // `target/debug`, from this program's place in `target/debug/deps`; what measures coverage has another `target`.
        let program = std::env::current_exe().unwrap();
        let folder = program.ancestors().nth(2).unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--bin", "origin-gate"])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(root())
            .status();
        assert!(built.unwrap().success());
        folder.join("origin-gate")
    })
}
