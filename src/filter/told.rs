//! What was told already. Its memory is bounded, whatever backends send.

use std::sync::{Mutex, PoisonError};

use super::shown::cut;

/// The most that is told, and remembered: a backend that makes up names is not worth more.
pub const MAX_TOLD: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<Box<[u8]>>>);

impl Told {
    /// Whether this is to be told: it is new, and there was not too much before.
    pub(crate) fn is_new(&self, what: &[u8]) -> bool {
        let what = cut(what);
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = told.len() < MAX_TOLD && !told.iter().any(|it| **it == *what);
        if is_new {
            told.push(what.into());
        }
        is_new
    }
}
