//! Cookies that a page of another site never gets to keep: browsers drop a `Set-Cookie` in what its scripts fetch unless
//! it says `SameSite=None; Secure` (RFC 6265bis §5.7, steps 19 to 21), and the visitor's cart is empty in the next call.

use super::headers::trim;
use super::host::{Host, without_root_dot};
use super::request::{Field, Request, Source};

/// Whether browsers hold the page behind a request to be of another site than the server.
///
/// They say so themselves (Fetch Metadata §2.4). Without their word, names that share two labels pass for one site:
/// the list of public suffixes is not at hand, and to say nothing is better than a false alarm.
pub(super) fn is_cross_site(request: &Request<'_>) -> bool {
    // What a person follows or submits may set cookies of any kind but `Strict`.
    if request.received.fetch_mode == Field::One(b"navigate") {
        return false;
    }
    match (request.received.fetch_site, request.source, request.target) {
        (Field::One(site), ..) => site == b"cross-site",
        (Field::Absent, Source::Origin(origin), Some(target)) => !share_site(&origin.host, &target.host),
        (Field::Absent | Field::Many, ..) => false,
    }
}

/// The name of the cookie that a `Set-Cookie` line would set, if a page of another site cannot have it set.
#[must_use]
pub fn dropped(line: &[u8]) -> Option<&[u8]> {
    let mut parts = line.split(|&byte| byte == b';');
    let pair = parts.next().unwrap_or_default();
    // RFC 6265bis §5.6, step 3: without `=` it is all value.
    let name = pair.iter().position(|&byte| byte == b'=').and_then(|at| pair.get(..at));
    let (mut is_for_all_sites, mut is_secure) = (false, false);
    for attribute in parts {
        let mut halves = attribute.splitn(2, |&byte| byte == b'=').map(trim);
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if name.eq_ignore_ascii_case(b"secure") {
            is_secure = true;
        } else if name.eq_ignore_ascii_case(b"samesite") {
            is_for_all_sites = value.eq_ignore_ascii_case(b"none");
        }
    }
    (!(is_for_all_sites && is_secure)).then(|| trim(name.unwrap_or_default()))
}

fn share_site(a: &Host<'_>, b: &Host<'_>) -> bool {
    let share = |a: &[u8], b: &[u8]| a.eq_ignore_ascii_case(b);
    a == b || domain(a).is_some_and(|a| domain(b).is_some_and(|b| share(a, b)))
}

/// The last two labels of a name that has as many.
fn domain<'a>(host: &Host<'a>) -> Option<&'a [u8]> {
    let Host::Name(text) = *host else { return None };
    let name = without_root_dot(text);
    let mut labels = name.rsplit(|&byte| byte == b'.');
    let (last, second) = (labels.next()?, labels.next()?);
    let is_address = last.iter().all(u8::is_ascii_digit);
    name.get(name.len() - last.len() - second.len() - 1..)
        .filter(|_| !is_address)
}
