//! Ingress manifests with the annotations of ingress-nginx.

mod cors;
mod hosts;
mod paths;

use manifests::yaml;
use serde_json::{Map, Value, json};
use yaml_rust2::Yaml;

use super::hosts::in_order;
use super::imported::{Imported, cors_off};
use cors::{Annotations, KNOWN};
use paths::IngressPath;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// What to do with a Helm chart.
const RENDERED: &str = "helm template RELEASE CHART | origin-gate import ingress-nginx -";

/// Makes a policy of Ingress manifests, one or several documents.
#[must_use]
pub fn import_ingress_nginx(text: &str) -> Imported {
    let mut notes = Vec::new();
    let documents = match yaml::load(text) {
        Ok(documents) => documents,
        Err(why) => {
            notes.push(match text.contains("{{") {
                true => format!("this is a template of a Helm chart, not what it makes: {RENDERED}"),
                false => why,
            });
            return Imported::none(notes);
        }
    };
    let mut ingresses = Vec::new();
    for document in &documents {
        collect(document, &mut ingresses, &mut notes);
    }
    if ingresses.is_empty() {
        let is_values = |it: &Yaml| !it["ingress"].is_badvalue() && it["kind"].is_badvalue();
        notes.push(match documents.iter().any(is_values) {
            true => format!("these are values of a Helm chart: {RENDERED}"),
            false => "there is no Ingress in it".to_owned(),
        });
        return Imported::none(notes);
    }
    if let Some(ingress) = ingresses.iter().find(|it| it.is_template) {
        notes.push(format!(
            "{}: this is a template of a Helm chart, not what it makes: {RENDERED}",
            ingress.name
        ));
        return Imported::none(notes);
    }
    let Some(policy) = policy(&ingresses, &mut notes) else {
        return Imported::none(notes);
    };
    Imported::of_rules(Ok(policy.to_string()), "ingress-nginx lets", notes)
}

/// One Ingress, as far as it counts here.
struct Ingress {
    name: String,
    /// `None` where a rule has no host, so that it is for all.
    hosts: Option<Vec<String>>,
    /// The paths of each rule, with its host.
    paths: Vec<(String, IngressPath)>,
    /// Whether nginx takes its paths for expressions.
    has_expressions: bool,
    /// Whether a name or an origin in it is still to be filled in.
    is_template: bool,
    /// Whether it only takes a share of another's requests, with that one's annotations.
    is_canary: bool,
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
        Some("Ingress") => {
            let ingress = read(document, notes);
            if ingress.is_canary {
                notes.push(format!(
                    "{}: left out: a canary has the annotations of the Ingress beside it",
                    ingress.name
                ));
            } else {
                ingresses.push(ingress);
            }
        }
        Some(kind) => notes.push(format!("left out: a `{kind}` is no Ingress")),
        None => {}
    }
}

impl Ingress {
    /// The paths that it has of a host; those of a `server-alias` are all.
    fn paths_of(&self, host: &str) -> Vec<&IngressPath> {
        let own: Vec<_> = self
            .paths
            .iter()
            .filter(|(it, _)| it == host)
            .map(|(_, path)| path)
            .collect();
        match own.is_empty() {
            true => self.paths.iter().map(|(_, path)| path).collect(),
            false => own,
        }
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
    let aliases = annotation("server-alias").unwrap_or_default();
    let written = &document["spec"]["rules"];
    let hosts = hosts::read(written, &aliases, &mut note);
    let rules = Annotations {
        get: &annotation,
        note: &mut note,
    }
    .rules();
    let origins = annotation("cors-allow-origin");
    let is_open = |it: &String| it.contains("{{");
    let is_template = origins.iter().chain(hosts.iter().flatten()).any(is_open) || is_open(&name);
    let is_on = |key| annotation(key).as_deref().and_then(parse_bool) == Some(true);
    Ingress {
        paths: paths::read(written),
        has_expressions: is_on("use-regex") || annotation("rewrite-target").is_some(),
        is_template,
        is_canary: is_on("canary"),
        hosts,
        rules,
        name,
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
    policy.insert("policies".to_owned(), policies(ingresses, &hosts, notes)?.into());
    Some(policy.into())
}

/// A policy for each owner and kind of host, in the order in which nginx looks for a server.
fn policies(ingresses: &[Ingress], all: &[&String], notes: &mut Vec<String>) -> Option<Vec<Value>> {
    let owners = match owners(ingresses) {
        Ok(owners) => owners,
        Err(why) => {
            notes.push(why);
            return None;
        }
    };
    let hosts: Vec<_> = owners.iter().map(|it| it.hosts.as_slice()).collect();
    let mut policies = Vec::new();
    for (at, hosts) in in_order(&hosts) {
        let owner = owners.get(at)?;
        let entries = match owner.ingresses.as_slice() {
            [first, rest @ ..] if rest.iter().all(|it| it.rules == first.rules) => {
                let mut entry = Map::new();
                entry.insert("name".to_owned(), first.name.as_str().into());
                entry.insert("match".to_owned(), json!({ "hosts": hosts }));
                entry.extend(first.rules.clone().unwrap_or_else(cors_off));
                vec![entry]
            }
            shared => match hosts
                .iter()
                .map(|it| paths::entries(it, shared, all))
                .collect::<Result<Vec<_>, _>>()
            {
                Ok(entries) => entries.concat(),
                Err(why) => {
                    notes.push(why);
                    return None;
                }
            },
        };
        policies.extend(entries.into_iter().map(Value::from));
    }
    Some(policies)
}

/// Hosts, and the Ingresses that have them.
struct Owner<'a> {
    hosts: Vec<String>,
    ingresses: Vec<&'a Ingress>,
}

/// The hosts of each Ingress that no other has, and each host that several have.
fn owners(ingresses: &[Ingress]) -> Result<Vec<Owner<'_>>, String> {
    let mut owners: Vec<Owner<'_>> = Vec::new();
    let mut shared: Vec<Owner<'_>> = Vec::new();
    for ingress in ingresses {
        let Some(hosts) = &ingress.hosts else {
            return Err(format!(
                "{}: it is for all hosts and differs from others: import it by itself",
                ingress.name
            ));
        };
        let mut own = Vec::new();
        for host in hosts {
            let has = |it: &&Ingress| it.hosts.iter().flatten().any(|it| it == host);
            let ingresses: Vec<_> = ingresses.iter().filter(has).collect();
            if ingresses.len() == 1 {
                own.push(host.clone());
            } else if !shared.iter().any(|it| it.hosts.contains(host)) {
                shared.push(Owner {
                    hosts: vec![host.clone()],
                    ingresses,
                });
            }
        }
        owners.push(Owner {
            hosts: own,
            ingresses: vec![ingress],
        });
    }
    owners.extend(shared);
    Ok(owners)
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
