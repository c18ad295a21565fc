//! An explanation in words, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::Explanation;
use policy::request::Received;
use policy::verdict::{Allow, Check, Deny, Finding, Outcome};

/// Whether the text is for a terminal that shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// It is not.
    Off,
    /// It is.
    On,
}

/// A colour, as terminals number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// What goes wrong.
    Red = 31,
    /// What is well.
    Green = 32,
    /// What deserves a look.
    Yellow = 33,
    /// What is good to know.
    Cyan = 36,
}

impl Colors {
    /// The text in a colour.
    #[must_use]
    pub fn paint(self, color: Color, text: &str) -> String {
        match self {
            Self::Off => text.to_owned(),
            Self::On => format!("\x1b[1;{}m{text}\x1b[0m", color as u8),
        }
    }
}

impl Explanation {
    /// The explanation for people.
    #[must_use]
    pub fn text(&self, colors: Colors) -> String {
        self.text_with(colors, &self.headline(), "")
    }

    /// The word for the outcome, its colour, and what happens.
    pub(crate) fn headline(&self) -> (&'static str, Color, String) {
        let (word, color) = match self.finding.outcome {
            Outcome::Allowed(_) => ("allowed", Color::Green),
            Outcome::WouldReject(_) => ("allowed, but only because the check reports", Color::Yellow),
            Outcome::Rejected(_) => ("refused", Color::Red),
        };
        (word, color, self.what_happens())
    }

    /// The explanation under a headline, with what there is to say of the browser.
    pub(crate) fn text_with(&self, colors: Colors, headline: &(&str, Color, String), browser: &str) -> String {
        let (word, color, what) = headline;
        let mut text = format!("{}  {}\n{what}\n\n", colors.paint(*color, word), self.finding);
        text += &self.rows();
        text += browser;
        if !self.edits.is_empty() {
            text.push_str("\nedits to the request\n");
            for edit in &self.edits {
                let _ = writeln!(text, "  {edit}");
            }
        }
        text.push_str(match self.forwarded {
            Some(_) => "\nthe response, if the backend sends no headers of its own\n",
            None => "\nthe filter's answer\n",
        });
        for (name, value) in &self.response {
            let _ = writeln!(text, "  {name}: {}", value.escape_ascii());
        }
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n  {}", self.body);
        }
        if !self.warnings.is_empty() {
            let _ = writeln!(text, "\n{}", colors.paint(Color::Yellow, "warnings of the policy"));
            for warning in &self.warnings {
                let _ = writeln!(text, "  {warning}");
            }
        }
        text
    }

    /// Why, by which rule, and what to change.
    pub(crate) fn rows(&self) -> String {
        let hint = self.hint.as_ref();
        let rows = [
            ("why", Some(self.why)),
            ("rules", self.policy.as_deref()),
            ("entry", self.entry.as_deref()),
            ("nearest", hint.and_then(|it| it.nearest.as_deref())),
            ("fix", hint.map(|it| &*it.fix)),
        ];
        rows.into_iter()
            .filter_map(|(name, value)| Some(row(name, value?)))
            .collect()
    }

    /// The explanation for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut headers: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in self.response.iter().filter(|(name, _)| name != ":status") {
            let joined = headers.entry(name).or_default();
            let separator = if joined.is_empty() { "" } else { ", " };
            let _ = write!(joined, "{separator}{}", String::from_utf8_lossy(value));
        }
        let status = self
            .reply_status()
            .and_then(|it| std::str::from_utf8(it).ok()?.parse::<u16>().ok());
        let hint = self.hint.as_ref();
        json!({
            "allowed": self.is_allowed(),
            "decision": if self.forwarded.is_some() { "forward" } else { "reply" },
            "finding": self.finding.to_string(),
            "check": self.finding.check.code(),
            "outcome": self.finding.outcome.code(),
            "reason": self.finding.outcome.reason(),
            "what": self.what_happens(),
            "why": self.why,
            "rules": self.policy,
            "entry": self.entry,
            "nearest": hint.and_then(|it| it.nearest.as_deref()),
            "fix": hint.map(|it| &*it.fix),
            "request_edits": self.edits,
            "status": status,
            "headers": headers,
            "body": Some(&self.body).filter(|it| !it.is_empty()),
            "warnings": self.warnings,
        })
    }

    fn what_happens(&self) -> String {
        let Some(status) = self.reply_status() else {
            return self.what_happens_behind().to_owned();
        };
        let status = String::from_utf8_lossy(status);
        let then = match (self.finding.check, self.finding.outcome) {
            (Check::Cors, Outcome::Allowed(_)) => "the browser goes on to send the request itself.",
            (_, Outcome::Rejected(Deny::MethodNotAllowed | Deny::HeaderNotAllowed)) => {
                "the browser misses what it asked for in the lists, names it in its console and does not send the \
                 request itself."
            }
            (check, _) => check.effect(),
        };
        format!("The filter answers {status}: {then}")
    }

    fn what_happens_behind(&self) -> &'static str {
        match (self.finding.check, self.finding.outcome) {
            (_, Outcome::WouldReject(_)) => {
                "The request goes on, and nothing is changed: with \"enforce\" in place of \"report_only\" it would be \
                 refused."
            }
            (Check::WebSocket, _) => "The handshake goes on to the backend.",
            (_, Outcome::Rejected(_)) if self.keeps_upstream => {
                "The request goes on to the backend, because CORS is no access control; the page may not read the \
                 answer, unless the backend's own CORS headers let it."
            }
            (_, Outcome::Rejected(_)) => {
                "The request goes on to the backend, because CORS is no access control; the page may not read the \
                 answer."
            }
            (_, Outcome::Allowed(Allow::Off)) => "The request goes on to the backend; CORS is left to it.",
            (_, Outcome::Allowed(Allow::NotCors | Allow::OriginMissing | Allow::SameHost)) => {
                "The request goes on to the backend."
            }
            _ => "The request goes on to the backend, and the page may read the answer.",
        }
    }
}

