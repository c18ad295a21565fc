//! Ingress manifests with the annotations of ingress-nginx, read as its `internal/ingress/annotations/cors` reads them,
//! defaults and all.

use serde_json::{Map, Value, json};
use yaml_rust2::parser::Parser;
use yaml_rust2::{Event, ScanError, Yaml, YamlLoader};

use super::Imported;
use crate::config;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// `defaultCorsMethods`
const DEFAULT_METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";

/// `defaultCorsHeaders`, without `DNT` and `Keep-Alive`, which browsers let no script set.
const DEFAULT_HEADERS: &str =
    "User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

/// What this policy takes at most, in seconds.
const LONGEST_MAX_AGE: u64 = 86400;

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
    let documents = match load(text) {
        Ok(documents) => documents,
        Err(why) => {
            notes.push(why);
            return Imported { policy: None, notes };
        }
    };
    let mut ingresses = Vec::new();
    for document in &documents {
        collect(document, &mut ingresses, &mut notes);
    }
    if ingresses.is_empty() {
        notes.push("there is no Ingress in it".to_owned());
        return Imported { policy: None, notes };
    }
    let Some(policy) = policy(&ingresses, &mut notes) else {
        return Imported { policy: None, notes };
    };
    match config::carry_json(policy.to_string().as_bytes()) {
        Ok(carried) => {
            notes.push(
                "note: ingress-nginx lets every page open WebSockets; here its own host, its hosts and its allowed \
                 origins may (set `websocket.mode` to `off` for what was)"
                    .to_owned(),
            );
            Imported::of(carried, notes)
        }
        Err(errors) => {
            notes.extend(errors);
            Imported { policy: None, notes }
        }
    }
}

/// Reads YAML that is nested no deeper and refers to itself no more than manifests are and do: what loads it calls
/// itself for each level, and copies what is referred to.
fn load(text: &str) -> Result<Vec<Yaml>, String> {
    const DEEPEST: usize = 64;
    const MOST_ALIASES: usize = 32;
    let not_yaml = |error: ScanError| format!("this is not YAML: {error}");
    let mut parser = Parser::new_from_str(text);
    let (mut depth, mut aliases) = (0_usize, 0_usize);
    loop {
        match parser.next_token().map_err(not_yaml)?.0 {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Alias(_) => aliases += 1,
            Event::StreamEnd => return YamlLoader::load_from_str(text).map_err(not_yaml),
            _ => {}
        }
        if depth > DEEPEST || aliases > MOST_ALIASES {
            return Err("this YAML is nested too deep, or refers to itself too often".to_owned());
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
    let mut hosts = Vec::new();
    let mut is_for_all = document["spec"]["rules"].as_vec().is_none();
    for rule in document["spec"]["rules"].as_vec().into_iter().flatten() {
        match rule["host"].as_str() {
            None | Some("") => is_for_all = true,
            Some(host) => match host.strip_prefix("*.") {
                Some(domain) => {
                    note(format!(
                        "`{host}` becomes `.{domain}`, which is the domain and every subdomain, not one label only"
                    ));
                    hosts.push(format!(".{domain}"));
                }
                None => hosts.push(host.to_owned()),
            },
        }
    }
    let annotations = metadata["annotations"].as_hash();
    for (key, value) in annotations.into_iter().flatten() {
        let Some(key) = key.as_str().and_then(|it| it.strip_prefix(PREFIX)) else {
            continue;
        };
        let is_about_cors = key.starts_with("cors-")
            || key.ends_with("-snippet") && text_of(value).to_ascii_lowercase().contains("access-control-");
        if is_about_cors && !KNOWN.contains(&key) {
            note(format!("left out: `{PREFIX}{key}` has no counterpart here"));
        }
    }
    let annotation = |key: &str| {
        let value = annotations?.get(&Yaml::String(format!("{PREFIX}{key}")))?;
        Some(text_of(value))
    };
    let is_enabled = annotation("enable-cors")
        .and_then(|it| parse_bool(&it))
        .unwrap_or(false);
    let rules = is_enabled.then(|| rules(&annotation, &mut note));
    Ingress {
        name,
        hosts: (!is_for_all).then_some(hosts),
        rules,
    }
}

/// `cors.Parse` of ingress-nginx.
fn rules(annotation: &dyn Fn(&str) -> Option<String>, note: &mut dyn FnMut(String)) -> Map<String, Value> {
    let list = |text: &str| -> Vec<String> {
        let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        items.map(str::to_owned).collect()
    };
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
    let methods = annotation("cors-allow-methods").unwrap_or_else(|| DEFAULT_METHODS.to_owned());
    let headers = annotation("cors-allow-headers").unwrap_or_else(|| DEFAULT_HEADERS.to_owned());
    let mut cors = Map::new();
    cors.insert("allow_credentials".to_owned(), credentials.into());
    cors.insert("allow_methods".to_owned(), list(&methods).into());
    cors.insert("allow_headers".to_owned(), list(&headers).into());
    if let Some(expose) = annotation("cors-expose-headers")
        .map(|it| list(&it))
        .filter(|it| !it.is_empty())
    {
        cors.insert("expose_headers".to_owned(), expose.into());
    }
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
    let mut seen: Vec<&String> = Vec::new();
    let mut policies = Vec::new();
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
        let mut entry = Map::new();
        entry.insert("name".to_owned(), ingress.name.as_str().into());
        entry.insert("match".to_owned(), json!({ "hosts": own }));
        entry.extend(ingress.rules.clone().unwrap_or_else(cors_off));
        policies.push(Value::from(entry));
    }
    policy.insert("policies".to_owned(), policies.into());
    Some(policy.into())
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
