//! `diff` against brute force: whatever a request that somebody makes up shows, the difference of the two policies names.

use analysis::diff::{Diff, Direction, Witness};
use analysis::explain::{Exchange, explain};
use analysis::reach::{Answer, Permission, Subject};
use serde_json::Value;

use crate::chance::Chance;

#[path = "reach/policies.rs"]
pub(crate) mod policies;
#[path = "reach/requests.rs"]
mod requests;

use policies::{changed, policy};
use requests::question;

pub(crate) fn read(policy: &Value) -> Option<Subject> {
    Subject::read(policy.to_string().as_bytes(), &[]).ok()
}

/// Whether a difference has what one request shows.
fn names(diff: &Diff, direction: Direction, permission: &Permission) -> bool {
    let is_named = |it: &Permission| match (it, permission) {
        // A name that no list has stands for all of them.
        (Permission::Method(own), Permission::Method(other)) | (Permission::Header(own), Permission::Header(other)) => {
            own == other || own.strip_suffix('*').is_some_and(|prefix| other.starts_with(prefix))
        }
        // Who reads what it did not has all that is for readers; who asks a new host has all that the policy grants there.
        (
            Permission::Read,
            Permission::Method(_) | Permission::Header(_) | Permission::PrivateNetwork | Permission::Expose(_),
        ) => true,
        (Permission::Backend, Permission::Method(_) | Permission::Header(_) | Permission::PrivateNetwork) => true,
        (Permission::Host, _) => true,
        (own, other) => own == other,
    };
    let mut changes = diff.changes.iter().filter(|it| it.direction == direction);
    diff.undecided.is_some() || changes.any(|it| it.permissions.keys().any(is_named))
}

fn gained(more: &Answer, less: &Answer) -> Vec<Permission> {
    let has_every = less.permissions.contains(&Permission::Expose("*".to_owned()));
    let gained = more.permissions.difference(&less.permissions);
    gained
        .filter(|it| !(has_every && matches!(it, Permission::Expose(_))))
        .cloned()
        .collect()
}

fn each_witness_holds(diff: &Diff, subjects: [&Subject; 2]) {
    for change in &diff.changes {
        for (permission, witness) in &change.permissions {
            let answers = subjects.map(|it| Answer::of(it.policy(), &witness.question));
            let is_shown = |it: &Permission| match (it, permission) {
                (Permission::Method(_), Permission::Method(name))
                | (Permission::Header(_), Permission::Header(name))
                    if name.ends_with('*') =>
                {
                    true
                }
                (own, other) => own == other,
            };
            let has = answers.each_ref().map(|it| it.permissions.iter().any(is_shown));
            let expected = [
                change.direction == Direction::Refuses,
                change.direction == Direction::Permits,
            ];
            assert_eq!(has, expected, "{permission:?}: {}\n{}", witness.question, diff.text());
        }
    }
}

fn compare(chance: &mut Chance, old: &Value, new: &Value, requests: usize) -> usize {
    let (Some(one), Some(two)) = (read(old), read(new)) else {
        return 0;
    };
    let diff = Diff::between(&one, &two).unwrap();
    assert!(
        old != new || (diff.changes.is_empty() && diff.notes.is_empty()),
        "{old}"
    );
    let mut shown = 0;
    for _ in 0..requests {
        let question = question(chance);
        let [before, after] = [&one, &two].map(|it| Answer::of(it.policy(), &question));
        for (direction, permissions) in [
            (Direction::Permits, gained(&after, &before)),
            (Direction::Refuses, gained(&before, &after)),
        ] {
            for permission in permissions {
                shown += 1;
                assert!(
                    names(&diff, direction, &permission),
                    "{direction:?} {permission:?}: {question}\nold {old}\nnew {new}\n{}",
                    diff.text()
                );
            }
        }
    }
    each_witness_holds(&diff, [&one, &two]);
    shown
}

/// A number that `./build.sh reach` gives.
fn given(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(default)
}

/// So many pairs of policies, and how many differences their requests showed.
fn compare_pairs(seed: u64, pairs: usize) -> usize {
    let mut chance = Chance::new(seed);
    let (mut compared, mut shown) = (0, 0);
    while compared < pairs {
        let old = policy(&mut chance);
        let new = match chance.below(4) {
            0 => policy(&mut chance),
            1 if compared.is_multiple_of(8) => old.clone(),
            _ => changed(&mut chance, &old),
        };
        if read(&old).is_none() || read(&new).is_none() {
            continue;
        }
        compared += 1;
        shown += compare(&mut chance, &old, &new, 100);
    }
    shown
}

