//! Tells what the CORS headers of a backend grant and the policy does not: each thing once, with the line that keeps it.

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU32, Ordering};

use log::warn;

use config::Provenance;
use policy::headers::{self, is_of_protocol, is_safelisted_response, is_token, is_unreadable, members};
use policy::verdict::{AllowOrigin, CorsGrant};

use super::logged::Logged;
use super::proxy::Headers;
use super::shown::{LONGEST, Shown};

/// The counter of the grants that were logged.
pub const COUNTER: &str = "origin_gate_removed_backend_grants";

/// After so many responses in a row that brought nothing new, no further one is looked at: what a backend grants is
/// logged soon, and its responses cost no more from then on.
pub const QUIET: u32 = 1000;

/// The grants that have been logged.
#[derive(Debug, Default)]
pub struct Removed {
    logged: Logged,
    /// The responses since there was something new.
    quiet: AtomicU32,
}

/// The grant that takes the place of a backend's.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// The grant.
    pub grant: &'a CorsGrant<'a>,
    /// Whether the page was refused, rather than that no page asked.
    pub is_refused: bool,
    /// The entry of `policies` whose rules decided.
    pub by: Option<usize>,
    /// Where the keys of the policy were written.
    pub provenance: &'a Provenance,
}

impl Removed {
    /// Whether responses are looked at still.
    #[must_use]
    pub fn looks(&self) -> bool {
        self.quiet.load(Ordering::Relaxed) < QUIET
    }

    /// Logs what of a response is lost to the page; how much was new.
    pub fn record(&self, to: Replacement<'_>, response: &impl Headers) -> u32 {
        let (mut granted, mut credentials, mut count) = (&b""[..], false, 0);
        let mut log = |header, value| count += u32::from(self.log(to, header, value));
        let visited = response.visit(|name, value| {
            let is = |it: &str| is_same(name, it.as_bytes());
            if is(headers::ALLOW_ORIGIN) {
                granted = value;
            } else if is(headers::ALLOW_CREDENTIALS) {
                credentials = value == b"true";
            } else if is(headers::EXPOSE_HEADERS) && to.grant.origin != AllowOrigin::Withheld {
                let lost = members(value).filter(|name| is_exposable(name) && !to.exposes(name));
                lost.for_each(|name| log(headers::EXPOSE_HEADERS, name));
            }
        });
        let is_withheld = to.grant.origin == AllowOrigin::Withheld;
        if visited.is_ok() && is_withheld && to.is_refused && !granted.is_empty() {
            log(headers::ALLOW_ORIGIN, granted);
        }
        if visited.is_ok() && !is_withheld && credentials && !to.grant.credentials && !matches!(granted, b"" | b"*") {
            log(headers::ALLOW_CREDENTIALS, b"true");
        }
        let quiet = match count {
            0 => self.quiet.load(Ordering::Relaxed) + 1,
            _ => 0,
        };
        self.quiet.store(quiet, Ordering::Relaxed);
        count
    }

    #[inline(never)]
    fn log(&self, to: Replacement<'_>, header: &'static str, value: &[u8]) -> bool {
        let name = match header {
            headers::EXPOSE_HEADERS => value.to_ascii_lowercase(),
            _ => header.as_bytes().to_vec(),
        };
        if !self.logged.is_new(&name) {
            return false;
        }
        let (what, key, more) = match header {
            headers::ALLOW_ORIGIN => (
                "list who may read in ",
                "allowed_origins",
                ", or, where the backend is to decide, set cors.upstream_headers to keep",
            ),
            headers::ALLOW_CREDENTIALS if to.grant.origin == AllowOrigin::Any => (
                "if some pages may read with cookies, list these in the place of * and set ",
                "cors.allow_credentials",
                " to true",
            ),
            headers::ALLOW_CREDENTIALS => (
                "if all pages that are listed may read with cookies, set ",
                "cors.allow_credentials",
                " to true",
            ),
            _ => ("if pages may read it, list it by name in ", "cors.expose_headers", ""),
        };
        let (value, key) = (Shown::from(value), to.provenance.place(to.by, key));
        warn!("Backend's grant removed header={header} value=\"{value}\" fix=\"{what}{key}{more}\"");
        true
    }
}

impl Replacement<'_> {
    fn exposes(&self, name: &[u8]) -> bool {
        members(self.grant.expose.as_bytes()).any(|it| it == b"*" || is_same(it, name))
    }
}

#[inline(never)]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether it is to a page's use that `expose_headers` has this name, and can be.
#[inline(never)]
fn is_exposable(name: &[u8]) -> bool {
    is_token(name)
        && name.len() <= LONGEST
        && !is_safelisted_response(name)
        && !is_of_protocol(name)
        && !is_unreadable(name)
}

/// An entry of `policies` in the room that a stream has for it; `None` too for one that is beyond it.
pub(super) fn packed(by: Option<usize>) -> Option<NonZeroU16> {
    NonZeroU16::new(u16::try_from(by?).ok()?.checked_add(1)?)
}

/// The entry again.
pub(super) fn unpacked(by: Option<NonZeroU16>) -> Option<usize> {
    by.map(|it| usize::from(it.get()) - 1)
}
