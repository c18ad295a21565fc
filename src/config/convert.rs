//! What the command does with configurations besides loading them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::diagnostic_code::DiagnosticCode;
use super::django;
use super::django::{Environment, Settings};
use super::object_reader::ObjectReader;
use super::root;
use super::text::parse;
use super::value::Value;

/// The JSON Schema (2020-12) of what is read here.
pub const SCHEMA: &str = include_str!("policy.schema.json");

/// A policy made of another program's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The policy, in JSON. It loads.
    pub policy: String,
    /// What was left out because it would be an error.
    pub left_out: Vec<String>,
    /// What the operator should know of the rest.
    pub warnings: Vec<String>,
}

/// A string of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The list's key, such as `policies[0].csrf.trusted_origins`, also where one of Django's settings gives it.
    pub list: String,
    /// The place that an error would have.
    pub path: String,
    /// The string.
    pub text: String,
}

/// Every string of every list.
#[must_use]
pub fn entries(configuration: &[u8], environment: &Environment) -> Vec<Entry> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (key, value) in &root {
        collect(key, value, &mut entries);
    }
    let entries = entries.into_iter().map(|(list, index, text)| {
        let place = Diagnostic::at(&format!("{list}[{index}]"), DiagnosticCode::Repeated);
        let path = settings.rename(place).path().to_owned();
        Entry { list, path, text }
    });
    entries.collect()
}

/// Returns a configuration as it is written, with what Django's settings add.
pub(crate) fn written(configuration: &[u8], environment: &Environment) -> Option<(Vec<(String, Value)>, Settings)> {
    let mut root = parse(configuration).ok()?;
    let is_django = root
        .iter()
        .any(|(key, value)| key == "django_env" && *value == Value::Bool(true));
    let settings = match is_django {
        true => django::add(&mut root, environment, &mut Diagnostics::default()),
        false => Settings::default(),
    };
    Some((root, settings))
}

/// Writes a remark as warnings are written, under the name of the setting that it is about.
pub(crate) fn remark(settings: &Settings, path: &str, value: Option<&str>, text: &str) -> String {
    let diagnostic = settings.rename(Diagnostic::at(path, DiagnosticCode::Repeated));
    match value.map(Value::from) {
        Some(value) => format!("{}: `{value}`: {text}", diagnostic.path()),
        None => format!("{}: {text}", diagnostic.path()),
    }
}

/// The policy that says what Django's settings say.
///
/// # Errors
///
/// Why there is none: the settings say nothing, or what would be left of them lets in more than they do.
pub fn convert_django(environment: &Environment) -> Result<Converted, Vec<String>> {
    let mut root = Vec::new();
    let mut diagnostics = Diagnostics::default();
    let settings = django::add(&mut root, environment, &mut diagnostics);
    let lists_hosts =
        django::variable(environment, "ALLOWED_HOSTS").is_some_and(|text| !matches!(text.trim(), "" | "[]"));
    let mut converted = convert(root, &settings, diagnostics)?;
    // There is no configuration that could stand before the settings, but they have an order of their own.
    let overridden = settings.overridden.iter();
    converted
        .left_out
        .extend(overridden.map(|it| format!("{it}: CORS_ALLOW_ALL_ORIGINS stands before it")));
    if lists_hosts && !converted.policy.contains("\"allowed_hosts\"") {
        converted
            .left_out
            .push("ALLOWED_HOSTS: nothing of it is left, so every host would be allowed".to_owned());
        return Err(converted.left_out);
    }
    Ok(converted)
}

/// The policy without those entries of its lists that are errors.
///
/// # Errors
///
/// What is wrong with it besides.
pub fn convert_json(configuration: &[u8]) -> Result<Converted, Vec<String>> {
    let root = parse(configuration).map_err(|diagnostic| vec![diagnostic.to_string()])?;
    convert(root, &Settings::default(), Diagnostics::default())
}

