//! Policies made of the configurations of other programs.
//!
//! What cannot be carried over exactly is left out, and a note says so. A list of which something is missing allows less; a
//! list that is missing whole, and would then allow everything, gives no policy.

#![forbid(unsafe_code)]

mod django;
mod dotenv;
mod ingress_nginx;

use config::Converted;

pub use django::{SCRIPT, import_django};
pub use dotenv::environment;
pub use ingress_nginx::import_ingress_nginx;

/// What an import made.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The policy, in JSON; `None` if there is none that would do.
    pub policy: Option<String>,
    /// What could not be carried over, and what the operator should know, a line each.
    pub notes: Vec<String>,
}

/// The longest that browsers keep an answer to a preflight, and the largest `max_age`, in seconds.
const LONGEST_MAX_AGE: u64 = 86400;

/// Text from a file, for a terminal: as it is, but for what would end the line, move the cursor or turn the writing round.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_safe = |char: char| matches!(char, '"' | '\'' | '\\');
    text.chars().fold(String::with_capacity(text.len()), |mut line, char| {
        match is_safe(char) {
            true => line.push(char),
            false => line.extend(char.escape_debug()),
        }
        line
    })
}

impl Imported {
    fn of(converted: Converted, mut notes: Vec<String>) -> Self {
        notes.extend(converted.left_out.iter().map(|it| format!("left out: {it}")));
        notes.extend(converted.warnings.iter().map(|it| format!("warning: {it}")));
        Self {
            policy: Some(converted.policy),
            ..Self::none(notes)
        }
    }

    fn none(notes: Vec<String>) -> Self {
        Self {
            policy: None,
            notes: notes.iter().map(|it| printable(it)).collect(),
        }
    }
}
