//! No page leads nowhere, shows what no test tries, or names a test or a verb that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::documents::{blocks, document, pages};

/// The links within the project; those to the web are not followed.
#[test]
fn the_links_lead_somewhere() {
    let root = crate::root();
    for page in pages() {
        let text = document(&page);
        let folder = root.join(&page);
        let folder = folder.parent().unwrap();
        let targets = text.split("](").skip(1).map(|it| it.split(')').next().unwrap());
        for target in targets.filter(|it| !it.starts_with("http")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                root.join(&page)
            } else {
                folder.join(file)
            };
            assert!(file.exists(), "{page}: {target}");
            let is_there = || anchors(&fs::read_to_string(&file).unwrap()).contains(anchor);
            assert!(anchor.is_empty() || is_there(), "{page}: {target}");
        }
    }
}

/// What GitHub makes of the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|it| it.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(anchor).collect()
}

// Who tries many.
const README: &str = "tests/e2e/test_readme.py::test_it_answers_as_shown";
const COMMAND: &str = "tests/docs.rs::the_command_prints_what_the_documents_show";
const JSON: &str = "tests/docs.rs::the_examples_in_json_load";
const VERBS: &str = "tests/references.rs::the_verbs_are_there";
const IMPORT: &str = "tests/docs.rs::the_pages_about_migrating_import_what_they_show";
const BEHIND: &str = "tests/e2e/test_behind.py::test_the_second_row_is_right_behind_each";
const MIGRATE: &str = "tests/e2e/test_migrate.py::test_each_row_is_so";
const CHART: &str = "tests/meshes/test_chart.py::test_istio_runs";
const PLANES: &str = "tests/meshes/test_pages.py::test_the_page_shows_these";
const TUTORIAL: &str = "tests/e2e/test_tutorial.py::test_it_goes_as_the_page_says";
const TROUBLE: &str = "tests/e2e/test_troubleshooting.py::test_it_happens_as_the_page_says";

/// How many blocks of each kind a page has, and the test that executes, loads or compares them.
const BLOCKS: [(&str, &str, usize, &str); 56] = [
    ("README.md", "console", 1, README),
    ("README.md", "json", 1, JSON),
    ("README.md", "sh", 1, VERBS),
    ("README.md", "yaml", 1, README),
    ("docs/behind.md", "caddyfile", 1, BEHIND),
    ("docs/behind.md", "haproxy", 1, BEHIND),
    (
        "docs/behind.md",
        "log",
        1,
        "tests/e2e/test_behind.py::test_the_log_says_which_row_is_wrong",
    ),
    ("docs/behind.md", "nginx", 1, BEHIND),
    ("docs/command.md", "console", 7, COMMAND),
    ("docs/command.md", "json", 1, JSON),
    ("docs/command.md", "sh", 1, VERBS),
    ("docs/command.md", "yaml", 1, COMMAND),
    (
        "docs/compiled.md",
        "sh",
        1,
        "tests/compiled.rs::the_page_shows_what_the_command_prints",
    ),
    (
        "docs/compiled.md",
        "yaml",
        1,
        "tests/compiled.rs::the_page_shows_what_the_command_prints",
    ),
    (
        "docs/fleet.md",
        "promql",
        1,
        "tests/e2e/test_fleet.py::test_the_canary_refuses_nothing_and_tells_what_it_would",
    ),
    (
        "docs/fleet.md",
        "yaml",
        1,
        "tests/e2e/test_fleet.py::test_the_overlay_is_the_canary",
    ),
    ("docs/logs.md", "console", 5, COMMAND),
    ("docs/logs.md", "json", 1, JSON),
    ("docs/logs.md", "log", 1, COMMAND),
    ("docs/control-planes.md", "sh", 2, CHART),
    ("docs/control-planes.md", "yaml", 4, PLANES),
    ("docs/migrate/django.md", "console", 2, IMPORT),
    ("docs/migrate/django.md", "json", 2, IMPORT),
    ("docs/migrate/django.md", "sh", 2, IMPORT),
    ("docs/migrate/django.md", "text", 1, IMPORT),
    ("docs/migrate/envoy-filters.md", "console", 1, IMPORT),
    ("docs/migrate/envoy-filters.md", "json", 1, MIGRATE),
    ("docs/migrate/envoy-filters.md", "yaml", 1, MIGRATE),
    ("docs/migrate/ingress-nginx.md", "console", 1, IMPORT),
    ("docs/migrate/ingress-nginx.md", "json", 1, MIGRATE),
    ("docs/migrate/ingress-nginx.md", "yaml", 1, IMPORT),
    ("docs/migrate/nginx.md", "json", 1, MIGRATE),
    ("docs/migrate/nginx.md", "nginx", 1, MIGRATE),
    ("docs/migrate/traefik.md", "json", 1, MIGRATE),
    ("docs/migrate/traefik.md", "yaml", 1, MIGRATE),
    (
        "docs/operations.md",
        "log",
        1,
        "tests/references.rs::the_lines_of_the_log_are_real_ones",
    ),
    (
        "docs/operations.md",
        "yaml",
        1,
        "tests/e2e/test_local_replies.py::test_the_snippet_makes_it_readable",
    ),
    ("docs/policy.md", "console", 1, COMMAND),
    ("docs/policy.md", "json", 1, JSON),
    (
        "docs/policy.md",
        "text",
        1,
        "tests/docs.rs::the_list_of_probes_is_what_expressions_are_held_against",
    ),
    (
        "docs/release.md",
        "console",
        3,
        "tests/release/test_document.py::test_the_commands_do_what_they_should",
    ),
    (
        "docs/release.md",
        "sh",
        5,
        "tests/release/test_document.py::test_what_is_not_run_says_so",
    ),
    ("docs/review.md", "console", 11, COMMAND),
    ("docs/review.md", "json", 3, JSON),
    ("docs/review.md", "log", 1, COMMAND),
    (
        "docs/review.md",
        "yaml",
        3,
        "tests/gates.rs::the_page_shows_how_both_are_used",
    ),
    ("docs/troubleshooting.md", "console", 15, COMMAND),
    ("docs/tutorial.md", "console", 1, COMMAND),
    ("docs/tutorial.md", "json", 1, JSON),
    ("docs/tutorial.md", "sh", 1, VERBS),
    ("docs/tutorial.md", "shell", 10, TUTORIAL),
    ("docs/tutorial.md", "yaml", 1, TUTORIAL),
    ("docs/troubleshooting.md", "counter", 11, TROUBLE),
    ("docs/troubleshooting.md", "json", 1, TROUBLE),
    ("docs/troubleshooting.md", "log", 11, TROUBLE),
    (
        "docs/troubleshooting.md",
        "text",
        3,
        "tests/e2e/test_browser_console.py::test_the_console_prints_it",
    ),
];

