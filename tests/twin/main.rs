//! The corpus through the native twin, on an Envoy made of vectors: every pointer that crosses its ABI is one of this
//! process, so that what watches memory sees it all (`./build.sh sanitise`).

mod host;
mod hostile;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use origin_gate_twin as _;

use crate::allocations;
use crate::support::stream::{self, Host, Stream, run};
use crate::support::{self, Case, Envoy};
use host::Dynamic;

/// What one policy could not show, another's stream does: policies share a process.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_corpus_passes() {
    let _one = one_at_a_time();
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        // The twin reads the process' environment, which is that of all tests.
        if !suite.environment.is_empty() {
            continue;
        }
        let mut host = Dynamic::new(suite.policy.as_bytes()).unwrap();
        // Miri takes minutes for a hundred.
        let most = if cfg!(miri) { 2 } else { usize::MAX };
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only).take(most) {
            count += 1;
            let differences = differences(case, &mut host);
            if !differences.is_empty() {
                failures.insert(format!("{}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(count >= 80, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
}

fn differences(case: &Case, host: &mut Dynamic) -> Vec<String> {
    let (mut stream, seen) = run(case, host);
    // Envoy takes no details of an answer that it is to send as it is.
    if let Some(reply) = stream.reply.as_mut().filter(|it| it.details.is_empty()) {
        reply.details = case.details();
        assert!(
            case.headers
                .iter()
                .any(|(_, value)| value.starts_with(b"application/grpc"))
        );
    }
    let mut differences = case.differences(&seen);
    differences.extend(stream::differences(case, &stream));
    differences
}

const POLICY: &[u8] = br#"{"allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"]}"#;

fn request(more: &[(&str, &str)]) -> Stream {
    let own = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", "api.example"),
        (":scheme", "https"),
    ];
    let fields = own.iter().chain(more);
    Stream {
        request: fields
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect(),
        ..Stream::default()
    }
}

#[test]
fn a_plain_request_allocates_nothing() {
    let _one = one_at_a_time();
    let mut host = Dynamic::new(POLICY).unwrap();
    for number in 0..3 {
        let mut stream = request(&[("accept", "*/*"), ("cookie", "a=b")]);
        let before = allocations::count();
        host.begin();
        assert!(host.on_request(&mut stream));
        allocations::uncounted(|| stream.response = vec![(b":status".to_vec(), b"200".to_vec())]);
        host.on_response(&mut stream);
        host.end();
        let count = allocations::count() - before;
        // The first makes room for those that follow.
        assert!(number == 0 || count == 0, "{number}: {count}");
        assert_eq!(stream::first(&stream.response, b"vary"), Some(&b"Origin"[..]));
    }
}

#[test]
fn a_wrong_policy_is_refused_and_counted() {
    let _one = one_at_a_time();
    assert!(Dynamic::new(br#"{"alowed_origins": []}"#).is_none());
    assert!(Dynamic::new(b"").is_none());
    let mut host = Dynamic::new(POLICY).unwrap();
    let mut counted = Vec::new();
    for _ in 0..2 {
        host.begin();
        counted.append(&mut host.counted());
    }
    assert_eq!(
        counted, ["origin_gate_policies_refused"; 2],
        "by the first stream, as on Envoy 1.38"
    );
}

#[test]
fn the_gauge_shows_a_policy_and_its_threads() {
    let _one = one_at_a_time();
    let mut host = Dynamic::new(POLICY).unwrap();
    host.begin();
    let gauges = host.gauges();
    let digest = config::load(POLICY).unwrap().digest_number;
    let threads = 3; // two workers and the main thread
    let expected = [
        ("origin_gate_policy_vms", threads),
        ("origin_gate_policy_digests", threads * u64::from(digest)),
    ];
    assert_eq!(gauges, expected.map(|(name, share)| (name.to_owned(), share)));
}

#[test]
fn a_panic_refuses_its_own_request() {
    let _one = one_at_a_time();
    let mut host = Dynamic::new(POLICY).unwrap();
    for (hook, finding) in [
        ("request", "hosts:rejected:panicked"),
        ("response", "cors:allowed:origin_missing"),
    ] {
        let mut stream = request(&[("x-panic", hook)]);
        host.begin();
        let goes_on = host.on_request(&mut stream);
        assert_eq!(goes_on, hook == "response");
        stream.response = vec![(b":status".to_vec(), b"200".to_vec())];
        host.on_response(&mut stream);
        let reply = stream.reply.unwrap();
        assert_eq!(
            (reply.status, reply.details.as_str()),
            (500, "origin_gate{hosts_panicked}")
        );
        assert_eq!(stream.finding.as_deref(), Some(finding));
        let last = stream.counted.last().unwrap();
        assert_eq!(
            last,
            "origin_gate_decisions.check.hosts.outcome.rejected.reason.panicked"
        );
        host.begin();
        assert!(host.on_request(&mut request(&[])), "the next one goes on");
    }
}

#[test]
fn a_panic_over_grpc_is_no_success() {
    let _one = one_at_a_time();
    let mut host = Dynamic::new(POLICY).unwrap();
    for (hook, status) in [("request", 500), ("response", 0)] {
        let mut stream = request(&[("x-panic", hook), ("content-type", "application/grpc")]);
        host.begin();
        if host.on_request(&mut stream) {
            host.on_response(&mut stream);
        }
        assert_eq!(
            stream.reply.unwrap().status,
            status,
            "0 stands for a stream that is reset"
        );
    }
}
