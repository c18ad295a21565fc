//! The policy of Envoy's filter `cors`.

use manifests::Node;
use serde_json::{Map, Value};

use super::matcher::Matched;
use super::policies::State;
use crate::imported::{LONGEST_MAX_AGE, has_default_port};

/// Whom a list of matchers lets read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Origins {
    pub(super) exact: Vec<String>,
    pub(super) expressions: Vec<String>,
}

/// What the policies of a route come to: `envoy.extensions.filters.http.cors.v3.CorsPolicy`, or Istio's `CorsPolicy`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CorsPolicy {
    pub(super) origins: Origins,
    section: Map<String, Value>,
}

impl CorsPolicy {
    /// Reads the policies of a route, the nearest first, field by field as the filter does; `None` if CORS is off.
    pub(super) fn read(policies: &[&Node], note: &mut dyn FnMut(String)) -> Result<Option<Self>, String> {
        let Some(nearest) = policies.first() else {
            return Ok(None);
        };
        let state = State::read(nearest).map_err(|why| format!("cors: {why}"))?;
        if state == State::Off {
            return Ok(None);
        }
        let field = |keys: &[&str]| {
            policies
                .iter()
                .find_map(|it| it.get_any(keys).filter(|it| !is_empty(it)))
        };
        let mut section = Map::new();
        if state == State::Shadow {
            section.insert("mode".to_owned(), "report_only".into());
        }
        let mut origins = origins(
            field(&[
                "allow_origin_string_match",
                "allowOriginStringMatch",
                "allowOrigins",
                "allowOrigin",
            ]),
            note,
        );
        let mut credentials = field(&["allow_credentials", "allowCredentials"]).is_some_and(is_true);
        if credentials && origins.exact == ["*"] {
            credentials = false;
            note(
                "allow_credentials is off beside `*`: every page read with cookies there; to allow credentials, list the origins".to_owned(),
            );
        }
        section.insert("allow_credentials".to_owned(), credentials.into());
        lists(&field, &mut section);
        section.insert(
            "max_age".to_owned(),
            max_age(field(&["max_age", "maxAge"]), note).into(),
        );
        if field(&["allow_private_network_access", "allowPrivateNetworkAccess"]).is_some_and(is_true) {
            section.insert("allow_private_network".to_owned(), true.into());
        }
        origins.exact.dedup();
        Ok(Some(Self { origins, section }))
    }

    /// `allowed_origins`, `allowed_origin_regexes` and `cors` of a policy.
    pub(super) fn sections(&self) -> Map<String, Value> {
        let mut sections = Map::new();
        for (key, list) in [
            ("allowed_origins", &self.origins.exact),
            ("allowed_origin_regexes", &self.origins.expressions),
        ] {
            if !list.is_empty() {
                sections.insert(key.to_owned(), list.clone().into());
            }
        }
        sections.insert("cors".to_owned(), self.section.clone().into());
        sections
    }
}

/// The lists of names. Without one there is no header, and our defaults allow more.
fn lists<'a>(field: &dyn Fn(&[&str]) -> Option<&'a Node>, section: &mut Map<String, Value>) {
    for (key, keys) in [
        ("allow_methods", ["allow_methods", "allowMethods"]),
        ("allow_headers", ["allow_headers", "allowHeaders"]),
        ("expose_headers", ["expose_headers", "exposeHeaders"]),
    ] {
        let names = field(&keys).map(names).unwrap_or_default();
        if key != "expose_headers" || !names.is_empty() {
            section.insert(key.to_owned(), names.into());
        }
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(node, Node::Null) || node.as_text() == Some("") || matches!(node, Node::Array(items) if items.is_empty())
}

/// A `BoolValue`, which a dump may show as an object.
fn is_true(node: &Node) -> bool {
    *node == Node::Bool(true) || node.get("value") == Some(&Node::Bool(true))
}

fn origins(matchers: Option<&Node>, note: &mut dyn FnMut(String)) -> Origins {
    let mut origins = Origins::default();
    for matcher in matchers.map_or(&[][..], Node::items) {
        let matched = match matcher.as_text() {
            // Istio's old list of texts.
            Some("*") => Matched::Any,
            Some(text) => Matched::Text(text.to_owned()),
            None => Matched::read(matcher),
        };
        match matched {
            Matched::Any => {
                return Origins {
                    exact: vec!["*".to_owned()],
                    ..Origins::default()
                };
            }
            Matched::Text(origin) if has_default_port(&origin) => note(format!(
                "left out: `{origin}`: it let nobody in there, as no browser sends a default port; write it without the port"
            )),
            Matched::Text(origin) => origins.exact.push(origin),
            Matched::Expression(expression) => origins.expressions.push(expression),
            Matched::Unknown(what) => note(format!("left out: {what}")),
        }
    }
    origins
}

/// Envoy's text between commas, or Istio's list.
fn names(node: &Node) -> Vec<String> {
    match node.as_text() {
        Some(text) => text
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect(),
        None => node
            .items()
            .iter()
            .filter_map(Node::as_text)
            .map(str::to_owned)
            .collect(),
    }
}

/// Seconds; without any, what browsers take then (Fetch §4.9).
fn max_age(written: Option<&Node>, note: &mut dyn FnMut(String)) -> u64 {
    const UNSAID: u64 = 5;
    let Some(written) = written else { return UNSAID };
    let text = match written {
        Node::Number(number) => number.to_string(),
        node => node.as_text().unwrap_or_default().to_owned(),
    };
    match seconds(&text) {
        Some(age) if age > LONGEST_MAX_AGE => {
            note(format!(
                "max_age {text} becomes {LONGEST_MAX_AGE}, the longest that any browser keeps"
            ));
            LONGEST_MAX_AGE
        }
        Some(age) => age,
        None => {
            note(format!("left out: max_age `{text}` is no number of seconds"));
            UNSAID
        }
    }
}

/// `600`, or Istio's `1h30m`.
fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let (mut total, mut digits) = (0_u64, String::new());
    for char in text.trim().chars() {
        let unit = match char {
            '0'..='9' => {
                digits.push(char);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    digits.is_empty().then_some(total)
}
