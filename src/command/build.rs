//! Tells the command which revision of the source it was built from, whoever builds it: `build.sh` passes the revision in
//! `ORIGIN_GATE_REVISION`; `cargo build` and `cargo install --git` build in a clone; an archive that Git made holds the
//! revision in `release/revision.txt`.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const VARIABLE: &str = "ORIGIN_GATE_REVISION";

fn main() {
    let root = Path::new("../..");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    for path in ["src", "release/revision.txt"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    // Git writes a line there with each commit and each checkout.
    if let Some(log) = git(root, &["rev-parse", "--git-path", "logs/HEAD"]).map(|it| root.join(it))
        && log.exists()
    {
        println!("cargo::rerun-if-changed={}", log.display());
    }
    let revision = env::var(VARIABLE)
        .ok()
        .or_else(|| of_clone(root))
        .or_else(|| of_archive(root))
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env={VARIABLE}={revision}");
}

/// The commit, with `-dirty` if a file that Git tracks is not as committed.
fn of_clone(root: &Path) -> Option<String> {
    // A copy of the source inside another project's clone is not of that project's revision.
    if !root.join(".git").exists() {
        return None;
    }
    let mut revision = git(root, &["rev-parse", "--verify", "HEAD"])?;
    // Cargo leaves an untracked file in the clones that it makes.
    if !git(root, &["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        revision += "-dirty";
    }
    Some(revision)
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn of_archive(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("release/revision.txt")).ok()?;
    let revision = text.trim();
    (revision.len() == 40 && revision.bytes().all(|it| it.is_ascii_hexdigit())).then(|| revision.to_owned())
}