/// A name and what it is.
pub(crate) fn row(name: &str, value: &str) -> String {
    format!("  {name:<9}{value}\n")
}

/// Why, by the reason alone.
pub(super) fn reason_text(finding: Finding) -> &'static str {
    match (finding.check, finding.outcome) {
        (check, Outcome::Allowed(allow)) => allow_text(check, allow),
        (_, Outcome::Rejected(deny) | Outcome::WouldReject(deny)) => deny_text(deny),
    }
}

fn allow_text(check: Check, allow: Allow) -> &'static str {
    match (check, allow) {
        (_, Allow::AllowedHosts) => "the origin's host is in allowed_hosts",
        (_, Allow::Any) => "allowed_origins is \"*\"",
        (_, Allow::Listed) => "an entry of allowed_origins is this origin",
        (_, Allow::NotCors) => "the browser asks CORS nothing",
        (_, Allow::Off) => "the check is off",
        (Check::Cors, Allow::OriginMissing) => "there is no Origin, so that no page of another site asks",
        (_, Allow::OriginMissing) => "there is no Origin",
        (_, Allow::OriginNull) => "the origin is \"null\", which any site can send",
        (_, Allow::Pattern) => "a wildcard in allowed_origins covers this origin",
        (_, Allow::Regex) => "an expression of allowed_origin_regexes matches this origin",
        (_, Allow::SameHost) => "the page is on the host and port that it asks",
    }
}

/// What the request is that asks CORS nothing.
pub(super) fn not_cors_text(received: &Received<'_>) -> &'static str {
    match (received.fetch_mode.one(), received.fetch_site.one()) {
        (Some(b"navigate"), _) => {
            "the browser asks CORS nothing: a navigation, as by a link or a form, whose answer it shows to the visitor"
        }
        (Some(b"no-cors"), _) => {
            "the browser asks CORS nothing: an image, a beacon or another no-cors request, whose answer no page may read"
        }
        (Some(b"websocket"), _) => {
            "the browser asks CORS nothing: a WebSocket handshake, of which a proxy in front dropped Upgrade"
        }
        (_, Some(b"none")) => {
            "the browser asks CORS nothing: no page asks (Sec-Fetch-Site: none), but a person or an extension"
        }
        (Some(b"same-origin"), _) | (_, Some(b"same-origin")) => {
            "the browser asks CORS nothing: the page is of the origin that it asks, and a proxy in front wrote another \
             Host, or Referrer-Policy hides the origin"
        }
        _ => "the browser asks CORS nothing: a form, which csrf let through by a trusted origin or an exempt path",
    }
}

fn deny_text(deny: Deny) -> &'static str {
    match deny {
        Deny::CrossSiteWrite => "a page of another site asks for a change",
        Deny::HeaderNotAllowed => "the preflight asks for a header that cors.allow_headers does not list",
        Deny::HeadersUnavailable => "the request's headers could not be read",
        Deny::HostMalformed => "no host, more than one, or not the grammar of one",
        Deny::HostNotAllowed => "the host is not in allowed_hosts",
        Deny::MethodNotAllowed => "the preflight asks for a method that cors.allow_methods does not list",
        Deny::OriginMalformed => "the Origin is not what browsers send: one origin, in one spelling",
        Deny::OriginMissing => "there is no Origin",
        Deny::OriginNotAllowed => "no entry of allowed_origins has this origin's host",
        Deny::OriginNull => "the origin is \"null\", which any site can send",
        Deny::PortMismatch => "an entry or rule matches this host on a different port",
        Deny::SchemeMismatch => "an entry or rule matches this host with a different scheme",
    }
}
