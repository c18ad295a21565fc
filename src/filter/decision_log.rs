//! What the log says: one line a decision, `key=value`, with the value and the fix, and no more lines than a person
//! would read however many requests there are.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::warn;

use super::shown::{LONGEST, Shown};
use advice::{Domains, Hint};
use config::Provenance;
use policy::Policy;
use policy::forwarding::FORWARDED;
use policy::request::{Field, Request, Source};
use policy::verdict::{Allow, Check, Deny, Finding, Outcome, Verdict};

/// How long repetitions of a rejection are counted before a line says how many there were.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// How many values of one finding are logged in an [`INTERVAL`], each once. Further values are only counted.
pub const MAX_BUCKETS: usize = 8;

/// Logs the first rejection with each finding and value at once, and counts repetitions. It keeps at most
/// [`MAX_BUCKETS`] hashes for each finding, whatever clients send.
#[derive(Debug, Default)]
pub struct DecisionLog {
    limiters: Mutex<Vec<RateLimiter>>,
    /// Keyed at random: who sends requests cannot make one origin pass for the repetition of another.
    hasher: RandomState,
    has_misread: AtomicBool,
}

/// The rejections with one finding.
#[derive(Debug)]
struct RateLimiter {
    finding: Finding,
    buckets: Vec<Bucket>,
    /// The suppressed rejections whose values have no bucket, or no longer have one.
    others: u64,
}

/// A value that was logged, as a hash.
#[derive(Debug)]
struct Bucket {
    value: u64,
    logged: Duration,
    repeated: u64,
}

/// Events suppressed since the last line.
struct Suppressed {
    repeated: u64,
    others: u64,
}

impl DecisionLog {
    /// Logs a decision on a request. `debug` takes the line of one that is granted: every page's request comes there, most
    /// often for the proxy to drop the line.
    pub fn record(
        &self,
        policy: &Policy,
        provenance: &Provenance,
        verdict: &Verdict<'_>,
        head: &Request<'_>,
        now: impl FnOnce() -> Duration,
        debug: impl FnOnce(&[&[u8]]),
    ) {
        let finding = verdict.finding;
        let deny = finding.outcome.deny();
        if deny.is_none() && !self.is_first_misread(finding, head) {
            return record_allowed(finding, head, debug);
        }
        let headers = match deny {
            Some(Deny::HeaderNotAllowed) => head.received.request_headers.join(&b", "[..]),
            _ => Vec::new(),
        };
        let (key, value) = refused(verdict, deny, head, &headers);
        // Values that log identically share one entry.
        let hash = self.hasher.hash_one((key, value.one().map(Shown::from)));
        let Some(Suppressed { repeated, others }) = self.count(finding, hash, now()) else {
            return;
        };
        let (subject, verb) = phrase(finding);
        let Hint { nearest, fix } = advice::hint(policy, provenance, verdict, head, Domains::LITTLE);
        let (reason, origin, host) = (
            finding.outcome.reason(),
            Quoted(head.received.origin),
            Quoted(head.received.authority),
        );
        // Every line has the origin and the host, so that neither is repeated.
        let asked = match key {
            "origin" | "host" => nearest.as_ref().map(|it| ("nearest", Field::One(it.as_bytes()))),
            _ => Some((key, value)),
        };
        let asked = fmt::from_fn(|f| match asked {
            Some((key, value)) => write!(f, " {key}={}", Quoted(value)),
            None => Ok(()),
        });
        warn!(
            "{subject} {verb} reason={reason} origin={origin} host={host}{asked} repeated={repeated} others={others} \
             fix=\"{fix}\""
        );
    }

    /// Whether this is the first request that passes and whose scheme cannot be the browser's.
    fn is_first_misread(&self, finding: Finding, head: &Request<'_>) -> bool {
        advice::is_misread(finding, head) && !self.has_misread.swap(true, Ordering::Relaxed)
    }

    /// Counts a rejection. Returns the events that were suppressed before it, or `None` if it is suppressed too.
    fn count(&self, finding: Finding, value: u64, now: Duration) -> Option<Suppressed> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match limiters.iter().position(|limiter| limiter.finding == finding) {
            Some(index) => index,
            None => {
                limiters.push(RateLimiter {
                    finding,
                    buckets: Vec::new(),
                    others: 0,
                });
                limiters.len() - 1
            }
        };
        limiters.get_mut(index)?.count(value, now)
    }
}

