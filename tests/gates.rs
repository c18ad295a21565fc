//! `release/review.sh`, which a pipeline and a pre-commit hook run, in repositories of Git.

#[path = "gates/action.rs"]
mod action;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::documents::{blocks, document};
use crate::logs::Folder;
use crate::manifests::documents;

const POLICY: &str = r#"{"allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"]}"#;
const WIDER: &str =
    r#"{"allowed_origins": ["https://a.example", "https://b.example"], "allowed_hosts": ["api.example"]}"#;
const CASES: &str = "- request: GET https://api.example/ from https://a.example\n  expect: read\n";

/// A repository with a policy, its cases and another policy.
struct Repository(Folder);

struct Ran {
    is_good: bool,
    text: String,
}

impl Repository {
    fn new(name: &str) -> Self {
        let repository = Self(Folder::new(name));
        fs::create_dir_all(repository.path("policies")).unwrap();
        repository.write("policies/shop.json", POLICY);
        repository.write("policies/shop.cases.yaml", CASES);
        repository.write(
            "policies/other.yaml",
            "allowed_origins: [https://other.example]\nallowed_hosts: [o.example]\n",
        );
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit();
        repository
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let who = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.example",
            "-c",
            "commit.gpgsign=false",
        ];
        let done = Command::new("git")
            .args(who)
            .args(arguments)
            .current_dir(self.0.path())
            .status();
        assert!(done.unwrap().success(), "git {arguments:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=a"]);
    }

    fn review(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(crate::root().join("release/review.sh"));
        command.args(arguments).env("ORIGIN_GATE", crate::binary());
        self.run(command, variables)
    }

    fn run(&self, mut command: Command, variables: &[(&str, &str)]) -> Ran {
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(name);
        }
        let done = command
            .envs(variables.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = [done.stdout, done.stderr]
            .map(|it| String::from_utf8(it).unwrap())
            .concat();
        Ran {
            is_good: done.status.success(),
            text,
        }
    }

    fn is(&self, arguments: &[&str], is_good: bool, says: &[&str]) {
        let ran = self.review(arguments, &[]);
        assert_eq!(ran.is_good, is_good, "{arguments:?}\n{}", ran.text);
        for word in says {
            assert!(ran.text.contains(word), "`{word}`\n{}", ran.text);
        }
    }
}

const ALL: &str = "policies/*";

#[test]
fn a_change_that_permits_more_waits_for_somebody() {
    let repository = Repository::new("gates-more");
    repository.is(
        &[ALL],
        true,
        &["== policies/shop.json", "== policies/other.yaml", "1 of 1 cases hold"],
    );
    repository.write("policies/shop.json", WIDER);
    let says = [
        "`https://b.example` may read answers",
        "policies/shop.json: it permits more than before",
    ];
    repository.is(&[ALL], false, &says);
    repository.is(&["--permit-more", ALL], true, &says[..1]);
    // Committed or not, it is the commit that it goes to which counts.
    repository.git(&["checkout", "--quiet", "-b", "change"]);
    repository.commit();
    repository.is(&[ALL], true, &[]);
    repository.is(&["--base", "main", ALL], false, &says);
    // Back again is stricter.
    repository.write("policies/shop.json", POLICY);
    repository.is(&[ALL], true, &["`https://b.example` may no longer read answers"]);
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    let repository = Repository::new("gates-wrong");
    repository.write("policies/shop.json", &POLICY.replace("a.example", "a.exmaple"));
    let says = [
        "policies/shop.cases.yaml:1:",
        "a case of policies/shop.cases.yaml does not hold",
    ];
    repository.is(&["--permit-more", ALL], false, &says);
    repository.write("policies/shop.json", &POLICY.replace("a.example", "a.example/"));
    let says = [
        "an origin ends after the host or port",
        "policies/shop.json: check finds errors or warnings",
    ];
    repository.is(&["--permit-more", ALL], false, &says);
    repository.write("policies/shop.json", &POLICY.replace("a.example", "*.co.uk"));
    repository.is(
        &["--permit-more", ALL],
        false,
        &["public suffix", "check finds errors or warnings"],
    );
}

#[test]
fn a_policy_that_goes_permits_everything_and_one_that_moves_the_same() {
    let repository = Repository::new("gates-gone");
    repository.git(&["mv", "policies/shop.json", "policies/store.json"]);
    let ran = repository.review(&[ALL], &[]);
    assert!(
        ran.is_good && ran.text.contains("== policies/store.json"),
        "{}",
        ran.text
    );
    assert!(!ran.text.contains("newly"), "{}", ran.text);
    repository.git(&["rm", "--quiet", "--force", "policies/store.json"]);
    repository.is(
        &[ALL],
        false,
        &[
            "policies/shop.json is gone",
            "→ no policy",
            "policies/shop.json: it permits more",
        ],
    );
    repository.write("policies/new.json", POLICY);
    repository.is(&["policies/new.json"], true, &["no policy → cors:rejected"]);
}

