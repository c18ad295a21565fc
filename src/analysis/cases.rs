//! Cases that are kept beside a policy: a request, and what must hold of it.
//!
//! ```yaml
//! cases:
//!   - request: GET https://api.example/cart from https://shop.example
//!     expect: read with cookies
//!   - request: GET wss://api.example/chat from https://evil.example
//!     expect: refused
//! ```
//!
//! A request may also be a list of lines, as HTTP has them, and `answer` all that must come back.

mod expectation;
mod mutate;
mod read;
mod request;

use config::{ConfigErrors, Environment};

use super::explain::{Exchange, Explainer};
use expectation::Expectation;

pub use mutate::{Edited, Unnoticed, edits};

/// The cases of a file.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The cases, in order.
    pub cases: Vec<Case>,
    /// How many there are that only a proxy can show.
    pub skipped: usize,
}

/// A request, and what must hold.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, or else its request.
    pub name: String,
    /// Where it stands in the file, such as `cases[3]`.
    pub path: String,
    exchange: Exchange,
    expectation: Expectation,
}

/// What is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place, such as `cases[3].expect`.
    pub path: String,
    /// What is wrong, and what to write.
    pub message: String,
}

impl Case {
    /// What does not hold.
    #[must_use]
    pub fn failures(&self, explainer: &Explainer) -> Vec<String> {
        match explainer.explain(&self.exchange) {
            Ok(explanation) => self.expectation.failures(&self.exchange, &explanation),
            Err(problem) => vec![problem.to_owned()],
        }
    }
}

impl Suite {
    /// Whether each case holds.
    pub(crate) fn holds(&self, explainer: &Explainer) -> bool {
        self.cases.iter().all(|it| it.failures(explainer).is_empty())
    }
}

/// A policy, ready to be asked about case after case.
///
/// # Errors
///
/// Those of [`config::load_with`].
pub fn explainer(configuration: &[u8], environment: &Environment) -> Result<Explainer, ConfigErrors> {
    config::load_with(configuration, environment).map(Explainer::new)
}
