//! What the log says, and how often.

use crate::captured;
use crate::verdict;
use std::cell::Cell;
use std::time::Duration;

use config::{Loaded, Provenance};
use filter::{DecisionLog, INTERVAL, MAX_BUCKETS};
use log::Level;
use policy::request::Request;
use policy::verdict::{Allow, Check, Deny, Finding, Outcome, Verdict};

fn rejected(check: Check, reason: Deny) -> Finding {
    Finding {
        check,
        outcome: Outcome::Rejected(reason),
    }
}

type Fields<'a> = &'a [(&'a [u8], &'a [u8])];

/// The lines that a decision causes.
fn debug(line: &[&[u8]]) {
    log::debug!("{}", String::from_utf8_lossy(&line.concat()));
}

fn record(decision_log: &DecisionLog, now: Duration, finding: Finding, fields: Fields<'_>) -> Vec<(Level, String)> {
    let head: Request<'_> = fields.iter().copied().collect();
    let policy = br#"{"allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"]}"#;
    let Loaded { policy, provenance, .. } = config::load(policy).unwrap();
    decision_log.record(&policy, &provenance, &verdict::of(finding), &head, || now, debug);
    captured::take()
}

/// One test, since the log is one for all.
fn from(origin: &[u8]) -> [(&[u8], &[u8]); 2] {
    [(b":authority", b"api.example"), (b"origin", origin)]
}

/// The line of a first rejection.
fn first_line(finding: Finding, fields: Fields<'_>) -> String {
    captured::start();
    record(&DecisionLog::default(), Duration::ZERO, finding, fields)
        .remove(0)
        .1
}

#[test]
fn the_log_tells_enough_and_no_more() {
    captured::start();
    let decision_log = DecisionLog::default();
    let now = Cell::new(Duration::from_secs(1000));
    let socket = rejected(Check::WebSocket, Deny::PortMismatch);

    // The first of a kind is told at once, with the values and the fix.
    let first: &[u8] = b"https://a.example:8443";
    let text = "WebSocket origin rejected reason=port_mismatch origin=\"https://a.example:8443\" host=\"api.example\" \
         nearest=\"https://a.example\" repeated=0 others=0 \
         fix=\"add https://a.example:8443 to allowed_origins, or https://a.example:* for every port\"";
    let lines = record(&decision_log, now.get(), socket, &from(first));
    assert_eq!(lines, [(Level::Warn, text.to_owned())]);
    // So is each other value, until there are enough; the flood after that is not, nor is what was told. Another
    // finding is.
    let mut told = 1;
    for number in 0..10_000 {
        let origin = format!("https://{number}.example:1");
        let lines = record(&decision_log, now.get(), socket, &from(origin.as_bytes()));
        assert!(lines.iter().all(|(_, line)| line.contains(&origin)), "{lines:?}");
        told += lines.len();
        assert_eq!(record(&decision_log, now.get(), socket, &from(first)), []);
    }
    assert_eq!(told, MAX_BUCKETS);
    let unlisted = rejected(Check::Hosts, Deny::HostNotAllowed);
    let host = record(&decision_log, now.get(), unlisted, &from(b"x")).remove(0).1;
    assert!(host.starts_with("Host rejected reason=host_not_allowed"), "{host}");
    now.set(now.get() + INTERVAL - Duration::from_nanos(1));
    assert_eq!(record(&decision_log, now.get(), socket, &from(first)), []);
    // Then one line tells how often it came, and how many others did.
    now.set(now.get() + Duration::from_nanos(1));
    let line = |origin: &[u8]| {
        let mut lines = record(&decision_log, now.get(), socket, &from(origin));
        lines.pop().map(|(_, line)| line).unwrap_or_default()
    };
    let others = 10_000 - (MAX_BUCKETS - 1);
    assert!(line(first).contains(&format!(" repeated=10001 others={others} ")));
    assert_eq!(line(first), "");
    // A new value takes the place of an old one.
    assert!(line(b"https://new.example").contains(" repeated=0 others=0 "));
    assert_eq!(line(b"https://new.example"), "");
    now.set(now.get() + INTERVAL);
    assert!(line(first).contains(" repeated=1 others=0 "));
    assert!(line(b"https://newer.example").contains("newer.example"));
    // A clock that is set back does not silence anything.
    now.set(Duration::from_secs(1));
    assert!(line(first).contains(" repeated=0 "));
}

