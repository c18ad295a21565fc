//! The alternatives of an expression: which of them can never match, and how many names they spell out.

use regex_syntax::ast::{Ast, Span};

use super::automaton::Automaton;
use super::expression::{Budget, Expression};
use super::letters::language_through;
use super::search::{Found, Goal, search};

/// What may be done for one alternative, in states visited.
const MAX_WORK: u64 = 200_000;

/// What one alternative counts at least, for each byte of its expression: all of it is read again.
const WORK_A_BYTE: u64 = 40;

/// The alternatives by which no page's origin is matched, apart from those inside others of that kind. One that only
/// matches what another matches too is none of them, and neither is one of which it could not be decided.
pub(crate) fn dead(expression: &Expression, budget: &mut Budget) -> Vec<String> {
    let mut all = Vec::new();
    collect(&expression.ast, None, &mut all);
    let mut dead: Vec<usize> = Vec::new();
    for (at, (span, inside)) in all.iter().enumerate() {
        let is_inside_dead = inside.is_some_and(|it| dead.contains(&it));
        if is_inside_dead || never(expression, span, budget) {
            dead.push(at);
        }
    }
    let outermost = dead.iter().filter_map(|&at| all.get(at));
    let outermost = outermost.filter(|(_, inside)| !inside.is_some_and(|it| dead.contains(&it)));
    let texts = outermost.filter_map(|(span, _)| expression.text.get(span.start.offset..span.end.offset));
    texts.map(str::to_owned).collect()
}

/// Each alternative, with the place of the one that it is inside of.
fn collect(ast: &Ast, inside: Option<usize>, all: &mut Vec<(Span, Option<usize>)>) {
    match ast {
        Ast::Alternation(alternation) => {
            for branch in &alternation.asts {
                let at = all.len();
                all.push((*branch.span(), inside));
                collect(branch, Some(at), all);
            }
        }
        Ast::Concat(concat) => concat.asts.iter().for_each(|it| collect(it, inside, all)),
        Ast::Group(group) => collect(&group.ast, inside, all),
        Ast::Repetition(repetition) => collect(&repetition.ast, inside, all),
        _ => {}
    }
}

fn never(expression: &Expression, alternative: &Span, budget: &mut Budget) -> bool {
    let found = through(expression, alternative, budget);
    found.is_some_and(|it| it.any.is_none() && it.outside.is_none() && !it.is_cut)
}

/// What is matched by way of one alternative, if that could be decided.
fn through(expression: &Expression, alternative: &Span, budget: &mut Budget) -> Option<Found> {
    let reading = WORK_A_BYTE * expression.text.len() as u64;
    budget.alternatives = budget.alternatives.checked_sub(reading)?;
    let allowance = MAX_WORK.min(budget.alternatives);
    let language = language_through(&expression.ast, alternative).ok()?;
    let mut automaton = Automaton::new(&language).ok()?;
    let found = search(&mut automaton, Goal::Any, allowance);
    budget.alternatives = budget.alternatives.saturating_sub(automaton.work);
    found.ok()
}

/// An origin by way of each alternative; `None` if there is none by one of them.
pub(crate) fn witnesses(expression: &Expression, budget: &mut Budget) -> Option<Vec<String>> {
    let mut all = Vec::new();
    collect(&expression.ast, None, &mut all);
    all.iter()
        .map(|(span, _)| through(expression, span, budget)?.any)
        .collect()
}
