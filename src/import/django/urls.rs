//! `CORS_URLS_REGEX`: the paths on which django-cors-headers does anything at all.

use serde_json::{Map, Value, json};

use super::answer::Answer;

/// Keeps what the policy grants to the paths of the expression; what is wrong if they cannot be said.
pub(crate) fn apply(answer: &Answer, policy: &mut Map<String, Value>) -> Option<String> {
    let text = match answer.urls()? {
        Value::String(text) => text.as_str(),
        other => match (
            other.get("pattern").and_then(Value::as_str),
            other.get("flags").and_then(Value::as_array),
        ) {
            (Some(text), Some(flags)) if flags.is_empty() => text,
            _ => return Some(problem("it is no expression without flags")),
        },
    };
    let Some(prefixes) = prefixes(text) else {
        return Some(problem(&format!(
            "`{text}` is no list of prefixes such as `^/(api|auth)/`"
        )));
    };
    if prefixes.is_empty() {
        return None;
    }
    let mut entry = Map::new();
    for key in ["allowed_origins", "allowed_origin_regexes", "cors"] {
        if let Some(value) = policy.remove(key) {
            entry.insert(key.to_owned(), value);
        }
    }
    if entry.contains_key("allowed_origins") || entry.contains_key("allowed_origin_regexes") {
        entry.insert("name".to_owned(), "CORS_URLS_REGEX".into());
        entry.insert("match".to_owned(), json!({ "path_prefixes": prefixes }));
        policy.insert("policies".to_owned(), json!([entry]));
    }
    None
}

fn problem(why: &str) -> String {
    format!(
        "CORS_URLS_REGEX: {why}, and without it CORS would be for every path; write an entry of `policies` for its paths by \
         hand, and import the settings without it"
    )
}

/// The prefixes of an expression: none if it is for every path, `None` if it is anything else than prefixes.
fn prefixes(expression: &str) -> Option<Vec<String>> {
    let text = expression
        .strip_prefix('^')
        .or_else(|| expression.strip_prefix("\\A"))
        .unwrap_or(expression);
    let text = ["$", "\\Z"]
        .iter()
        .find_map(|end| text.strip_suffix(end)?.strip_suffix(".*"))
        .or_else(|| {
            // django-cors-headers does not look for an end.
            text.strip_suffix(".*")
                .or_else(|| (!text.ends_with(['$', 'Z'])).then_some(text))
        })?;
    if matches!(text, "" | "/") {
        return Some(Vec::new());
    }
    let (before, names, after) = match text.split_once('(') {
        None => (text, "", ""),
        Some((before, rest)) => {
            let (names, after) = rest.split_once(')')?;
            (before, names.strip_prefix("?:").unwrap_or(names), after)
        }
    };
    let paths = names.split('|').map(|name| literal(&[before, name, after].concat()));
    // Without a slash at its end an expression is for what only begins like this too; the prefix is for less.
    paths.collect()
}

/// A path without anything that an expression takes for something else.
fn literal(text: &str) -> Option<String> {
    let text = text.replace("\\-", "-").replace("\\.", "\u{1}").replace("\\/", "/");
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '/' | '-' | '_' | '~' | '\u{1}');
    (text.starts_with('/') && text.chars().all(is_plain)).then(|| text.replace('\u{1}', "."))
}
