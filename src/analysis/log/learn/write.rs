//! A draft as text: YAML with what the log shows beside each entry, or JSON.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::super::path_group::count;
use super::draft::{Draft, Item};
use super::rules::Rules;

/// How many questions are written out.
const QUESTIONS: usize = 200;

/// Every check only reports at first.
const MODE: &str = "report_only";

impl Draft {
    /// The rules for all hosts, and those of some.
    fn parts(&self) -> (Rules, &[Rules]) {
        match self.rules.as_slice() {
            [only] => (only.clone(), &[]),
            several => (Rules::default(), several),
        }
    }

    /// The draft in JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let (outer, scoped) = self.parts();
        let mut policy = Map::new();
        policy.insert("allowed_hosts".to_owned(), values(&self.hosts));
        policy.insert("hosts".to_owned(), json!({ "mode": MODE }));
        policy.insert("websocket".to_owned(), json!({ "mode": MODE }));
        outer.add_to(&mut policy, true);
        let scoped = scoped.iter().filter(|it| !it.is_empty());
        let scoped: Vec<_> = scoped
            .map(|rules| {
                let mut entry = Map::new();
                entry.insert("match".to_owned(), json!({ "hosts": rules.hosts }));
                rules.add_to(&mut entry, false);
                Value::Object(entry)
            })
            .collect();
        if !scoped.is_empty() {
            policy.insert("policies".to_owned(), scoped.into());
        }
        policy.into()
    }

    /// The draft in YAML, with its evidence in comments.
    #[must_use]
    pub fn yaml(&self) -> String {
        let (outer, scoped) = self.parts();
        let mut text = self.head();
        write_list(&mut text, "", "allowed_hosts", &self.hosts);
        let _ = write!(text, "hosts: {{ mode: {MODE} }}\nwebsocket: {{ mode: {MODE} }}\n");
        outer.write(&mut text, "", true);
        let mut scoped = scoped.iter().filter(|it| !it.is_empty()).peekable();
        if scoped.peek().is_some() {
            text += "policies:\n";
        }
        for rules in scoped {
            let _ = writeln!(text, "  - match: {}", json!({ "hosts": rules.hosts }));
            rules.write(&mut text, "    ", false);
        }
        text
    }

    fn head(&self) -> String {
        let when = match (self.requests.span.first(), self.requests.span.last()) {
            (Some(first), Some(last)) => format!(", from {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "# A draft, from {}{when}: what was answered well, and no more. Read each entry.\n\
             # Every check only reports. When nothing is reported any more that should pass, set each mode to enforce.\n\
             # A log does not show cookies: set cors.allow_credentials if pages send them.\n",
            count(self.requests.count, "request")
        )
    }
}

impl Rules {
    fn add_to(&self, policy: &mut Map<String, Value>, is_outer: bool) {
        if !self.origins.is_empty() {
            policy.insert("allowed_origins".to_owned(), values(&self.origins));
        }
        let mut cors = Map::new();
        cors.insert("mode".to_owned(), MODE.into());
        if self.may_read() {
            cors.insert("allow_methods".to_owned(), values(&self.methods));
            cors.insert("allow_headers".to_owned(), values(&self.headers));
        }
        policy.insert("cors".to_owned(), cors.into());
        let mut csrf = Map::new();
        csrf.insert("mode".to_owned(), MODE.into());
        if !self.trusted.is_empty() {
            csrf.insert("trusted_origins".to_owned(), values(&self.trusted));
        }
        if is_outer || !self.trusted.is_empty() {
            policy.insert("csrf".to_owned(), csrf.into());
        }
    }

    fn write(&self, text: &mut String, indent: &str, is_outer: bool) {
        self.write_origins(text, indent);
        let _ = writeln!(text, "{indent}cors:\n{indent}  mode: {MODE}");
        let inner = format!("{indent}  ");
        if self.may_read() {
            write_list(text, &inner, "allow_methods", &self.methods);
            write_list(text, &inner, "allow_headers", &self.headers);
        }
        if is_outer || !self.trusted.is_empty() {
            let _ = writeln!(text, "{indent}csrf:\n{indent}  mode: {MODE}");
        }
        if !self.trusted.is_empty() {
            write_list(text, &inner, "trusted_origins", &self.trusted);
        }
    }

    /// Whether a page may read, or will when a question is answered. Without lists of methods and headers there are others by
    /// default.
    fn may_read(&self) -> bool {
        !self.origins.is_empty() || !self.questions.is_empty()
    }

    fn write_origins(&self, text: &mut String, indent: &str) {
        if !self.origins.is_empty() {
            write_list(text, indent, "allowed_origins", &self.origins);
        }
        for proposal in &self.proposals {
            let (many, pattern) = (proposal.instead_of.len(), quoted(&proposal.pattern));
            let _ = writeln!(
                text,
                "{indent}  # If all such names are yours, in place of {many} of these:\n{indent}  # - {pattern}"
            );
        }
        if self.questions.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "{indent}# Everybody was answered (`*`), so the log does not show who is meant. Which are yours?"
        );
        if self.origins.is_empty() {
            let _ = writeln!(text, "{indent}# allowed_origins:");
        }
        for item in self.questions.iter().take(QUESTIONS) {
            let _ = writeln!(text, "{indent}# - {}  # {}", quoted(&item.value), shown_for(item));
        }
        if let Some(more) = self.questions.len().checked_sub(QUESTIONS).filter(|it| *it > 0) {
            let _ = writeln!(text, "{indent}# and {more} more: --evidence has them");
        }
    }
}

fn values(items: &[Item]) -> Value {
    items.iter().map(|it| it.value.as_str()).collect()
}

fn write_list(text: &mut String, indent: &str, key: &str, items: &[Item]) {
    if items.is_empty() {
        let _ = writeln!(text, "{indent}{key}: []");
        return;
    }
    let _ = writeln!(text, "{indent}{key}:");
    for item in items {
        let _ = writeln!(text, "{indent}  - {}  # {}", quoted(&item.value), shown_for(item));
    }
}

/// What the log shows for an entry.
fn shown_for(item: &Item) -> String {
    match item.seen.span.last() {
        Some(last) => format!("{}, last {last}", item.what),
        None => item.what.clone(),
    }
}

/// As YAML and JSON both read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