#[test]
fn what_brute_force_finds_is_named_and_each_witness_holds() {
    let pairs = given("ORIGIN_GATE_PAIRS", 40);
    let seed = given("ORIGIN_GATE_SEED", 7) as u64;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let shown: usize = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads as u64)
            .map(|at| scope.spawn(move || compare_pairs(seed + at, pairs.div_ceil(threads))))
            .collect();
        started.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert!(shown > pairs, "too few of the requests differ: {shown}");
}

#[test]
fn explain_says_of_a_witness_what_the_difference_says() {
    let mut chance = Chance::new(3);
    let mut explained = 0;
    while explained < 20 {
        let (old, new) = (policy(&mut chance), policy(&mut chance));
        let (Some(one), Some(two)) = (read(&old), read(&new)) else {
            continue;
        };
        for change in Diff::between(&one, &two).unwrap().changes {
            for witness in change.permissions.values() {
                let lines = witness.question.lines().into_iter();
                let exchange = Exchange {
                    request: lines
                        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                        .collect(),
                    response: vec![(":status".to_owned(), b"200".to_vec())],
                };
                for (policy, finding) in [&old, &new].into_iter().zip(witness.findings) {
                    let loaded = config::load(policy.to_string().as_bytes()).unwrap();
                    assert_eq!(explain(loaded, &exchange).unwrap().finding, finding.unwrap());
                }
            }
            explained += 1;
        }
    }
}

/// Of a prefix one name stands for all that no list has, so that it is not lost among those that are listed.
#[test]
fn a_prefix_of_headers_is_more_than_what_is_listed_below_it() {
    let policy = |headers: Value| {
        let cors = serde_json::json!({ "allow_headers": headers });
        serde_json::json!({ "allowed_origins": ["https://app.example"], "allowed_hosts": ["api.example"], "cors": cors })
    };
    let told = |old: Value, new: Value| {
        let [old, new] = [old, new].map(|it| read(&policy(it)).unwrap());
        Diff::between(&old, &new).unwrap().text()
    };
    let one = || serde_json::json!(["mcp-param-a"]);
    let prefix = || serde_json::json!(["mcp-param-*", "mcp-param-a"]);
    let text = told(one(), prefix());
    assert!(text.contains("may send any other header mcp-param-*"), "{text}");
    let text = told(prefix(), one());
    assert!(
        text.contains("may no longer send any other header mcp-param-*"),
        "{text}"
    );
    let text = told(prefix(), serde_json::json!(["mcp-*"]));
    assert!(
        text.contains("may send any other header mcp-*") && !text.contains("no longer"),
        "{text}"
    );
}

/// What it gains is seen over `http` alone: it opens nothing on `https`, on whatever host.
#[test]
fn a_page_of_http_is_asked_over_both_schemes() {
    let policy =
        |origin: &str| serde_json::json!({"allowed_hosts": ["api.example"], "allowed_origins": [origin], "csrf": {}});
    let [old, new] = ["https://a.example", "http://a.example"].map(|it| read(&policy(it)).unwrap());
    let diff = Diff::between(&old, &new).unwrap();
    for permission in [Permission::Socket, Permission::Write] {
        assert!(
            names(&diff, Direction::Permits, &permission),
            "{permission:?}\n{}",
            diff.text()
        );
    }
}

/// `websocket.allowed_hosts` takes the request's port on every host, so that a page is asked on its own port there.
#[test]
fn a_page_is_asked_on_its_own_port_on_other_hosts_too() {
    let policy = |is_taken: bool| {
        serde_json::json!({
            "allowed_hosts": ["api.example", ".a.example"],
            "allowed_origins": ["https://api.example", "https://a.example", "https://*.a.example"],
            "websocket": { "same_host": true, "allowed_hosts": is_taken },
        })
    };
    let [old, new] = [false, true].map(|it| read(&policy(it)).unwrap());
    let diff = Diff::between(&old, &new).unwrap();
    let witnesses = diff
        .changes
        .iter()
        .filter_map(|it| it.permissions.get(&Permission::Socket));
    let is_on_its_port = |it: &Witness| it.question.host.as_deref().is_some_and(|host| host.ends_with(":1"));
    assert!(witnesses.into_iter().any(is_on_its_port), "{}", diff.text());
}