/// What a client sends cannot end the line, begin another, or speak to a terminal, and is cut.
#[test]
fn clients_write_no_lines() {
    let hostile = [b"\x1b[2J\"\r\n\xff".as_slice(), &[b'a'; 300]].concat();
    let line = first_line(rejected(Check::Cors, Deny::OriginMalformed), &from(&hostile));
    assert!(
        line.contains(r#"origin="\x1b[2J\"\r\n\xff"#) && line.contains("aaa…\""),
        "{line}"
    );
    assert!(line.is_ascii() || line.replace('…', "").is_ascii(), "{line}");
    assert!(line.len() < 600, "{line}");
}

#[test]
fn what_a_preflight_asked_in_vain_is_named() {
    let asked: [(&[u8], &[u8]); 2] = [
        (b"access-control-request-method", b"PURGE"),
        (b"access-control-request-headers", b"x-secret"),
    ];
    let line = first_line(rejected(Check::Cors, Deny::MethodNotAllowed), &asked);
    assert!(
        line.contains(" method=\"PURGE\" ") && line.contains("cors.allow_methods"),
        "{line}"
    );
    let line = first_line(rejected(Check::Cors, Deny::HeaderNotAllowed), &asked);
    assert!(
        line.contains(" headers=\"x-secret\" ") && line.contains("cors.allow_headers"),
        "{line}"
    );
}

/// All lines of the headers are one value, and so is a forwarded host, where that is what was refused.
#[test]
fn several_lines_are_one_value() {
    captured::start();
    let decision_log = DecisionLog::default();
    let check = br#"{"allowed_origins": ["https://a.example"], "allowed_hosts": ["api.example"],
                     "hosts": {"forwarded_host": "check"}}"#;
    let check = config::load(check).unwrap().policy;
    let named = |finding: Finding, fields: Fields<'_>| {
        let head: Request<'_> = fields.iter().copied().collect();
        let verdict = Verdict {
            finding,
            ..check.decide(&head)
        };
        let (nowhere, now) = (Provenance::default(), || Duration::ZERO);
        decision_log.record(&check, &nowhere, &verdict, &head, now, debug);
        captured::take().pop().map(|(_, line)| line).unwrap_or_default()
    };
    let header: (&[u8], &[u8]) = (b"access-control-request-headers", b"x-secret");
    let other: (&[u8], &[u8]) = (b"access-control-request-headers", b"x-other");
    let missed = rejected(Check::Cors, Deny::HeaderNotAllowed);
    assert!(named(missed, &[header, other]).contains(" headers=\"x-secret, x-other\" "));
    assert_eq!(named(missed, &[header, other]), "");
    let malformed = rejected(Check::Hosts, Deny::HostMalformed);
    const LIST: &str = "X-Forwarded-Host as a list";
    for (name, field, value, fix) in [
        ("x-forwarded-host", "forwarded_host", "api.example, a b", LIST),
        ("x_forwarded_host", "forwarded_host", "api.example, b c", LIST),
        (
            "forwarded",
            "forwarded",
            "for=_a host=api.example",
            "Forwarded as RFC 7239",
        ),
    ] {
        let fields: Fields<'_> = &[(b":authority", b"api.example"), (name.as_bytes(), value.as_bytes())];
        let line = named(malformed, fields);
        let told = format!(" host=\"api.example\" {field}=\"{value}\" repeated=0 ");
        assert!(
            line.contains(&told) && line.contains(&format!("fix=\"have the proxy in front send {fix}")),
            "{line}"
        );
        assert_eq!(named(malformed, fields), "");
    }
    // Where the host itself is refused, no client tells one from another by what it forwards.
    let unlisted = rejected(Check::Hosts, Deny::HostNotAllowed);
    let forwarding = |value: &'static str| -> [(&[u8], &[u8]); 2] {
        [(b":authority", b"y"), (b"x-forwarded-host", value.as_bytes())]
    };
    assert!(!named(unlisted, &forwarding("a")).contains("forwarded_host"));
    assert_eq!(named(unlisted, &forwarding("b")), "");
}

