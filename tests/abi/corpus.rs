//! The corpus on hosts that are not Envoy, whatever they refuse. No case depends on a property, a metric or the log level:
//! the module reads none of them, and only what it would have told through them is missing.

use std::collections::BTreeMap;

use crate::bare::state::{BAD_ARGUMENT, INTERNAL_FAILURE, NOT_FOUND, Refusal, UNIMPLEMENTED};
use crate::bare::{self, Compiled};
use crate::support::stream::{self, Host, run};
use crate::support::{self, Case, Envoy, Suite};
use crate::{MODULE, module, second};

const PROPERTIES: &[&str] = &["proxy_get_property", "proxy_set_property"];
const METRICS: &[&str] = &["proxy_define_metric", "proxy_increment_metric"];
const LOG_LEVEL: &[&str] = &["proxy_get_log_level"];
const LOG: &[&str] = &["proxy_log"];
const CLOCK: &[&str] = &["proxy_get_current_time_nanoseconds"];
const SHARED_DATA: &[&str] = &["proxy_get_shared_data", "proxy_set_shared_data"];
const TICK: &[&str] = &["proxy_set_tick_period_milliseconds"];

/// How much of what a case says the host can show.
#[derive(Clone, Copy)]
struct Shows {
    finding: bool,
    counters: bool,
}

/// Runs every case on a host that `start` makes for each policy.
fn hold_to_the_corpus<H: Host>(what: &str, shows: Shows, start: impl Fn(&Suite) -> H) {
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suite in support::corpus().into_iter().chain([support::matrix()]) {
        let mut host = start(&suite);
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::Only) {
            count += 1;
            let differences = differences(case, shows, &mut host);
            if !differences.is_empty() {
                failures.insert(format!("{what}: {}: {}", suite.file, case.name), differences);
            }
        }
    }
    assert!(count >= 120, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
    println!("{count} cases passed on {what}");
}

fn differences(case: &Case, shows: Shows, host: &mut impl Host) -> Vec<String> {
    let (mut stream, seen) = run(case, host);
    let mut differences = case.differences(&seen);
    // That a host which takes neither is told nothing is seen here; the rest of the comparison goes on without.
    if !shows.finding {
        assert_eq!(stream.finding.replace(case.finding.clone()), None);
    }
    if !shows.counters {
        assert_eq!(std::mem::replace(&mut stream.counted, case.counters()), [""; 0]);
    }
    differences.extend(stream::differences(case, &stream));
    differences
}

fn bare_host(what: &str, refused: &[&[&'static str]], status: u32) {
    let calls = refused.concat();
    let shows = Shows {
        finding: !calls.contains(&"proxy_set_property"),
        counters: !calls.contains(&"proxy_increment_metric"),
    };
    let compiled: &Compiled = &MODULE;
    hold_to_the_corpus(what, shows, |suite| {
        bare::Vm::with(compiled, suite, Refusal::new(&calls, status))
    });
}

#[test]
fn the_corpus_passes_on_a_second_host() {
    let compiled = second::Compiled::load(&module());
    let all = Shows {
        finding: true,
        counters: true,
    };
    hold_to_the_corpus("proxy-wasm-host", all, |suite| {
        second::Vm::with(&compiled, suite, second::Serves::Everything)
    });
    let none = Shows {
        finding: false,
        counters: false,
    };
    hold_to_the_corpus(
        "proxy-wasm-host without properties, metrics and shared data",
        none,
        |suite| second::Vm::with(&compiled, suite, second::Serves::HeadersOnly),
    );
}

#[test]
fn the_corpus_passes_on_a_bare_host() {
    bare_host("the bare host", &[], 0);
}

#[test]
fn the_corpus_passes_whatever_the_host_refuses() {
    for (what, calls) in [
        ("properties", PROPERTIES),
        ("metrics", METRICS),
        ("the log level", LOG_LEVEL),
        ("the log", LOG),
        ("the clock", CLOCK),
        ("shared data", SHARED_DATA),
        ("ticks", TICK),
    ] {
        bare_host(&format!("a host that refuses {what}"), &[calls], UNIMPLEMENTED);
    }
    let all = [PROPERTIES, METRICS, LOG_LEVEL, LOG, CLOCK, SHARED_DATA, TICK];
    for status in [NOT_FOUND, BAD_ARGUMENT, INTERNAL_FAILURE, UNIMPLEMENTED, 4711] {
        bare_host(
            &format!("a host that refuses all of it with status {status}"),
            &all,
            status,
        );
    }
}
