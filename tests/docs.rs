//! What the documents say is so. That each of their blocks is tried, and where, is in `tests/references.rs`.
//!
//! Long: one claim of the documents after the other, each a few lines.

use std::collections::BTreeSet;
use std::fs;

use std::path::Path;
use std::process::Command;

use crate::documents::{blocks, document, pages};
use config::DiagnosticCode;
use policy::pattern::{OriginRegex, probes};
use policy::verdict::{Check, Finding, Outcome};
use serde_json::Value;

/// The JSON under `value: |` in YAML, which ends where the indentation does.
fn policy_in(text: &str) -> String {
    let (_, after) = text.split_once("value: |\n").unwrap();
    let indentation = after.len() - after.trim_start().len();
    let is_inside = |line: &&str| line.len() - line.trim_start().len() >= indentation;
    after.lines().take_while(is_inside).collect::<Vec<_>>().join("\n")
}

/// The keys that an object of the configuration knows, as the error for an unknown one lists them.
fn keys_of(section: Option<&str>) -> Vec<String> {
    let unknown = r#"{"?????????????": 1}"#;
    let text = section.map_or(unknown.to_owned(), |section| format!(r#"{{"{section}": {unknown}}}"#));
    let message = config::load(text.as_bytes()).unwrap_err().to_string();
    let (_, list) = message.split_once("the keys here are `").unwrap();
    list.trim_end_matches('`').split("`, `").map(str::to_owned).collect()
}

#[test]
fn the_policies_that_people_copy_load_without_a_warning() {
    for path in ["README.md", "envoy/envoy.yaml"] {
        let loaded = config::load(policy_in(&document(path)).as_bytes()).unwrap();
        let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [""; 0], "{path}");
    }
}

#[test]
fn the_examples_in_json_load() {
    for page in pages() {
        let text = document(&page);
        for policy in blocks(&text, "json") {
            let loaded = config::load(policy.as_bytes()).unwrap();
            assert!(page != "README.md" || loaded.warnings.is_empty(), "{page}");
        }
    }
}

/// What walks over all checks walks over each.
#[test]
fn each_check_has_its_section() {
    let checks: BTreeSet<_> = Check::ALL.iter().map(|it| it.code()).collect();
    assert_eq!(checks, BTreeSet::from(config::SECTIONS));
}

#[test]
fn the_table_of_keys_is_whole_and_its_defaults_are_valid() {
    let mut known: BTreeSet<String> = keys_of(None)
        .into_iter()
        .filter(|it| !config::SECTIONS.contains(&it.as_str()))
        .collect();
    for section in config::SECTIONS {
        known.extend(keys_of(Some(section)).into_iter().map(|key| format!("{section}.{key}")));
    }
    let page = document("docs/policy.md");
    let (_, table) = page.split_once("| key | default | |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let schema: Value = serde_json::from_str(config::SCHEMA).unwrap();
    let (mut told, mut compared) = (BTreeSet::new(), 0);
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let key = cells.get(1).unwrap().trim_matches('`');
        let default = cells.get(2).unwrap();
        told.insert(key.to_owned());
        let Some(default) = default.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        let text = match key.split_once('.') {
            Some((section, key)) => format!(r#"{{"{section}": {{"{key}": {default}}}}}"#),
            None => format!(r#"{{"{key}": {default}}}"#),
        };
        assert!(config::load(text.as_bytes()).is_ok(), "{text}");
        let value = match key.split_once('.') {
            Some((section, key)) => schema.pointer(&format!("/$defs/{section}/properties/{key}/default")),
            None => schema.pointer(&format!("/properties/{key}/default")),
        };
        if let Some(value) = value {
            assert_eq!(
                &serde_json::from_str::<Value>(default).unwrap(),
                value,
                "{key}, and in the schema"
            );
            compared += 1;
        }
    }
    assert!(compared > 12, "only {compared} defaults");
    assert_eq!(told, known);
}

#[test]
fn the_table_of_presets_is_theirs() {
    let list = |names: &[&str]| names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    let mut table = String::from("| preset | adds to `allow_headers` | adds to `expose_headers` |\n|---|---|---|\n");
    for preset in config::PRESETS {
        let row = format!(
            "| `{}` | {} | {} |\n",
            preset.name,
            list(preset.allow),
            list(preset.expose)
        );
        table += &row.replace("|  |", "| |");
    }
    assert!(
        document("docs/policy.md").contains(&table),
        "the table of presets should be\n{table}"
    );
}

/// A host of the list stands for its origins of `https` and `http`.
#[test]
fn the_list_of_probes_is_what_expressions_are_held_against() {
    let page = document("docs/policy.md");
    let (_, section) = page.split_once("## What an entry grants\n").unwrap();
    let list = blocks(section, "text")[0];
    let of = |word: &str| match word.contains("://") {
        true => vec![word.to_owned()],
        false => vec![format!("https://{word}"), format!("http://{word}")],
    };
    let told: BTreeSet<_> = list.split_whitespace().flat_map(of).collect();
    assert_eq!(told, probes().collect());
}

/// What the table of the syntax has loads, and what it is said not to have does not.
#[test]
fn the_syntax_of_expressions_is_what_loads() {
    let page = document("docs/policy.md");
    let (_, section) = page.split_once("### Syntax of expressions\n").unwrap();
    let (table, rest) = section.split_once("\nThere is no ").unwrap();
    let (none, _) = rest.split_once("\n\n").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let written = rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2));
    let written: Vec<_> = written.map(|it| it.replace(r"\|", "|")).collect();
    assert!(written.len() > 40, "{written:?}");
    for text in written {
        assert!(OriginRegex::parse(&text).is_ok(), "{text}");
    }
    for text in none.split('`').skip(1).step_by(2) {
        assert!(OriginRegex::parse(text).is_err(), "{text}");
    }
}

/// That every code is one is not said of those with `…`.
#[test]
fn the_table_of_warnings_has_codes_that_there_are() {
    let page = document("docs/policy.md");
    let (_, table) = page.split_once("| code | what it means |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let codes = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(", "));
    let codes: Vec<_> = codes
        .map(|it| it.trim().trim_matches('`'))
        .filter(|it| !it.contains('…'))
        .collect();
    let known: Vec<_> = DiagnosticCode::ALL.iter().map(|it| it.code()).collect();
    let unknown: Vec<_> = codes.iter().filter(|it| !known.contains(it)).collect();
    assert!(codes.len() > 20 && unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_table_of_reasons_is_the_list_of_findings() {
    let mut table = String::from("| check | outcome | reasons |\n|---|---|---|\n");
    for check in Check::ALL {
        for outcome in Outcome::CODES {
            let findings = Finding::all().filter(|it| it.check == *check && it.outcome.code() == outcome);
            let reasons: Vec<_> = findings.map(|it| format!("`{}`", it.outcome.reason())).collect();
            if !reasons.is_empty() {
                let reasons = reasons.join(", ");
                table += &format!("| `{}` | `{outcome}` | {reasons} |\n", check.code());
            }
        }
    }
    assert!(
        document("docs/operations.md").contains(&table),
        "the table of reasons should be\n{table}"
    );
}

/// The words of a line of shell; quotes are the only thing that it has.
fn shell_words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// What a shell prints for a line such as `origin-gate check policy.json`, or `echo '…' | origin-gate check -`.
fn printed_by(line: &str, folder: &Path) -> String {
    let command = crate::binary();
    let path = format!("{}:/usr/bin:/bin", command.parent().unwrap().display());
    let output = Command::new("bash")
        .args(["-c", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_prints_what_the_documents_show() {
    let folder = std::env::temp_dir().join(format!("origin-gate-docs-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (path, policies, count) in [
        ("docs/command.md", &["policy.json"][..], 10),
        ("docs/logs.md", &["policy.json"], 8),
        ("docs/policy.md", &["policy.json"], 1),
        ("docs/review.md", &["policy.json", "preview.json", "everybody.json"], 16),
        ("docs/troubleshooting.md", &["policy.json"], 16),
        ("docs/tutorial.md", &["policy.json"], 1),
    ] {
        let text = document(path);
        let files = blocks(&text, "json").into_iter().zip(policies);
        let cases = blocks(&text, "yaml").into_iter().zip(&["cases.yaml"]);
        let logs = blocks(&text, "log").into_iter().zip(&["access.log"]);
        for (block, name) in files.chain(cases).chain(logs) {
            fs::write(folder.join(name), block).unwrap();
        }
        let policy = blocks(&text, "json")[0];
        let digest = config::load(policy.as_bytes()).unwrap().digest;
        let consoles = blocks(&text, "console");
        let runs: Vec<_> = consoles.iter().flat_map(|it| it.split("$ ").skip(1)).collect();
        for run in &runs {
            let (line, shown) = run.split_once('\n').unwrap();
            let printed = printed_by(line, &folder).replace(&digest, "DIGEST");
            let shown = shown.replace(&digest, "DIGEST");
            match shown.strip_suffix("…\n") {
                Some(beginning) => assert!(printed.starts_with(beginning), "{path}: {line}\n{printed}"),
                None => assert_eq!(printed, shown, "{path}: {line}"),
            }
        }
        assert_eq!(runs.len(), count, "{path}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// What a page imports: the block before the command, the policy in the one after it.
#[test]
fn the_pages_about_migrating_import_what_they_show() {
    let folder = std::env::temp_dir().join(format!("origin-gate-migrate-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (path, count) in [
        ("docs/migrate/django.md", 2),
        ("docs/migrate/envoy-filters.md", 1),
        ("docs/migrate/ingress-nginx.md", 1),
    ] {
        let text = document(path);
        let parts: Vec<_> = text.split("```").collect();
        let is_command = |it: &usize| parts[*it].starts_with("console\n$ origin-gate import ");
        let commands: Vec<_> = (0..parts.len()).filter(is_command).collect();
        for at in &commands {
            let (line, notes) = parts[*at].trim_start_matches("console\n").split_once('\n').unwrap();
            let line = line
                .strip_prefix("$ origin-gate ")
                .unwrap()
                .strip_suffix(" > policy.json")
                .unwrap();
            let input = parts[*at - 2].split_once('\n').unwrap().1;
            let policy = parts[*at + 2].strip_prefix("json\n").unwrap();
            fs::write(folder.join(line.rsplit(' ').next().unwrap()), input).unwrap();
            let done = Command::new(crate::binary())
                .args(shell_words(line))
                .current_dir(&folder)
                .env_clear()
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(done.stderr).unwrap(), notes, "{path}: {line}");
            let found: Value = serde_json::from_slice(&done.stdout).unwrap();
            assert_eq!(found, serde_json::from_str::<Value>(policy).unwrap(), "{path}: {line}");
        }
        assert_eq!(commands.len(), count, "{path}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Which settings themselves bring about aside.
#[test]
fn the_policies_of_the_pages_about_migrating_load_without_a_warning() {
    for entry in fs::read_dir(crate::root().join("docs/migrate")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let policies = blocks(&text, "json");
        assert!(!policies.is_empty(), "{}", path.display());
        for policy in policies {
            let loaded = config::load(policy.as_bytes()).unwrap();
            let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
            // The origins of Django's `CSRF_TRUSTED_ORIGINS` wait for `csrf` to be switched on.
            let known = ["cors.max_age: ", "csrf.trusted_origins: "];
            let may = |it: &String| known.iter().any(|known| it.starts_with(known));
            assert!(warnings.iter().all(may), "{}: {warnings:?}", path.display());
        }
    }
}

#[test]
fn the_page_of_the_policy_names_every_setting() {
    let page = document("docs/policy.md");
    let untold: Vec<_> = config::SETTING_NAMES
        .iter()
        .filter(|it| !page.contains(&format!("`{it}`")))
        .collect();
    assert_eq!(
        untold, [&""; 0],
        "settings that are read, and of which the page does not speak"
    );
}

#[test]
fn a_dotenv_hands_every_setting_to_both() {
    let mut names = config::SETTING_NAMES.to_vec();
    names.sort_unstable();
    let sed = document("envoy/django_env.sed");
    let (_, list) = sed.split_once("host_env_keys: [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let mut handed: Vec<_> = list.split(", ").collect();
    handed.sort_unstable();
    assert_eq!(handed, names, "to Envoy's VM");
    let compose = document("envoy/docker-compose.django.yaml");
    let (_, settings) = compose.split_once("x-settings: ").unwrap();
    let (settings, _) = settings.split_once("\n\n").unwrap();
    let mut handed: Vec<_> = settings
        .lines()
        .filter_map(|line| line.trim().strip_suffix(':'))
        .collect();
    handed.sort_unstable();
    assert_eq!(handed, names, "to the containers");
}

#[test]
fn the_readme_begins_with_what_a_newcomer_needs() {
    let readme = document("README.md");
    let first_screen = readme.lines().take(50).collect::<Vec<_>>().join("\n");
    for text in ["./build.sh demo", "./build.sh test", "allowed_origins", "http_filters"] {
        assert!(first_screen.contains(text), "{text}");
    }
}

/// The README has the one table of contents.
#[test]
fn the_readme_leads_to_every_page() {
    let readme = document("README.md");
    for page in pages().iter().filter(|it| it.starts_with("docs/")) {
        assert!(readme.contains(&format!("]({page}")), "{page}");
    }
}

/// So that a reader knows after one line whether to go on.
#[test]
fn every_page_opens_with_who_it_is_for() {
    for page in pages().iter().filter(|it| it.starts_with("docs/")) {
        let text = document(page);
        let (_, opening) = text.split_once("\n\n").unwrap();
        assert!(opening.starts_with("For "), "{page}: {:?}", opening.lines().next());
    }
}
