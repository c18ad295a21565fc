//! Origins that stand for all that some expression matches: for each set of expressions and other entries that some origin
//! matches and no other, the shortest such origin.

use std::collections::BTreeSet;

use regex_syntax::ast::parse::Parser;
use regex_syntax::hir::Hir;

use crate::automaton::{Automaton, TooLarge};
use crate::letters::open_language;
use crate::search::each;

/// The languages of entries, as expressions over origins.
#[derive(Default)]
pub(super) struct Languages {
    expressions: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Languages {
    /// Adds an entry of `allowed_origin_regexes`.
    pub(super) fn add(&mut self, expression: &str) {
        self.expressions.insert(expression.to_owned());
    }

    /// Adds what another entry matches, which tells origins of one expression apart.
    pub(super) fn add_other(&mut self, expression: String) {
        self.others.insert(expression);
    }

    /// Whether there is an expression at all.
    pub(super) fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// The origins.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if the automaton of all has too many states.
    pub(super) fn origins(&self) -> Result<Vec<String>, TooLarge> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let languages = self.expressions.iter().chain(&self.others).map(|it| language(it));
        each(&mut Automaton::of_each(&languages.collect::<Result<Vec<_>, _>>()?)?)
    }
}

fn language(expression: &str) -> Result<Hir, TooLarge> {
    let ast = Parser::new().parse(expression).map_err(|_| TooLarge)?;
    open_language(&ast).map_err(|_| TooLarge)
}

/// Writes a text so that an expression matches just that.
pub(super) fn literal(text: &str) -> String {
    regex_syntax::escape(text)
}
