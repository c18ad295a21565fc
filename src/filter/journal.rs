//! What the log says: one line a decision, `key=value`, with the value and the fix, and no more lines than a person
//! would read however many requests there are.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use log::{debug, warn};

use crate::policy::request::{Field, RequestHead};
use crate::policy::verdict::{Check, Finding, Outcome, Reason};

/// How long repetitions of a rejection are counted before a line tells their number.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// Tells rejections at once when they are the first of their kind, and by number after that. Its memory is bounded by
/// the list of findings, whatever clients send.
#[derive(Debug, Default)]
pub struct Journal {
    kinds: RefCell<Vec<Kind>>,
}

#[derive(Debug)]
struct Kind {
    finding: Finding,
    told: Duration,
    untold: u64,
}

impl Journal {
    /// Logs a decision on a request.
    pub fn record(&self, finding: Finding, head: &RequestHead<'_>, now: impl FnOnce() -> Duration) {
        if finding.outcome == Outcome::Allowed {
            return record_allowed(finding, head);
        }
        let repeated = match self.count(finding, now()) {
            Some(repeated) => repeated,
            None => return,
        };
        let ((subject, verb), fix) = (phrase(finding), fix(finding));
        let (reason, origin, host) = (finding.reason.code(), Quoted(head.origin), Quoted(head.authority));
        let asked = match finding.reason {
            Reason::MethodNotAllowed => Some(("method", head.request_method)),
            Reason::HeaderNotAllowed => Some((
                "headers",
                head.request_headers
                    .first()
                    .map_or(Field::Absent, |line| Field::One(line)),
            )),
            _ => None,
        };
        let asked = fmt::from_fn(|f| match asked {
            Some((key, value)) => write!(f, " {key}={}", Quoted(value)),
            None => Ok(()),
        });
        warn!("{subject} {verb} reason={reason} origin={origin} host={host}{asked} repeated={repeated} fix=\"{fix}\"");
    }

    /// How many of its kind went untold before this one, if this one is to be told.
    fn count(&self, finding: Finding, now: Duration) -> Option<u64> {
        let mut kinds = self.kinds.borrow_mut();
        let Some(kind) = kinds.iter_mut().find(|kind| kind.finding == finding) else {
            kinds.push(Kind {
                finding,
                told: now,
                untold: 0,
            });
            return Some(0);
        };
        // A clock that was set back starts anew.
        if (kind.told..kind.told + INTERVAL).contains(&now) {
            kind.untold += 1;
            return None;
        }
        kind.told = now;
        Some(std::mem::take(&mut kind.untold))
    }
}

fn record_allowed(finding: Finding, head: &RequestHead<'_>) {
    // Nothing was validated and nothing is granted where no origin was found among those allowed.
    let is_grant = !matches!(finding.reason, Reason::Off | Reason::OriginMissing);
    let (reason, origin) = (finding.reason.code(), Quoted(head.origin));
    match finding.check {
        Check::WebSocket if is_grant => debug!("WebSocket origin validated reason={reason} origin={origin}"),
        Check::Cors if is_grant && finding.reason != Reason::SameHost => {
            debug!("CORS headers added for origin reason={reason} origin={origin}");
        }
        _ => {}
    }
}

fn phrase(finding: Finding) -> (&'static str, &'static str) {
    let subject = match (finding.check, finding.reason) {
        (_, Reason::HeadersUnavailable) => "Unread request",
        (Check::Hosts, _) => "Host",
        (Check::WebSocket, _) => "WebSocket origin",
        (Check::Csrf, _) => "Cross-site write",
        (Check::Cors, Reason::MethodNotAllowed | Reason::HeaderNotAllowed) => "CORS preflight",
        (Check::Cors, _) => "CORS origin",
    };
    let verb = match finding.outcome {
        Outcome::WouldReject => "would be rejected",
        Outcome::Allowed | Outcome::Rejected => "rejected",
    };
    (subject, verb)
}

fn fix(finding: Finding) -> &'static str {
    match finding.reason {
        Reason::HeadersUnavailable => "report this with the proxy's version: it would not hand over the headers",
        Reason::HeaderNotAllowed => "add the header to cors.allow_headers, if pages may send it",
        Reason::HostMalformed => {
            "nothing, unless a proxy in front rewrites Host: one name or address, an optional port"
        }
        Reason::HostNotAllowed => "add the host to allowed_hosts, or for a health check its path to hosts.exempt_paths",
        Reason::MethodNotAllowed => "add the method to cors.allow_methods, if pages may use it",
        Reason::OriginMalformed => "nothing, if a browser was not the client; else see what rewrites Origin",
        Reason::OriginMissing => "set websocket.missing_origin to allow, if clients other than browsers connect",
        Reason::OriginNull => "serve the page from a site: sandboxed frames, files and some redirects have no origin",
        Reason::PortMismatch => "list the origin with its port in allowed_origins, or with :* for every port",
        Reason::SchemeMismatch => "list the origin with its scheme in allowed_origins, if pages may come over it",
        _ => "add the origin to allowed_origins, if it is yours",
    }
}

/// A field's value in quotes, control and non-ASCII bytes escaped, cut where nobody reads on; `-` for none.
struct Quoted<'a>(Field<'a>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 256;
        match self.0 {
            Field::Absent => f.write_str("-"),
            Field::Many => f.write_str("(several)"),
            Field::One(value) => {
                let shown = value.get(..LONGEST).unwrap_or(value);
                let cut = if shown.len() < value.len() { "…" } else { "" };
                write!(f, "\"{}{cut}\"", shown.escape_ascii())
            }
        }
    }
}
