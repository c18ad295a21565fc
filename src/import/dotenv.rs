//! Files of environment variables: `KEY=value`, `export`, quotes, comments. Values are not shown: there are secrets
//! among them.

use std::collections::BTreeMap;

use super::{Told, is_left_behind, is_name_byte, setting_name};

/// The variables of a file, for `django_env`.
#[must_use]
pub fn environment(text: &str) -> BTreeMap<String, String> {
    let variables = text.lines().filter_map(assignment);
    variables.map(|(name, value)| (name.to_owned(), value.text)).collect()
}

pub fn read(text: &str) -> Told {
    let mut told = Told::default();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let Some((name, value)) = assignment(line) else {
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                told.notes
                    .push(format!("line {number}: left out: this is not `KEY=value`"));
            }
            continue;
        };
        let Some(setting) = setting_name(name) else {
            if is_left_behind(name) {
                told.notes
                    .push(format!("line {number}: left out: `{name}` has no counterpart here"));
            }
            continue;
        };
        if value.has_variable {
            let note = format!("line {number}: left out: `{name}` refers to another variable; write out its value");
            told.leave(setting, note);
        } else {
            told.know(setting, value.text);
        }
    }
    told
}

struct Value {
    text: String,
    /// `$NAME` or `${NAME}`, which shells and most readers would fill in.
    has_variable: bool,
}

fn assignment(line: &str) -> Option<(&str, Value)> {
    let line = line.trim_start_matches('\u{feff}').trim();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name =
        !name.is_empty() && name.bytes().all(is_name_byte) && !name.starts_with(|it: char| it.is_ascii_digit());
    is_name.then(|| (name, unquote(value.trim_start())))
}

fn unquote(value: &str) -> Value {
    if let Some((inside, _)) = value.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        return Value {
            text: inside.to_owned(),
            has_variable: false,
        };
    }
    if let Some(rest) = value.strip_prefix('"') {
        return double_quoted(rest);
    }
    let comment = value.find(" #").or_else(|| value.find("\t#"));
    let value = comment.and_then(|at| value.get(..at)).unwrap_or(value);
    let text = value.strip_prefix('#').map_or(value, |_| "").trim_end();
    Value {
        has_variable: text
            .match_indices('$')
            .any(|(at, _)| begins_variable(text.get(at + 1..))),
        text: text.to_owned(),
    }
}

/// Whether this, behind a `$`, is the name of a variable; an expression that ends there is not.
fn begins_variable(rest: Option<&str>) -> bool {
    rest.is_some_and(|it| it.starts_with(|char: char| char == '{' || char == '_' || char.is_ascii_alphabetic()))
}

/// Up to the closing quote, with `\"` and `\\` read.
fn double_quoted(rest: &str) -> Value {
    let mut text = String::new();
    let mut has_variable = false;
    let mut chars = rest.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(escaped @ ('"' | '\\' | '$')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            _ => {
                has_variable |= char == '$' && begins_variable(Some(chars.as_str()));
                text.push(char);
            }
        }
    }
    Value { text, has_variable }
}
