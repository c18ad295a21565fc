//! The corpus through the whole filter, on a proxy made of vectors.

use crate::support;
use std::collections::BTreeMap;

use crate::support::fake::Native;
use crate::support::stream::{self, Host, Stream, respond, run};
use crate::support::{Case, Envoy, Response};
use filter::{Headers as _, Pairs};
use policy::request::Request;
use policy::verdict::Finding;

#[test]
fn the_corpus_passes() {
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let mut native = Native::new(suite.load());
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            count += 1;
            let (stream, seen) = run(case, &mut native);
            let mut differences = case.differences(&seen);
            differences.extend(stream::differences(case, &stream));
            if !differences.is_empty() {
                failures.insert(format!("{}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(count >= 120, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
}

#[test]
fn the_core_alone_finds_the_same() {
    let mut failures = BTreeMap::new();
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let policy = suite.load().policy;
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            let fields = case.fields();
            let head: Request<'_> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
            let finding = policy.decide(&head).finding.to_string();
            if finding != case.finding {
                failures.insert(
                    format!("{}: {}", suite.file, case.name),
                    format!("{finding}, not {}", case.finding),
                );
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn the_corpus_meets_every_finding() {
    let met: Vec<_> = support::corpus()
        .into_iter()
        .flat_map(|it| it.cases)
        .map(|case| case.finding)
        .collect();
    for finding in Finding::all().map(|it| it.to_string()) {
        let is_met = met.contains(&finding) || finding == "hosts:rejected:headers_unavailable";
        assert!(is_met, "no case finds {finding}");
    }
}

fn some_case(file: &str, name: &str) -> (Case, Native) {
    let suite = support::corpus().into_iter().find(|it| it.file == file).unwrap();
    let native = Native::new(suite.load());
    (suite.cases.into_iter().find(|it| it.name == name).unwrap(), native)
}

/// On a proxy that refuses one call.
fn some_broken(file: &str, name: &str, call: &'static str) -> (Case, Native) {
    let (case, mut native) = some_case(file, name);
    native.broken = Some(call);
    (case, native)
}

#[test]
fn a_request_that_cannot_be_read_is_refused() {
    let (case, mut native) = some_broken("responses", "an allowed origin", "request_headers");
    let (_, seen) = run(&case, &mut native);
    assert_eq!(seen.answer.status, 500);
    assert_eq!(seen.finding.as_deref(), Some("hosts:rejected:headers_unavailable"));
    assert!(seen.forwarded.is_none());
    assert!(seen.body.contains(r#""reason":"headers_unavailable""#), "{}", seen.body);
}

#[test]
fn a_request_that_cannot_be_edited_is_refused() {
    for (file, name, call) in [
        (
            "websocket",
            "X-Forwarded-Proto: wss becomes https",
            "set_request_header",
        ),
        ("forwarded_host_strip", "it is taken out", "remove_request_header"),
    ] {
        let (case, mut native) = some_broken(file, name, call);
        let (_, seen) = run(&case, &mut native);
        assert_eq!((seen.answer.status, seen.forwarded.is_none()), (500, true), "{name}");
    }
}

#[test]
fn a_response_that_cannot_be_edited_is_replaced() {
    for (name, call) in [
        ("an allowed origin", "set_response_header"),
        ("all of the backend's CORS headers give way", "remove_response_header"),
        ("an allowed origin", "response_headers"),
        ("an allowed origin", "add_response_header"),
    ] {
        let (case, mut native) = some_broken("responses", name, call);
        let reply = run(&case, &mut native).0.reply;
        assert_eq!(reply.as_ref().map(|it| it.status), Some(500), "{call}");
        let mut names = reply.iter().flat_map(|it| &it.headers).map(|(name, _)| name);
        assert!(
            !names.any(|name| name.starts_with(b"access-control-")),
            "{call}: {reply:?}"
        );
    }
}

#[test]
fn headers_of_the_backend_are_known_in_any_case() {
    let (case, mut native) = some_case("responses", "no origin");
    let mut stream = Stream {
        request: case.fields(),
        ..Stream::default()
    };
    assert!(native.on_request(&mut stream));
    let headers = ["Access-Control-Allow-Origin", "ACCESS-CONTROL-MAX-AGE", "Vary"];
    let made = Response {
        status: 200,
        headers: headers.map(|name| (name.to_owned(), b"Origin".to_vec())).into(),
    };
    respond(&mut native, &mut stream, made);
    let names: Vec<_> = stream.response.iter().map(|(name, _)| name.as_slice()).collect();
    assert_eq!(names, [&b"Vary"[..], b":status"]);
}

#[test]
fn a_request_that_can_neither_be_answered_nor_go_on_is_held() {
    let (case, mut native) = some_broken("websocket", "a foreign origin", "reply");
    let mut stream = Stream {
        request: case.fields(),
        ..Stream::default()
    };
    assert!(!native.on_request(&mut stream));
}

#[test]
fn a_proxy_without_counters_gets_the_same_answers() {
    let (case, _) = some_case("websocket", "a foreign origin");
    let loaded = config::load(br#"{"allowed_origins": ["https://app.example"]}"#).unwrap();
    let (stream, seen) = run(&case, &mut Native::without_counters(loaded));
    assert_eq!(seen.answer.status, 403);
    assert!(stream.counted.is_empty());
}

#[test]
fn a_new_websocket_key_is_sixteen_random_bytes() {
    let (case, mut native) = some_case("websocket", "a handshake without a key gets one");
    let keys: Vec<_> = (0..100)
        .map(|_| {
            let (stream, _) = run(&case, &mut native);
            stream::first(&stream.request, b"sec-websocket-key").unwrap().to_vec()
        })
        .collect();
    for key in &keys {
        // 22 digits, of which the last has four bits to spare, and the padding.
        assert_eq!(key.len(), 24, "{key:?}");
        assert!(
            key[..22]
                .iter()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/')),
            "{key:?}"
        );
        assert!(
            matches!(key[21], b'A' | b'Q' | b'g' | b'w') && key.ends_with(b"=="),
            "{key:?}"
        );
    }
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    for at in 0..21 {
        assert!(
            keys.iter().any(|key| key[at] != keys[0][at]),
            "digit {at} never changes"
        );
    }
}

#[test]
fn header_maps_are_read_as_they_are_written_and_no_other_bytes_panic() {
    let headers: [(&[u8], &[u8]); 3] = [(b":method", b"GET"), (b"origin", b""), (b"x", b"\xff\0\n")];
    let bytes = Pairs::encode(headers.into_iter());
    let read = |bytes: &[u8]| {
        let (pairs, mut lines) = (Pairs::new(bytes.to_vec()), Vec::new());
        let visit = |name: &[u8], value: &[u8]| lines.extend([name.to_vec(), value.to_vec()]);
        pairs.visit(visit).ok().map(|()| lines)
    };
    assert_eq!(read(&bytes).unwrap(), headers.map(<[_; 2]>::from).concat());
    assert_eq!([read(&[]), read(&[0; 4])], [const { Some(vec![]) }; 2]);
    assert!((1..bytes.len()).all(|cut| read(&bytes[..cut]).is_none()));
    for at in 0..bytes.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
    assert!(read(&[0xff; 64]).is_none());
}

/// The access log is written when the request is over, and shows the headers as they are by then.
const STRIP: &str = r#"{"allowed_hosts": ["api.example"], "hosts": {"forwarded_host": "strip"}}"#;
const CHECK: &str = r#"{"allowed_hosts": ["api.example"], "hosts": {"forwarded_host": "check"}, "csrf": {}}"#;
const WEBSOCKET: &str = r#"{"allowed_origins": ["https://a.example"]}"#;

/// What the access log shows of a request as it was received.
fn received(policy: &str, fields: &[(&str, &[u8])]) -> Vec<(String, String)> {
    let mut native = Native::new(config::load(policy.as_bytes()).unwrap());
    let common = [
        (":method", &b"GET"[..]),
        (":path", b"/"),
        (":authority", b"api.example"),
    ];
    let fields = common.iter().chain(fields);
    let mut stream = Stream {
        request: fields
            .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
            .collect(),
        ..Stream::default()
    };
    native.begin();
    native.on_request(&mut stream);
    let text = |bytes: Vec<u8>| bytes.escape_ascii().to_string();
    let received = stream.received.into_iter();
    received.map(|(name, value)| (text(name), text(value))).collect()
}

fn named(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(format!("origin_gate_received_{name}"), value.to_owned())]
}

/// A handshake of a page, over what a proxy in front says.
fn over(origin: &'static [u8], proto: &'static [u8]) -> [(&'static str, &'static [u8]); 3] {
    [
        ("upgrade", b"websocket"),
        ("origin", origin),
        ("x-forwarded-proto", proto),
    ]
}

#[test]
fn what_is_edited_is_shown_to_the_access_log_as_it_was_received() {
    assert_eq!(
        received(STRIP, &[("x-forwarded-host", b"evil.example")]),
        named("x_forwarded_host", "evil.example")
    );
    assert_eq!(
        received(STRIP, &[("x-forwarded-host", b"a"), ("x-forwarded-host", b"\xff\"b")]),
        named("x_forwarded_host", r#"a, \xff\"b"#)
    );
    assert_eq!(
        received(WEBSOCKET, &over(b"https://a.example", b"wss")),
        named("x_forwarded_proto", "wss")
    );

    // Envoy's access log takes these for the path and host, whoever sent them.
    let forged = [
        ("x-envoy-original-path", &b"/forged"[..]),
        ("x-envoy-original-host", b"forged.example"),
    ];
    let target = [named("authority", "api.example"), named("path", "/")].concat();
    assert_eq!(received(STRIP, &forged), target);
    assert_eq!(
        received(r#"{"allowed_hosts": ["other.example"]}"#, &forged[..1]),
        target
    );
}

/// Of what came in several lines, or in another spelling, Envoy's log has one line.
#[test]
fn what_came_in_several_lines_is_shown_to_the_access_log() {
    for (lines, name, value) in [
        (
            ["forwarded", "forwarded"],
            "forwarded",
            "host=api.example, host=evil.example",
        ),
        (
            ["x-forwarded-host", "x_forwarded_host"],
            "x_forwarded_host",
            "host=api.example, host=evil.example",
        ),
        (
            ["sec-fetch-site", "sec-fetch-site"],
            "sec_fetch_site",
            "host=api.example, host=evil.example",
        ),
        (
            ["sec-fetch-mode", "Sec_Fetch_Mode"],
            "sec_fetch_mode",
            "host=api.example, Sec_Fetch_Mode: host=evil.example",
        ),
        (["origin", "origin"], "origin", "host=api.example, host=evil.example"),
        (
            ["upgrade", ":protocol"],
            "upgrade",
            "host=api.example, host=evil.example",
        ),
        (
            ["host", ":authority"],
            "authority",
            "api.example, host=api.example, host=evil.example",
        ),
        (
            ["access-control-request-headers", "access-control-request-headers"],
            "access_control_request_headers",
            "host=api.example, host=evil.example",
        ),
        (
            ["x", "X_Forwarded_Proto"],
            "x_forwarded_proto",
            "X_Forwarded_Proto: host=evil.example",
        ),
    ] {
        let fields = [(lines[0], &b"host=api.example"[..]), (lines[1], b"host=evil.example")];
        for policy in [CHECK, STRIP, WEBSOCKET] {
            assert_eq!(received(policy, &fields), named(name, value), "{policy}");
        }
    }
}

/// What is not edited needs nothing, and neither does what is refused.
#[test]
fn what_is_as_it_was_received_is_not_shown_again() {
    assert_eq!(received(CHECK, &[("forwarded", b"host=evil.example")]), []);
    assert_eq!(
        received(CHECK, &[("host", b"api.example"), ("Host", b"api.example")]),
        []
    );
    assert_eq!(received(WEBSOCKET, &over(b"https://a.example", b"https")), []);
    assert_eq!(received(STRIP, &[("x-forwarded-proto", b"ws")]), []);
    assert_eq!(received(STRIP, &[("origin", b"https://a.example")]), []);
    assert_eq!(received(WEBSOCKET, &over(b"https://b.example", b"ws")), []);
}
