//! The values that have been logged. Their number is bounded, whatever backends send.

use std::sync::{Mutex, PoisonError};

use super::shown::cut;

/// The most values that are logged, and remembered. A backend may invent names without end.
pub const MAX_LOGGED: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Logged(Mutex<Vec<Box<[u8]>>>);

impl Logged {
    /// Whether to log a value: it is new, and fewer than [`MAX_LOGGED`] came before it. It is remembered.
    pub(crate) fn is_new(&self, what: &[u8]) -> bool {
        let what = cut(what);
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = logged.len() < MAX_LOGGED && !logged.iter().any(|it| **it == *what);
        if is_new {
            logged.push(what.into());
        }
        is_new
    }
}
