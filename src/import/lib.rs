//! Policies made of the configurations of other programs. Whatever cannot be carried over is told, never guessed. A list
//! of which something is missing allows less; one that is missing whole, and would then allow everything, is no policy.

#![forbid(unsafe_code)]
#![expect(unreachable_pub, reason = "the readers of settings are being rewritten")]

mod dotenv;
mod ingress_nginx;
mod python;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use config::{Converted, SETTING_NAMES};

pub use dotenv::environment;
pub use ingress_nginx::import_ingress_nginx;

/// What an import made.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The policy, in JSON; `None` if there is none that would do.
    pub policy: Option<String>,
    /// What could not be carried over, and what the operator should know, a line each.
    pub notes: Vec<String>,
}

/// What a file of settings says.
#[derive(Debug, Default)]
struct Told {
    settings: BTreeMap<String, String>,
    notes: Vec<String>,
    /// What is set to something that is not known.
    unknown: BTreeSet<&'static str>,
}

impl Told {
    fn know(&mut self, setting: &'static str, value: String) {
        self.unknown.remove(setting);
        self.settings.insert(setting.to_owned(), value);
    }

    /// A setting of which only a part is known is as good as unknown.
    fn leave(&mut self, setting: &'static str, note: String) {
        self.settings.remove(setting);
        self.unknown.insert(setting);
        self.notes.push(note);
    }
}

/// Settings of django-cors-headers under the names that they had before version 3.5, which it still reads.
const OLD_NAMES: [(&str, &str); 3] = [
    ("CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_ALL_ORIGINS"),
    ("CORS_ORIGIN_REGEX_WHITELIST", "CORS_ALLOWED_ORIGIN_REGEXES"),
    ("CORS_ORIGIN_WHITELIST", "CORS_ALLOWED_ORIGINS"),
];

/// Makes a policy of a `.env` file or of a module of Django's settings, which may ask for variables.
#[must_use]
pub fn import_django(file_name: &str, text: &str, variables: &BTreeMap<String, String>) -> Imported {
    // Long: it is being split with the reader of modules.
    let is_module = is_python(file_name, text);
    let Told {
        mut settings,
        mut notes,
        unknown,
    } = if is_module {
        python::read(text, variables)
    } else {
        dotenv::read(text)
    };
    clamp_max_age(&mut settings, &mut notes);
    // What is set to something that is not known does not fall back to a default that may allow more.
    if unknown.contains("ALLOWED_HOSTS") {
        notes.push("ALLOWED_HOSTS: without it every host would be allowed".to_owned());
        return Imported::none(notes);
    }
    for list in ["CORS_ALLOW_METHODS", "CORS_ALLOW_HEADERS"] {
        if unknown.contains(list) {
            settings.insert(list.to_owned(), "[]".to_owned());
        }
    }
    let variable = |name: &str| settings.get(name).cloned();
    let converted = match config::convert_django(&variable) {
        Ok(converted) if is_module && python::calls(text, "AllowedHostsOriginValidator") => {
            with_sockets_by_hosts(converted)
        }
        Ok(converted) => converted,
        Err(errors) => {
            notes.extend(errors);
            return Imported::none(notes);
        }
    };
    let policy: Value = serde_json::from_str(&converted.policy).unwrap_or_default();
    if policy.get("allowed_hosts").is_none() {
        notes.push("ALLOWED_HOSTS is not set here: every host would be allowed".to_owned());
        // A module without them has them from another one; a file of variables is often one of several.
        if is_module {
            return Imported::none(notes);
        }
    }
    let cors = policy.get("cors").unwrap_or(&Value::Null);
    if cors.get("allow_headers") == Some(&json!(["*"])) && cors.get("allow_credentials") != Some(&true.into()) {
        notes.push(
            "CORS_ALLOW_HEADERS: browsers take the `*` that Django sends for every header but Authorization; here it is \
             every header"
                .to_owned(),
        );
    }
    Imported::of(converted, notes)
}

/// The policy of an application that lets pages of its hosts open WebSockets, as Channels' validator does.
fn with_sockets_by_hosts(converted: Converted) -> Converted {
    let mut policy: Value = serde_json::from_str(&converted.policy).unwrap_or_default();
    let lists_hosts = policy.get("allowed_hosts").is_some();
    if let Some(policy) = policy.as_object_mut().filter(|_| lists_hosts) {
        policy.insert("websocket".to_owned(), json!({ "allowed_hosts": true }));
    }
    match config::convert_json(policy.to_string().as_bytes()) {
        Ok(again) => Converted {
            policy: again.policy,
            ..converted
        },
        Err(_) => converted,
    }
}

/// The longest that browsers keep an answer to a preflight, and the largest `max_age`, in seconds.
const LONGEST_MAX_AGE: u64 = 86400;

fn clamp_max_age(settings: &mut BTreeMap<String, String>, notes: &mut Vec<String>) {
    const NAME: &str = "CORS_PREFLIGHT_MAX_AGE";
    let Some(text) = settings.get_mut(NAME) else { return };
    if text.trim().parse::<u64>().is_ok_and(|age| age > LONGEST_MAX_AGE) {
        notes.push(format!(
            "{NAME}: {} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps",
            text.trim()
        ));
        *text = LONGEST_MAX_AGE.to_string();
    }
}

/// Text from a file, for a terminal: as it is, but for what would end the line, move the cursor or turn the writing round.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_safe = |char: char| matches!(char, '"' | '\'' | '\\');
    text.chars().fold(String::with_capacity(text.len()), |mut line, char| {
        match is_safe(char) {
            true => line.push(char),
            false => line.extend(char.escape_debug()),
        }
        line
    })
}

impl Imported {
    fn of(converted: Converted, mut notes: Vec<String>) -> Self {
        notes.extend(converted.left_out.iter().map(|it| format!("left out: {it}")));
        notes.extend(converted.warnings.iter().map(|it| format!("warning: {it}")));
        Self {
            policy: Some(converted.policy),
            ..Self::none(notes)
        }
    }

    fn none(notes: Vec<String>) -> Self {
        Self {
            policy: None,
            notes: notes.iter().map(|it| printable(it)).collect(),
        }
    }
}

/// The name under which a setting is read, if it says something here.
fn setting_name(name: &str) -> Option<&'static str> {
    let current = SETTING_NAMES.iter().find(|it| **it == name).copied();
    current.or_else(|| OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new))
}

/// Whether it would have to say something here, and does not.
fn is_left_behind(name: &str) -> bool {
    name.starts_with("CORS_") || name == "USE_X_FORWARDED_HOST"
}

fn is_python(file_name: &str, text: &str) -> bool {
    let is_literal = |value: &str| value.starts_with(['[', '(', '"', '\'']) || matches!(value, "True" | "False");
    let is_statement = |line: &str| match line.split_once(" = ") {
        Some((name, value)) => name.bytes().all(is_name_byte) && is_literal(value.trim()),
        None => line.starts_with("import ") || line.starts_with("from "),
    };
    file_name.ends_with(".py") || (!file_name.contains(".env") && text.lines().any(is_statement))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
