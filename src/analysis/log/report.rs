//! What became of the requests of a log, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde_json::{Map, Value, json};

use super::line::Name;
use super::path_group::count;
use super::reading::Reading;
use super::time::Span;
use crate::explain::{Color, Colors, row};
use policy::text::printable;
use policy::verdict::{Finding, Outcome};

/// In what a page fares otherwise than under another policy, and what was found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// What becomes of its request.
    Outcome(Finding),
    /// It reads answers that were made for its visitor, by the visitor's cookies.
    WithCookies(Finding),
    /// It reads only what anybody may see.
    WithoutCookies(Finding),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(old) => write!(f, "was {old}"),
            Self::WithCookies(old) => write!(f, "was {old}, without cookies"),
            Self::WithoutCookies(old) => write!(f, "was {old}, with cookies"),
        }
    }
}

/// Requests that differ in nothing that matters.
pub(super) struct Row {
    pub(super) finding: Finding,
    pub(super) change: Option<Change>,
    pub(super) origin: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: String,
    pub(super) count: u64,
    pub(super) span: Span,
    /// The entry of `policies` that decided.
    pub(super) rules: Option<String>,
    pub(super) nearest: Option<String>,
    pub(super) fix: Option<String>,
}

/// What became of the requests of a log.
#[derive(Default)]
pub struct Report {
    is_comparison: bool,
    pub(super) requests: u64,
    pub(super) unseen: u64,
    pub(super) changed: u64,
    pub(super) findings: Vec<(Finding, u64)>,
    /// By the field that would decide.
    pub(super) undecided: BTreeMap<&'static str, u64>,
    pub(super) perhaps_forms: u64,
    pub(super) forwarding_unread: bool,
    pub(super) as_logged: u64,
    pub(super) not_as_logged: u64,
    pub(super) span: Span,
    pub(super) rows: Vec<Row>,
    /// How many requests are in groups of which there are too many.
    pub(super) others: u64,
}

/// How many groups people are shown.
const SHOWN: usize = 10;

impl Report {
    pub(super) fn new(is_comparison: bool) -> Self {
        Self {
            is_comparison,
            ..Self::default()
        }
    }