fn convert(
    mut root: Vec<(String, Value)>,
    settings: &Settings,
    diagnostics: Diagnostics,
) -> Result<Converted, Vec<String>> {
    let mut left_out: Vec<_> = diagnostics.errors.iter().map(ToString::to_string).collect();
    // What is an error of a setting alone is none of the key that the setting became.
    let mut literal: BTreeSet<_> = diagnostics
        .errors
        .iter()
        .filter_map(|it| settings.place_of(it.path()))
        .collect();
    let mut warnings = diagnostics.warnings;
    loop {
        if root.is_empty() {
            left_out.push("nothing is left that says anything".to_owned());
            return Err(left_out);
        }
        let mut diagnostics = Diagnostics::default();
        let read = root::read(ObjectReader::root(&root, &[]), false, &mut diagnostics);
        // What is wrong with a list as a whole may not be, once they are out of it.
        let is_of_entry = |diagnostic: &Diagnostic| literal.is_empty() || index_of(diagnostic.path()).is_some();
        diagnostics
            .errors
            .retain(|it| !literal.contains(it.path()) && is_of_entry(it));
        if diagnostics.errors.is_empty() && literal.is_empty() {
            super::warnings::add(&root, &read.policy, settings, &mut diagnostics);
            warnings.append(&mut diagnostics.warnings);
            let warnings = warnings.into_iter().map(|it| settings.rename(it).to_string());
            return Ok(Converted {
                policy: format!("{:#}\n", to_json(&Value::Object(root))),
                left_out,
                warnings: warnings.collect(),
            });
        }
        let paths = diagnostics.errors.iter().map(|diagnostic| diagnostic.path().to_owned());
        let paths = paths.chain(std::mem::take(&mut literal));
        let paths: BTreeSet<_> = paths.map(|path| (Reverse(index_of(&path)), path)).collect();
        left_out.extend(diagnostics.errors.into_iter().map(|it| settings.rename(it).to_string()));
        // From the last to the first, so that indices stay what they are.
        if !paths.iter().all(|(_, path)| remove(&mut root, path)) {
            return Err(left_out);
        }
    }
}

fn collect(path: &str, value: &Value, entries: &mut Vec<(String, usize, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                collect(&format!("{path}.{key}"), value, entries);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                match item {
                    Value::String(text) => entries.push((path.to_owned(), index, text.clone())),
                    other => collect(&format!("{path}[{index}]"), other, entries),
                }
            }
        }
        _ => {}
    }
}

fn index_of(path: &str) -> Option<usize> {
    path.strip_suffix(']')?.rsplit_once('[')?.1.parse().ok()
}

/// Removes an entry of a list, and with the last one the list, unless that would let in more. Whether it could.
fn remove(entries: &mut Vec<(String, Value)>, path: &str) -> bool {
    let (key, rest) = match path.split_once(['.', '[']) {
        Some((key, _)) => path.split_at(key.len()),
        None => return false,
    };
    let Some(at) = entries.iter().position(|(name, _)| name == key) else {
        return false;
    };
    let is_empty = match (entries.get_mut(at), rest.strip_prefix('.'), index_of(rest)) {
        (Some((_, Value::Object(inner))), Some(rest), _) => return remove(inner, rest),
        (Some((_, Value::List(items))), None, Some(_)) if rest.matches('[').count() > 1 || rest.contains('.') => {
            let Some((index, rest)) = rest.strip_prefix('[').and_then(|it| it.split_once("].")) else {
                return false;
            };
            let item = index.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            return match item {
                Some(Value::Object(inner)) => remove(inner, rest),
                _ => false,
            };
        }
        (Some((_, Value::List(items))), None, Some(index)) if index < items.len() => {
            items.remove(index);
            items.is_empty()
        }
        _ => return false,
    };
    match key {
        _ if !is_empty => true,
        "allowed_hosts" | "hosts" | "path_prefixes" => false,
        // Their defaults allow more than none.
        "allow_methods" | "allow_headers" => true,
        _ => {
            entries.remove(at);
            true
        }
    }
}

pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within range"
        )]
        Value::Number(value) if value.fract() == 0.0 && (0.0..1e9).contains(value) => (*value as u64).into(),
        Value::Number(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)))
            .collect(),
    }
}
