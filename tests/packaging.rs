//! What shells and packagers get of the command.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::run;

const VERBS: [&str; 12] = [
    "check",
    "diff",
    "explain",
    "learn",
    "replay",
    "render",
    "import",
    "schema",
    "test",
    "who",
    "completions",
    "man",
];

#[test]
fn every_shell_completes_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(&["completions", shell], "");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell}");
        for word in VERBS.into_iter().chain(["deny-warnings", "ingress-nginx"]) {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
    let ran = run(&["completions", "cmd.exe"], "");
    assert!(
        ran.code == 1 && ran.err.contains("possible values: bash"),
        "{}",
        ran.err
    );
}

/// One page, so that one file is installed: each verb is a section of it.
#[test]
fn the_manual_has_every_verb_and_its_options() {
    let page = run(&["man"], "").out;
    assert_eq!(page.matches(".TH ").count(), 1);
    let of = |verb: &str| {
        let (_, after) = page
            .split_once(&format!(".SH ORIGIN-GATE {verb}\n"))
            .unwrap_or_else(|| panic!("{verb}"));
        after.split("\n.SH ").next().unwrap().to_owned()
    };
    for verb in VERBS.into_iter().filter(|it| *it != "import") {
        let help = run(&[verb, "--help"], "").out;
        let section = of(&verb.to_uppercase());
        let options = help
            .split_whitespace()
            .filter(|it| it.starts_with("--"))
            .map(|it| it.trim_end_matches(|it: char| !it.is_ascii_alphanumeric()));
        for option in options {
            assert!(
                section.contains(&option.replace('-', "\\-")),
                "{verb}: {option}\n{section}"
            );
        }
    }
    assert!(of("IMPORT DJANGO").contains("\\-\\-script") && of("IMPORT ENVOY").contains("FILE"));
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let done = Command::new("git")
        .args(["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"])
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| text.trim().to_owned())
}

/// As `cargo install --git` has it: in a clone, of which nobody said the revision.
#[test]
fn the_command_knows_the_clone_that_it_was_built_in() {
    let line = run(&["--version"], "").out;
    let told = line.rsplit_once('(').unwrap().1.trim_end().trim_end_matches(')');
    let told = told.trim_end_matches("-dirty");
    if crate::root().join(".git").exists() {
        assert_eq!(Some(told.to_owned()), git(crate::root(), &["rev-parse", "HEAD"]));
    } else {
        assert!(told == "unknown" || told.len() == 40, "{told}");
    }
}

/// The build script by itself, as Cargo runs it: in the folder of its package.
#[test]
fn the_revision_is_found_in_a_clone_and_in_an_archive_and_nowhere_else() {
    let folder = std::env::temp_dir().join(format!("origin-gate-revision-{}", std::process::id()));
    let package = folder.join("src/command");
    fs::create_dir_all(&package).unwrap();
    fs::create_dir_all(folder.join("release")).unwrap();
    let archive = folder.join("release/revision.txt");
    let script = folder.join("script");
    let source = crate::root().join("src/command/build.rs");
    let built = Command::new("rustc")
        .args(["--edition", "2024", "-o"])
        .args([&script, &source])
        .current_dir(crate::root())
        .status();
    assert!(built.unwrap().success());
    let told = |variable: Option<&str>| {
        let mut command = Command::new(&script);
        command.current_dir(&package).env_remove("ORIGIN_GATE_REVISION");
        command.envs(variable.map(|it| ("ORIGIN_GATE_REVISION", it)));
        let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let line = out
            .lines()
            .find_map(|it| it.strip_prefix("cargo::rustc-env=ORIGIN_GATE_REVISION="));
        line.unwrap().to_owned()
    };
    fs::write(&archive, "$Format:%H$\n").unwrap();
    assert_eq!(told(None), "unknown");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    fs::write(&archive, format!("{commit}\n")).unwrap();
    assert_eq!(told(None), commit);
    git(&folder, &["init", "--quiet"]).unwrap();
    assert_eq!(told(None), commit, "a clone without a commit");
    git(&folder, &["add", "release"]).unwrap();
    git(&folder, &["commit", "--quiet", "--no-gpg-sign", "--message=one"]).unwrap();
    let head = git(&folder, &["rev-parse", "HEAD"]).unwrap();
    assert_eq!(told(None), head, "untracked files, as Cargo leaves one");
    fs::write(&archive, "changed").unwrap();
    assert_eq!(told(None), format!("{head}-dirty"));
    assert_eq!(told(Some("1.2-3")), "1.2-3");
    fs::remove_dir_all(folder).unwrap();
}
