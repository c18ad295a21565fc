//! What a policy permits that another does not, over all requests.
//!
//! Each request that stands for others ([`reach`](super::reach)) is asked of both policies, and what one permits and the other
//! does not is a [`Change`]. It names the shortest request that shows it, and the entry that did it: one that only one of the
//! two lists has, or else the key without whose change the request is answered as before.

mod cause;
mod changes;
mod gather;
mod render;
mod whom;

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::TooLarge;
use super::reach::{Permission, Question, Subject};
use policy::verdict::Finding;

pub use cause::Cause;

/// In which direction a policy changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The new policy permits what the old one does not.
    Permits,
    /// The new policy refuses what the old one permits.
    Refuses,
}

/// What is permitted to some requests by one policy alone.
#[derive(Clone, Debug)]
pub struct Change {
    /// By which.
    pub direction: Direction,
    /// Who asks.
    pub whom: BTreeSet<String>,
    /// What is permitted, each with the shortest request that shows it.
    pub permissions: BTreeMap<Permission, Witness>,
    /// Where, by the entry of `policies` that permits it; empty for everywhere.
    pub places: BTreeSet<String>,
    /// The entry that did it, if it is one.
    pub cause: Option<Cause>,
    /// Whether it holds only for paths that backends read in several ways.
    pub is_ambiguous: bool,
}

/// A request to which two policies answer differently.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The request.
    pub question: Question,
    /// What the old policy says of it, and the new one; `None` where there is no policy.
    pub findings: [Option<Finding>; 2],
}

/// All that two policies do not have in common.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// What is permitted or refused.
    pub changes: Vec<Change>,
    /// What else changed, such as how long browsers keep an answer.
    pub notes: Vec<String>,
    /// Why more may be permitted than is known.
    pub undecided: Option<String>,
}

impl Diff {
    /// Compares two policies.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if their expressions have too many states together.
    pub fn between(old: &Subject, new: &Subject) -> Result<Self, TooLarge> {
        gather::diff(old, new)
    }

    /// Whether something is permitted that was not, or may be.
    #[must_use]
    pub fn permits_more(&self) -> bool {
        self.undecided.is_some() || self.changes.iter().any(|it| it.direction == Direction::Permits)
    }
}
