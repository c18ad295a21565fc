//! Errors and warnings.

use super::diagnostic_code::DiagnosticCode;
use std::error::Error;
use std::fmt;

use policy::error::{PathError, PatternError, RegexError};
use policy::text::split_once;

/// One error or warning: where, what was written, what is wrong with it and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    path: String,
    value: Option<String>,
    message: Message,
}

/// A code, and the message for its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    code: DiagnosticCode,
    text: String,
}

impl From<DiagnosticCode> for Message {
    fn from(code: DiagnosticCode) -> Self {
        Self {
            code,
            text: code.text().to_owned(),
        }
    }
}

impl<E: Into<DiagnosticCode>> From<PatternError<E>> for Message {
    fn from(error: PatternError<E>) -> Self {
        Self::instead(error.reason.into(), error.instead)
    }
}

impl From<PathError> for Message {
    fn from(error: PathError) -> Self {
        DiagnosticCode::from(error).into()
    }
}

impl From<RegexError> for Message {
    fn from(error: RegexError) -> Self {
        match error {
            RegexError::Ascii => DiagnosticCode::RegexAscii.into(),
            RegexError::Empty => DiagnosticCode::RegexEmpty.into(),
            RegexError::Malformed(message) => Self::detailed(DiagnosticCode::RegexMalformed, ": ", message, ""),
        }
    }
}

impl From<(DiagnosticCode, String)> for Message {
    fn from((code, text): (DiagnosticCode, String)) -> Self {
        Self { code, text }
    }
}

impl Message {
    fn instead(code: DiagnosticCode, instead: Option<String>) -> Self {
        match instead {
            Some(instead) => Self::detailed(code, "; write `", &instead, "`"),
            None => code.into(),
        }
    }

    fn detailed(code: DiagnosticCode, before: &str, detail: &str, after: &str) -> Self {
        Self {
            code,
            text: [code.text(), before, detail, after].concat(),
        }
    }
}

/// The errors and warnings so far.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    /// Each of these refuses the configuration.
    pub errors: Vec<Diagnostic>,
    /// These do not.
    pub warnings: Vec<Diagnostic>,
    /// What the expressions that were read add up to.
    pub expressions: usize,
}

impl Diagnostic {
    /// A diagnostic about a value.
    pub fn on(path: &str, value: impl fmt::Display, message: impl Into<Message>) -> Self {
        Self::new(path, Some(&value), message.into())
    }

    /// A diagnostic about a place.
    pub fn at(path: &str, message: impl Into<Message>) -> Self {
        Self::new(path, None, message.into())
    }

    #[inline(never)]
    fn new(path: &str, value: Option<&dyn fmt::Display>, message: Message) -> Self {
        Self {
            path: path.to_owned(),
            value: value.map(ToString::to_string),
            message,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was written, shortened.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message.text
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.message.code.code()
    }
}

impl Diagnostic {
    /// Whether it is on this place or inside it, for whichever rules.
    pub fn is_under(&self, path: &str) -> bool {
        let (_, place) = self.place();
        place
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// The same, under another name for a place that it is under.
    pub fn moved(self, from: &str, to: &str) -> Self {
        let (rules, place) = self.place();
        let path = match split_once(place, from) {
            Some((before, after)) => [rules, before, to, after].concat(),
            None => return self,
        };
        Self { path, ..self }
    }

    /// The entry of `policies` that it is for, if it stands elsewhere, and where it stands.
    fn place(&self) -> (&str, &str) {
        let place = split_once(&self.path, ": ").map_or(&*self.path, |(_, place)| place);
        (self.path.strip_suffix(place).unwrap_or_default(), place)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        if let Some(value) = &self.value {
            write!(f, "`{value}`: ")?;
        }
        f.write_str(&self.message.text)
    }
}

impl Error for Diagnostic {}

impl Diagnostics {
    /// Records an error.
    pub(crate) fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push(diagnostic);
    }

    /// Records a warning.
    pub(crate) fn warn(&mut self, diagnostic: Diagnostic) {
        self.warnings.push(diagnostic);
    }
}
