//! What can be decided about a policy's entries over *all* origins, rather than about one request.
//!
//! [`judge`] takes an expression of `allowed_origin_regexes` and says whether every origin that it matches is one that
//! its author wrote down. It is exact: it searches the automaton of the expression and the grammar of origins together.
//! None of this is in the module.

mod alternatives;
mod automaton;
mod expression;
mod hosts;
mod letters;
mod repair;
mod schemes;
mod search;
mod suffixes;
mod witness;

pub use expression::{Budget, Expression, Outside, Verdict, dead_alternatives, judge};
pub use suffixes::is_public_suffix;
