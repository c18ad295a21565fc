//! What an import makes.

use config::Converted;
use policy::text::printable;
use serde_json::{Map, Value, json};

/// What an import made.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The policy, in JSON; `None` if there is none that would do.
    pub policy: Option<String>,
    /// What could not be carried over, and what the operator should know, a line each.
    pub notes: Vec<String>,
}

impl Imported {
    pub(super) fn of(converted: Converted, mut notes: Vec<String>) -> Self {
        notes.extend(converted.left_out.iter().map(|it| format!("left out: {it}")));
        notes.extend(converted.warnings.iter().map(|it| format!("warning: {it}")));
        Self {
            policy: Some(converted.policy),
            ..Self::none(notes)
        }
    }

    /// The policy that the rules of another program come to, which looks at no WebSocket: `lets` says who lets them pass.
    pub(super) fn of_rules(policy: Result<String, String>, lets: &str, mut notes: Vec<String>) -> Self {
        let converted = policy
            .map(|it| without_prefixes(&it, &mut notes))
            .map_err(|problem| vec![problem])
            .and_then(|it| config::convert_json(it.as_bytes()));
        match converted {
            Ok(converted) => {
                notes.push(format!(
                    "note: {lets} every page open WebSockets; here the page's own host and its allowed origins may (set \
                     `websocket.mode` to `off` for what was)"
                ));
                Self::of(converted, notes)
            }
            Err(problems) => {
                notes.extend(problems);
                Self::none(notes)
            }
        }
    }

    pub(super) fn none(notes: Vec<String>) -> Self {
        Self {
            policy: None,
            notes: notes.iter().map(|it| printable(it)).collect(),
        }
    }
}

/// The policy without the names of headers that stand for all that begin like them here, and for themselves in the other
/// program.
fn without_prefixes(policy: &str, notes: &mut Vec<String>) -> String {
    let Ok(mut policy) = serde_json::from_str::<Value>(policy) else {
        return policy.to_owned();
    };
    let mut sections: Vec<&mut Value> = Vec::new();
    if let Some(root) = policy.as_object_mut() {
        for (key, value) in root {
            match (key.as_str(), value) {
                ("cors", section) => sections.push(section),
                ("policies", Value::Array(entries)) => {
                    sections.extend(entries.iter_mut().filter_map(|it| it.get_mut("cors")));
                }
                _ => {}
            }
        }
    }
    for section in sections {
        let Some(Value::Array(names)) = section.get_mut("allow_headers") else {
            continue;
        };
        names.retain(|name| {
            let prefix = name.as_str().filter(|it| it.ends_with("-*"));
            notes.extend(
                prefix.map(|it| format!("left out: the header `{it}`: there it is a name, which no browser sends")),
            );
            prefix.is_none()
        });
    }
    policy.to_string()
}

/// The longest that browsers keep an answer to a preflight, and the largest `max_age`, in seconds.
pub(super) const LONGEST_MAX_AGE: u64 = 86400;

/// The rules where the other program leaves CORS to the backend, whose own headers go out as they are.
pub(super) fn cors_off() -> Map<String, Value> {
    let mut rules = Map::new();
    rules.insert("cors".to_owned(), json!({ "mode": "off" }));
    rules
}

/// `:80` of `http`, `:443` of `https`: other programs compare origins as they are written, and browsers send no such port.
pub(super) fn has_default_port(origin: &str) -> bool {
    let is = |scheme, port| origin.starts_with(scheme) && origin.ends_with(port);
    is("http://", ":80") || is("https://", ":443")
}