#[test]
fn every_block_is_tried() {
    let mut found = BTreeMap::new();
    for page in pages() {
        for kind in kinds(&document(&page)) {
            *found.entry((page.clone(), kind)).or_insert(0) += 1;
        }
    }
    let told = BLOCKS.map(|(page, kind, count, _)| ((page.to_owned(), kind.to_owned()), count));
    assert_eq!(found, BTreeMap::from(told), "found, and what `BLOCKS` has tests for");
    for (.., test) in BLOCKS {
        assert!(is_a_test(test), "{test}");
    }
}

/// The word after each fence that opens a block.
fn kinds(text: &str) -> Vec<String> {
    let fences = text.lines().filter_map(|it| it.trim_start().strip_prefix("```"));
    fences.step_by(2).map(str::to_owned).collect()
}

/// Whether there is such a test, as `FILE::NAME`; in `tests/cases`, such a case.
fn is_a_test(name: &str) -> bool {
    let (file, name) = name.split_once("::").unwrap();
    let Ok(text) = fs::read_to_string(crate::root().join(file)) else {
        return false;
    };
    match file.rsplit('.').next() {
        Some("rs") => text.split("#[test]").skip(1).any(|it| {
            let function = it.split("fn ").nth(1).unwrap_or_default();
            function.starts_with(&format!("{name}("))
        }),
        Some("py") => text.contains(&format!("\ndef {name}(")),
        _ => text.contains(&format!(r#""name": "{name}""#)),
    }
}

#[test]
fn the_tests_that_claims_name_are_there() {
    let mut count = 0;
    for page in pages() {
        let text = document(&page);
        for name in text
            .split('`')
            .filter(|it| it.starts_with("tests/") && it.contains("::"))
        {
            assert!(is_a_test(name), "{page}: {name}");
            count += 1;
        }
    }
    assert!(count > 50, "only {count}");
}

/// In blocks and in the text.
#[test]
fn the_verbs_are_there() {
    let build = ["build.sh", "release/module.sh", "release/page.sh", "tests/verbs.sh"]
        .map(document)
        .concat();
    let command = command_help();
    for page in pages() {
        let text = document(&page);
        for verb in words_after(&text, "./build.sh ") {
            assert!(build.contains(&format!("\n{verb}() {{")), "{page}: ./build.sh {verb}");
        }
        for verb in words_after(&text, "origin-gate ") {
            let is_one = command
                .lines()
                .any(|it| it.trim_start().starts_with(&format!("{verb} ")));
            assert!(is_one, "{page}: origin-gate {verb}");
        }
    }
}

fn command_help() -> String {
    let output = Command::new(crate::binary()).arg("--help").output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The first word after each, if it is one of lower-case letters: a verb, and no option, file or placeholder.
fn words_after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let parts = text.split(prefix).skip(1);
    let words = parts.map(|it| it.split(|it: char| !it.is_ascii_alphanumeric()).next().unwrap());
    words
        .filter(|it| it.starts_with(|it: char| it.is_ascii_lowercase()))
        .collect()
}

/// Those of the page on troubleshooting are what a real Envoy prints.
#[test]
fn the_lines_of_the_log_are_real_ones() {
    let real = document("docs/troubleshooting.md");
    let page = document("docs/operations.md");
    let lines = blocks(&page, "log");
    assert_eq!(lines.len(), 1);
    assert!(lines.iter().all(|it| real.contains(it.trim())));
}
