//! Ingress manifests with the annotations of ingress-nginx, read as its `internal/ingress/annotations/cors` reads them,
//! defaults and all.

mod hosts;

use manifests::yaml;
use regex_lite::Regex;
use serde_json::{Map, Value, json};
use yaml_rust2::Yaml;

use super::imported::{Imported, LONGEST_MAX_AGE};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// `defaultCorsMethods`
const DEFAULT_METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";

/// `defaultCorsHeaders`, without `DNT` and `Keep-Alive`, which browsers let no script set.
const DEFAULT_HEADERS: &str =
    "User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

/// `corsMethodsRegex`, `HeadersVariable` and `corsExposeHeadersRegex`: what is written otherwise stands for the default.
const METHODS: &str = r"^([A-Za-z]+,?\s?)+$";
const HEADERS: &str = "^[A-Za-z0-9_, -]+$";
const EXPOSED: &str = r"^(([A-Za-z0-9_-]+|\*),?\s?)+$";

/// The annotations that are read.
const KNOWN: [&str; 7] = [
    "enable-cors",
    "cors-allow-origin",
    "cors-allow-methods",
    "cors-allow-headers",
    "cors-expose-headers",
    "cors-allow-credentials",
    "cors-max-age",
];

/// Makes a policy of Ingress manifests, one or several documents.
#[must_use]
pub fn import_ingress_nginx(text: &str) -> Imported {
    let mut notes = Vec::new();
    let documents = match yaml::load(text) {
        Ok(documents) => documents,
        Err(why) => {
            notes.push(why);
            return Imported::none(notes);
        }
    };
    let mut ingresses = Vec::new();
    for document in &documents {
        collect(document, &mut ingresses, &mut notes);
    }
    if ingresses.is_empty() {
        notes.push("there is no Ingress in it".to_owned());
        return Imported::none(notes);
    }
    let Some(policy) = policy(&ingresses, &mut notes) else {
        return Imported::none(notes);
    };
    match config::convert_json(policy.to_string().as_bytes()) {
        Ok(converted) => {
            notes.push(
                "note: ingress-nginx lets every page open WebSockets; here its own host and its allowed \
                 origins may (set `websocket.mode` to `off` for what was)"
                    .to_owned(),
            );
            Imported::of(converted, notes)
        }
        Err(errors) => {
            notes.extend(errors);
            Imported::none(notes)
        }
    }
}

/// One Ingress, as far as it counts here.
struct Ingress {
    name: String,
    /// `None` where a rule has no host, so that it is for all.
    hosts: Option<Vec<String>>,
    /// `allowed_origins` and `cors`; `None` if CORS is not enabled.
    rules: Option<Map<String, Value>>,
}

fn collect(document: &Yaml, ingresses: &mut Vec<Ingress>, notes: &mut Vec<String>) {
    if let Some(items) = document["items"].as_vec() {
        for item in items {
            collect(item, ingresses, notes);
        }
        return;
    }
    match document["kind"].as_str() {
        Some("Ingress") => ingresses.push(read(document, notes)),
        Some(kind) => notes.push(format!("left out: a `{kind}` is no Ingress")),
        None => {}
    }
}

fn read(document: &Yaml, notes: &mut Vec<String>) -> Ingress {
    let metadata = &document["metadata"];
    let name = metadata["name"].as_str().unwrap_or("(unnamed)").to_owned();
    let mut note = |text: String| notes.push(format!("{name}: {text}"));
    let annotations = metadata["annotations"].as_hash();
    for (key, value) in annotations.into_iter().flatten() {
        let Some(key) = key.as_str().and_then(|it| it.strip_prefix(PREFIX)) else {
            continue;
        };
        let is_about_cors = key.starts_with("cors-")
            || key.ends_with("-snippet") && text_of(value).to_ascii_lowercase().contains("access-control-");
        let is_about_hosts = key == "from-to-www-redirect" && parse_bool(&text_of(value)) == Some(true);
        if is_about_cors && !KNOWN.contains(&key) {
            note(format!("left out: `{PREFIX}{key}` has no counterpart here"));
        } else if is_about_hosts {
            note(format!(
                "left out: `{PREFIX}{key}`: the hosts that it redirects are refused here; add them to allowed_hosts"
            ));
        }
    }
    let annotation = |key: &str| {
        let value = annotations?.get(&Yaml::String(format!("{PREFIX}{key}")))?;
        Some(text_of(value))
    };
    let is_enabled = annotation("enable-cors")
        .and_then(|it| parse_bool(&it))
        .unwrap_or(false);
    let aliases = annotation("server-alias").unwrap_or_default();
    let hosts = hosts::read(&document["spec"]["rules"], &aliases, &mut note);
    let rules = is_enabled.then(|| rules(&annotation, &mut note));
    Ingress { name, hosts, rules }
}

