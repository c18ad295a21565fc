//! Policies made of Django's settings: of `.env` files, or of what Django itself says that its settings are.

mod answer;
mod middleware;
mod sockets;
mod urls;

use std::collections::{BTreeMap, BTreeSet};

use config::{Converted, SETTING_NAMES};
use serde_json::{Map, Value, json};

use super::dotenv;
use super::imported::{Imported, LONGEST_MAX_AGE};
use answer::Answer;

/// A program for Python that prints the effective settings, for `manage.py shell` or any interpreter that can import them.
///
/// It is one statement, so that an interpreter that reads it line by line runs it all the same.
pub const SCRIPT: &str = concat!("exec(r'''", include_str!("django/effective.py"), "''', {})\n");

const ASK: &str = "origin-gate import django --script | python manage.py shell > settings.json";

/// The settings that a policy is made of, each as a variable of the environment would have it.
#[derive(Debug, Default)]
struct ParsedSettings {
    values: BTreeMap<&'static str, String>,
    /// Settings that have a value which could not be read.
    unknown: BTreeSet<&'static str>,
    notes: Vec<String>,
}

impl ParsedSettings {
    fn leave_out(&mut self, setting: &'static str, why: &str) {
        self.unknown.insert(setting);
        self.notes.push(format!("left out: {setting}: {why}"));
    }
}

/// Makes a policy of files, each a name and its text: `.env` files, or what [`SCRIPT`] printed.
#[must_use]
pub fn import_django(files: &[(String, String)]) -> Imported {
    let pythons = files.iter().filter(|(name, text)| is_python(name, text));
    let pythons: Vec<_> = pythons.map(|(name, _)| name.as_str()).collect();
    if !pythons.is_empty() {
        return Imported::none(ask_django(&pythons.join(", ")));
    }
    let answers: Vec<_> = files.iter().filter_map(|(_, text)| Answer::find(text)).collect();
    let is_other = |(name, text): &&(String, String)| name.ends_with(".json") || text.trim().is_empty();
    if let ([], Some((name, _))) = (answers.as_slice(), files.iter().find(is_other)) {
        return Imported::none(vec![format!(
            "{name}: this is neither a .env file nor what `import django --script` makes Django print"
        )]);
    }
    match (answers.as_slice(), files) {
        ([], _) => import_dotenv(files),
        ([Ok(answer)], [_]) => import_answer(answer),
        ([Err(problem)], [(name, _)]) => Imported::none(vec![format!("{name}: {problem}")]),
        _ => Imported::none(vec![
            "what Django says has every setting already: give that file alone".to_owned(),
        ]),
    }
}

fn ask_django(names: &str) -> Vec<String> {
    let how = "ask Django for them, perhaps with `DJANGO_SETTINGS_MODULE=…` or `docker compose exec -T backend` before `python`";
    vec![
        format!("{names}: settings in Python are not read; {how}:"),
        format!("  {ASK}"),
        "  origin-gate import django settings.json > policy.json".to_owned(),
    ]
}

fn import_answer(answer: &Answer) -> Imported {
    let mut settings = answer.settings();
    settings.notes.extend(middleware::notes(answer));
    if settings.unknown.contains("ALLOWED_HOSTS") {
        return none(settings, "ALLOWED_HOSTS: without it every host would be allowed");
    }
    let lists_hosts = settings.values.get("ALLOWED_HOSTS").is_some_and(|it| it != "[]");
    let is_debug = settings.values.get("DEBUG").is_some_and(|it| it == "true");
    if !lists_hosts && !is_debug {
        return none(
            settings,
            "ALLOWED_HOSTS is empty: Django refuses every request, and no policy does",
        );
    }
    let converted = match convert(&mut settings) {
        Ok(converted) => converted,
        Err(errors) => {
            settings.notes.extend(errors);
            return Imported::none(settings.notes);
        }
    };
    let mut policy = read(&converted);
    settings.notes.extend(sockets::apply(answer, &mut policy));
    if answer.flag("USE_X_FORWARDED_HOST") {
        policy.insert("hosts".to_owned(), json!({ "forwarded_host": "check" }));
        settings.notes.push(
            "USE_X_FORWARDED_HOST: Django takes `X-Forwarded-Host` for the host; `hosts.forwarded_host` holds both to \
             `allowed_hosts`, so list the name in `Host` too if it is another"
                .to_owned(),
        );
    }
    if let Some(problem) = urls::apply(answer, &mut policy) {
        return none(settings, &problem);
    }
    settings.notes.extend(answer.cookie_notes(has_credentials(&settings)));
    match config::convert_json(Value::Object(policy).to_string().as_bytes()) {
        Ok(again) => Imported::of(
            Converted {
                policy: again.policy,
                left_out: [converted.left_out, again.left_out].concat(),
                warnings: again_named(&converted.warnings, again.warnings),
            },
            settings.notes,
        ),
        Err(errors) => {
            settings.notes.extend(errors);
            Imported::none(settings.notes)
        }
    }
}