impl RateLimiter {
    fn count(&mut self, value: u64, now: Duration) -> Option<Suppressed> {
        // A clock that was set back starts anew.
        let is_fresh = |it: &Bucket| (it.logged..it.logged + INTERVAL).contains(&now);
        let known = self.buckets.iter().position(|it| it.value == value);
        let free = || self.buckets.iter().position(|it| !is_fresh(it));
        let at = match known.or_else(free) {
            Some(at) => at,
            None if self.buckets.len() < MAX_BUCKETS => {
                self.buckets.push(Bucket {
                    value,
                    logged: now,
                    repeated: 0,
                });
                return Some(self.suppressed(0));
            }
            None => {
                self.others += 1;
                return None;
            }
        };
        let bucket = self.buckets.get_mut(at)?;
        if is_fresh(bucket) {
            bucket.repeated += 1;
            return None;
        }
        let repeated = std::mem::take(&mut bucket.repeated);
        let was = std::mem::replace(&mut bucket.value, value);
        bucket.logged = now;
        if was == value {
            return Some(self.suppressed(repeated));
        }
        self.others += repeated;
        Some(self.suppressed(0))
    }

    fn suppressed(&mut self, repeated: u64) -> Suppressed {
        Suppressed {
            repeated,
            others: std::mem::take(&mut self.others),
        }
    }
}

/// Returns what was refused: its name in the line, and its value. The value distinguishes rejections with the same
/// finding. All lines of `Access-Control-Request-Headers` are one value; of `Forwarded` the value is the host, where one
/// can be read.
fn refused<'a>(
    verdict: &'a Verdict<'_>,
    deny: Option<Deny>,
    head: &Request<'a>,
    headers: &'a [u8],
) -> (&'static str, Field<'a>) {
    match (verdict.finding.check, deny) {
        (Check::Hosts, _) => match &verdict.forwarded {
            Some(unfit) if unfit.header == FORWARDED => {
                ("forwarded", Field::One(unfit.value.as_deref().unwrap_or(unfit.line)))
            }
            Some(unfit) => ("forwarded_host", Field::One(unfit.line)),
            None => ("host", head.received.authority),
        },
        (_, Some(Deny::MethodNotAllowed)) => ("method", head.received.request_method),
        (_, Some(Deny::HeaderNotAllowed)) => ("headers", Field::One(headers)),
        _ => ("origin", head.received.origin),
    }
}

fn record_allowed(finding: Finding, head: &Request<'_>, debug: impl FnOnce(&[&[u8]])) {
    // Nothing was validated and nothing is granted where no origin was found among those allowed.
    let Outcome::Allowed(allow) = finding.outcome else {
        return;
    };
    let is_grant = !matches!(allow, Allow::NotCors | Allow::Off | Allow::OriginMissing);
    let what = match finding.check {
        Check::WebSocket if is_grant => "WebSocket origin validated",
        Check::Cors if is_grant && allow != Allow::SameHost => "CORS headers added for origin",
        _ => return,
    };
    let (what, reason) = (what.as_bytes(), allow.code().as_bytes());
    match (&head.source, head.received.origin) {
        // What parsed has nothing to hide or to escape, and the standard library's formatting costs more than the decision.
        (Source::Origin(_), Field::One(origin)) if origin.len() <= LONGEST => {
            debug(&[what, b" reason=", reason, b" origin=\"", origin, b"\""]);
        }
        (_, origin) => debug(&[
            what,
            b" reason=",
            reason,
            b" origin=",
            Quoted(origin).to_string().as_bytes(),
        ]),
    }
}

fn phrase(finding: Finding) -> (&'static str, &'static str) {
    let subject = match (finding.check, finding.outcome.deny()) {
        (_, Some(Deny::HeadersUnavailable)) => "Unread request",
        (Check::Cors, Some(Deny::MethodNotAllowed | Deny::HeaderNotAllowed)) => "CORS preflight",
        (check, _) => check.subject(),
    };
    let verb = match finding.outcome {
        Outcome::WouldReject(_) => "would be rejected",
        Outcome::Rejected(_) => "rejected",
        Outcome::Allowed(_) => "misread",
    };
    (subject, verb)
}

/// As much of a field's value as is shown, in quotes, control and non-ASCII bytes escaped; `-` for none.
struct Quoted<'a>(Field<'a>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Field::Absent => f.write_str("-"),
            Field::Many => f.write_str("(several)"),
            Field::One(value) => write!(f, "\"{}\"", Shown::from(value)),
        }
    }
}
