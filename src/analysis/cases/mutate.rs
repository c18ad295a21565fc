//! Single edits of a policy, and those of them that no case notices.

use config::Environment;
use serde_json::{Value, json};

use super::Suite;
use crate::automaton::TooLarge;
use crate::diff::Diff;
use crate::explain::Explainer;
use crate::reach::Subject;
use policy::pattern::{OriginHosts, OriginPattern};
use policy::verdict::Finding;

/// An edit.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The place.
    pub path: String,
    /// What is done there.
    pub what: String,
    /// Whether an entry goes, and nothing else.
    pub is_removal: bool,
    /// The policy after it.
    configuration: Value,
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
    for (section, modes) in [
        ("cors", true),
        ("websocket", true),
        ("hosts", root.get("allowed_hosts").is_some()),
    ] {
        if modes && root.get(section).is_none() {
            add(
                &root,
                &format!("/{section}"),
                section,
                "`mode: off`",
                json!({"mode": "off"}),
                &mut edits,
            );
        }
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
        let text = self.configuration.to_string();
        let Ok(edited) = Subject::read(text.as_bytes(), environment) else {
            return Ok(None);
        };
        let Ok(loaded) = config::load_with(text.as_bytes(), environment) else {
            return Ok(None);
        };
        let explainer = Explainer::new(loaded);
        if suites.iter().any(|it| !it.holds(&explainer)) {
            return Ok(None);
        }
        let diff = Diff::between(subject, &edited)?;
        let witnesses = diff.changes.iter().flat_map(|change| change.permissions.values());
        let mut lines: Vec<_> = witnesses.map(|it| (it.question.line(), it.findings)).collect();
        lines.sort_by_key(|(line, _)| (line.len(), line.clone()));
        let is_same = lines.is_empty() && diff.notes.is_empty();
        let case = match config::load_with(&subject.configuration, environment) {
            Ok(loaded) => {
                let own = Explainer::new(loaded);
                lines
                    .iter()
                    .find_map(|(line, findings)| telling(&own, &explainer, line, findings))
            }
            Err(_) => None,
        };
        Ok((!is_same).then_some(Unnoticed { case }))
    }
}

/// A case of this request that holds by the policy and not by the edited one.
fn telling(
    own: &Explainer,
    edited: &Explainer,
    line: &str,
    findings: &[Option<Finding>; 2],
) -> Option<(String, String)> {
    let finding = findings.iter().flatten().next().map(ToString::to_string);
    let words = ["read with cookies", "read", "not read"].map(str::to_owned);
    finding.into_iter().chain(words).find_map(|word| {
        let suite = Suite::read(&json!([{"request": line, "expect": word}])).ok()?;
        (suite.holds(own) && !suite.holds(edited)).then(|| (line.to_owned(), word))
    })
}

fn walk(root: &Value, pointer: &str, value: &Value, path: &str, edits: &mut Vec<Edited>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                turn(root, &pointer, key, inner, &path, edits);
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
                remove(root, pointer, &place, &what, rest, edits);
                if let Some(wider) = item.as_str().and_then(|it| wider(path, it)) {
                    let mut more = items.clone();
                    let what = format!("`{wider}` too");
                    more.push(Value::String(wider));
                    add(root, pointer, &place, &what, Value::Array(more), edits);
                }
                walk(root, &format!("{pointer}/{at}"), item, &place, edits);
            }
        }
        _ => {}
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
    let mut edited = root.clone();
    let is_empty = rest.is_empty();
    let done = match (edited.pointer_mut(pointer), pointer.rsplit_once('/')) {
        (Some(list), _) if !is_empty => {
            *list = Value::Array(rest);
            true
        }
        (Some(_), Some((above, key))) => {
            let object = edited.pointer_mut(above).and_then(Value::as_object_mut);
            object.is_some_and(|it| it.remove(key).is_some())
        }
        _ => false,
    };
    if done {
        edits.push(Edited {
            path: place.to_owned(),
            what: what.to_owned(),
            is_removal: true,
            configuration: edited,
        });
    }
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
            configuration: edited,
        });
    }
}