/// Warnings of the policy as it is in the end: those of settings under their names, and those that only came then.
fn again_named(of_settings: &[String], of_policy: Vec<String>) -> Vec<String> {
    let text_of = |warning: &str| warning.split_once(": ").map(|(_, text)| text.to_owned());
    let known: Vec<_> = of_settings.iter().map(|it| text_of(it)).collect();
    // Django's own check has use for these.
    let is_idle = |it: &String| it.starts_with("csrf.trusted_origins: ");
    let new = of_policy
        .into_iter()
        .filter(|it| !is_idle(it) && !known.contains(&text_of(it)));
    of_settings.iter().cloned().chain(new).collect()
}

/// The last value of each variable of some files.
type Given<'f> = BTreeMap<&'f str, (&'f str, Option<&'f str>)>;

fn import_dotenv(files: &[(String, String)]) -> Imported {
    let mut settings = ParsedSettings::default();
    let given = match read_dotenv(files, &mut settings.notes) {
        Ok(given) => given,
        Err(errors) => return Imported::none(errors),
    };
    for (name, (_, value)) in &given {
        match (SETTING_NAMES.iter().find(|it| *it == name), value) {
            (Some(setting), Some(value)) => drop(settings.values.insert(setting, (*value).to_owned())),
            _ => settings.notes.push(format!(
                "left out: `{name}` looks like one of Django's settings under another name, and only Django knows which; \
                 ask it: {ASK}"
            )),
        }
    }
    let hosts = |name: &&str| name.contains("ALLOWED_HOST");
    if !given.contains_key("ALLOWED_HOSTS") && given.keys().any(hosts) {
        return none(settings, "ALLOWED_HOSTS: without it every host would be allowed");
    }
    match convert(&mut settings) {
        Ok(converted) => {
            settings.notes.extend(what_a_dotenv_lacks(&settings, &read(&converted)));
            Imported::of(converted, settings.notes)
        }
        Err(errors) => {
            settings.notes.extend(errors);
            Imported::none(settings.notes)
        }
    }
}

fn read_dotenv<'f>(files: &'f [(String, String)], notes: &mut Vec<String>) -> Result<Given<'f>, Vec<String>> {
    let mut errors = Vec::new();
    let mut given = Given::new();
    for (file, text) in files {
        let of_file = |problem: String| match files.len() {
            1 => problem,
            _ => format!("{file}: {problem}"),
        };
        let variables = dotenv::read(text).unwrap_or_else(|problems| {
            errors.extend(problems.into_iter().map(of_file));
            Vec::new()
        });
        for variable in variables {
            let name = variable.name;
            match given.insert(name, (file, variable.value)) {
                Some((other, value)) if other == file && value != variable.value => {
                    notes.push(format!("`{name}` stands twice in {file}: the last one counts"));
                }
                Some((other, value)) if value != variable.value => {
                    errors.push(format!(
                        "{file}: `{name}`: {other} has another value for it; give one of them"
                    ));
                }
                _ => {}
            }
        }
    }
    if errors.is_empty() { Ok(given) } else { Err(errors) }
}

