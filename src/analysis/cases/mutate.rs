//! Single edits of a policy, and those of them that no case notices.

use config::Environment;
use serde_json::{Value, json};

use super::Suite;
use crate::automaton::TooLarge;
use crate::diff::{Diff, Witness};
use crate::explain::Explainer;
use crate::reach::Subject;
use policy::pattern::{OriginHosts, OriginPattern};

/// An edit.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The place.
    pub path: String,
    /// What is done there.
    pub what: String,
    /// Whether an entry goes, and nothing else.
    pub is_removal: bool,
    /// The policy after it: the first of these that loads. A list may not be allowed to be empty, and is then not there.
    configurations: Vec<Value>,
}

/// An edit that no case notices.
#[derive(Clone, Debug)]
pub struct Unnoticed {
    /// A case that would notice it: its request, and what the policy as it is finds.
    pub case: Option<(String, String)>,
}

/// Every edit: an entry goes, a pattern becomes wider, a mode or a flag is turned round.
#[must_use]
pub fn edits(configuration: &[u8]) -> Vec<Edited> {
    let Ok(root) = serde_json::from_slice::<Value>(configuration) else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    walk(&root, "", &root, "", &mut edits);
    let has_hosts = root.get("allowed_hosts").is_some();
    let sections = [("cors", true), ("websocket", true), ("hosts", has_hosts)];
    for (section, _) in sections.iter().filter(|(it, is_on)| *is_on && root.get(it).is_none()) {
        switch_off(&root, "", section, &json!({}), section, &mut edits);
    }
    edits
}

impl Edited {
    /// Whether no case notices it; `None` where one does, where the edited policy does not load, or where it means the same.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if the expressions of the policy have too many states.
    pub fn unnoticed(
        &self,
        suites: &[Suite],
        subject: &Subject,
        environment: &Environment,
    ) -> Result<Option<Unnoticed>, TooLarge> {
        let read = |it: &Value| Subject::read(it.to_string().as_bytes(), environment).ok();
        let Some(edited) = self.configurations.iter().find_map(read) else {
            return Ok(None);
        };
        let Ok(loaded) = config::load_with(&edited.configuration, environment) else {
            return Ok(None);
        };
        let explainer = Explainer::new(loaded);
        if suites.iter().any(|it| !it.holds(&explainer)) {
            return Ok(None);
        }
        let diff = Diff::between(subject, &edited)?;
        let witnesses = diff.changes.iter().flat_map(|change| change.permissions.values());
        let mut witnesses: Vec<_> = witnesses.collect();
        witnesses.sort_by_key(|it| it.question.length());
        let is_same = witnesses.is_empty() && diff.notes.is_empty();
        let case = match config::load_with(&subject.configuration, environment) {
            Ok(loaded) => {
                let own = Explainer::new(loaded);
                witnesses.iter().find_map(|it| telling(&own, &explainer, it))
            }
            Err(_) => None,
        };
        Ok((!is_same).then_some(Unnoticed { case }))
    }
}

/// A case of this request that holds by the policy and not by the edited one.
fn telling(own: &Explainer, edited: &Explainer, witness: &Witness) -> Option<(String, String)> {
    let line = witness.question.line();
    let finding = witness.findings.iter().flatten().next().map(ToString::to_string);
    let words = ["read with cookies", "read", "not read"].map(str::to_owned);
    finding.into_iter().chain(words).find_map(|word| {
        let suite = Suite::read(&json!([{"request": line, "expect": word}])).ok()?;
        (suite.holds(own) && !suite.holds(edited)).then(|| (line.clone(), word))
    })
}

fn walk(root: &Value, above: &str, value: &Value, path: &str, edits: &mut Vec<Edited>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let pointer = format!("{above}/{}", key.replace('~', "~0").replace('/', "~1"));
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                turn(root, &pointer, key, inner, &path, edits);
                if config::SECTIONS.contains(&key.as_str()) && inner.get("mode").is_none() {
                    switch_off(root, above, key, inner, &path, edits);
                }
                walk(root, &pointer, inner, &path, edits);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let place = format!("{path}[{at}]");
                let mut rest = items.clone();
                let removed = rest.remove(at);
                let what = match removed.as_str() {
                    Some(text) => format!("without `{text}`"),
                    None => "without this entry".to_owned(),
                };
                remove(root, above, &place, &what, rest, edits);
                if let Some(wider) = item.as_str().and_then(|it| wider(path, it)) {
                    let mut more = items.clone();
                    let what = format!("`{wider}` too");
                    more.push(Value::String(wider));
                    add(root, above, &place, &what, Value::Array(more), edits);
                }
                walk(root, &format!("{above}/{at}"), item, &place, edits);
            }
        }
        _ => {}
    }
}

