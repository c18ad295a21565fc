//! The corpus through a real Envoy: one process, one listener a policy, a backend that answers what each case says.
//!
//! `./build.sh test` names the binary, the module and its twin in `ENVOY_BIN`, `ORIGIN_GATE_MODULE` and
//! `ORIGIN_GATE_TWIN`.

mod artefact;
mod exchange;
mod native_filters;
mod process;
mod replay;
mod witnesses;

use crate::support;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::{Case, Envoy, Response, Seen, Suite};
use artefact::Artefact;
use exchange::{Backend, exchange, get};
use process::{RunningEnvoy, listener_name};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn the_corpus_passes_on_a_real_envoy() {
    pass_the_corpus(Artefact::Module);
}

#[test]
#[ignore = "needs Envoy and the twin: ./build.sh test"]
fn the_corpus_passes_on_a_real_envoy_with_the_twin() {
    pass_the_corpus(Artefact::Twin);
}

fn pass_the_corpus(artefact: Artefact) {
    let mut failures = BTreeMap::new();
    let mut count = 0;
    for suites in artefact.together(support::corpus()) {
        pass_on_one_envoy(artefact, &suites, &mut failures, &mut count);
    }
    assert!(count >= 120, "only {count} cases: is the corpus there?");
    support::report(&failures, count);
}

fn pass_on_one_envoy(
    artefact: Artefact,
    suites: &[Suite],
    failures: &mut BTreeMap<String, Vec<String>>,
    count: &mut usize,
) {
    let backend = Backend::start();
    let proxy = RunningEnvoy::start(artefact, suites, &backend);
    let before = failures.len();
    let mut told = HashMap::new();
    let mut counters = Vec::new();
    for (number, suite) in suites.iter().enumerate() {
        let address = proxy.address(&listener_name(number));
        for case in suite.cases.iter().filter(|case| case.envoy != Envoy::CannotSay) {
            *count += 1;
            let id = format!("case-{count}");
            let name = format!("{}: {}", suite.file, case.name);
            let seen = exchange(address, case, &id, &backend);
            let differences = match case.envoy {
                Envoy::Refuses(status) => refused_differences(status, &seen),
                _ => {
                    counters.extend(case.counters());
                    told.insert(id, (name.clone(), case));
                    case.differences(&seen)
                }
            };
            if !differences.is_empty() {
                failures.insert(name, differences);
            }
        }
    }
    compare_access_log(&proxy, &told, failures);
    compare_counters(&proxy, &counters, failures);
    if failures.len() > before {
        println!("{}", proxy.log());
    }
    println!("{count} cases passed on {}", proxy.version());
}

#[test]
#[ignore = "needs Envoy, the module and the twin: ./build.sh test"]
fn a_wrong_policy_keeps_envoy_from_starting() {
    for artefact in [Artefact::Module, Artefact::Twin] {
        let policy = r#"{"allowed_origins": ["slykertech.co.zw", "https://a.example/"], "alowed_hosts": []}"#;
        let suite = Suite {
            file: "wrong".to_owned(),
            policy: policy.to_owned(),
            environment: Vec::new(),
            cases: Vec::new(),
        };
        let backend = Backend::start();
        let mut process = RunningEnvoy::spawn(artefact, &[suite], &backend);
        let status = process.wait_for_exit();
        assert!(!status, "Envoy started with a policy that is wrong");
        let log = process.log();
        for line in [
            "allowed_origins[0]: `slykertech.co.zw`: an origin begins with a scheme; write `https://slykertech.co.zw`",
            "allowed_origins[1]: `https://a.example/`: an origin ends after the host or port: no path, not even `/`, \
             no query; write `https://a.example`",
            "alowed_hosts: unknown key; did you mean `allowed_hosts`?",
        ] {
            assert!(log.contains(line), "not logged: {line}\n{log}");
        }
    }
}

/// A list as long as anybody's: it fits, and is as right as a short one.
#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn a_hundred_thousand_origins_fit() {
    let suite = large_suite();
    let backend = Backend::start();
    let proxy = RunningEnvoy::start(Artefact::Module, std::slice::from_ref(&suite), &backend);
    for (number, case) in suite.cases.iter().enumerate() {
        let seen = exchange(
            proxy.address(&listener_name(0)),
            case,
            &format!("large-{number}"),
            &backend,
        );
        assert_eq!(case.differences(&seen), [""; 0]);
    }
    let log = proxy.log();
    let figure = |name: &str| {
        let (_, after) = log.split_once(name).unwrap();
        after.split([' ', '\n']).next().unwrap().parse::<u32>().unwrap()
    };
    let loaded = log.matches("Origin Gate policy loaded").count();
    assert_eq!(loaded, 1, "logged once, not once a worker: {log}");
    for part in [
        concat!(" version=", env!("CARGO_PKG_VERSION"), " revision="),
        " origins=100000 hosts=1 policies=0 warnings=0 from_policy=allowed_hosts,allowed_origins ",
        "CORS origin rejected reason=origin_not_allowed origin=\"https://shop-1.example-2.example\" host=\"api.example\" ",
        " nearest=\"https://shop-1.example-1.example\" repeated=0 others=0 fix=\"add https://shop-1.example-1.example:1 to ",
    ] {
        let short = || log.replace("https://shop-", "");
        assert!(log.contains(part), "not logged: {part}\n{}", short());
    }
    let (memory, load) = (figure(" memory_kib="), figure(" load_ms="));
    println!("{LARGE} origins: {load} ms to load, {memory} KiB of memory a VM");
    assert!(memory <= 64 << 10, "{memory} KiB");
}

