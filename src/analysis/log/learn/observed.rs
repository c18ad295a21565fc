//! What the log shows of an answer: who could read it, and why.

use super::super::line::{LogLine, Logged, Name};
use policy::request::{Request, Source};

/// Whether a page got what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    /// It did, by its own name, or for all that the log shows.
    Named,
    /// It did, as everybody does.
    Anybody,
    /// It asked for no answer that a page reads.
    Unread,
    /// It did not.
    No,
}

/// Whether the backend answered as it answers those that it serves: with success or a redirect, or a switch of protocols.
pub(super) fn is_well(line: &LogLine<'_>) -> bool {
    match line.status() {
        Some(status) => matches!(status, 101 | 200..=399) && !is_refused_by(line, b"hosts"),
        None => line.value(Name::Finding).is_some_and(|it| parts(it).1 == b"allowed"),
    }
}

/// Whether the log's own policy refused a request by a check.
fn is_refused_by(line: &LogLine<'_>, check: &[u8]) -> bool {
    let parts = line.value(Name::Finding).map(parts);
    parts.is_some_and(|it| it.0 == check && it.1 == b"rejected")
}

/// `<check>:<outcome>:<reason>`.
fn parts(finding: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let mut parts = finding.splitn(3, |it| *it == b':');
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

pub(super) fn is_socket(line: &LogLine<'_>, request: &Request<'_>) -> bool {
    request.received.is_websocket() || line.status() == Some(101)
}

/// Whether a request changes something (RFC 9110 §9.2.1).
pub(super) fn is_write(request: &Request<'_>) -> bool {
    !matches!(request.received.method, b"" | b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}

/// Whether the page of a request got what it asked for. The filter's finding says it best; where it checked nothing, or only
/// reports, the backend's own header does; where the log has neither, the status.
pub(super) fn granted(line: &LogLine<'_>, request: &Request<'_>, is_well: bool) -> Granted {
    let finding = line.value(Name::Finding).map(parts);
    let is_socket = is_socket(line, request);
    if !is_well || finding.is_some_and(|it| it.1 == b"rejected") {
        return Granted::No;
    }
    match finding {
        Some((_, b"allowed", b"any")) => return Granted::Anybody,
        Some((_, b"allowed", b"not_cors")) => return Granted::Unread,
        Some((_, b"allowed", b"listed" | b"pattern" | b"regex" | b"allowed_hosts" | b"same_host")) => {
            return Granted::Named;
        }
        _ if is_socket => return Granted::Named,
        _ if request.received.asks_no_cors() => return Granted::Unread,
        _ => {}
    }
    match (line.get(Name::AllowOrigin), &request.source) {
        (Logged::Unlogged, _) => Granted::Named,
        (Logged::Absent, _) => Granted::No,
        (Logged::Value(value), _) if **value == *b"*" => Granted::Anybody,
        (Logged::Value(value), Source::Origin(_)) if Some(&**value) == request.received.origin.one() => Granted::Named,
        (Logged::Value(_), _) => Granted::No,
    }
}