/// A million origins in a minute are as many lines as eight. What is kept are so many hashes.
#[test]
fn a_flood_is_a_few_lines() {
    captured::start();
    let malformed = rejected(Check::WebSocket, Deny::OriginNotAllowed);
    let flood = DecisionLog::default();
    let policy = config::load(br#"{"allowed_origins": ["https://a.example"]}"#)
        .unwrap()
        .policy;
    for number in 0..1_000_000 {
        let origin = format!("https://{number}.evil");
        let head: Request<'_> = from(origin.as_bytes()).into_iter().collect();
        let (nowhere, now) = (Provenance::default(), || Duration::ZERO);
        flood.record(&policy, &nowhere, &verdict::of(malformed), &head, now, debug);
    }
    assert_eq!(captured::take().len(), MAX_BUCKETS);
    assert!(format!("{flood:?}").len() < 2000);
}

#[test]
fn a_check_that_only_reports_says_so() {
    let watched = Finding {
        outcome: Outcome::WouldReject(Deny::PortMismatch),
        ..rejected(Check::WebSocket, Deny::PortMismatch)
    };
    let line = first_line(watched, &from(b"x"));
    assert!(
        line.starts_with("WebSocket origin would be rejected reason=port_mismatch"),
        "{line}"
    );
}

/// Grants are logged at debug, each in the words that operators look for; what grants nothing is not.
#[test]
fn grants_are_logged_at_debug() {
    captured::start();
    let decision_log = DecisionLog::default();
    let allowed = |check, reason| Finding {
        check,
        outcome: Outcome::Allowed(reason),
    };
    for (check, reason, words) in [
        (
            Check::WebSocket,
            Allow::Listed,
            Some("WebSocket origin validated reason=listed origin=\"https://a\""),
        ),
        (
            Check::WebSocket,
            Allow::SameHost,
            Some("WebSocket origin validated reason=same_host origin=\"https://a\""),
        ),
        (Check::WebSocket, Allow::Off, None),
        (Check::WebSocket, Allow::OriginMissing, None),
        (
            Check::Cors,
            Allow::Pattern,
            Some("CORS headers added for origin reason=pattern origin=\"https://a\""),
        ),
        (Check::Cors, Allow::SameHost, None),
        (Check::Cors, Allow::NotCors, None),
        (Check::Cors, Allow::OriginMissing, None),
        (Check::Cors, Allow::Off, None),
    ] {
        let told = record(
            &decision_log,
            Duration::ZERO,
            allowed(check, reason),
            &from(b"https://a"),
        );
        let words: Vec<_> = words.into_iter().map(|it| (Level::Debug, it.to_owned())).collect();
        assert_eq!(told, words, "{check:?} {reason:?}");
    }
}

/// A page of `https` that asks its own host by `http`: browsers do not do that, so a proxy in front hid the scheme. Once is enough,
/// whatever the origin; and only where the request passes, since a refusal says it already.
#[test]
fn a_scheme_that_cannot_be_the_browsers_is_told_once() {
    let passes = |check, reason| Finding {
        check,
        outcome: Outcome::Allowed(reason),
    };
    let socket = passes(Check::WebSocket, Allow::SameHost);
    let asked = |origin: &'static [u8], scheme: &'static [u8]| -> [(&[u8], &[u8]); 3] {
        [
            (b":authority", b"api.example"),
            (b":scheme", scheme),
            (b"origin", origin),
        ]
    };
    captured::start();
    let decision_log = DecisionLog::default();
    let lines = |finding, origin, scheme| {
        let told = record(&decision_log, Duration::ZERO, finding, &asked(origin, scheme));
        let warned = told.into_iter().filter(|(level, _)| *level == Level::Warn);
        warned.map(|(_, it)| it).collect::<Vec<_>>()
    };
    for (finding, origin, scheme) in [
        (socket, "https://api.example", "https"),
        (socket, "http://api.example", "http"),
        (socket, "https://api.example", "unknown"),
        (passes(Check::WebSocket, Allow::Listed), "https://api.example", "http"),
    ] {
        assert_eq!(
            lines(finding, origin.as_bytes(), scheme.as_bytes()),
            [""; 0],
            "{finding:?} {origin} {scheme}"
        );
    }
    assert_eq!(
        lines(socket, b"https://api.example", b"http"),
        [
            "WebSocket origin misread reason=same_host origin=\"https://api.example\" host=\"api.example\" repeated=0 \
             others=0 fix=\"the page and its request differ in scheme: have the proxy that ends TLS send X-Forwarded-Proto\""
        ]
    );
    for origin in ["https://api.example", "https://b.example"] {
        let cors = passes(Check::Cors, Allow::SameHost);
        assert_eq!(lines(cors, origin.as_bytes(), b"http"), [""; 0], "again");
    }
}
