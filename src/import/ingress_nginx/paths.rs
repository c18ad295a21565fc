//! Hosts that several Ingresses share: which paths are whose.

use serde_json::{Map, Value, json};

use yaml_rust2::Yaml;

use super::Ingress;
use crate::hosts;
use crate::imported::cors_off;

/// A path of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IngressPath {
    path: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whole segments.
    Prefix,
    /// This path alone.
    Exact,
    /// As nginx reads it: bytes, or an expression.
    Implementation,
}

/// The paths of each rule, with its host.
pub(super) fn read(rules: &Yaml) -> Vec<(String, IngressPath)> {
    let mut paths = Vec::new();
    for rule in rules.as_vec().into_iter().flatten() {
        let host = hosts::pattern(rule["host"].as_str().unwrap_or_default());
        match rule["http"]["paths"].as_vec() {
            Some(written) => paths.extend(written.iter().map(|it| (host.clone(), IngressPath::read(it)))),
            // It is about all that the host is asked for.
            None => paths.push((host, IngressPath::read(&Yaml::Null))),
        }
    }
    paths
}

impl IngressPath {
    /// `http.paths[]` of a rule.
    fn read(path: &Yaml) -> Self {
        Self {
            path: path["path"].as_str().unwrap_or("/").to_owned(),
            kind: match path["pathType"].as_str() {
                Some("Prefix") => Kind::Prefix,
                Some("Exact") => Kind::Exact,
                _ => Kind::Implementation,
            },
        }
    }

    /// The prefix that covers the same paths in a policy; why there is none otherwise.
    fn prefix(&self) -> Result<&str, &'static str> {
        match self.kind {
            Kind::Exact => Err("it is `Exact`, and a policy has prefixes alone"),
            Kind::Implementation if !self.path.ends_with('/') => {
                Err("nginx takes more than whole segments by it; write `pathType: Prefix`, if that is meant")
            }
            Kind::Prefix | Kind::Implementation => Ok(&self.path),
        }
    }
}

/// The entries of `policies` for one host, the longest path first, as nginx looks for them. `all` are the hosts that there are.
pub(super) fn entries(host: &str, ingresses: &[&Ingress], all: &[&String]) -> Result<Vec<Map<String, Value>>, String> {
    let mut found: Vec<(&str, &Ingress)> = Vec::new();
    for ingress in ingresses {
        if ingress.has_expressions {
            return Err(format!(
                "{}: the paths of `{host}` are expressions (`use-regex`, `rewrite-target`): which are whose cannot be said; import \
                 the Ingresses one by one",
                ingress.name
            ));
        }
        for path in ingress.paths_of(host) {
            let shared = format!("{}: `{host}` is also another Ingress's", ingress.name);
            let prefix = path
                .prefix()
                .map_err(|why| format!("{shared}, and of its path `{}`: {why}", path.path))?;
            let is_taken = |(it, other): &&(&str, &Ingress)| *it == prefix && other.rules != ingress.rules;
            if let Some((_, other)) = found.iter().find(is_taken) {
                return Err(format!(
                    "{shared}, and so is its path `{prefix}`, with the rules of {}: nginx takes those of the older one; leave one out",
                    other.name
                ));
            }
            found.push((prefix, ingress));
        }
    }
    found.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    let mut entries: Vec<_> = found
        .into_iter()
        .map(|(prefix, ingress)| entry(host, prefix, ingress))
        .collect();
    // What no path has, nginx answers itself: no page of another origin reads it, not by the entry of a wildcard either.
    let is_whole = entries
        .last()
        .is_some_and(|it| it.get("match") == Some(&json!({ "hosts": [host] })));
    if !is_whole && all.iter().any(|it| it.starts_with('.') && host.ends_with(it.as_str())) {
        let mut rest = Map::new();
        rest.insert("name".to_owned(), format!("the rest of {host}").into());
        rest.insert("match".to_owned(), json!({ "hosts": [host] }));
        entries.push(rest);
    }
    Ok(entries)
}

fn entry(host: &str, prefix: &str, ingress: &Ingress) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), ingress.name.as_str().into());
    let all = match prefix {
        "/" => json!({ "hosts": [host] }),
        prefix => json!({ "hosts": [host], "path_prefixes": [prefix] }),
    };
    entry.insert("match".to_owned(), all);
    entry.extend(ingress.rules.clone().unwrap_or_else(cors_off));
    entry
}