#[test]
fn settings_are_compared_with_those_that_were() {
    let repository = Repository::new("gates-env");
    repository.write("policies/shop.json", r#"{"django_env": true}"#);
    repository.write(
        "settings.env",
        "CORS_ALLOWED_ORIGINS=https://a.example\nALLOWED_HOSTS=api.example\n",
    );
    repository.commit();
    let arguments = ["--env", "settings.env", "policies/shop.json"];
    repository.is(&arguments, true, &["1 of 1 cases hold"]);
    repository.write(
        "settings.env",
        "CORS_ALLOWED_ORIGINS=https://a.example,https://b.example\nALLOWED_HOSTS=api.example\n",
    );
    repository.is(
        &arguments,
        false,
        &["`https://b.example` may read answers", "CORS_ALLOWED_ORIGINS"],
    );
}

#[test]
fn what_it_cannot_do_it_says() {
    let repository = Repository::new("gates-cannot");
    repository.is(&[], false, &["no policy is named"]);
    repository.is(&["--bsae", "main", ALL], false, &["got '--bsae'"]);
    repository.is(&["--base"], false, &["--base: a value is missing"]);
    repository.is(&["--base", "nowhere", ALL], false, &["'nowhere' is no commit"]);
    repository.is(&["--env", "nowhere", ALL], false, &["there is no file 'nowhere'"]);
    repository.is(&["nothing/*"], false, &["no policy is in 'nothing/*'"]);
    let ran = repository.review(&[ALL], &[("ORIGIN_GATE", "origin-gate-nowhere")]);
    assert!(!ran.is_good && ran.text.contains("there is no command"), "{}", ran.text);
    // Before the first commit there is nothing to compare with.
    fs::remove_dir_all(repository.path(".git")).unwrap();
    repository.git(&["init", "--quiet"]);
    repository.is(&[ALL], true, &["no policy → cors:rejected"]);
}

/// What a stranger's pull request has in its names and texts is shown, and is no command to GitHub.
#[test]
fn github_takes_no_orders_from_what_it_is_shown() {
    let repository = Repository::new("gates-github");
    let summary = repository.path("summary.md");
    let name = "policies/a\n::set-env name=A::b,c:d.json";
    repository.write(name, r#"{"allowed_origins": ["::error::x"]}"#);
    repository.write("policies/shop.json", WIDER);
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let ran = repository.review(&[ALL], &variables);
    assert!(!ran.is_good, "{}", ran.text);
    let (_, after) = ran.text.split_once("::stop-commands::").unwrap();
    let (token, after) = after.split_once('\n').unwrap();
    let (shown, commands) = after.split_once(&format!("::{token}::\n")).unwrap();
    assert!(shown.contains("::error::x") && !shown.contains(token), "{shown}");
    let commands: Vec<_> = commands
        .lines()
        .filter(|it| it.trim_start().starts_with("::"))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let first = "::error file=policies/a%0A%3A%3Aset-env name=A%3A%3Ab%2Cc%3Ad.json::check finds errors or warnings";
    assert_eq!(commands[0], first);
    assert!(
        commands[1].starts_with("::error file=policies/shop.json::it permits more"),
        "{commands:?}"
    );
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.contains("\n      `https://b.example` may read answers"),
        "{summary}"
    );
}

/// The hook calls the script with what it reviews.
#[test]
fn the_hook_runs_before_a_commit() {
    let hook = &documents(&document(".pre-commit-hooks.yaml"))[0][0];
    let repository = Repository::new("gates-hook");
    repository.write("policies/shop.json", WIDER);
    repository.git(&["add", "--all"]);
    let arguments: Vec<_> = hook["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    let mut command = Command::new(crate::root().join(hook["entry"].as_str().unwrap()));
    command.args(&arguments).env("ORIGIN_GATE", crate::binary());
    let ran = repository.run(command, &[]);
    assert!(
        !ran.is_good && ran.text.contains("it permits more than before"),
        "{}",
        ran.text
    );
}

#[test]
fn the_page_shows_how_both_are_used() {
    let page = document("docs/review.md");
    let [_, workflow, hooks] = *blocks(&page, "yaml") else {
        panic!("three blocks of YAML")
    };
    let action = &documents(&document("action.yml"))[0];
    let steps = &documents(workflow)[0]["jobs"]["policies"]["steps"];
    let given = steps[1]["with"].as_object().unwrap();
    let inputs = action["inputs"].as_object().unwrap();
    assert!(given.keys().all(|it| inputs.contains_key(it)), "{given:?}");
    let required = inputs.iter().filter(|(_, it)| it["required"] == true);
    assert!(
        required.into_iter().all(|(name, _)| given.contains_key(name)),
        "{given:?}"
    );
    let hook = &documents(&document(".pre-commit-hooks.yaml"))[0][0];
    let shown = &documents(hooks)[0]["repos"][0];
    assert_eq!(shown["hooks"][0]["id"], hook["id"]);
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    assert!(shown["rev"] == json!(version) && workflow.contains(&format!("$REPOSITORY@{version}\n")));
}
