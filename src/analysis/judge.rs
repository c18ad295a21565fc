//! The judgement on one expression, with what to write instead.

use super::alternatives;
use super::automaton::TooLarge;
use super::expression::{Budget, Expression, Judgement};
use super::repair::{self, Narrower};

/// Decides which origins an expression matches. `None` is one that does not load.
#[must_use]
pub fn judge(text: &str, budget: &mut Budget) -> Option<Judgement> {
    let mut expression = match Expression::read(text)? {
        Ok(expression) => expression,
        Err(TooLarge) => return Some(Judgement::Unknown),
    };
    Some(match expression.judge(budget).map(|(verdict, _)| verdict) {
        Ok(Judgement::Outside { what, origin, .. }) => {
            let (instead, with_ports) = match repair::narrower(&expression, budget) {
                Some(Narrower { text, with_ports }) => (Some(text), with_ports),
                None => (None, None),
            };
            Judgement::Outside {
                what,
                origin,
                instead,
                with_ports,
            }
        }
        Ok(Judgement::Never { .. }) => Judgement::Never {
            instead: repair::meant(&expression, budget),
        },
        Ok(other) => other,
        Err(TooLarge) => Judgement::Unknown,
    })
}

/// The alternatives of an expression by which nothing is matched, where it could be decided.
#[must_use]
pub fn dead_alternatives(text: &str, budget: &mut Budget) -> Vec<String> {
    let read = Expression::read(text).and_then(Result::ok);
    read.map_or_else(Vec::new, |it| alternatives::dead(&it, budget))
}
