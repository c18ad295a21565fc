//! What shells and packagers get of the command.

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
