//! What must hold of a request.

use std::collections::BTreeSet;

use crate::explain::{Exchange, Explanation, Line};

/// What must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Expectation {
    pub holds: Vec<Holds>,
    /// What the client gets: its status, and all of CORS and `Vary`; of other headers, those that are named.
    pub answer: Option<Vec<Line>>,
    pub body: Option<String>,
    /// Whether the backend is asked.
    pub is_forwarded: Option<bool>,
    /// What the backend gets; a value of `*` is any.
    pub forwarded: Vec<Line>,
    /// What it does not get.
    pub not_forwarded: Vec<String>,
}

/// A word of `expect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Allowed,
    Refused,
    Read,
    ReadWithCookies,
    NotRead,
    /// The finding is this, or begins so.
    Finding(String),
}

impl Holds {
    /// Reads a word.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "allowed" => Self::Allowed,
            "refused" => Self::Refused,
            "read" => Self::Read,
            "read with cookies" => Self::ReadWithCookies,
            "not read" => Self::NotRead,
            _ if is_finding(word) => Self::Finding(word.to_owned()),
            _ => {
                return Err(format!(
                    "`{word}`: write `allowed`, `refused`, `read`, `read with cookies`, `not read`, or a finding such as \
                     `cors:rejected:origin_not_allowed` or `websocket:rejected`"
                ));
            }
        })
    }

    fn failure(&self, request: &[Line], explanation: &Explanation) -> Option<String> {
        let finding = explanation.finding.to_string();
        let value =
            |lines: &[Line], name: &str| lines.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
        let granted = value(&explanation.response, "access-control-allow-origin");
        let is_read = granted.is_some_and(|it| it == b"*" || Some(it) == value(request, "origin"));
        let has_cookies = is_read && value(&explanation.response, "access-control-allow-credentials").is_some();
        let (holds, want) = match self {
            Self::Allowed => (explanation.is_allowed(), "allowed"),
            Self::Refused => (!explanation.is_allowed(), "refused"),
            Self::Read => (is_read, "an answer that the page reads"),
            Self::ReadWithCookies => (has_cookies, "an answer that the page reads with cookies"),
            Self::NotRead => (!is_read, "an answer that the page does not read"),
            Self::Finding(word) => (is_beginning(word, &finding), word.as_str()),
        };
        (!holds).then(|| format!("expected {want}, got {finding}"))
    }
}

/// Whether this is a finding, or whole parts of one from its beginning.
fn is_finding(word: &str) -> bool {
    policy::verdict::Finding::all().any(|it| is_beginning(word, &it.to_string()))
}

fn is_beginning(word: &str, finding: &str) -> bool {
    finding
        .strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

impl Expectation {
    /// What does not hold.
    pub(super) fn failures(&self, exchange: &Exchange, explanation: &Explanation) -> Vec<String> {
        let mut failures: Vec<_> = self
            .holds
            .iter()
            .filter_map(|it| it.failure(&exchange.request, explanation))
            .collect();
        if let Some(answer) = &self.answer {
            let seen = &explanation.response;
            let is_cors = |name: &str| name.starts_with("access-control-") || name == "vary";
            let names = answer
                .iter()
                .chain(seen.iter().filter(|(name, _)| is_cors(name)))
                .map(|(name, _)| name);
            let names: BTreeSet<_> = names.collect();
            failures.extend(
                names
                    .into_iter()
                    .filter_map(|name| difference(name, &joined(answer, name), &joined(seen, name))),
            );
        }
        if let Some(body) = &self.body {
            failures.extend(difference("body", body, &explanation.body));
        }
        let word = |it: bool| if it { "asked" } else { "not asked" };
        if let Some(is_forwarded) = self.is_forwarded {
            failures.extend(difference(
                "backend",
                word(is_forwarded),
                word(explanation.forwarded.is_some()),
            ));
        }
        let forwarded = explanation.forwarded.as_deref().unwrap_or_default();
        for (name, value) in &self.forwarded {
            let seen = joined(forwarded, name);
            let is_any = value == b"*" && seen != ABSENT;
            failures.extend(difference(name, &joined(&self.forwarded, name), &seen).filter(|_| !is_any));
        }
        let kept = self.not_forwarded.iter();
        failures.extend(kept.filter_map(|name| difference(name, ABSENT, &joined(forwarded, name))));
        failures
    }
}

fn difference(what: &str, want: &str, got: &str) -> Option<String> {
    let what = what.trim_start_matches(':');
    (want != got).then(|| format!("{what}: expected {want}, got {got}"))
}

const ABSENT: &str = "(absent)";

/// The value of a header, its lines joined; white space in lists does not count.
fn joined(lines: &[Line], name: &str) -> String {
    let name = if name == "host" { ":authority" } else { name };
    let values = lines
        .iter()
        .filter(|(it, _)| it == name || (it == "host" && name == ":authority"));
    let members = values.flat_map(|(_, value)| value.split(|&byte| byte == b','));
    let members: Vec<_> = members.map(|it| it.trim_ascii().escape_ascii().to_string()).collect();
    if members.is_empty() {
        ABSENT.to_owned()
    } else {
        members.join(", ")
    }
}
