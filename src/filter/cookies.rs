//! Tells of cookies that browsers drop: each name once, with the fix.

use std::sync::{Mutex, PoisonError};

use log::warn;

use policy::cookies::dropped;
use policy::headers;

use super::proxy::Headers;
use super::shown::{Shown, cut};

/// The counter of answers that set a cookie which browsers drop.
pub const COUNTER: &str = "origin_gate_answers_with_dropped_cookies";

/// The most names that are told, and remembered: a backend that makes up names is not worth more.
pub const MAX_NAMES: usize = 64;

/// The names that were told. Its memory is bounded, whatever backends send.
#[derive(Debug, Default)]
pub struct Cookies {
    told: Mutex<Vec<Box<[u8]>>>,
}

impl Cookies {
    /// Logs the cookies of a response that the page of `origin`, on another site, will not keep; whether there are any.
    pub fn record(&self, origin: &[u8], response: &impl Headers) -> bool {
        let mut is_any = false;
        let visited = response.visit(|name, line| {
            if name.eq_ignore_ascii_case(headers::SET_COOKIE.as_bytes())
                && let Some(cookie) = dropped(line)
            {
                is_any = true;
                self.warn(cookie, origin);
            }
        });
        visited.is_ok() && is_any
    }

    fn warn(&self, name: &[u8], origin: &[u8]) {
        if !self.is_new(name) {
            return;
        }
        warn!(
            "Cookie dropped by browsers name=\"{}\" origin=\"{}\" fix=\"set it with SameSite=None; Secure, or pages of \
             other sites lose it (Django: SESSION_COOKIE_SAMESITE = 'None' and SESSION_COOKIE_SECURE = True; \
             CSRF_COOKIE_… alike)\"",
            cut(name).escape_ascii(),
            Shown::from(origin),
        );
    }

    fn is_new(&self, name: &[u8]) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = told.len() < MAX_NAMES && !told.iter().any(|it| **it == *cut(name));
        if is_new {
            told.push(cut(name).into());
        }
        is_new
    }
}