    /// `false` if something is refused; or if something changes, where policies are compared.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self.is_comparison {
            true => self.changed == 0,
            false => self.refused() == 0,
        }
    }

    /// How many requests each finding has, the most frequent first.
    #[must_use]
    pub fn findings(&self) -> Vec<(Finding, u64)> {
        let mut findings = self.findings.clone();
        findings.sort_by_key(|(finding, count)| (std::cmp::Reverse(*count), finding.to_string()));
        findings
    }

    fn sum(&self, is_it: impl Fn(Outcome) -> bool) -> u64 {
        let counts = self.findings.iter().filter(|(finding, _)| is_it(finding.outcome));
        counts.map(|(_, count)| count).sum()
    }

    fn refused(&self) -> u64 {
        self.sum(|it| matches!(it, Outcome::Rejected(_)))
    }

    fn reported(&self) -> u64 {
        self.sum(|it| matches!(it, Outcome::WouldReject(_)))
    }

    fn undecided(&self) -> u64 {
        self.undecided.values().sum()
    }

    /// For people.
    #[must_use]
    pub fn text(&self, reading: &Reading, colors: Colors) -> String {
        let mut text = String::new();
        for group in self.rows.iter().take(SHOWN) {
            text += &group.text(colors);
        }
        if let Some(more) = self.rows.get(SHOWN..).filter(|it| !it.is_empty()) {
            let requests: u64 = more.iter().map(|it| it.count).sum();
            let _ = writeln!(
                text,
                "and {} more groups, requests={requests}: --json has each\n",
                more.len()
            );
        }
        for (finding, count) in self.findings() {
            let _ = writeln!(text, "{count:>9}  {finding}");
        }
        text += &self.headline(colors);
        for note in self.notes(reading) {
            let _ = writeln!(text, "{}: {}", colors.paint(Color::Yellow, "note"), printable(&note));
        }
        text
    }

    fn headline(&self, colors: Colors) -> String {
        let decided = self.requests - self.unseen - self.undecided();
        let (refused, reported) = (self.refused(), self.reported());
        let (count, words, none) = match self.is_comparison {
            true => (self.changed, "changed", "nothing changes"),
            false => (refused, "refused", "none refused"),
        };
        let word = match count {
            0 => colors.paint(Color::Green, none),
            _ => colors.paint(Color::Red, words),
        };
        let mut line = match count {
            0 => format!("{word}: requests={decided}"),
            _ => format!("{word}: {count} of {decided} requests"),
        };
        if reported > 0 {
            let _ = write!(line, "; a check that reports would refuse {reported}");
        }
        if let (Some(first), Some(last)) = (self.span.first(), self.span.last()) {
            let _ = write!(line, ", from {first} to {last}");
        }
        line + "\n"
    }

    /// What the counts leave out, or may have wrong.
    fn notes(&self, reading: &Reading) -> Vec<String> {
        let mut notes = reading.notes();
        for (field, count) in &self.undecided {
            let or = if *field == Name::Authority.key() {
                " (--host gives it to all)"
            } else {
                ""
            };
            let all = self.requests;
            notes.push(format!(
                "{count} of {all} requests cannot be decided: the log does not have `{field}`{or}"
            ));
        }
        notes.extend(self.doubts());
        notes
    }

    /// What is not counted, and what may be counted wrong.
    fn doubts(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.unseen > 0 {
            let unseen = count(self.unseen, "request");
            notes.push(format!(
                "not counted: {unseen} that something in front of the filter answered"
            ));
        }
        if self.perhaps_forms > 0 {
            notes.push(format!(
                "{} of the requests that CORS refuses are POST, and may be forms, which it lets pass: the log does not have \
                 `sec_fetch_mode`",
                self.perhaps_forms
            ));
        }
        if self.forwarding_unread {
            notes.push(
                "`hosts.forwarded_host` is `check`, and the log does not have `x_forwarded_host` and `forwarded`: these count \
                 as absent"
                    .to_owned(),
            );
        }
        if self.not_as_logged > 0 && !self.is_comparison {
            notes.push(format!(
                "the policy in force found something else for {} of {} requests, by `origin_gate` of the log",
                self.not_as_logged,
                self.not_as_logged + self.as_logged
            ));
        }
        if self.others > 0 {
            notes.push(format!(
                "{} requests are in groups too rare to be kept; the totals have them",
                self.others
            ));
        }
        notes
    }

    /// For programs.
    #[must_use]
    pub fn json(&self, reading: &Reading) -> Value {
        let findings: Map<_, _> = self
            .findings()
            .into_iter()
            .map(|(it, count)| (it.to_string(), json!(count)))
            .collect();
        let named = reading
            .named
            .iter()
            .map(|it| json!({ "file": it.file, "line": it.line, "why": it.why }));
        json!({
            "requests": self.requests,
            "decided": self.requests - self.unseen - self.undecided(),
            "refused": self.refused(),
            "would_be_refused": self.reported(),
            "changed": self.is_comparison.then_some(self.changed),
            "first": self.span.first(),
            "last": self.span.last(),
            "findings": findings,
            "groups": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "in_other_groups": self.others,
            "undecided": self.undecided,
            "not_seen_by_filter": self.unseen,
            "as_logged": self.as_logged,
            "not_as_logged": self.not_as_logged,
            "lines": reading.lines,
            "unread": { "count": reading.unread, "first": named.collect::<Vec<_>>() },
            "notes": self.notes(reading),
        })
    }
}

impl Row {
    fn text(&self, colors: Colors) -> String {
        let (word, color) = match (self.change, self.finding.outcome) {
            (Some(_), _) => ("changed", Color::Yellow),
            (None, Outcome::Rejected(_)) => ("refused", Color::Red),
            (None, _) => ("would be refused", Color::Yellow),
        };
        let count = count(self.count, "request");
        let mut text = format!("{}  {}  {count}\n", colors.paint(color, word), self.finding);
        let when = match (self.span.first(), self.span.last()) {
            (Some(first), Some(last)) if first != last => Some(format!("{first} to {last}")),
            (first, _) => first,
        };
        let change = self.change.map(|it| it.to_string());
        let rows = [
            ("before", change.as_deref()),
            ("origin", Some(self.origin.as_deref().unwrap_or("-"))),
            ("host", Some(self.host.as_deref().unwrap_or("-"))),
            ("path", Some(&*self.path)),
            ("when", when.as_deref()),
            ("rules", self.rules.as_deref()),
            ("nearest", self.nearest.as_deref()),
            ("fix", self.fix.as_deref()),
        ];
        for (name, value) in rows {
            text.extend(value.map(|it| row(name, &printable(it))));
        }
        text + "\n"
    }

    fn json(&self) -> Value {
        json!({
            "finding": self.finding.to_string(),
            "change": self.change.map(|it| it.to_string()),
            "origin": self.origin,
            "host": self.host,
            "path": self.path,
            "count": self.count,
            "first": self.span.first(),
            "last": self.span.last(),
            "policy": self.rules,
            "nearest": self.nearest,
            "fix": self.fix,
        })
    }
}
