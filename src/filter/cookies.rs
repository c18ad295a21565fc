//! Tells of cookies that browsers drop: each name once, with the fix.

use log::warn;

use policy::cookies::dropped;
use policy::headers;

use super::logged::Logged;
use super::proxy::Headers;
use super::shown::{Shown, cut};

/// The counter of answers that set a cookie which browsers drop.
pub const COUNTER: &str = "origin_gate_answers_with_dropped_cookies";

/// The names that have been logged.
#[derive(Debug, Default)]
pub struct Cookies {
    logged: Logged,
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
        if !self.logged.is_new(name) {
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
}
