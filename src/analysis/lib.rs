//! What can be decided about a policy's entries over *all* origins, rather than about one request.
//!
//! [`judge`] takes an expression of `allowed_origin_regexes` and says whether every origin that it matches is one that
//! its author wrote down. It is exact: it searches the automaton of the expression and the grammar of origins together.
//! [`HttpSearch`] and [`local_origins`] ask of which pages of `http` and of which machines it is. None of this is in the module.

#![forbid(unsafe_code)]

mod alternatives;
mod automaton;
pub mod browser;
pub mod cases;
pub mod check;
pub mod console;
pub mod diff;
pub mod evidence;
pub mod explain;
mod expression;
pub mod finding;
mod help;
mod hosts;
mod http;
pub mod input;
mod judge;
mod letters;
mod local;
pub mod log;
pub mod places;
pub mod reach;
mod repair;
mod schemes;
mod search;
mod suffix_rules;
mod suffixes;
pub mod who;
mod witness;

pub use automaton::TooLarge;
pub use expression::{Budget, Expression, Judgement, Outside};
pub use http::{Http, HttpSearch};
pub use judge::{dead_alternatives, judge};
pub use local::local_origins;
pub use suffix_rules::SuffixRules;
#[cfg(not(feature = "suffixes"))]
pub use suffixes::load_suffixes;
pub use suffixes::{Standing, is_public_suffix, standing};
