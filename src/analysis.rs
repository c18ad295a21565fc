//! What can be decided about a policy's entries over *all* origins, rather than about one request.
//!
//! [`judge`] takes an expression of `allowed_origin_regexes` and says whether every origin that it matches is one that
//! its author wrote down. It is exact: it searches the automaton of the expression and the grammar of origins together.
//! [`http`] asks of which pages of `http` it is. None of this is in the module.

mod automaton;
mod expression;
mod hosts;
mod http;
mod letters;
mod repair;
mod schemes;
mod search;
mod suffixes;
mod witness;

pub use expression::{Budget, Expression, Outside, Verdict, judge};
pub use http::{Http, http};
pub use suffixes::is_public_suffix;