/// A section, written or not, as one that is off.
fn switch_off(root: &Value, above: &str, section: &str, written: &Value, path: &str, edits: &mut Vec<Edited>) {
    let mut off = written.clone();
    if let Some(keys) = off.as_object_mut() {
        keys.insert("mode".to_owned(), json!("off"));
        add(root, &format!("{above}/{section}"), path, "`mode: off`", off, edits);
    }
}

/// The other values of a key that has few.
fn turn(root: &Value, pointer: &str, key: &str, value: &Value, path: &str, edits: &mut Vec<Edited>) {
    let others = match (key, value) {
        ("$schema" | "debug" | "django_env", _) => vec![],
        (_, Value::Bool(flag)) => vec![json!(!flag)],
        ("mode", _) => vec![json!("off"), json!("report_only"), json!("enforce")],
        ("missing_origin", _) => vec![json!("allow"), json!("reject")],
        ("forwarded_host", _) => vec![json!("ignore"), json!("check"), json!("strip")],
        ("upstream_headers", _) => vec![json!("replace"), json!("keep")],
        ("allow_methods" | "allow_headers", _) => vec![json!(["*"])],
        _ => vec![],
    };
    for other in others.into_iter().filter(|it| it != value) {
        add(root, pointer, path, &other.to_string(), other.clone(), edits);
    }
}

/// A pattern that matches more of the same kind.
fn wider(list: &str, text: &str) -> Option<String> {
    let parent = |domain: &str| {
        domain
            .split_once('.')
            .map(|(_, parent)| parent.to_owned())
            .filter(|it| it.contains('.'))
    };
    match list.rsplit('.').next()? {
        "allowed_origins" | "trusted_origins" => {
            let OriginPattern::Of { hosts, .. } = OriginPattern::parse(text).ok()? else {
                return None;
            };
            let host = match &hosts {
                OriginHosts::One(host) | OriginHosts::Subdomains(host) => parent(std::str::from_utf8(host).ok()?)?,
                OriginHosts::Labels { domain, .. } => std::str::from_utf8(domain).ok()?.to_owned(),
            };
            let (scheme, _) = text.split_once("://")?;
            Some(format!("{scheme}://*.{host}"))
        }
        "allowed_hosts" | "hosts" => match text.strip_prefix('.') {
            Some(domain) => parent(domain).map(|it| format!(".{it}")),
            None => Some(format!(".{text}")),
        },
        "path_prefixes" | "exempt_paths" => {
            let (above, last) = text.trim_end_matches('/').rsplit_once('/')?;
            (!last.is_empty() && !above.is_empty()).then(|| format!("{above}/"))
        }
        _ => None,
    }
}

fn remove(root: &Value, pointer: &str, place: &str, what: &str, rest: Vec<Value>, edits: &mut Vec<Edited>) {
    let is_empty = rest.is_empty();
    let mut shorter = root.clone();
    if let Some(list) = shorter.pointer_mut(pointer) {
        *list = Value::Array(rest);
    }
    let mut configurations = vec![shorter];
    if let Some((above, key)) = pointer.rsplit_once('/').filter(|_| is_empty) {
        let mut without = root.clone();
        without
            .pointer_mut(above)
            .and_then(Value::as_object_mut)
            .map(|it| it.remove(key));
        configurations.push(without);
    }
    edits.push(Edited {
        path: place.to_owned(),
        what: what.to_owned(),
        is_removal: true,
        configurations,
    });
}

fn add(root: &Value, pointer: &str, path: &str, what: &str, value: Value, edits: &mut Vec<Edited>) {
    let mut edited = root.clone();
    let spot = match edited.pointer_mut(pointer) {
        Some(spot) => Some(spot),
        None => edited.as_object_mut().map(|it| it.entry(path).or_insert(Value::Null)),
    };
    if let Some(spot) = spot {
        *spot = value;
        edits.push(Edited {
            path: path.to_owned(),
            what: what.to_owned(),
            is_removal: false,
            configurations: vec![edited],
        });
    }
}
