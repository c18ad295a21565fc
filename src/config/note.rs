//! Errors and warnings.

use super::problem::Problem;
use std::fmt;

use policy::error::{PathError, PatternError, RegexError};

/// One error or warning: where, what was written, what is wrong with it and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    path: String,
    value: Option<String>,
    what: Wrong,
}

/// A problem, in the words for its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    problem: Problem,
    message: String,
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            message: problem.text().to_owned(),
        }
    }
}

impl<E: Into<Problem>> From<PatternError<E>> for Wrong {
    fn from(error: PatternError<E>) -> Self {
        Self::instead(error.reason.into(), error.instead)
    }
}

impl From<PathError> for Wrong {
    fn from(error: PathError) -> Self {
        Problem::from(error).into()
    }
}

impl From<RegexError> for Wrong {
    fn from(error: RegexError) -> Self {
        match error {
            RegexError::Ascii => Problem::RegexAscii.into(),
            RegexError::Empty => Problem::RegexEmpty.into(),
            RegexError::Malformed(message) => Self::detailed(Problem::RegexMalformed, ": ", &message, ""),
        }
    }
}

impl From<(Problem, String)> for Wrong {
    fn from((problem, message): (Problem, String)) -> Self {
        Self { problem, message }
    }
}

impl Wrong {
    fn instead(problem: Problem, instead: Option<String>) -> Self {
        match instead {
            Some(instead) => Self::detailed(problem, "; write `", &instead, "`"),
            None => problem.into(),
        }
    }

    fn detailed(problem: Problem, before: &str, detail: &str, after: &str) -> Self {
        Self {
            problem,
            message: [problem.text(), before, detail, after].concat(),
        }
    }
}

/// What was found wrong so far.
#[derive(Debug, Default)]
pub struct Report {
    /// Each of these refuses the configuration.
    pub errors: Vec<Note>,
    /// These do not.
    pub warnings: Vec<Note>,
    /// What the expressions that were read add up to.
    pub expressions: usize,
}

impl Note {
    /// A note on a value.
    pub fn on(path: &str, value: impl fmt::Display, what: impl Into<Wrong>) -> Self {
        Self::new(path, Some(&value), what.into())
    }

    /// A note on a place.
    pub fn at(path: &str, what: impl Into<Wrong>) -> Self {
        Self::new(path, None, what.into())
    }

    #[inline(never)]
    fn new(path: &str, value: Option<&dyn fmt::Display>, what: Wrong) -> Self {
        Self {
            path: path.to_owned(),
            value: value.map(ToString::to_string),
            what,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.what.problem.code()
    }
}

impl Note {
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
        let path = format!("{rules}{}", place.replacen(from, to, 1));
        Self { path, ..self }
    }

    /// The entry of `policies` that it is for, if it stands elsewhere, and where it stands.
    fn place(&self) -> (&str, &str) {
        let split = self.path.find(": ").map_or(0, |at| at + 2);
        self.path.split_at(split)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        if let Some(value) = &self.value {
            write!(f, "`{value}`: ")?;
        }
        f.write_str(&self.what.message)
    }
}

impl Report {
    /// Records an error.
    pub fn error(&mut self, note: Note) {
        self.errors.push(note);
    }

    /// Records a warning.
    pub fn warn(&mut self, note: Note) {
        self.warnings.push(note);
    }
}
