//! What `diff` says of two policies, against a real Envoy with each of them.

use std::collections::{BTreeMap, HashMap};

use analysis::diff::{Diff, Direction};
use analysis::reach::{Permission, Question};

use super::artefact::Artefact;
use super::compare_access_log;
use super::exchange::{Backend, exchange};
use super::process::{RunningEnvoy, listener_name};
use crate::chance::Chance;
use crate::reach::{policies, read};
use crate::support::{self, Case, Seen, Suite};

const PAIRS: usize = 20;

#[test]
#[ignore = "needs Envoy and the module: ./build.sh test"]
fn a_real_envoy_answers_each_witness_as_diff_says() {
    let (suites, diffs) = pairs();
    let backend = Backend::start();
    let proxy = RunningEnvoy::start(Artefact::Module, &suites, &backend);
    let (mut expected, mut failures) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for (pair, diff) in diffs.iter().enumerate() {
        for change in &diff.changes {
            // Envoy itself refuses a host that cannot be read.
            let sendable = change.permissions.iter().filter(|(_, it)| it.question.host.is_some());
            for (permission, witness) in sendable {
                for side in [0, 1] {
                    let mut case = case_of(&witness.question);
                    case.finding = witness.findings[side].unwrap().to_string();
                    let id = format!("witness-{}", expected.len());
                    let suite = 2 * pair + side;
                    let seen = exchange(proxy.address(&listener_name(suite)), &case, &id, &backend);
                    let is_permitted = (side == 1) == (change.direction == Direction::Permits);
                    let name = format!("{permission:?} {} by {}", witness.question, suites[suite].policy);
                    if shows(permission, &seen, &witness.question).is_some_and(|it| it != is_permitted) {
                        failures.entry(name.clone()).or_default().push(format!("{seen:?}"));
                    }
                    expected.push((id, name, case));
                }
            }
        }
    }
    let told: HashMap<_, _> = expected
        .iter()
        .map(|(id, name, case)| (id.clone(), (name.clone(), case)))
        .collect();
    compare_access_log(&proxy, &told, &mut failures);
    support::report(&failures, told.len());
    assert!(told.len() > 150, "only {} requests", told.len());
    println!(
        "{} requests of {PAIRS} pairs of policies are answered as diff says",
        told.len()
    );
}

/// The policies of each pair, one after the other, and what differs.
fn pairs() -> (Vec<Suite>, Vec<Diff>) {
    let mut chance = Chance::new(11);
    let (mut suites, mut diffs) = (Vec::new(), Vec::new());
    while diffs.len() < PAIRS {
        let old = policies::policy(&mut chance);
        let new = policies::changed(&mut chance, &old);
        let (Some(one), Some(two)) = (read(&old), read(&new)) else {
            continue;
        };
        let diff = Diff::between(&one, &two).unwrap();
        if !diff.changes.is_empty() {
            diffs.push(diff);
            suites.extend([old, new].map(|policy| Suite {
                file: "pair".to_owned(),
                policy: policy.to_string(),
                environment: Vec::new(),
                cases: Vec::new(),
            }));
        }
    }
    (suites, diffs)
}

/// The request as a browser and the proxy before Envoy send it.
fn case_of(question: &Question) -> Case {
    let mut case = support::get_case();
    for (name, value) in question.lines() {
        match name {
            ":method" => case.method = value,
            ":path" => case.target = value,
            ":scheme" => case.headers.push(("x-forwarded-proto".to_owned(), value.into_bytes())),
            ":authority" => case.headers.push(("host".to_owned(), value.into_bytes())),
            name => case.headers.push((name.to_owned(), value.into_bytes())),
        }
    }
    case
}

/// Whether an answer shows that something is permitted, where one can.
fn shows(permission: &Permission, seen: &Seen, question: &Question) -> Option<bool> {
    let value = |name: &str| {
        let found = seen.answer.headers.iter().find(|(it, _)| it == name);
        found.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).to_lowercase())
    };
    let granted = value("access-control-allow-origin");
    let is_read = granted == "*" || Some(&granted) == question.origin.as_ref();
    let has = |list: &str, name: &str| {
        let list = value(list);
        is_read && list.split(',').any(|it| it.trim() == name.to_lowercase())
    };
    match permission {
        Permission::Host | Permission::Write | Permission::Socket => Some(seen.forwarded.is_some()),
        // A page may also read why it was refused.
        Permission::Read => Some(is_read && seen.forwarded.is_some()),
        Permission::ReadWithCookies => {
            let has_cookies = value("access-control-allow-credentials") == "true";
            Some(is_read && has_cookies && seen.forwarded.is_some())
        }
        Permission::PrivateNetwork => Some(is_read && value("access-control-allow-private-network") == "true"),
        Permission::Expose(name) if name != "*" => Some(has("access-control-expose-headers", name)),
        Permission::Forwarded(name) => {
            let forwarded = seen.forwarded.iter().flatten();
            Some(forwarded.into_iter().any(|(it, _)| it == name))
        }
        // The name that stands for all others is in the request, and what the backend decides, the backend says.
        Permission::Method(_) | Permission::Header(_) => {
            let (list, asked) = match permission {
                Permission::Method(_) => ("access-control-allow-methods", "access-control-request-method"),
                _ => ("access-control-allow-headers", "access-control-request-headers"),
            };
            let lines = question.lines();
            let asked = lines.iter().find(|(name, _)| *name == asked).map(|(_, value)| value);
            Some(seen.forwarded.is_none() && asked.is_some_and(|it| has(list, it)))
        }
        Permission::Expose(_) | Permission::Backend => None,
    }
}
