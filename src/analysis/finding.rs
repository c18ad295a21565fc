//! Findings about a policy as data, and as text that points into the file.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::explain::{Color, Colors};
use crate::help::{Help, help};
use crate::places::{Place, Places, place};
use config::Diagnostic;
use policy::text::printable;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It refuses the policy.
    Error,
    /// It does not.
    Warning,
}

/// What is wrong with a policy, or perhaps not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The stable code.
    pub code: &'static str,
    /// The key that it is about, or the setting.
    pub path: String,
    /// The value, shortened.
    pub value: Option<String>,
    /// What is wrong, and in words what to write.
    pub message: String,
    /// What stands there instead, if one value does.
    pub replacement: Option<String>,
    /// What else helps.
    pub help: Option<String>,
    /// Where it stands, if it stands in the file.
    pub place: Option<Place>,
}

/// The page that lists the codes, each with an anchor.
const PAGE: &str = "docs/diagnoses.md";

/// Findings beyond these are printed without the line that they are about.
const SHOWN: usize = 50;

impl Finding {
    /// A finding of the reader of policies.
    #[must_use]
    pub fn of(severity: Severity, diagnostic: &Diagnostic) -> Self {
        let message = diagnostic.message();
        let written = message
            .split_once("; write `")
            .and_then(|(_, rest)| rest.strip_suffix('`'));
        Self {
            severity,
            code: diagnostic.code(),
            path: diagnostic.path().to_owned(),
            value: diagnostic.value().map(str::to_owned),
            message: message.to_owned(),
            replacement: written.filter(|it| !it.contains('`')).map(str::to_owned),
            help: None,
            place: None,
        }
    }

    /// One line: the path, the value and the message.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.value {
            Some(value) => format!("{}: `{value}`: {}", self.path, self.message),
            None => format!("{}: {}", self.path, self.message),
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let place = self.place.as_ref();
        json!({
            "severity": match self.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "code": self.code,
            "path": self.path,
            "value": self.value,
            "message": self.message,
            "replacement": self.replacement,
            "help": self.help,
            "line": place.map(|it| it.line),
            "column": place.map(|it| it.column),
            "start": place.map(|it| it.bytes.start),
            "end": place.map(|it| it.bytes.end),
            "page": format!("{PAGE}#{}", self.code),
        })
    }
}

impl Finding {
    /// A finding of the command alone.
    pub(crate) fn lint(code: &'static str, path: &str, value: String, message: String) -> Self {
        let written = message
            .rsplit_once("; write `")
            .and_then(|(_, rest)| rest.split('`').next());
        Self {
            severity: Severity::Warning,
            code,
            path: path.to_owned(),
            value: Some(value),
            replacement: written.map(str::to_owned),
            message,
            help: None,
            place: None,
        }
    }

    /// What to write at its place, in the notation of what stands there: JSON, which YAML takes too. `None` where the place is
    /// not that of the value alone.
    #[must_use]
    pub fn edit(&self, text: &str) -> Option<String> {
        let bytes = &self.place.as_ref()?.bytes;
        let old = text.get(bytes.clone())?;
        let is_quoted = old.starts_with(['"', '\'']);
        if let Some(key) = self.meant() {
            // Beside itself it would be there twice.
            let others = [text.get(..bytes.start)?, text.get(bytes.end..)?];
            let is_new = !others.iter().any(|it| it.contains(key));
            return is_new.then(|| match is_quoted {
                true => Value::from(key).to_string(),
                false => key.to_owned(),
            });
        }
        let replacement = self.replacement.as_ref()?;
        (is_quoted || self.value.as_deref() == Some(old)).then(|| match self.code {
            "type_bool" | "type_number" | "type_list" => replacement.clone(),
            _ => Value::from(replacement.as_str()).to_string(),
        })
    }

    /// The key that an unknown one resembles.
    fn meant(&self) -> Option<&str> {
        let (_, rest) = self.message.split_once("did you mean `")?;
        rest.split('`').next().filter(|_| self.code == "key_unknown")
    }

    /// Says where it stands in a text.
    pub fn locate(&mut self, text: &str, places: &Places) {
        let is_about_key = matches!(self.code, "key_unknown" | "key_repeated" | "key_without_effect");
        self.place = match self.code {
            "configuration_not_json" => malformed(text),
            _ => places.find(text, &plain(&self.path), is_about_key),
        };
    }
}

/// Adds what else helps with the values of a configuration.
pub(crate) fn explain_values(findings: &mut [Finding], configuration: &[u8]) {
    let Ok(whole) = serde_json::from_slice::<Value>(configuration) else {
        return;
    };
    for finding in findings {
        let value = value_at(&whole, &finding.path);
        if let Some(Help { text, replacement }) = value.and_then(|it| help(finding.code, &finding.path, it)) {
            finding.help = Some(text);
            finding.replacement = finding.replacement.take().or(replacement);
        }
    }
}

/// Where a text stops to be JSON.
fn malformed(text: &str) -> Option<Place> {
    let error = serde_json::from_str::<Value>(text).err()?;
    at(text, error.line(), error.column())
}

/// An unknown key stands in quotes where it is no name.
fn plain(path: &str) -> String {
    path.replace('"', "")
}

/// The place of a line and column, as the reader of JSON counts them: in bytes.
fn at(text: &str, line: usize, column: usize) -> Option<Place> {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let start = (before + column.saturating_sub(1)).min(text.len());
    let start = (0..=start).rev().find(|it| text.is_char_boundary(*it))?;
    let length = text.get(start..)?.chars().next().map_or(0, char::len_utf8);
    place(text, start..start + length)
}

/// The value under a path, as it is written.
fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.rsplit_once(": ").map_or(path, |(_, place)| place);
    path.split('.').try_fold(value, |value, step| {
        let (key, indices) = step.split_once('[').unwrap_or((step, ""));
        let value = if key.is_empty() { value } else { value.get(key)? };
        let indices = indices.split('[').filter(|it| !it.is_empty());
        indices
            .map(|it| it.trim_end_matches(']').parse::<usize>().ok())
            .try_fold(value, |value, index| value.get(index?))
    })
}

/// Findings for people: each with the line that it is about, if the text of the file is there.
#[must_use]
pub fn report(findings: &[Finding], file: &str, source: Option<&str>, colors: Colors) -> String {
    let mut text = String::new();
    for (number, finding) in findings.iter().enumerate() {
        let (word, color) = match finding.severity {
            Severity::Error => ("error", Color::Red),
            Severity::Warning => ("warning", Color::Yellow),
        };
        text += &format!("{}: {}\n", colors.paint(color, word), finding.line());
        if let (Some(place), Some(source), true) = (&finding.place, source, number < SHOWN) {
            text += &snippet(finding, place, file, source, colors);
        }
        if let Some(help) = &finding.help {
            text += &format!("{}: {}\n", colors.paint(Color::Cyan, "help"), printable(help));
        }
    }
    text
}

fn snippet(finding: &Finding, place: &Place, file: &str, source: &str, colors: Colors) -> String {
    let renderer = match colors {
        Colors::On => Renderer::styled(),
        Colors::Off => Renderer::plain(),
    };
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let annotation = AnnotationKind::Primary.span(place.bytes.clone()).label(finding.code);
    let snippet = Snippet::source(source).path(file).annotation(annotation);
    let shown = renderer.render(&[Group::with_level(level).element(snippet)]);
    format!("{shown}\n")
}
