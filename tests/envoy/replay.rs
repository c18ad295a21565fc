//! What `replay` finds in the log that `envoy/` ships, against what Envoy itself counted of the same traffic.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::artefact::Artefact;
use super::exchange::{Backend, exchange, get};
use super::process::{RunningEnvoy, envoy_config, listener_name};
use crate::documents::document;
use crate::logs::shipped::replayed;
use crate::manifests::documents;
use crate::support::{self, Envoy};

/// The access log of a listener, in the format of `envoy/envoy.yaml`.
fn access_log(path: &str) -> Value {
    let shipped = &documents(&document("envoy/envoy.yaml"))[0];
    let manager = &shipped["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": manager["access_log"][0]["typed_config"]["log_format"],
        },
    })
}

#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn replay_finds_what_envoy_counted_to_the_request() {
    let suites = support::corpus();
    let backend = Backend::start();
    let log_of = |folder: &std::path::Path, number: usize| folder.join(format!("shipped-{number}"));
    let proxy = RunningEnvoy::spawn_with(Artefact::Module, &suites, |folder| {
        let path = folder.join("access");
        let mut config = envoy_config(Artefact::Module, &suites, &backend, &path.to_string_lossy());
        let listeners = config["static_resources"]["listeners"].as_array_mut().unwrap();
        for (number, listener) in listeners.iter_mut().enumerate() {
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            manager["access_log"] = json!([access_log(&log_of(folder, number).to_string_lossy())]);
        }
        config
    });
    let proxy = proxy.wait();
    let mut sent = 0;
    for (number, suite) in suites.iter().enumerate() {
        for case in suite.cases.iter().filter(|it| it.envoy != Envoy::CannotSay) {
            sent += 1;
            exchange(
                proxy.address(&listener_name(number)),
                case,
                &format!("replay-{sent}"),
                &backend,
            );
        }
    }
    let replayed = || {
        let mut findings = BTreeMap::<String, u64>::new();
        for (number, suite) in suites.iter().enumerate() {
            let log = fs::read_to_string(log_of(&proxy.folder, number)).unwrap_or_default();
            for (finding, count) in replayed(suite, &log) {
                *findings.entry(finding).or_default() += count;
            }
        }
        findings
    };
    let started = Instant::now();
    let (mut found, mut counted) = (replayed(), counters(&proxy));
    while found != counted && started.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(200));
        (found, counted) = (replayed(), counters(&proxy));
    }
    assert_eq!(found, counted);
    let total: u64 = counted.values().sum();
    assert!(total > 700, "only {total} requests");
    println!("{total} of {sent} requests reached the filter, and replay finds for each what Envoy counted");
}

/// How often Envoy counted each finding.
fn counters(proxy: &RunningEnvoy) -> BTreeMap<String, u64> {
    let name = format!("{}origin_gate_decisions.", proxy.artefact.counters());
    let stats = get(proxy.admin, &format!("/stats?type=Counters&filter=^{name}"));
    let counters = stats.lines().filter_map(|line| {
        let (counter, count) = line.split_once(": ")?;
        let parts: Vec<_> = counter.strip_prefix(&name)?.split('.').collect();
        Some(([parts[1], parts[3], parts[5]].join(":"), count.parse().ok()?))
    });
    counters.filter(|(_, count)| *count > 0).collect()
}
