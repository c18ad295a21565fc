//! What the command does with configurations besides loading them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::django;
use super::node::Node;
use super::note::{Note, Report};
use super::problem::Problem;
use super::section::Section;
use super::{Environment, Settings, parse, read_policy};

/// The JSON Schema (2020-12) of what is read here.
pub const SCHEMA: &str = include_str!("policy.schema.json");

/// The name of every Django setting that says something here.
pub const SETTING_NAMES: [&str; 13] = [
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_PRIVATE_NETWORK",
    "CORS_EXPOSE_HEADERS",
    "CORS_PREFLIGHT_MAX_AGE",
    "CORS_URLS_REGEX",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
];

/// A policy made of another program's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The policy, in JSON. It loads.
    pub policy: String,
    /// What was left out because it would be an error.
    pub left_out: Vec<String>,
    /// What the operator should know of the rest.
    pub warnings: Vec<String>,
}

/// Every string of every list, with the place that an error would have.
#[must_use]
pub fn entries(configuration: &[u8], environment: &Environment<'_>) -> Vec<(String, String)> {
    let Some((root, settings)) = written(configuration, environment) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (key, node) in &root {
        collect(key, node, &mut entries);
    }
    let renamed = entries.into_iter().map(|(path, text)| {
        let note = settings.rename(Note::at(&path, Problem::Repeated));
        (note.path().to_owned(), text)
    });
    renamed.collect()
}

/// Returns a configuration as it is written, with what Django's settings add.
pub fn written(configuration: &[u8], environment: &Environment<'_>) -> Option<(Vec<(String, Node)>, Settings)> {
    let mut root = parse(configuration).ok()?;
    let is_django = root
        .iter()
        .any(|(key, node)| key == "django_env" && *node == Node::Bool(true));
    let settings = match is_django {
        true => django::add(&mut root, environment, &mut Report::default()),
        false => Settings::default(),
    };
    Some((root, settings))
}

/// Writes a remark as warnings are written, under the name of the setting that it is about.
pub fn remark(settings: &Settings, path: &str, value: Option<&str>, text: &str) -> String {
    let note = settings.rename(Note::at(path, Problem::Repeated));
    match value.map(Node::from) {
        Some(value) => format!("{}: `{value}`: {text}", note.path()),
        None => format!("{}: {text}", note.path()),
    }
}

/// The policy that says what Django's settings say.
///
/// # Errors
///
/// Why there is none: the settings say nothing, or what would be left of them lets in more than they do.
pub fn carry_django(environment: &Environment<'_>) -> Result<Carried, Vec<String>> {
    let mut root = Vec::new();
    let mut report = Report::default();
    let settings = django::add(&mut root, environment, &mut report);
    let lists_hosts = environment("ALLOWED_HOSTS").is_some_and(|text| !matches!(text.trim(), "" | "[]"));
    let mut carried = carry(root, &settings, report)?;
    // There is no configuration that could stand before the settings, but they have an order of their own.
    let overridden = settings.overridden.iter();
    carried
        .left_out
        .extend(overridden.map(|it| format!("{it}: CORS_ALLOW_ALL_ORIGINS stands before it")));
    if lists_hosts && !carried.policy.contains("\"allowed_hosts\"") {
        carried
            .left_out
            .push("ALLOWED_HOSTS: nothing of it is left, so every host would be allowed".to_owned());
        return Err(carried.left_out);
    }
    Ok(carried)
}

/// The policy without those entries of its lists that are errors.
///
/// # Errors
///
/// What is wrong with it besides.
pub fn carry_json(configuration: &[u8]) -> Result<Carried, Vec<String>> {
    let root = parse(configuration).map_err(|note| vec![note.to_string()])?;
    carry(root, &Settings::default(), Report::default())
}

fn carry(mut root: Vec<(String, Node)>, settings: &Settings, report: Report) -> Result<Carried, Vec<String>> {
    let mut left_out: Vec<_> = report.errors.iter().map(ToString::to_string).collect();
    let mut warnings = report.warnings;
    loop {
        if root.is_empty() {
            left_out.push("nothing is left that says anything".to_owned());
            return Err(left_out);
        }
        let mut report = Report::default();
        let read = read_policy(Section::root(&root), false, &mut report);
        if report.errors.is_empty() {
            super::warnings::add(&root, &read.policy, settings, &mut report);
            warnings.append(&mut report.warnings);
            let warnings = warnings.into_iter().map(|note| settings.rename(note).to_string());
            return Ok(Carried {
                policy: format!("{:#}\n", to_json(&Node::Object(root))),
                left_out,
                warnings: warnings.collect(),
            });
        }
        let paths = report.errors.iter().map(|note| note.path().to_owned());
        let paths: BTreeSet<_> = paths.map(|path| (Reverse(index_of(&path)), path)).collect();
        left_out.extend(report.errors.into_iter().map(|note| settings.rename(note).to_string()));
        // From the last to the first, so that indices stay what they are.
        if !paths.iter().all(|(_, path)| remove(&mut root, path)) {
            return Err(left_out);
        }
    }
}

fn collect(path: &str, node: &Node, entries: &mut Vec<(String, String)>) {
    match node {
        Node::Object(object) => {
            for (key, node) in object {
                collect(&format!("{path}.{key}"), node, entries);
            }
        }
        Node::List(items) => {
            for (index, item) in items.iter().enumerate() {
                match item {
                    Node::String(text) => entries.push((format!("{path}[{index}]"), text.clone())),
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
fn remove(entries: &mut Vec<(String, Node)>, path: &str) -> bool {
    let (key, rest) = match path.split_once(['.', '[']) {
        Some((key, _)) => path.split_at(key.len()),
        None => return false,
    };
    let Some(at) = entries.iter().position(|(name, _)| name == key) else {
        return false;
    };
    let is_empty = match (entries.get_mut(at), rest.strip_prefix('.'), index_of(rest)) {
        (Some((_, Node::Object(inner))), Some(rest), _) => return remove(inner, rest),
        (Some((_, Node::List(items))), None, Some(_)) if rest.matches('[').count() > 1 || rest.contains('.') => {
            let Some((index, rest)) = rest.strip_prefix('[').and_then(|it| it.split_once("].")) else {
                return false;
            };
            let item = index.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            return match item {
                Some(Node::Object(inner)) => remove(inner, rest),
                _ => false,
            };
        }
        (Some((_, Node::List(items))), None, Some(index)) if index < items.len() => {
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

fn to_json(node: &Node) -> serde_json::Value {
    match node {
        Node::Null => serde_json::Value::Null,
        Node::Bool(value) => (*value).into(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within range"
        )]
        Node::Number(value) if value.fract() == 0.0 && (0.0..1e9).contains(value) => (*value as u64).into(),
        Node::Number(value) => (*value).into(),
        Node::String(text) => text.as_str().into(),
        Node::List(items) => items.iter().map(to_json).collect(),
        Node::Object(entries) => entries.iter().map(|(key, node)| (key.clone(), to_json(node))).collect(),
    }
}