/// `cors.Parse` of ingress-nginx.
fn rules(annotation: &dyn Fn(&str) -> Option<String>, note: &mut dyn FnMut(String)) -> Map<String, Value> {
    let mut origins = annotation("cors-allow-origin").map_or_else(|| vec!["*".to_owned()], |text| list(&text));
    if origins.iter().any(|it| it == "*") {
        origins = vec!["*".to_owned()];
    }
    if origins.is_empty() {
        note("left out: cors-allow-origin is empty, so no page of another origin is let in".to_owned());
    }
    for origin in origins.iter().filter(|it| it.contains("://*.")) {
        note(format!("`{origin}` covers one label there, and one or more here"));
    }
    let mut credentials = annotation("cors-allow-credentials")
        .and_then(|it| parse_bool(&it))
        .unwrap_or(true);
    if credentials && origins == ["*"] {
        credentials = false;
        note(
            "allow_credentials is off beside `*`: browsers take that pair for no permission; to allow credentials, list \
             the origins"
                .to_owned(),
        );
    }
    let mut cors = Map::new();
    cors.insert("allow_credentials".to_owned(), credentials.into());
    lists(annotation, note, &mut cors);
    if let Some(text) = annotation("cors-max-age") {
        match text.trim().parse::<u64>() {
            Ok(age) => {
                if age > LONGEST_MAX_AGE {
                    note(format!(
                        "cors-max-age {age} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps"
                    ));
                }
                cors.insert("max_age".to_owned(), age.min(LONGEST_MAX_AGE).into());
            }
            Err(_) => note(format!("left out: cors-max-age `{}` is no number", text.escape_debug())),
        }
    }
    let mut rules = Map::new();
    if !origins.is_empty() {
        rules.insert("allowed_origins".to_owned(), origins.into());
    }
    rules.insert("cors".to_owned(), cors.into());
    rules
}

/// The lists of names, each as written if ingress-nginx reads it so.
fn lists(annotation: &dyn Fn(&str) -> Option<String>, note: &mut dyn FnMut(String), cors: &mut Map<String, Value>) {
    for (key, annotated, grammar, default) in [
        ("allow_methods", "cors-allow-methods", METHODS, DEFAULT_METHODS),
        ("allow_headers", "cors-allow-headers", HEADERS, DEFAULT_HEADERS),
        ("expose_headers", "cors-expose-headers", EXPOSED, ""),
    ] {
        let written = annotation(annotated);
        let is_read = |text: &String| Regex::new(grammar).is_ok_and(|it| it.is_match(text));
        if let Some(text) = written.as_ref().filter(|it| !is_read(it)) {
            let taken = match default {
                "" => "none".to_owned(),
                default => format!("its default, `{default}`"),
            };
            note(format!(
                "left out: {annotated} `{text}`: ingress-nginx does not read this, and takes {taken}"
            ));
        }
        let names = list(written.filter(is_read).as_deref().unwrap_or(default));
        if !(names.is_empty() && default.is_empty()) {
            cors.insert(key.to_owned(), names.into());
        }
    }
}

fn list(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    items.map(str::to_owned).collect()
}

fn policy(ingresses: &[Ingress], notes: &mut Vec<String>) -> Option<Value> {
    let mut policy = Map::new();
    let mut hosts: Vec<_> = ingresses.iter().flat_map(|it| it.hosts.iter().flatten()).collect();
    hosts.sort();
    hosts.dedup();
    match ingresses.iter().find(|it| it.hosts.is_none()) {
        Some(ingress) => notes.push(format!(
            "{}: left out: it is for all hosts, so no host is refused",
            ingress.name
        )),
        None => {
            policy.insert("allowed_hosts".to_owned(), json!(hosts));
        }
    }
    if let [first, rest @ ..] = ingresses
        && rest.iter().all(|it| it.rules == first.rules)
    {
        policy.extend(first.rules.clone().unwrap_or_else(cors_off));
        return Some(policy.into());
    }
    policy.insert("policies".to_owned(), policies(ingresses, notes)?.into());
    Some(policy.into())
}

/// A policy for each Ingress and kind of host, in the order in which nginx looks for a server.
fn policies(ingresses: &[Ingress], notes: &mut Vec<String>) -> Option<Vec<Value>> {
    let mut seen: Vec<&String> = Vec::new();
    for ingress in ingresses {
        let Some(own) = &ingress.hosts else {
            notes.push(format!(
                "{}: it is for all hosts and differs from others: import it by itself",
                ingress.name
            ));
            return None;
        };
        if let Some(host) = own.iter().find(|host| seen.contains(host)) {
            notes.push(format!(
                "{}: `{host}` is also another Ingress's, with other rules: which paths are whose cannot be told; import \
                 them one by one",
                ingress.name
            ));
            return None;
        }
        seen.extend(own);
    }
    let owned = ingresses.iter().map(|it| it.hosts.as_deref().unwrap_or_default());
    let policies = hosts::in_order(&owned.collect::<Vec<_>>())
        .into_iter()
        .filter_map(|(at, hosts)| {
            let ingress = ingresses.get(at)?;
            let mut entry = Map::new();
            entry.insert("name".to_owned(), ingress.name.as_str().into());
            entry.insert("match".to_owned(), json!({ "hosts": hosts }));
            entry.extend(ingress.rules.clone().unwrap_or_else(cors_off));
            Some(Value::from(entry))
        });
    Some(policies.collect())
}

/// Without `enable-cors` the backend's own headers go out as they are.
fn cors_off() -> Map<String, Value> {
    let mut rules = Map::new();
    rules.insert("cors".to_owned(), json!({ "mode": "off" }));
    rules
}

/// Kubernetes takes strings only; people forget the quotes.
fn text_of(value: &Yaml) -> String {
    match value {
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Boolean(value) => value.to_string(),
        Yaml::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