/// What Django's settings may say beside the variables, and what the policy leaves to the operator.
fn what_a_dotenv_lacks(settings: &ParsedSettings, policy: &Map<String, Value>) -> Vec<String> {
    let lacks = |name: &str| !settings.values.contains_key(name);
    let has = |key: &str| policy.contains_key(key);
    let mut notes = Vec::new();
    if has("allowed_origins") && lacks("CORS_ALLOW_CREDENTIALS") {
        notes.push(format!(
            "CORS_ALLOW_CREDENTIALS is not in this file: pages read no answers to requests with cookies; if settings.py has it, \
             ask Django ({ASK}), or write `\"cors\": {{ \"allow_credentials\": true }}`"
        ));
    }
    if has("allowed_hosts") {
        notes.push(
            "note: health checks that ask for an address are refused; list their path, \
             `\"hosts\": { \"exempt_paths\": [\"/healthz\"] }`"
                .to_owned(),
        );
    } else {
        notes.push("ALLOWED_HOSTS is not set here: every host would be allowed".to_owned());
    }
    if has("csrf") {
        notes.push(
            "note: `csrf` is off, and Django checks writes itself; `\"mode\": \"enforce\"` refuses those of other sites in front"
                .to_owned(),
        );
    }
    notes
}

/// The policy of the settings, as far as each can be said exactly.
fn convert(settings: &mut ParsedSettings) -> Result<Converted, Vec<String>> {
    clamp_max_age(settings);
    leave_any_out(settings);
    // What is set to something that is not known does not fall back to a default that may allow more.
    for list in ["CORS_ALLOW_METHODS", "CORS_ALLOW_HEADERS"] {
        if settings.unknown.contains(list) {
            settings.values.insert(list, "[]".to_owned());
        }
    }
    let values = settings.values.iter();
    let values: Vec<_> = values
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    config::convert_django(&values)
}

fn has_credentials(settings: &ParsedSettings) -> bool {
    let is_true = |it: &String| matches!(it.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    settings.values.get("CORS_ALLOW_CREDENTIALS").is_some_and(is_true)
}

/// Browsers take a `*` for every header but `Authorization`, and beside credentials for a name; here it would be more.
fn leave_any_out(settings: &mut ParsedSettings) {
    let is_any = |it: &String| matches!(it.trim(), "*" | "[\"*\"]");
    let has_credentials = has_credentials(settings);
    for (list, is_more) in [("CORS_ALLOW_METHODS", has_credentials), ("CORS_ALLOW_HEADERS", true)] {
        if is_more && settings.values.get(list).is_some_and(is_any) {
            let why = if has_credentials {
                "beside credentials browsers take `*` for a name, and allow nothing by it; list the names"
            } else {
                "browsers take `*` for every header but Authorization, which cannot be said here; list the names"
            };
            settings.leave_out(list, why);
        }
    }
}

fn clamp_max_age(settings: &mut ParsedSettings) {
    const NAME: &str = "CORS_PREFLIGHT_MAX_AGE";
    let Some(text) = settings.values.get_mut(NAME) else {
        return;
    };
    if text.trim().parse::<u64>().is_ok_and(|age| age > LONGEST_MAX_AGE) {
        settings.notes.push(format!(
            "{NAME}: {} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps",
            text.trim()
        ));
        *text = LONGEST_MAX_AGE.to_string();
    }
}

fn read(converted: &Converted) -> Map<String, Value> {
    serde_json::from_str(&converted.policy).unwrap_or_default()
}

fn none(mut settings: ParsedSettings, why: &str) -> Imported {
    settings.notes.push(why.to_owned());
    Imported::none(settings.notes)
}

fn is_python(file_name: &str, text: &str) -> bool {
    let is_statement = |line: &str| match line.split_once(" = ") {
        Some((name, value)) => {
            is_name(name) && (value.starts_with(['[', '(', '"', '\'']) || matches!(value.trim(), "True" | "False"))
        }
        None => line.starts_with("import ") || line.starts_with("from "),
    };
    let is_other = file_name.contains(".env") || Answer::find(text).is_some();
    file_name.ends_with(".py") || (!is_other && text.lines().any(is_statement))
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