const LARGE: usize = 100_000;

fn large_suite() -> Suite {
    let origin = |number: usize| format!("https://shop-{number}.example-{}.example", number % 977);
    let origins: Vec<_> = (0..LARGE).map(origin).collect();
    let policy = json!({ "allowed_origins": origins, "allowed_hosts": ["api.example"] }).to_string();
    let case = |origin: &str, is_allowed: bool| {
        let answer: &[(&str, &str)] = &[("access-control-allow-origin", origin), ("vary", "Origin")];
        let headers = answer
            .iter()
            .skip(usize::from(!is_allowed))
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Case {
            headers: vec![
                ("host".into(), b"api.example".to_vec()),
                ("origin".into(), origin.as_bytes().to_vec()),
            ],
            answer: Response {
                status: 200,
                headers: headers.collect(),
            },
            ..support::get_case()
        }
    };
    let cases = vec![
        case(&origin(0), true),
        case(&origin(LARGE - 1), true),
        case("https://shop-1.example-2.example", false),
        case("https://shop-1.example-1.example:1", false),
    ];
    Suite {
        file: "large".to_owned(),
        policy,
        environment: Vec::new(),
        cases,
    }
}

fn refused_differences(status: u16, seen: &Seen) -> Vec<String> {
    let mut differences = Vec::new();
    if seen.answer.status != status {
        differences.push(format!("Envoy answers {}, not {status}", seen.answer.status));
    }
    if seen.forwarded.is_some() {
        differences.push("the backend was reached".to_owned());
    }
    differences
}

/// What the access log shows of each request is what its case expects.
fn compare_access_log(
    proxy: &RunningEnvoy,
    told: &HashMap<String, (String, &Case)>,
    failures: &mut BTreeMap<String, Vec<String>>,
) {
    let started = Instant::now();
    let read = || -> HashMap<String, String> {
        let log = fs::read_to_string(proxy.access_log()).unwrap_or_default();
        let lines = log.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(id, finding)| (id.to_owned(), finding.to_owned())).collect()
    };
    let mut logged = read();
    while !told.keys().all(|id| logged.contains_key(id)) && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
        logged = read();
    }
    for (id, (name, case)) in told {
        let finding = &case.finding;
        let got = logged.get(id).map_or("(no line)", String::as_str);
        let (got, details) = got.split_once(' ').unwrap_or((got, ""));
        let differences = failures.entry(name.clone()).or_default();
        if got != finding {
            differences.push(format!("access log: expected {finding}, got {got}"));
        }
        // Only the filter's own answers have its details.
        if details.contains("origin_gate") && details != case.details() {
            differences.push(format!("details: {details}"));
        }
    }
    failures.retain(|_, differences| !differences.is_empty());
}

/// The counters add up to the requests, finding by finding.
fn compare_counters(proxy: &RunningEnvoy, counters: &[String], failures: &mut BTreeMap<String, Vec<String>>) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for counter in counters {
        *expected
            .entry(format!("{}{counter}", proxy.artefact.counters()))
            .or_default() += 1;
    }
    let read = || -> BTreeMap<String, u64> {
        let stats = get(
            proxy.admin,
            &format!("/stats?type=Counters&filter=^{}", proxy.artefact.counters()),
        );
        let lines = stats.lines().filter_map(|line| line.split_once(": "));
        let counters = lines.map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
        let depends_on_earlier = |name: &str| name.ends_with(filter::REMOVED_GRANTS);
        counters
            .filter(|(name, value)| *value > 0 && !depends_on_earlier(name))
            .collect()
    };
    let started = Instant::now();
    while read() != expected && started.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(50));
    }
    let counted = read();
    let names: std::collections::BTreeSet<_> = counted.keys().chain(expected.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| counted.get(*name) != expected.get(*name));
    let differences: Vec<_> = differing
        .map(|name| format!("{name}: expected {:?}, got {:?}", expected.get(name), counted.get(name)))
        .collect();
    if !differences.is_empty() {
        failures.insert("counters".to_owned(), differences);
    }
}
